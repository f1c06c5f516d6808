"""Importance: how much of what candidates differ in is due to each of their settings, by a functional analysis."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

_TREES, _LEAF = 32, 3
_RESAMPLES = 12
_POINTS = 40
"""Candidates that a setting's values, and the settings beside it, are taken from: a mean over more moves little."""

_WORST = 0.9
"""Losses above this quantile count as it: a diverged training would be all of the variance."""


@dataclasses.dataclass(frozen=True)
class Share:
    """A setting's share of the variance of the loss, with the interval over resamples of the candidates."""

    name: str
    value: float
    low: float
    high: float


def importance(
    settings: np.ndarray, losses: np.ndarray, groups: Mapping[str, Sequence[int]], seed: int = 0
) -> list[Share]:
    """Shares of variance that settings explain by themselves, largest first; what is missing to 1 is interplay.

    A random forest learns the loss. A group's share is Var_g(E_rest[f]) / Var(f): the forest's mean over all other
    settings, as the group's own values go over the candidates. The value is the mean over bootstrap samples of the
    candidates, the interval holds 95 % of them.

    Args:
        settings: (candidates, columns).
        losses: (candidates,), smaller is better.
        groups: a name to its columns.

    Source:
        Hutter, Hoos & Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014.
    """
    from sklearn.ensemble import RandomForestRegressor

    draw = np.random.default_rng(seed)
    losses = np.minimum(losses, np.quantile(losses, _WORST))
    found = []
    for number in range(_RESAMPLES):
        rows = draw.integers(len(losses), size=len(losses))
        forest = RandomForestRegressor(_TREES, min_samples_leaf=_LEAF, random_state=number, n_jobs=1)
        forest.fit(settings[rows], losses[rows])
        some = settings[draw.permutation(len(losses))[:_POINTS]]
        whole = float(forest.predict(settings).var())
        found.append([_main_effect(forest, some, list(columns)) / whole if whole > 0 else 0.0
                      for columns in groups.values()])  # fmt: skip
    drawn = np.minimum(1.0, np.array(found))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    ends = zip(groups, drawn.mean(0), low, high, strict=True)
    shares = [Share(name, float(value), float(a), float(b)) for name, value, a, b in ends]
    return sorted(shares, key=lambda s: -s.value)


def _main_effect(forest: object, points: np.ndarray, columns: list[int]) -> float:
    """Variance over a group's values of the mean prediction over everything else."""
    count = len(points)
    crossed = np.repeat(points[None], count, axis=0)  # (own values, others, columns)
    crossed[:, :, columns] = points[:, None, columns]
    predicted = forest.predict(crossed.reshape(count * count, -1))  # type: ignore[attr-defined]
    return float(predicted.reshape(count, count).mean(1).var())
