"""The rows of one training fold, as the data-level methods see them: they may add rows, drop rows and weigh them."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Fold:
    """Encoded training rows, never validation or test rows.

    Attributes:
        x: (rows, columns) encoded inputs.
        labels: (rows,) class numbers, or numbers where ``classes`` is 0.
        weight: (rows,) how much each row counts.
        classes: how many classes there are; 0 for regression.
        categories: (start, width) of each block of 0/1 columns that codes one category.
    """

    x: Tensor
    labels: Tensor
    weight: Tensor
    classes: int
    categories: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> Fold:
        """The rows at these places, in this order, repeated where a place is."""
        return dataclasses.replace(self, x=self.x[rows], labels=self.labels[rows], weight=self.weight[rows])

    def add(self, x: Tensor, labels: Tensor, weight: Tensor | None = None) -> Fold:
        """With further rows at the end; they weigh 1 unless told otherwise."""
        weight = torch.ones(len(x), dtype=self.weight.dtype) if weight is None else weight
        return dataclasses.replace(
            self,
            x=torch.cat([self.x, x.to(self.x.dtype)]),
            labels=torch.cat([self.labels, labels.to(self.labels.dtype)]),
            weight=torch.cat([self.weight, weight.to(self.weight.dtype)]),
        )
