"""Boosting: learners one after another, each fitted to what those before it have left over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wellfit.ensembles.boosting_losses import BinaryLogLoss, BoostingLoss, LogLoss, SquaredError
from wellfit.ensembles.members import Array, check_members, classifies, matrix, rows_of, seeded_copy, seeds
from wellfit.ensembles.net_training import NetTraining
from wellfit.ensembles.nets import NetRegressor, one_hot
from wellfit.errors import DataError, UsageError


@dataclasses.dataclass(frozen=True, eq=False)
class Boosted:
    """Fitted stages.

    Attributes:
        first: (scores,) where every row begins.
        stages: functions of the inputs, each (rows, scores): what is added, shrinkage left out.
        shrinkage: what a stage is multiplied by.
    """

    first: Array
    stages: tuple[Callable[[Array], Array], ...]
    shrinkage: float

    def staged(self, x: Any) -> Iterator[Array]:
        """(rows, scores) raw scores after each stage."""
        inputs = matrix(x)
        raw = np.tile(self.first, (len(inputs), 1))
        for stage in self.stages:
            raw = raw + self.shrinkage * stage(inputs)
            yield raw

    def raw(self, x: Any) -> Array:
        """(rows, scores) raw scores after the last stage."""
        *_, last = self.staged(x)
        return last


@dataclasses.dataclass(frozen=True, eq=False)
class BoostedRegressor(Boosted):
    """Fitted stages that predict a number."""

    def predict(self, x: Any) -> Array:
        """(rows,)."""
        return self.raw(x)[:, 0]

    def staged_predict(self, x: Any) -> Iterator[Array]:
        """(rows,) after each stage."""
        return (raw[:, 0] for raw in self.staged(x))


@dataclasses.dataclass(frozen=True, eq=False)
class BoostedClassifier(Boosted):
    """Fitted stages that predict a class.

    Attributes:
        classes_: (classes,) sorted.
    """

    classes_: Array

    def predict_proba(self, x: Any) -> Array:
        """(rows, classes)."""
        return _log_loss(len(self.classes_)).shares(self.raw(x))

    def predict(self, x: Any) -> Array:
        """(rows,) the class of the highest probability."""
        return self.classes_[self.predict_proba(x).argmax(1)]

    def staged_predict_proba(self, x: Any) -> Iterator[Array]:
        """(rows, classes) after each stage."""
        return (_log_loss(len(self.classes_)).shares(raw) for raw in self.staged(x))


@dataclasses.dataclass(frozen=True)
class BoostingRegressor:
    """Fit learners one after another, each to the residual of those before: raw <- raw + shrinkage * f(x).

    It begins at the mean of the target. With scikit-learn's ``DecisionTreeRegressor(max_depth=1)`` as learner it is its
    ``GradientBoostingRegressor(loss="squared_error")`` of the same depth, rate and seed. What a learner that is no tree
    says is first multiplied by the number that suits the residual best (a line search).

    Args:
        learner: predicts numbers: a ``NetRegressor``, or any estimator with ``fit`` and ``predict``. Weak ones, trees
            of depth 1 to 3 or narrow networks with few epochs, are usual.
        stages: how many, from 1; 50 to 500 is usual for trees, 5 to 30 for networks.
        shrinkage: share of each stage that is added, over 0 to 1; 0.05 to 0.3 is usual.
        seed: which the stages' seeds follow from.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: an argument is outside what is allowed, or the learner gives classes.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> x = np.array([[0.0], [1.0]])
        >>> boosted = BoostingRegressor(DecisionTreeRegressor(max_depth=1), stages=2, shrinkage=0.5).fit(x, [0.0, 8.0])
        >>> boosted.predict(x).tolist()  # 4 -+ 2 -+ 1
        [1.0, 7.0]

    Source:
        Friedman, Greedy Function Approximation: A Gradient Boosting Machine, Annals of Statistics 29(5), 2001.
    """

    learner: Any
    stages: int = 100
    shrinkage: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        _check(type(self).__name__, self.learner, self.stages, self.shrinkage)

    def fit(self, x: Any, y: Any) -> BoostedRegressor:
        inputs, target = rows_of(x, y)
        try:
            values = target.astype(np.float64).reshape(len(target), 1)
        except (TypeError, ValueError) as error:
            raise DataError("BoostingRegressor predicts one number a row.", fix="Use BoostingClassifier.") from error
        return BoostedRegressor(*_boost(self, inputs, values, SquaredError()), self.shrinkage)


@dataclasses.dataclass(frozen=True)
class BoostingClassifier:
    """Fit learners one after another, each to target - probability of those before: raw <- raw + shrinkage * f(x).

    It begins at the classes' shares. A tree's leaves are set to one Newton step each, the output of another learner is
    multiplied by one; with scikit-learn's ``DecisionTreeRegressor(max_depth=1)`` as learner it is its
    ``GradientBoostingClassifier(loss="log_loss")`` of the same depth, rate and seed. Three classes or more have a score
    each.

    Args:
        learner: predicts numbers (a class's residual): a ``NetRegressor``, or any estimator with ``fit`` and
            ``predict``. Weak ones, trees of depth 1 to 3 or narrow networks with few epochs, are usual.
        stages: how many, from 1; 50 to 500 is usual for trees, 5 to 30 for networks.
        shrinkage: share of each stage that is added, over 0 to 1; 0.05 to 0.3 is usual.
        seed: which the stages' seeds follow from.

    Shapes:
        x: (rows, columns); y: (rows,) labels of any kind.

    Raises:
        UsageError: an argument is outside what is allowed, or the learner gives classes.
        DataError: inputs and target do not fit each other, or there are fewer than two classes.

    Example:
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> boosted = BoostingClassifier(DecisionTreeRegressor(max_depth=1), stages=5).fit(x, ["a", "a", "b", "b"])
        >>> boosted.predict([[0.2], [2.8]]).tolist()
        ['a', 'b']

    Source:
        Friedman, Greedy Function Approximation: A Gradient Boosting Machine, Annals of Statistics 29(5), 2001.
    """

    learner: Any
    stages: int = 100
    shrinkage: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        _check(type(self).__name__, self.learner, self.stages, self.shrinkage)

    def fit(self, x: Any, y: Any) -> BoostedClassifier:
        inputs, target = rows_of(x, y)
        values, classes = one_hot(target)
        values = values[:, 1:] if len(classes) == 2 else values
        return BoostedClassifier(*_boost(self, inputs, values, _log_loss(len(classes))), self.shrinkage, classes)


def _log_loss(classes: int) -> BinaryLogLoss | LogLoss:
    return BinaryLogLoss() if classes == 2 else LogLoss(classes)


def _boost(
    boosting: BoostingRegressor | BoostingClassifier, x: Array, y: Array, loss: BoostingLoss
) -> tuple[Array, tuple[Callable[[Array], Array], ...]]:
    """Where rows begin, and the stages."""
    first = loss.first(y)
    raw = np.tile(first, (len(x), 1))
    fit = _fitter(boosting.learner, x, y.shape[1], boosting.seed, boosting.stages)
    stages: list[Callable[[Array], Array]] = []
    for seed in seeds(boosting.seed, boosting.stages):
        stages.append(fit(loss.descent(y, raw), loss.curvature(y, raw), loss, seed))
        raw = raw + boosting.shrinkage * stages[-1](x)
    return first, tuple(stages)


Fit = Callable[[Array, Array, BoostingLoss, int], Callable[[Array], Array]]


def _fitter(learner: Any, x: Array, scores: int, seed: int, stages: int) -> Fit:
    """How one stage is fitted to (rows, scores): one network for all scores, or a learner for each."""
    if isinstance(learner, NetRegressor):
        training = NetTraining(learner.plan(), x, [np.arange(len(x))], scores, learner.resources, stages)

        def fit_net(descent: Array, curvature: Array, loss: BoostingLoss, seed: int) -> Callable[[Array], Array]:
            fitted = learner.fit_with(training, descent, [seed])[0]
            return _Scaled((fitted,), _line_search(fitted.predict(x), descent, curvature), together=True)

        return fit_net
    # trees draw from one source, as they do in scikit-learn, so that ties are broken alike
    source = np.random.RandomState(seed)

    def fit_each(descent: Array, curvature: Array, loss: BoostingLoss, seed: int) -> Callable[[Array], Array]:
        fitted, factors = [], []
        for k in range(scores):
            found = seeded_copy(learner, seed, source).fit(x, descent[:, k])
            if hasattr(found, "tree_"):
                _set_leaves(found, x, descent[:, k], curvature[:, k], loss)
                factors.append(1.0)
            else:
                said = np.asarray(found.predict(x), dtype=np.float64)[:, None]
                factors.append(_line_search(said, descent[:, k : k + 1], curvature[:, k : k + 1])[0])
            fitted.append(found)
        return _Scaled(tuple(fitted), np.array(factors), together=False)

    return fit_each


@dataclasses.dataclass(frozen=True, eq=False)
class _Scaled:
    """Fitted learners as one stage: (rows, scores), each score multiplied by its factor."""

    learners: tuple[Any, ...]
    factors: Array
    together: bool

    def __call__(self, x: Array) -> Array:
        said = self.learners[0].predict(x) if self.together else np.column_stack([f.predict(x) for f in self.learners])
        return said * self.factors


def _set_leaves(tree: Any, x: Array, descent: Array, curvature: Array, loss: BoostingLoss) -> None:
    """Let each leaf say what suits the rows in it best: their mean, or their Newton step."""
    places = tree.apply(x)
    for leaf in np.unique(places):
        inside = places == leaf
        tree.tree_.value[leaf, 0, 0] = loss.step(descent[inside], curvature[inside])


def _line_search(said: Array, descent: Array, curvature: Array) -> Array:
    """(scores,) how much of what a learner said suits each score best, to second order."""
    steep, bent = (said * descent).sum(0), (said * said * curvature).sum(0)
    return np.where(bent > 0, steep / np.where(bent > 0, bent, 1.0), 0.0)


def _check(owner: str, learner: Any, stages: object, shrinkage: object) -> None:
    check_members(owner, "stages", stages)
    if isinstance(shrinkage, bool) or not isinstance(shrinkage, int | float) or not 0.0 < shrinkage <= 1.0:
        raise UsageError(f"{owner}.shrinkage is {shrinkage!r}; over 0 to 1 is allowed.")
    if classifies(learner):
        raise UsageError(f"{owner} fits its learner to residuals; this one gives classes.", fix="Give it a regressor.")
