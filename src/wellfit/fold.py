"""The rows of one training fold, as the data-level methods see them: they may add rows, drop rows and weigh them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Texts:
    """Texts as rows, before they become numbers.

    Attributes:
        values: one text a row.
        made: (rows,) bool, which of them are variants of others: what makes variants makes them of the originals alone.
    """

    values: tuple[str, ...]
    made: Tensor

    @classmethod
    def of(cls, values: Iterable[str], made: bool = False) -> Texts:
        held = tuple(values)
        return cls(held, torch.full((len(held),), made))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Tensor) -> Texts:
        places = rows.nonzero().squeeze(-1) if rows.dtype == torch.bool else rows
        return Texts(tuple(self.values[i] for i in places.tolist()), self.made[places])

    def __add__(self, other: Texts) -> Texts:
        return Texts(self.values + other.values, torch.cat([self.made, other.made]))


@dataclasses.dataclass(frozen=True)
class Fold:
    """Encoded training rows, never validation or test rows.

    Attributes:
        x: (rows, columns) encoded inputs; of texts the texts themselves, which are encoded afterwards.
        labels: (rows,) class numbers, or numbers where ``classes`` is 0.
        weight: (rows,) how much each row counts.
        classes: how many classes there are; 0 for regression.
        categories: (start, width) of each block of 0/1 columns that codes one category.
    """

    x: Tensor | Texts
    labels: Tensor
    weight: Tensor
    classes: int
    categories: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> Fold:
        """The rows at these places, in this order, repeated where a place is."""
        return dataclasses.replace(self, x=self.x[rows], labels=self.labels[rows], weight=self.weight[rows])

    def add(self, x: Tensor | Texts, labels: Tensor, weight: Tensor | None = None) -> Fold:
        """With further rows at the end; they weigh 1 unless told otherwise."""
        weight = torch.ones(len(x), dtype=self.weight.dtype) if weight is None else weight
        return dataclasses.replace(
            self,
            x=self.x + x if isinstance(self.x, Texts) else torch.cat([self.x, x.to(self.x.dtype)]),
            labels=torch.cat([self.labels, labels.to(self.labels.dtype)]),
            weight=torch.cat([self.weight, weight.to(self.weight.dtype)]),
        )
