"""What somebody's model is trained for: the loss, and the form of the targets that it reads."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wellfit.errors import DataError, UsageError
from wellfit.target import Target

Loss = Callable[[Tensor, Tensor], Tensor]

_SAME = 1e-4
"""How far two ways to compute one loss may differ, as a share of it: float32 sums in another order stay far below."""


@dataclasses.dataclass(frozen=True)
class Flat:
    """Somebody's loss of targets that are kept as (rows, numbers) whatever shape a row has."""

    loss: Loss
    shape: tuple[int, ...]

    def __call__(self, outputs: Tensor, values: Tensor) -> Tensor:
        return self.loss(outputs, values.reshape(len(values), *self.shape))


@dataclasses.dataclass(frozen=True)
class Goal:
    """The loss and the targets.

    Attributes:
        kind: ``classes`` (probabilities, so that labels mix), ``labels`` (whole numbers for a loss that takes no other;
            they cannot be mixed or smoothed) or ``numbers``.
        name: of the loss, as shown.
        outputs: the shape of a model's output for one row.
        count: classes, or 0 where they are not known.
        loss: somebody's own, or None for cross-entropy and squared error.
        shape: of one row's target as that loss reads it.
        apart: whether the loss of a batch is the mean of its rows' losses.
    """

    kind: str
    name: str
    outputs: tuple[int, ...]
    count: int = 0
    loss: Loss | None = None
    shape: tuple[int, ...] = ()
    apart: bool = True

    @property
    def task(self) -> str:
        """As regularizers name it."""
        if self.kind == "numbers":
            return "regression"
        return "binary" if self.count == 2 else "multiclass"

    def target(self, y: Tensor, dtype: torch.dtype) -> Target:
        """The engine's form of targets."""
        if self.kind == "classes":
            values = functional.one_hot(y.reshape(-1).long(), self.count).to(dtype)
        elif self.kind == "numbers":
            values = y.reshape(len(y), -1).to(dtype)
        else:
            values = y.reshape(len(y), -1)
        weight = torch.ones(len(y), dtype=dtype)
        criterion = Flat(self.loss, self.shape) if self.loss is not None else None
        return Target(values, weight, self.kind == "classes", criterion)

    def on(self, device: str) -> Goal:
        """The same with the loss's own tensors, such as class weights, on a device."""
        if not isinstance(self.loss, nn.Module):
            return self
        return dataclasses.replace(self, loss=copy.deepcopy(self.loss).to(device))

    def batch_loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The loss of outputs on targets as they came, ()."""
        if self.loss is not None:
            return self.loss(outputs, y if self.kind == "labels" else self.own_form(y, outputs.dtype))
        return self.target(y, outputs.dtype).loss(outputs.reshape(len(outputs), -1))

    def row_losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """(rows,) the loss of each row as a batch of its own."""
        if self.loss is None:
            return self.target(y, outputs.dtype).row_losses(outputs.reshape(len(outputs), -1))
        try:
            return torch.vmap(lambda out, value: self.batch_loss(out[None], value[None]))(outputs, y)
        except Exception:  # somebody's function may know no stacks
            return torch.stack([self.batch_loss(outputs[i : i + 1], y[i : i + 1]) for i in range(len(y))])

    def own_form(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        """Targets as somebody's loss reads them in training: probabilities for classes, numbers in the model's type."""
        return self.target(y, dtype).values.reshape(len(y), *self.shape)


def make_goal(loss: Any, y: Tensor, outputs: Tensor) -> Goal:
    """What is to be trained for, from the loss, the targets and a model's outputs on the first rows.

    Raises:
        DataError: outputs and targets do not fit each other.
        UsageError: the loss is no function of both that gives one number.
    """
    shape, whole = tuple(outputs.shape[1:]), not y.is_floating_point() and not y.is_complex()
    if loss is None or _is_plain_cross_entropy(loss):
        if whole:
            return Goal("classes", "log loss", shape, _classes(y, shape))
        squared = None if len(shape) == 1 else _squared_error
        return Goal("numbers", "RMSE", _fitting(y, shape), loss=squared, shape=tuple(y.shape[1:]))
    if not callable(loss):
        raise UsageError(
            f"the loss is {type(loss).__name__}; a function (outputs, targets) -> one number is allowed.",
            fix="Give a torch loss such as nn.HuberLoss(), or leave loss out.",
            code="WF-U30",
        )
    return _own_goal(loss, y, outputs)


def _own_goal(loss: Loss, y: Tensor, outputs: Tensor) -> Goal:
    name, some = getattr(loss, "__name__", type(loss).__name__), y[: len(outputs)]
    form = tuple(y.shape[1:])
    if y.is_floating_point():
        goal = Goal("numbers", name, tuple(outputs.shape[1:]), loss=loss, shape=form)
    else:
        goal = Goal("labels", name, tuple(outputs.shape[1:]), _known(y, outputs), loss, form)
        soft = dataclasses.replace(goal, kind="classes", shape=(goal.count,))
        if goal.count and y.ndim == 1 and _agree(soft, goal, outputs, some):
            goal = soft
    value = _tried(goal, outputs, some)
    rows = goal.row_losses(outputs, some).mean() if _works(goal, outputs, some) else value * torch.nan
    return dataclasses.replace(goal, apart=_close(rows, value))


def _tried(goal: Goal, outputs: Tensor, y: Tensor) -> Tensor:
    """The loss of the first rows; raises UsageError where that is not one number, or shapes are broadcast by chance."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Using a target size")
            value = goal.batch_loss(outputs, y)
    except Exception as error:  # somebody's function may raise anything
        raise UsageError(
            f"the loss {goal.name} does not take outputs {tuple(outputs.shape)} with targets {tuple(y.shape)}: "
            f"{str(error).splitlines()[0][:160] if str(error) else type(error).__name__}",
            fix="Bring targets of the shape and type that it reads, or another loss.",
            code="WF-U31",
        ) from error
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise UsageError(
            f"the loss {goal.name} gives {shape}; one number is allowed.",
            fix="Take the mean over rows: reduction='mean'.",
            code="WF-U32",
        )
    return value


