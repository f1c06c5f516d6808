"""Rows that stand on both sides: exact copies, near copies, and groups."""

from __future__ import annotations

import numpy as np
from scipy import stats
from torch import Tensor

from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.result import Finding
from wellfit.diagnosis.setting import Setting

_MOST = 4000  # rows of a side that distances are taken of
_BLOCK = 256


def flat(x: Tensor) -> np.ndarray:
    """(rows, values) of inputs of any shape."""
    return np.ascontiguousarray(x.reshape(len(x), -1).numpy())


def share_interval(hits: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson."""
    found = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def copied(setting: Setting, limits: Limits) -> Finding:
    """Whether validation rows are training rows, exactly or nearly, more often than training rows repeat each other."""
    train, valid = flat(setting.x[: setting.held]), flat(setting.x[setting.held :])
    known = {row.tobytes() for row in train}
    hits = np.array([row.tobytes() in known for row in valid])
    within = 1.0 - len(known) / len(train)
    told = (
        f"{hits.mean():.1%} of the validation rows are training rows too, {within:.1%} of the training rows are repeats"
    )
    if hits.mean() > limits.duplicates and hits.mean() > 2.0 * within:
        return Finding("leakage", "finding", told, float(hits.mean()), "of validation rows", share_interval(hits), True)
    near, usual = near_copies(setting, limits)
    if len(near) and near.mean() > limits.duplicates and share_interval(near)[0] > share_interval(usual)[1]:
        told = f"{near.mean():.1%} of the validation rows are training rows but for a trace, "
        told += f"{usual.mean():.1%} of the training rows nearly repeat each other"
        return Finding("leakage", "finding", told, float(near.mean()),
                       "of validation rows", share_interval(near), True)  # fmt: skip
    return Finding("leakage", "healthy", told, float(hits.mean()), "of validation rows")


def near_copies(setting: Setting, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) whether each validation row nearly is a training row, and whether training rows are to each other.

    Near is a distance below ``limits.near`` of the median distance of a training row to its nearest neighbor, over
    inputs in units of their standard deviations. Whole-number inputs (words of a text) have no such distance.
    """
    if not setting.x.is_floating_point():
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    x = setting.x.reshape(len(setting.x), -1).double().numpy()
    train, valid = _some(x[: setting.held], setting.seed), _some(x[setting.held :], setting.seed)
    spread = train.std(0)
    if not np.isfinite(x).all() or not (spread > 0).any():
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    train, valid = (part[:, spread > 0] / spread[spread > 0] for part in (train, valid))
    among = _nearest(train[:1000], train, own=True)
    bar = limits.near * float(np.median(among))
    return _nearest(valid, train) < bar, among < bar


def _some(x: np.ndarray, seed: int) -> np.ndarray:
    return x if len(x) <= _MOST else x[np.random.default_rng((seed, 29)).permutation(len(x))[:_MOST]]


def _nearest(some: np.ndarray, train: np.ndarray, own: bool = False) -> np.ndarray:
    """(rows,) distance of each row to the nearest training row, itself left out where it is the same one."""
    squares, found = (train**2).sum(1), []
    for first in range(0, len(some), _BLOCK):
        block = some[first : first + _BLOCK]
        apart = (block**2).sum(1)[:, None] + squares - 2.0 * block @ train.T
        if own:
            apart[np.arange(len(block)), first + np.arange(len(block))] = np.inf
        found.append(np.sqrt(np.maximum(apart.min(1), 0.0)))
    return np.concatenate(found)
