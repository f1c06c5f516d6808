"""An estimator's parameters, looked at when it is fitted, and the rows that are kept back to judge by."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wellfit.adapters.sklearn_training import Course
from wellfit.errors import UsageError
from wellfit.knobs import shortened
from wellfit.models.mlp import Shape

AUTO_BATCH = 200
"""Rows a step under batch_size="auto", as in scikit-learn's MLPClassifier."""


class SettingError(UsageError, ValueError):
    """An estimator's parameter makes no sense; scikit-learn expects a ValueError."""


def checked_course(estimator: Any, inputs: int, outputs: int, rows: int, seed: int) -> Course:
    """The training that the parameters ask for.

    Raises:
        SettingError: a parameter is out of its range, or is one of the whole job's, which takes a budget.
    """
    for name in ("category", "number"):
        allowed = "() where there is no budget, since names are not coded then"
        _require(estimator, name, lambda v: isinstance(v, Sequence) and not v, allowed)
    for name in ("epochs", "width", "depth"):
        _require(estimator, name, lambda v: _whole(v) and v >= 1, "a whole number from 1")
    _require(estimator, "learning_rate", lambda v: _number(v) and 0 < v < float("inf"), "a number above 0")
    asked = estimator.batch_size
    if asked != "auto":
        _require(estimator, "batch_size", lambda v: _whole(v) and v >= 1, "'auto' or a whole number from 1")
    shape = Shape(inputs, outputs, width=int(estimator.width), depth=int(estimator.depth))
    batch = min(AUTO_BATCH if asked == "auto" else int(asked), rows)
    return Course(shape, int(estimator.epochs), batch, float(estimator.learning_rate), seed)


def parted(rows: np.ndarray, strata: np.ndarray | None, fraction: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to judge by, with every class in both where there are enough of it.

    Raises:
        SettingError: the fraction is none, or leaves no row to train on.
    """
    if not (_number(fraction) and 0 <= fraction < 1):
        raise _refused("validation_fraction", fraction, "a number from 0 to below 1")
    if not fraction:
        return rows, rows[:0]
    from sklearn.model_selection import train_test_split

    kept = max(1, round(fraction * len(rows)))
    if kept >= len(rows):
        raise _refused("validation_fraction", fraction, f"what leaves a training row of {len(rows)}")
    labels = None if strata is None else strata[rows]
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        if counts.min() < 2 or len(counts) > min(kept, len(rows) - kept):
            labels = None  # a class with one row cannot be on both sides
    own, judging = train_test_split(rows, test_size=kept, random_state=seed, stratify=labels)
    return np.sort(own), np.sort(judging)


def _require(estimator: Any, name: str, holds: Callable[[Any], bool], allowed: str) -> None:
    value = getattr(estimator, name)
    if not holds(value):
        raise _refused(name, value, allowed)


def _refused(name: str, value: Any, allowed: str) -> SettingError:
    return SettingError(f"{name} is {shortened(value)}; allowed is {allowed}.", fix=f"Set {name}.", code="WF-A77")


def _whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
