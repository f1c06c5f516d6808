"""One form of target for hard labels, soft labels and numbers, so that mixing and smoothing need no cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils import _pytree


@dataclasses.dataclass(frozen=True)
class Target:
    """What a batch should come out as.

    Attributes:
        values: (batch, classes) probabilities, or (batch, outputs) numbers.
        weight: (batch,) how much each row counts; their mean over the training rows is 1.
        classes: whether ``values`` are class probabilities.
        criterion: somebody's own loss in place of the two here: (outputs, values) -> (), weights are not read.
    """

    values: Tensor
    weight: Tensor
    classes: bool
    criterion: Callable[[Tensor, Tensor], Tensor] | None = None

    def blend(self, other: Target, share: Tensor) -> Target:
        """``share`` of this target and the rest of the other: the labels of mixed rows.

        A row that counts more brings more of its label, so that the weighted cross-entropy of the blend is exactly
        share * weight * loss of the one + (1 - share) * weight * loss of the other.
        """
        weight = share * self.weight + (1.0 - share) * other.weight
        own = torch.where(weight > 0, share * self.weight / torch.where(weight > 0, weight, 1.0), share).unsqueeze(-1)
        return dataclasses.replace(self, values=own * self.values + (1.0 - own) * other.values, weight=weight)

    def take(self, rows: Tensor) -> Target:
        return dataclasses.replace(self, values=self.values[rows], weight=self.weight[rows])

    def loss(self, outputs: Tensor) -> Tensor:
        """Mean weighted loss of (batch, outputs): cross-entropy of soft labels, or squared error without 1/2."""
        if self.criterion is not None:
            return self.criterion(outputs, self.values)
        return (self.weight * self.row_losses(outputs)).mean()

    def row_losses(self, outputs: Tensor) -> Tensor:
        """(batch,) loss of each row, unweighted; under somebody's own loss, that of the row as a batch of one."""
        criterion = self.criterion
        if criterion is not None:
            return torch.vmap(lambda out, value: criterion(out[None], value[None]))(outputs, self.values)
        if self.classes:
            return -(self.values * torch.log_softmax(outputs, dim=-1)).sum(-1)
        return ((outputs - self.values) ** 2).mean(-1)


_pytree.register_pytree_node(
    Target,
    lambda t: ([t.values, t.weight], (t.classes, t.criterion)),
    lambda leaves, fixed: Target(*leaves, *fixed),  # type: ignore[misc]
)
