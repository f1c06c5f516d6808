"""One form of target for hard labels, soft labels and numbers, so that mixing and smoothing need no cases."""

from __future__ import annotations

import dataclasses

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
    """

    values: Tensor
    weight: Tensor
    classes: bool

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
        return (self.weight * self.row_losses(outputs)).mean()

    def row_losses(self, outputs: Tensor) -> Tensor:
        """(batch,) loss of each row, unweighted."""
        if self.classes:
            return -(self.values * torch.log_softmax(outputs, dim=-1)).sum(-1)
        return ((outputs - self.values) ** 2).mean(-1)


_pytree.register_pytree_node(
    Target,
    lambda t: ([t.values, t.weight], t.classes),
    lambda leaves, classes: Target(*leaves, classes=classes),  # type: ignore[misc]
)
