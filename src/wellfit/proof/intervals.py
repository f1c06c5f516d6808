"""Intervals: how sure a score is, over test rows and over seeds at once."""

from __future__ import annotations

import dataclasses
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


def _shares(rows: int, seeds: int, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap counts: how often each row (draws, rows) and each seed (draws, seeds) is drawn, as shares."""
    generator = np.random.default_rng(seed)
    by_row = generator.multinomial(rows, np.full(rows, 1.0 / rows), size=draws) / rows
    by_seed = generator.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=draws) / seeds
    return by_row, by_seed


def _means(losses: np.ndarray, weight: np.ndarray, shares: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Weighted mean losses of bootstrap samples of rows and seeds, (draws,)."""
    by_row, by_seed = shares
    weighted = (by_row @ (losses * weight).T) / (by_row @ weight)[:, None]
    seeds = by_seed if len(losses) == by_seed.shape[1] else np.ones((len(by_row), 1))
    return (weighted * seeds).sum(1)


def score_interval(losses: np.ndarray, score: Score, weight: np.ndarray, draws: int = 1000, seed: int = 0) -> Interval:
    """The score of a model and its interval, by a percentile bootstrap over rows and seeds.

    Args:
        losses: (seeds, rows) loss of each row under each seed's model.
        score: from mean losses to the score.
        weight: (rows,).
    """
    shares = _shares(losses.shape[1], len(losses), draws, seed)
    drawn = score(_means(losses, weight, shares))
    value = score(np.array([np.average(losses.mean(0), weights=weight)]))[0]
    return Interval(float(value), *(float(q) for q in np.quantile(drawn, [0.025, 0.975])))


def paired_gain(
    base: np.ndarray, other: np.ndarray, score: Score, weight: np.ndarray, draws: int = 1000, seed: int = 0
) -> Interval:
    """How much lower the other's score is than the base's, with its interval: both on the same rows and seeds.

    Where one of them has a single seed (a linear model, an ensemble), its rows are paired with every seed of the other.

    Args:
        base, other: (seeds, rows) losses.
    """
    seeds = max(len(base), len(other))
    shares = _shares(base.shape[1], seeds, draws, seed)
    drawn = score(_means(base, weight, shares)) - score(_means(other, weight, shares))
    whole = [score(np.array([np.average(x.mean(0), weights=weight)]))[0] for x in (base, other)]
    return Interval(float(whole[0] - whole[1]), *(float(q) for q in np.quantile(drawn, [0.025, 0.975])))
