"""Targets of a person's own loop, as a recipe wants them, and back as a criterion of torch wants them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wellfit.errors import DataError, UsageError
from wellfit.target import Target


class Targets:
    """Turns labels or numbers into a ``Target``, and a ``Target`` into soft labels or numbers.

    Args:
        classes: how many there are; None where the network's outputs tell.
    """

    def __init__(self, classes: int | None) -> None:
        self.classes = classes
        self._made: tuple[Tensor, Target] | None = None

    def read(self, y: Any, like: Tensor, criterion: Any = None) -> Target:
        """The target of a batch: whole numbers are classes; so are rows of numbers that a cross-entropy reads.

        Raises:
            DataError: the labels are not those of rows, or are none of the classes.
            UsageError: there are classes, and nobody has said how many.
        """
        if self._made is not None and y is self._made[0]:
            return self._made[1]
        if not isinstance(y, Tensor):
            raise UsageError(
                f"a target came as {type(y).__name__}; a tensor is allowed: (batch,) labels, or numbers.",
                fix="Stack the targets of the batch: torch.as_tensor(y).", code="WF-A11",
            )  # fmt: skip
        weight = torch.ones(len(y), dtype=like.dtype, device=y.device)
        if not y.is_floating_point():
            return Target(self._one_hot(y, like), weight, classes=True)
        values = y.to(like.dtype)
        soft = y.ndim == 2 and (isinstance(criterion, nn.CrossEntropyLoss) or self.classes == y.shape[1])
        return Target(values if y.ndim > 1 else values[:, None], weight, classes=soft)

    def write(self, target: Target, read: Target, y: Tensor) -> Tensor:
        """What the criterion is handed: ``y`` itself where no part of the recipe has changed it."""
        if target.values is read.values:
            return y
        out = target.values if target.classes else target.values.reshape(y.shape).to(y.dtype)
        self._made = (out, target)
        return out

    def _one_hot(self, y: Tensor, like: Tensor) -> Tensor:
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise DataError(
                f"labels came in the shape {tuple(y.shape)}; this part of the recipe takes one a row, (batch,).",
                fix="Leave out the parts that change or compare whole rows: mixing, smoothing, distillation.",
                code="WF-A12",
            )
        if self.classes is None:
            raise UsageError(
                "the targets are classes, and how many there are cannot be seen from the model.",
                fix="Say it: recipe.attach(model, optimizer, classes=10).", code="WF-A13",
            )  # fmt: skip
        if y.numel() and not (int(y.min()) >= 0 and int(y.max()) < self.classes):
            raise DataError(
                f"labels go from {int(y.min())} to {int(y.max())}; allowed is 0 to {self.classes - 1}.",
                fix="Leave out rows without a label, or say how many classes there are: classes=.", code="WF-A12",
            )  # fmt: skip
        return nn.functional.one_hot(y.to(torch.int64), self.classes).to(like.dtype)
