"""Shift between groups that are given: is one of them predicted worse by a model of the others?"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from wellfit.errors import DataError
from wellfit.proof import holm

WORSE, SURE = 0.05, 0.01
"""Accuracy by which a group must fall below the others, and the adjusted p-value, for it to count."""


@dataclasses.dataclass(frozen=True)
class Shifted:
    """Groups and how well a model of the other groups predicts each.

    Attributes:
        found: whether one is predicted clearly worse.
        accuracy: by group: share of its rows that a model of the other groups gets right.
        usual: by group: share of the same rows that models of all groups get right, which did not see these rows.
        p: by group, adjusted for their number.
        worst: the group that falls furthest.
        fall: share of all rows that are right only by a model that knows their group, less the other way round.
        sure: p-value of that, by the exact test of McNemar.
    """

    found: bool
    accuracy: dict[Any, float]
    usual: dict[Any, float]
    p: dict[Any, float]
    worst: Any
    fall: float = 0.0
    sure: float = 1.0


def shift(x: Any, y: Any, groups: Any, seed: int = 0) -> Shifted:
    """Hold each group out in turn: does a linear model of the others get fewer of its rows right than one of all?

    Both judge the same rows, so that a group that is hard anyway is none that has shifted; they are compared by the
    exact test of McNemar.

    Args:
        x: (rows, columns) numbers.
        y: (rows,) classes.
        groups: (rows,) of hospital, site, year or whatever rows come from.

    Raises:
        DataError: there are fewer than two groups, or a group leaves the others with a single class.
    """
    x, y, groups = (np.asarray(v) for v in (x, y, groups))
    names = np.unique(groups)
    if len(names) < 2 or not len(x) == len(y) == len(groups):
        raise DataError(
            f"{len(names)} groups of {len(groups)} rows beside {len(x)} rows of inputs and {len(y)} of targets.",
            fix="Bring two groups or more, and one group for every row.",
            code="WF-G11",
        )
    pooled = _folded(x, y, seed)
    found = [_held_out(x, y, groups == name, pooled) for name in names]
    adjusted = holm([f[2] for f in found])
    keys = [n.item() if hasattr(n, "item") else n for n in names]
    falls = [f[1] - f[0] for f in found]
    worst = int(np.argmax(falls))
    ill = any(fall > WORSE and p < SURE for fall, p in zip(falls, adjusted, strict=True))
    return Shifted(
        ill, {k: f[0] for k, f in zip(keys, found, strict=True)}, {k: f[1] for k, f in zip(keys, found, strict=True)},
        dict(zip(keys, map(float, adjusted), strict=True)), keys[worst], *_all_rows(found, len(x)),
    )  # fmt: skip


def _all_rows(found: list[tuple[float, float, float, int, int]], rows: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    lost, won = sum(f[3] for f in found), sum(f[4] for f in found)
    p = float(binomtest(lost, lost + won, alternative="greater").pvalue) if lost + won else 1.0
    return (lost - won) / rows, p


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))


def _folded(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """(rows,) whether models of all groups get each row right that they did not see."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    fewest = int(np.unique(y, return_counts=True)[1].min())
    folds = StratifiedKFold(max(2, min(5, fewest)), shuffle=True, random_state=seed)
    return cross_val_predict(_model(), x, y, cv=folds) == y


def _held_out(
    x: np.ndarray, y: np.ndarray, own: np.ndarray, pooled: np.ndarray
) -> tuple[float, float, float, int, int]:
    """Accuracy on the group by a model without it and by models with it, the p-value of the fall, rows lost and won."""
    from scipy.stats import binomtest

    if len(np.unique(y[~own])) < 2:
        raise DataError("without one group there is a single class left.", fix="Join small groups.", code="WF-G11")
    hits = _model().fit(x[~own], y[~own]).predict(x[own]) == y[own]
    lost, won = int((pooled[own] & ~hits).sum()), int((~pooled[own] & hits).sum())
    p = float(binomtest(lost, lost + won, alternative="greater").pvalue) if lost + won else 1.0
    return float(hits.mean()), float(pooled[own].mean()), p, lost, won
