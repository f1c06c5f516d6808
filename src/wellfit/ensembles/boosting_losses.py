"""What boosting needs of a loss: where to begin, which way to go, and how far (Friedman 2001)."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_LEAST_CURVATURE = 1e-150  # as in scikit-learn: a leaf whose rows are all certain stays where it is


class BoostingLoss(Protocol):
    """A loss of raw scores (rows, scores); targets are (rows, scores) numbers, or 0 and 1."""

    def first(self, y: Array) -> Array: ...

    def descent(self, y: Array, raw: Array) -> Array: ...

    def step(self, descent: Array, curvature: Array) -> float: ...

    def curvature(self, y: Array, raw: Array) -> Array: ...


class SquaredError:
    """(y - raw) ** 2 / 2: begin at the mean, descend by the residual."""

    def first(self, y: Array) -> Array:
        return y.mean(0)

    def descent(self, y: Array, raw: Array) -> Array:
        return y - raw

    def curvature(self, y: Array, raw: Array) -> Array:
        return np.ones_like(raw)

    def step(self, descent: Array, curvature: Array) -> float:
        """The mean residual: what a leaf that holds these rows should say."""
        return float(descent.mean())


class BinaryLogLoss:
    """log(1 + exp(-raw)) of two classes: begin at the log odds, descend by y - p, p = 1 / (1 + exp(-raw))."""

    def first(self, y: Array) -> Array:
        share = _inside(y.mean(0))
        return np.log(share / (1.0 - share))

    def descent(self, y: Array, raw: Array) -> Array:
        return y - self.shares(raw)[:, 1:]

    def curvature(self, y: Array, raw: Array) -> Array:
        share = self.shares(raw)[:, 1:]
        return share * (1.0 - share)

    def step(self, descent: Array, curvature: Array) -> float:
        """One Newton step."""
        return _divided(float(descent.mean()), float(curvature.mean()))

    def shares(self, raw: Array) -> Array:
        """(rows, 2) probabilities."""
        grown = np.exp(-np.abs(raw))
        share = np.where(raw >= 0, 1.0 / (1.0 + grown), grown / (1.0 + grown))
        return np.hstack([1.0 - share, share])


class LogLoss:
    """Cross-entropy of three classes or more: begin at the log shares, descend by y - softmax(raw)."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def first(self, y: Array) -> Array:
        logs = np.log(_inside(y.mean(0)))
        return logs - logs.mean()

    def descent(self, y: Array, raw: Array) -> Array:
        return y - self.shares(raw)

    def curvature(self, y: Array, raw: Array) -> Array:
        share = self.shares(raw)
        return share * (1.0 - share)

    def step(self, descent: Array, curvature: Array) -> float:
        """A Newton step with the diagonal of the curvature, times (K - 1) / K as Friedman has it."""
        return (self.classes - 1) / self.classes * _divided(float(descent.mean()), float(curvature.mean()))

    def shares(self, raw: Array) -> Array:
        """(rows, classes) probabilities."""
        grown = np.exp(raw - raw.max(1, keepdims=True))
        return grown / grown.sum(1, keepdims=True)


def _inside(share: Array) -> Array:
    least = np.finfo(np.float64).eps
    return share.clip(least, 1.0 - least)


def _divided(numerator: float, denominator: float) -> float:
    return 0.0 if abs(denominator) < _LEAST_CURVATURE else numerator / denominator
