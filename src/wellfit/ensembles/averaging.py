"""Ensembles of different learners: their average, their vote, or a choice of them on rows held out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wellfit.ensembles.members import Array, Ensemble, classifies, equal_shares, matrix, rows_of
from wellfit.errors import DataError, UsageError

_LEAST = 1e-15  # scikit-learn's former default: keeps log(0) finite, one sure miss costs 34.5


@dataclasses.dataclass(frozen=True)
class Averaging:
    """Average different learners: the mean of their class probabilities (soft voting), or of their numbers.

    prediction = sum(weight * f(x)) / sum(weight).

    Args:
        learners: what is fitted, each on all rows; all give classes, or all give numbers.
        weights: what each counts, 0 and up, not all 0; None counts all alike.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: there are no learners, they do not mix, or the weights do not fit.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from sklearn.linear_model import LinearRegression, Ridge
        >>> x = np.arange(10.0)[:, None]
        >>> Averaging([LinearRegression(), Ridge(1e-9)]).fit(x, 2 * x[:, 0]).predict(x).round(6)[:3].tolist()
        [0.0, 2.0, 4.0]

    Source:
        Kittler, Hatef, Duin & Matas, On Combining Classifiers, IEEE TPAMI 20(3), 1998.
    """

    learners: Sequence[Any]
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        _check(type(self).__name__, self.learners, self.weights)

    def fit(self, x: Any, y: Any) -> Ensemble:
        return _fit_each(self.learners, self.weights, *rows_of(x, y))


@dataclasses.dataclass(frozen=True, eq=False)
class Voted:
    """Fitted members that vote: each gives its weight to one class, the class with most of it wins.

    Attributes:
        ensemble: the members, their weights, the classes.
    """

    ensemble: Ensemble

    @property
    def classes_(self) -> Array:
        assert self.ensemble.classes_ is not None
        return self.ensemble.classes_

    def votes(self, x: Any) -> Array:
        """(rows, classes) the share of the vote for each class."""
        inputs = matrix(x)
        chosen = [np.asarray(m.predict(inputs))[:, None] == self.classes_[None] for m in self.ensemble.members]
        return np.tensordot(self.ensemble.weights, np.stack(chosen).astype(np.float64), axes=1)

    def predict(self, x: Any) -> Array:
        """(rows,) classes; of classes with equally many votes the first in order."""
        # weights of 1/3 do not add up to 1: what differs by rounding alone is a tie
        return self.classes_[self.votes(x).round(12).argmax(1)]


@dataclasses.dataclass(frozen=True)
class Voting:
    """Let different classifiers vote: the class that most of them name (hard voting).

    prediction = argmax over classes of sum(weight * [f(x) = class]).

    Args:
        learners: classifiers, each fitted on all rows.
        weights: what each vote counts, 0 and up, not all 0; None counts all alike.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: there are no learners, one gives numbers, or the weights do not fit.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from sklearn.dummy import DummyClassifier
        >>> says = [DummyClassifier(strategy="constant", constant=c) for c in (0, 1, 1)]
        >>> Voting(says).fit(np.zeros((4, 1)), [0, 1, 0, 1]).predict(np.zeros((2, 1))).tolist()
        [1, 1]

    Source:
        Kittler, Hatef, Duin & Matas, On Combining Classifiers, IEEE TPAMI 20(3), 1998.
    """

    learners: Sequence[Any]
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        _check("Voting", self.learners, self.weights)
        if not classifies(self.learners[0]):
            raise UsageError("Voting takes classifiers; these predict numbers.", fix="Use Averaging.")

    def fit(self, x: Any, y: Any) -> Voted:
        return Voted(_fit_each(self.learners, self.weights, *rows_of(x, y)))


@dataclasses.dataclass(frozen=True)
class GreedySelection:
    """Choose an average of learners on rows held out: add, with replacement, whichever lowers the loss most.

    prediction = sum(count * f(x)) / sum(count), counts from ``picks`` picks; the loss is log loss, or squared error.
    Learners that are never picked are dropped. They stay fitted to the rows that were not held out.

    Args:
        learners: what there is to choose from; all give classes, or all give numbers.
        holdout: share of the rows that choose, over 0 and below 1; 0.2 to 0.3 is usual.
        picks: how often to pick, from 1.
        seed: of the rows held out.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: there are no learners, they do not mix, or ``holdout`` leaves no rows on one side.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from sklearn.dummy import DummyRegressor
        >>> from sklearn.linear_model import LinearRegression
        >>> x = np.arange(20.0)[:, None]
        >>> len(GreedySelection([DummyRegressor(), LinearRegression()]).fit(x, x[:, 0]).members)
        1

    Source:
        Caruana, Niculescu-Mizil, Crew & Ksikes, Ensemble Selection from Libraries of Models, ICML 2004.
    """

    learners: Sequence[Any]
    holdout: float = 0.25
    picks: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        _check("GreedySelection", self.learners, None)
        if not 0.0 < self.holdout < 1.0:
            raise UsageError(f"GreedySelection.holdout is {self.holdout!r}; over 0 and below 1 is allowed.")

    def fit(self, x: Any, y: Any) -> Ensemble:
        from wellfit.proof import greedy_weights  # brings scipy

        inputs, target = rows_of(x, y)
        order = np.random.Generator(np.random.Philox(self.seed)).permutation(len(inputs))
        held = round(self.holdout * len(order))
        if not 0 < held < len(order):
            raise DataError(f"{len(order)} rows are too few to hold out a share of {self.holdout:g}.")
        judge, train = order[:held], order[held:]
        fitted = _fit_each(self.learners, None, inputs[train], target[train])
        each = fitted.each(inputs[judge])
        loss = _loss(target[judge], fitted.classes_)
        weights = greedy_weights(each, loss, self.picks)
        kept = np.flatnonzero(weights)
        return Ensemble(tuple(fitted.members[i] for i in kept), weights[kept], fitted.classes_)


def _loss(y: Array, classes: Array | None) -> Callable[[Array], float]:
    """Of averaged predictions on rows with this target: log loss, or mean squared error."""
    if classes is None:
        return lambda mean: float(((mean - y) ** 2).mean())
    place = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    known = classes[place] == y  # a class that only the held-out rows have costs the same whatever is picked

    def log_loss(mean: Array) -> float:
        own = np.where(known, mean[np.arange(len(y)), place], 0.0)
        return float(-np.log(np.clip(own, _LEAST, 1.0)).mean())

    return log_loss


def _fit_each(learners: Sequence[Any], weights: Sequence[float] | None, x: Array, y: Array) -> Ensemble:
    fitted = tuple(copy.deepcopy(learner).fit(x, y) for learner in learners)
    shares = equal_shares(len(fitted)) if weights is None else np.asarray(weights, dtype=np.float64)
    return Ensemble(fitted, shares / shares.sum(), np.unique(y) if classifies(learners[0]) else None)


def _check(owner: str, learners: Sequence[Any], weights: Sequence[float] | None) -> None:
    if isinstance(learners, str) or not hasattr(learners, "__len__") or not len(learners):
        raise UsageError(f"{owner} takes a list of learners, one at least.")
    if len({classifies(learner) for learner in learners}) > 1:
        raise UsageError(f"{owner} was given learners of classes and of numbers.", fix="Give it one kind.")
    if weights is None:
        return
    shares = np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(learners),) or not (shares >= 0).all() or not 0 < shares.sum() < np.inf:
        raise UsageError(f"{owner}.weights is {weights!r}; a number from 0 for each learner is allowed, not all 0.")
