"""Ensembles of one learner: on bootstrap samples of the rows, or on all rows from other first weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from wellfit.ensembles.members import (
    Array,
    Ensemble,
    check_members,
    classes_of,
    equal_shares,
    fit_members,
    rows_of,
    seeds,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Bagged(Ensemble):
    """A bagged ensemble, and what it says of rows that members did not see.

    Attributes:
        rows: per member the numbers of the rows it was fitted to, with repetition.
        out_of_bag: (rows, classes) or (rows,) mean over the members that did not see a row; NaN where all saw it.
        out_of_bag_score: accuracy, or R ** 2, of that; NaN where no row was left out.
    """

    rows: tuple[Array, ...]
    out_of_bag: Array
    out_of_bag_score: float


@dataclasses.dataclass(frozen=True)
class Bagging:
    """Average one learner over bootstrap samples: each member sees n rows drawn from n with replacement.

    prediction = mean over members of f(x; rows of the member); some 37 % of the rows are left out of each sample, and
    judge the ensemble without a test set. Networks train side by side as one stack.

    Args:
        learner: a net of this package, or any estimator with ``fit`` and ``predict``.
        members: how many, from 1; 10 to 100 is usual.
        seed: of the samples and of what members draw.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: ``members`` is no whole number from 1.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> x = np.arange(40.0)[:, None]
        >>> bagged = Bagging(DecisionTreeRegressor(), members=20).fit(x, np.sin(x[:, 0] / 5))
        >>> bagged.out_of_bag_score > 0.9
        True

    Source:
        Breiman, Bagging Predictors, Machine Learning 24(2), 1996; out-of-bag: Breiman, Out-of-Bag Estimation, 1996.
    """

    learner: Any
    members: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        check_members("Bagging", "members", self.members)

    def fit(self, x: Any, y: Any) -> Bagged:
        inputs, target = rows_of(x, y)
        own = seeds(self.seed, self.members)
        rows = [bootstrap(len(inputs), s) for s in own]
        return fit_bagged(self.learner, inputs, target, rows, own)


def bootstrap(count: int, seed: int) -> Array:
    """(count,) row numbers drawn with replacement; the draw follows from the seed."""
    return np.random.Generator(np.random.Philox(seed)).integers(count, size=count)


def fit_bagged(learner: Any, x: Array, y: Array, rows: list[Array], own: list[int]) -> Bagged:
    """A learner fitted to these samples of the rows, under these seeds."""
    fitted = fit_members(learner, x, y, rows, own)
    ensemble = Ensemble(tuple(fitted), equal_shares(len(fitted)), classes_of(learner, y))
    left_out = np.stack([~np.isin(np.arange(len(x)), r) for r in rows])
    mean = _mean_where(ensemble.each(x), left_out)
    score = _score(mean, y, ensemble.classes_)
    return Bagged(ensemble.members, ensemble.weights, ensemble.classes_, tuple(rows), mean, score)


def _mean_where(each: Array, chosen: Array) -> Array:
    """Mean over the members that a row is chosen for, (rows, ...); NaN where there are none."""
    weight = chosen.reshape(*chosen.shape, *[1] * (each.ndim - 2)).astype(np.float64)
    count = weight.sum(0)
    return np.where(count > 0, (each * weight).sum(0) / np.maximum(count, 1.0), np.nan)


def _score(mean: Array, y: Array, classes: Array | None) -> float:
    known = np.isfinite(mean).reshape(len(mean), -1).all(1)
    if not known.any():
        return float("nan")
    if classes is not None:
        return float((classes[mean[known].argmax(1)] == y[known]).mean())
    spread = ((y[known] - y[known].mean()) ** 2).sum()
    return float(1.0 - ((y[known] - mean[known]) ** 2).sum() / spread) if spread > 0 else float("nan")


@dataclasses.dataclass(frozen=True)
class DeepEnsemble:
    """Average one network over seeds: each member has first weights, orders of rows and masks of its own.

    prediction = mean over members of f(x; seed of the member), probabilities or numbers, on all rows. The members train
    side by side as one stack, so that ten cost about the time of few.

    Args:
        learner: a net of this package, or any estimator that draws from a ``random_state``.
        members: how many, from 1; 5 is usual.
        seed: which the members' seeds follow from.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: ``members`` is no whole number from 1.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from wellfit.ensembles import NetRegressor
        >>> x = np.linspace(-1, 1, 40)[:, None]
        >>> DeepEnsemble(NetRegressor(width=8, epochs=2), members=3).fit(x, x[:, 0]).each(x).shape
        (3, 40)

    Source:
        Lakshminarayanan, Pritzel & Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep
        Ensembles, NeurIPS 2017, arXiv 1612.01474.
    """

    learner: Any
    members: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        check_members("DeepEnsemble", "members", self.members)

    def fit(self, x: Any, y: Any) -> Ensemble:
        inputs, target = rows_of(x, y)
        every = np.arange(len(inputs))
        fitted = fit_members(self.learner, inputs, target, [every] * self.members, seeds(self.seed, self.members))
        return Ensemble(tuple(fitted), equal_shares(len(fitted)), classes_of(self.learner, target))
