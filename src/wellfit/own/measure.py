"""What decides about somebody's model: its loss, a scikit-learn scorer, or a function of one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wellfit.errors import UsageError
from wellfit.job.metrics import Metric, make_metric, secondary
from wellfit.own.goal import Goal
from wellfit.proof import probabilities


@dataclasses.dataclass(frozen=True)
class Measure(Metric):
    """A score of a model's outputs, (rows, ...) as the model gives them, against targets as they came.

    Attributes:
        goal: the loss, and what targets and outputs are.
        dtype: of the model; its loss may take no other.
    """

    goal: Goal = dataclasses.field(default_factory=lambda: Goal("numbers", "RMSE", (1,)))
    dtype: torch.dtype = torch.float32

    def row_losses(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """(rows,) the loss of each row."""
        found = self.goal.row_losses(torch.from_numpy(predicted).to(self.dtype), torch.from_numpy(truth))
        return found.detach().double().numpy()

    def secondary(self, truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> dict[str, float]:
        """The usual figures of classes, or of one number a row; nothing for other shapes."""
        if self.goal.kind == "numbers":
            single = truth[0].size == 1 and predicted[0].size == 1
            return secondary(truth.reshape(-1), predicted.reshape(-1), weight) if single else {}
        return secondary(truth.reshape(-1), shown(self.goal, predicted), weight) if self.goal.count else {}


def make_measure(asked: str | Callable[..., Any] | None, goal: Goal, dtype: torch.dtype) -> Measure:
    """The metric that was asked for; without one, the loss itself decides.

    A function is called as (targets, predicted), and more is better; predicted are class probabilities (rows, classes)
    where classes are known, else the model's outputs as they are.

    Raises:
        UsageError: no scorer has that name.
    """
    if asked is None and goal.apart:
        return Measure(goal.name, True, None, goal, dtype)
    if asked is None:
        return Measure(goal.name, True, _whole(goal, dtype), goal, dtype)
    base = make_metric(asked, goal.task, list(range(goal.count)) if goal.kind != "numbers" else [])
    custom = base.custom
    assert custom is not None
    return Measure(base.name, base.lower_is_better, lambda t, p, w: custom(t, shown(goal, p), w), goal, dtype)


def shown(goal: Goal, outputs: np.ndarray) -> np.ndarray:
    """Class probabilities, numbers (rows,) where there is one a row, or the outputs as they are."""
    if goal.kind != "numbers" and goal.count:
        return probabilities(outputs)
    return outputs.reshape(len(outputs)) if outputs[0].size == 1 else outputs


def _whole(goal: Goal, dtype: torch.dtype) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """The loss of all rows as one batch, for losses that are no mean over rows."""

    def score(truth: np.ndarray, predicted: np.ndarray, _weight: np.ndarray) -> float:
        return float(goal.batch_loss(torch.from_numpy(predicted).to(dtype), torch.from_numpy(truth)))

    return score


def check_measure(measure: Measure, y: Tensor, outputs: Tensor) -> None:
    """Raises UsageError where the metric cannot be computed of such targets and outputs, before anything is trained."""
    try:
        value = measure.score(y.numpy(), outputs.detach().double().cpu().numpy(), np.ones(len(y)))
        float(value)
    except Exception as error:  # somebody's function may raise anything
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UsageError(
            f"the metric {measure.name} does not work on targets {tuple(y.shape)} and outputs "
            f"{tuple(outputs.shape)}: {reason}",
            fix="Choose another, or leave metric out: then the loss decides.",
            code="WF-U02",
        ) from error
