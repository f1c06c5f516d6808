"""How much a change gains: paired over validation rows and seeds, the stopping epoch never scored on its own rows."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr, ndtri

from wellfit.proof import Cell, gathered, paired_difference

_DRAWS = 2000
_BLOCK = 2**22  # numbers of bootstrap counts held at once


@dataclasses.dataclass(frozen=True)
class Effect:
    """A mean with its bootstrap interval.

    Attributes:
        value: the mean.
        low, high: the interval.
        error: the standard error.
    """

    value: float
    low: float
    high: float
    error: float

    @property
    def resolvable(self) -> float:
        """The least true effect that would be found in 80 of 100 such experiments: 1.96 + 0.84 standard errors."""
        return (1.96 + 0.84) * self.error


def paired(gains: np.ndarray, level: float, seed: int = 0, groups: np.ndarray | None = None) -> Effect:
    """The mean of paired differences (seeds, rows), with a bootstrap over rows and seeds.

    Where rows come in groups, (rows,), groups are counted: rows of one patient are no independent evidence. They are
    few as seeds are: their interval is Student's (see ``proof.paired_difference``), and of one group it has no ends.

    Few seeds drawn with replacement spread less than seeds do; their deviations are widened by sqrt(n / (n - 1)), as a
    variance of n values is.
    """
    if groups is not None:
        return _over_groups(gains, level, groups)
    count, rows = gains.shape
    random = np.random.default_rng((seed, count, rows))
    means = _resampled(gains, seed)  # (draws, seeds)
    whole = means.mean(1, keepdims=True)
    spread = math.sqrt(count / (count - 1)) if count > 1 else 1.0
    chosen = random.integers(0, count, (len(means), count))
    drawn = np.take_along_axis(whole + spread * (means - whole), chosen, axis=1).mean(1)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return Effect(float(gains.mean()), float(low), float(high), float(drawn.std()))


def _over_groups(gains: np.ndarray, level: float, groups: np.ndarray) -> Effect:
    values, held = gathered(gains, np.ones(gains.shape[1]), groups)
    found = paired_difference([Cell(values, np.zeros_like(values), held)], lambda means: means)
    interval = found.interval(level)
    return Effect(found.value, interval.low, interval.high, found.error)


def _resampled(values: np.ndarray, seed: int, draws: int = _DRAWS) -> np.ndarray:
    """(draws, seeds) means over rows drawn with replacement, the same rows for all seeds."""
    rows = values.shape[1]
    return np.concatenate([counts @ values.T for counts in _weights(rows, seed, draws)]) / rows


def _weights(rows: int, seed: int, draws: int) -> Iterator[np.ndarray]:
    """(some draws, rows) how often each row is drawn, in blocks; those of one block are kept for the next change."""
    size = max(1, min(draws, _BLOCK // rows))
    if size == draws:
        yield _kept(rows, seed, draws)
        return
    random = np.random.default_rng((seed, rows))
    for first in range(0, draws, size):
        yield random.multinomial(rows, np.full(rows, 1.0 / rows), size=min(size, draws - first))


@functools.lru_cache(maxsize=2)
def _kept(rows: int, seed: int, draws: int) -> np.ndarray:
    random = np.random.default_rng((seed, rows))
    return random.multinomial(rows, np.full(rows, 1.0 / rows), size=draws).astype(np.float64)


def stopped(curves: np.ndarray, seed: int = 0, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Losses under early stopping, the stop chosen on one half of the rows and scored on the other, both ways.

    Args:
        curves: (seeds, evaluations, rows) losses.
        groups: (rows,) of rows that are not to stand on both sides.

    Returns:
        (seeds, rows) losses, and (seeds, 2) the chosen evaluations.
    """
    rows = curves.shape[2]
    halves = _halves(rows, seed, groups)
    found, chosen = np.empty((len(curves), rows)), np.empty((len(curves), 2), dtype=int)
    for side, (judging, scored) in enumerate((halves, halves[::-1])):
        at = curves[:, :, judging].mean(2).argmin(1)
        chosen[:, side] = at
        for member, place in enumerate(at):
            found[member, scored] = curves[member, place, scored]
    return found, chosen


def _halves(rows: int, seed: int, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of two halves; of whole groups, as nearly of one size as they come, at least one on each side.

    A single group has no halves: its rows are taken apart, and no interval over one group confirms what comes of it.
    """
    random = np.random.default_rng((seed, rows))
    if groups is None or len(np.unique(groups)) < 2:
        order = random.permutation(rows)
        return order[: rows // 2], order[rows // 2 :]
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    first = order[(before < rows / 2) & (np.arange(len(order)) < len(order) - 1)]
    inside = np.isin(places.reshape(-1), first)
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def bca(train: np.ndarray, valid: np.ndarray, level: float = 0.95, draws: int = _DRAWS, seed: int = 0) -> Effect:
    """The mean of ``valid`` minus the mean of ``train``, two independent samples, with the BCa bootstrap interval.

    Source:
        Efron, Better Bootstrap Confidence Intervals, Journal of the American Statistical Association 1987.
    """
    other = seed + 1  # the two samples are drawn independently, also where they are of one size
    drawn = (_resampled(valid[None], seed, draws) - _resampled(train[None], other, draws))[:, 0]
    value = float(valid.mean() - train.mean())
    below = ((drawn < value).sum() + 0.5 * (drawn == value).sum()) / len(drawn)
    error = float(drawn.std())
    if error == 0.0 or not 0.0 < below < 1.0:
        return Effect(value, float(drawn.min()), float(drawn.max()), error)
    bias = float(ndtri(below))
    # the jackknife of a mean moves by the row's own deviation; both samples speed the error up by their own share
    parts = [(valid - valid.mean()) / (len(valid) - 1) if len(valid) > 1 else np.zeros(1)]
    parts.append((train.mean() - train) / (len(train) - 1) if len(train) > 1 else np.zeros(1))
    cubes = sum(float((p**3).sum()) * (n - 1) ** 3 / n**3 for p, n in zip(parts, (len(valid), len(train)), strict=True))
    squares = sum(
        float((p**2).sum()) * (n - 1) ** 2 / n**2 for p, n in zip(parts, (len(valid), len(train)), strict=True)
    )
    speed = cubes / (6.0 * squares**1.5) if squares > 0 else 0.0
    tail = (1.0 - level) / 2.0
    ends = [bias + (bias + z) / (1.0 - speed * (bias + z)) for z in (ndtri(tail), ndtri(1.0 - tail))]
    low, high = np.quantile(drawn, ndtr(ends))
    return Effect(value, float(low), float(high), error)
