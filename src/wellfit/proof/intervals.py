"""Intervals: how sure a score is, over test rows and over seeds at once."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np

Score = Callable[[np.ndarray], np.ndarray]
"""From mean row losses (draws,) to scores (draws,): the identity for log loss, the root for RMSE."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value with the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float


@functools.lru_cache(maxsize=4)
def _shares(count: int, draws: int, seed: int) -> np.ndarray:
    """Bootstrap counts as shares: how often each of ``count`` things is drawn, (draws, count)."""
    generator = np.random.default_rng((seed, count))
    return generator.multinomial(count, np.full(count, 1.0 / count), size=draws).astype(np.float32) / count


def _draws(rows: int) -> int:
    """Bootstrap draws: 1000, and fewer where the rows are so many that an interval needs no more."""
    return int(min(1000, max(100, 10_000_000 // max(1, rows))))


def _means(losses: np.ndarray, weight: np.ndarray, seed: int) -> np.ndarray:
    """Weighted mean losses of bootstrap samples of rows and seeds, (draws,); equal shapes draw the same samples."""
    draws = _draws(losses.shape[1])
    by_row, by_seed = _shares(losses.shape[1], draws, seed), _shares(len(losses), draws, seed + 1)
    weighted = (by_row @ (losses * weight).T) / np.maximum(by_row @ weight, 1e-30)[:, None]
    return (weighted * by_seed).sum(1)


def score_interval(losses: np.ndarray, score: Score, weight: np.ndarray, seed: int = 0) -> Interval:
    """The score of a model and its interval, by a percentile bootstrap over rows and seeds.

    Args:
        losses: (seeds, rows) loss of each row under each seed's model.
        score: from mean losses to the score.
        weight: (rows,).

    Of a single row (a single group of rows) nothing can be told: the interval has no ends.
    """
    value = score(np.array([np.average(losses.mean(0), weights=weight)]))[0]
    if int((weight > 0).sum()) < 2:
        return Interval(float(value), -math.inf, math.inf)
    drawn = score(_means(losses, weight, seed))
    return Interval(float(value), *(float(q) for q in np.quantile(drawn, [0.025, 0.975])))


def paired_gain(base: np.ndarray, other: np.ndarray, score: Score, weight: np.ndarray, seed: int = 0) -> Interval:
    """How much lower the other's score is than the base's, with its interval: both on the same rows and seeds.

    Where one of them has a single seed (a linear model, an ensemble), its rows are paired with every seed of the other.

    Args:
        base, other: (seeds, rows) losses.
    """
    drawn = score(_means(base, weight, seed)) - score(_means(other, weight, seed))
    whole = [score(np.array([np.average(x.mean(0), weights=weight)]))[0] for x in (base, other)]
    return Interval(float(whole[0] - whole[1]), *(float(q) for q in np.quantile(drawn, [0.025, 0.975])))
