"""Statistics of curves alone: the best epoch, the rise after it, noise, and what the last epochs still gained."""

from __future__ import annotations

import math

import numpy as np

_WINDOW = 5  # epochs of the running median that noise is measured about
_LAST = 0.1  # share of the epochs whose gain tells whether training was over


def best_epoch(curve: np.ndarray) -> int:
    """The place of the least finite value; raises ValueError where none is finite."""
    finite = np.where(np.isfinite(curve), curve, np.inf)
    if not np.isfinite(finite).any():
        raise ValueError("no value of the curve is finite")
    return int(finite.argmin())


def noise(curve: np.ndarray) -> float:
    """The standard deviation of the last half about its running median of five, in units of the curve's level."""
    some = curve[np.isfinite(curve)]
    if len(some) < 2 * _WINDOW:
        return math.nan
    half = _WINDOW // 2
    smooth = np.array([np.median(some[i - half : i + half + 1]) for i in range(half, len(some) - half)])
    rest = (some[half:-half] - smooth)[len(smooth) // 2 :]
    level = abs(float(np.median(smooth[len(smooth) // 2 :])))
    # a residual about a median of five that holds the value itself is about 0.8 of the value's own noise
    return float(rest.std() / 0.8 / level) if level > 0 else math.nan


def ending(curve: np.ndarray) -> float:
    """Where the curve ends: the median of its last tenth of values, one at least, three where there are ten."""
    count = max(1, len(curve) // 10, 3 if len(curve) >= 10 else 1)
    return float(np.median(curve[-count:]))


def rise(curve: np.ndarray) -> float:
    """How far the curve ends above its least value, in units of that: 0 where it ends at its best."""
    least = float(curve[best_epoch(curve)])
    return (ending(curve) - least) / abs(least) if least else math.inf * max(0.0, ending(curve))


def onset(curve: np.ndarray) -> int | None:
    """The first epoch after the best from which the curve stays above its least by more than twice its noise."""
    least, level = best_epoch(curve), noise(curve)
    bar = float(curve[least]) * (1.0 + 2.0 * (level if math.isfinite(level) else 0.0))
    above = curve > bar
    if not above[-1]:
        return None
    under = np.nonzero(~above)[0]
    return int(under.max()) + 1 if len(under) else 0


def progress(curve: np.ndarray) -> float:
    """The share of the whole fall that the last tenth of the epochs brought."""
    some = curve[np.isfinite(curve)]
    if len(some) < 3:
        return math.nan
    count = max(1, round(_LAST * len(some)))
    fall = float(some[0] - some.min())
    before = float(some[: len(some) - count].min())
    return max(0.0, before - float(some[-count:].min())) / fall if fall > 0 else 0.0


def spikes(curve: np.ndarray, deviations: float) -> int:
    """Values that stand more than so many median absolute deviations above the running median."""
    some = curve[np.isfinite(curve)]
    if len(some) < 2 * _WINDOW:
        return 0
    half = _WINDOW // 2
    padded = np.pad(some, half, mode="edge")
    smooth = np.array([np.median(padded[i : i + _WINDOW]) for i in range(len(some))])
    rest = some - smooth
    spread = float(np.median(np.abs(rest - np.median(rest))))
    bar = max(deviations * spread, 0.1 * abs(float(np.median(some))))  # a smooth curve has next to no deviation
    return int((rest > bar).sum())