def _squared_error(outputs: Tensor, values: Tensor) -> Tensor:
    return ((outputs.reshape(len(outputs), -1) - values.reshape(len(values), -1)) ** 2).mean()


def _works(goal: Goal, outputs: Tensor, y: Tensor) -> bool:
    try:
        goal.row_losses(outputs, y)
    except Exception:  # a loss that needs several rows at once
        return False
    return True


def _agree(soft: Goal, hard: Goal, outputs: Tensor, y: Tensor) -> bool:
    """Whether the loss takes probabilities and gives for sure ones what it gives for labels."""
    try:
        return _close(soft.batch_loss(outputs, y), hard.batch_loss(outputs, y))
    except Exception:  # it takes labels only
        return False


def _close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs() <= _SAME * b.abs().clamp(min=1e-8))


def _is_plain_cross_entropy(loss: Any) -> bool:
    if loss is functional.cross_entropy:
        return True
    plain = isinstance(loss, nn.CrossEntropyLoss) and type(loss) is nn.CrossEntropyLoss
    return plain and loss.weight is None and not loss.label_smoothing and loss.reduction == "mean"


def _known(y: Tensor, outputs: Tensor) -> int:
    """The classes of labels (rows,) where outputs are (rows, classes), else 0."""
    fits = y.ndim == 1 and outputs.ndim == 2 and int(y.min()) >= 0 and int(y.max()) < outputs.shape[1]
    return outputs.shape[1] if fits and outputs.shape[1] > 1 else 0


def _classes(y: Tensor, shape: tuple[int, ...]) -> int:
    fits = len(shape) == 1 and shape[0] > 1 and y[0].numel() == 1
    if not fits or int(y.min()) < 0 or int(y.max()) >= shape[0]:
        raise DataError(
            f"the targets are whole numbers from {int(y.min())} to {int(y.max())}, and the model gives "
            f"{shape} numbers a row; cross-entropy takes classes from 0 and one output for each.",
            fix="Give the model an output for each class, bring numbers with a decimal point, or give loss=.",
            code="WF-D67",
        )
    return shape[0]


def _fitting(y: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    if y[0].numel() != torch.Size(shape).numel():
        raise DataError(
            f"a row's target has the shape {tuple(y.shape[1:])}, and the model gives {shape}.",
            fix="Bring as many numbers as the model gives, whole numbers for classes, or give loss=.",
            code="WF-D68",
        )
    return shape
