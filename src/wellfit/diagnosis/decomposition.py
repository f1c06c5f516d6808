"""Bias and variance: how far predictions miss on average, and how much they differ between training sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Decomposed:
    """Expected loss in three parts, each with its 95 % interval over rounds.

    Attributes:
        bias, variance: means over rows; of squared error they add up to the expected error against the truth.
        bias_interval, variance_interval: (low, high).
        error: mean loss over rounds and rows.
        rounds: training sets.
    """

    bias: float
    variance: float
    bias_interval: tuple[float, float]
    variance_interval: tuple[float, float]
    error: float
    rounds: int


def squared(predicted: np.ndarray, truth: np.ndarray, seed: int = 0) -> Decomposed:
    """The decomposition of squared error: bias = mean (truth - mean prediction)^2, variance = mean var of predictions.

    Both are corrected for the rounds being few: the spread of a mean of n predictions, variance / n, is no bias.

    Args:
        predicted: (rounds, rows).
        truth: (rows,) the expected target where it is known; with noisy targets, bias holds the noise.

    Source:
        Geman, Bienenstock & Doursat, Neural Networks and the Bias/Variance Dilemma, Neural Computation 1992.
    """

    def parts(some: np.ndarray) -> tuple[float, float]:
        spread = some.var(0, ddof=1)
        return float(((some.mean(0) - truth) ** 2 - spread / len(some)).mean()), float(spread.mean())

    return _with_intervals(predicted, parts, float(((predicted - truth) ** 2).mean()), seed)


def zero_one(predicted: np.ndarray, truth: np.ndarray, seed: int = 0) -> Decomposed:
    """The decomposition of 0-1 loss: bias = the main prediction is wrong, variance = share that differs from it.

    Where the main prediction is right variance adds to the error, where it is wrong it takes away (for two classes).

    Args:
        predicted: (rounds, rows) class numbers.
        truth: (rows,) class numbers.

    Source:
        Domingos, A Unified Bias-Variance Decomposition, ICML 2000.
    """

    def parts(some: np.ndarray) -> tuple[float, float]:
        count = int(max(some.max(), truth.max())) + 1
        votes = np.stack([(some == c).sum(0) for c in range(count)])
        main = votes.argmax(0)
        return float((main != truth).mean()), float((some != main).mean())

    return _with_intervals(predicted, parts, float((predicted != truth).mean()), seed)


def _with_intervals(
    predicted: np.ndarray, parts: Callable[[np.ndarray], tuple[float, float]], error: float, seed: int
) -> Decomposed:
    """Intervals by the jackknife over rounds: a bootstrap would repeat rounds, and repeats look like no variance."""
    count = len(predicted)
    whole = parts(predicted)
    left = np.array([parts(np.delete(predicted, i, 0)) for i in range(count)]) if count > 2 else np.array([whole])
    spread = np.sqrt((len(left) - 1) / len(left) * ((left - left.mean(0)) ** 2).sum(0))
    ends = [(v - 1.96 * float(s), v + 1.96 * float(s)) for v, s in zip(whole, spread, strict=True)]
    return Decomposed(*whole, *ends, error, count)


@dataclasses.dataclass(frozen=True)
class Polynomials:
    """Bias and variance of polynomial fits, one entry for each degree; noise is that of the targets."""

    degrees: tuple[int, ...]
    bias: tuple[float, ...]
    variance: tuple[float, ...]
    bias_intervals: tuple[tuple[float, float], ...]
    variance_intervals: tuple[tuple[float, float], ...]
    noise: float


def bias_variance(
    degrees: Sequence[int] = (1, 3, 8), *, rows: int = 30, rounds: int = 200, noise: float = 2.0, seed: int = 0,
    curve: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Polynomials:  # fmt: skip
    """Fit polynomials to many samples of one curve, and take their error apart.

    Args:
        degrees: of the polynomials.
        rows: points in a sample, spread evenly over 0 to 1.
        rounds: samples.
        noise: standard deviation of the targets about the curve.
        curve: the truth; 20 x^3 - 15 x^2 + 10 x + 5 by default.

    Example:
        >>> found = bias_variance((1, 8), seed=1)
        >>> found.bias[0] > found.bias[1] and found.variance[0] < found.variance[1]
        True
    """
    x = np.linspace(0.0, 1.0, rows)
    truth = (curve or (lambda t: 20 * t**3 - 15 * t**2 + 10 * t + 5))(x)
    targets = truth + noise * np.random.default_rng(seed).standard_normal((rounds, rows))
    found = []
    for degree in degrees:
        basis = np.polynomial.chebyshev.chebvander(2.0 * x - 1.0, degree)
        onto = basis @ np.linalg.pinv(basis)
        found.append(squared(targets @ onto.T, truth, seed))
    return Polynomials(
        tuple(degrees), tuple(f.bias for f in found), tuple(f.variance for f in found),
        tuple(f.bias_interval for f in found), tuple(f.variance_interval for f in found), noise**2,
    )  # fmt: skip
