"""Small networks as learners: trained under a recipe, many of them side by side as one stack."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from wellfit.ensembles.members import Array, matrix, rows_of
from wellfit.ensembles.net_training import FittedNet, NetTraining, Plan
from wellfit.errors import DataError, UsageError
from wellfit.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Net:
    """What the two learners have in common; see there."""

    classifies: ClassVar[bool]

    recipe: Recipe = dataclasses.field(default_factory=Recipe)
    width: int = 64
    depth: int = 2
    rate: float = 5e-3
    epochs: int = 60
    batch: int = 32
    holdout: float = 0.2
    seed: int = 0
    resources: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in ("width", "depth", "epochs", "batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"{owner}.{name} is {value!r}; whole numbers from 1 are allowed.")
        if not 0.0 <= self.holdout <= 0.9:
            raise UsageError(f"{owner}.holdout is {self.holdout!r}; 0 to 0.9 is allowed.")
        if "resample" in self.recipe.stages:
            raise UsageError(f"{owner} trains on the rows it is given.", fix="Resample them before you call fit.")

    def plan(self) -> Plan:
        """How its networks train, in plain numbers."""
        return Plan(self.recipe, self.width, self.depth, self.rate, self.epochs, self.batch, self.holdout)


@dataclasses.dataclass(frozen=True, eq=False)
class FittedClassifier:
    """A network that gives classes.

    Attributes:
        net: what computes.
        classes_: (classes,) sorted.
    """

    net: FittedNet
    classes_: Array

    def predict_proba(self, x: Any) -> Array:
        """(rows, classes)."""
        outputs = self.net.outputs(matrix(x))
        shares = np.exp(outputs - outputs.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)

    def predict(self, x: Any) -> Array:
        """(rows,) the class of the highest probability."""
        return self.classes_[self.net.outputs(matrix(x)).argmax(1)]


@dataclasses.dataclass(frozen=True, eq=False)
class FittedRegressor:
    """A network that gives numbers.

    Attributes:
        net: what computes.
        center, scale: (targets,) of the target on the rows it was fitted to.
        flat: whether the target was (rows,) and not (rows, targets).
    """

    net: FittedNet
    center: Array
    scale: Array
    flat: bool

    def predict(self, x: Any) -> Array:
        """(rows,) or (rows, targets), as the target was."""
        found = self.center + self.scale * self.net.outputs(matrix(x))
        return found[:, 0] if self.flat else found


@dataclasses.dataclass(frozen=True)
class NetClassifier(Net):
    """A small network as a classifier: standardized inputs, Adam, cross-entropy, under a recipe.

    Each network keeps its best epoch on a share of its own rows; of a row that counts several times all copies are on
    one side. Inputs are standardized by the rows given to ``fit``.

    Args:
        recipe: regularizers it trains under; none of them may resample.
        width, depth: hidden units of a layer, hidden layers.
        rate: learning rate of Adam, over 0; 1e-3 to 1e-2 is usual.
        epochs: passes over the rows.
        batch: rows a step; fewer where there are fewer.
        holdout: share of the rows that choose the best epoch; 0 takes the last one and all rows.
        seed: of first weights, orders and draws.
        resources: what the recipe names and cannot hold, such as a teacher.

    Shapes:
        x: (rows, columns) finite numbers; y: (rows,) labels of any kind.

    Raises:
        UsageError: an argument is outside what is allowed.
        DataError: inputs and target do not fit each other, or there are fewer than two classes.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 60)[:, None]
        >>> fitted = NetClassifier(width=8, epochs=20).fit(x, np.where(x[:, 0] > 0, "yes", "no"))
        >>> fitted.predict([[-0.9], [0.9]]).tolist()
        ['no', 'yes']
    """

    classifies = True

    def fit(self, x: Any, y: Any) -> FittedClassifier:
        inputs, target = rows_of(x, y)
        return self.fit_members(inputs, target, [np.arange(len(inputs))], [self.seed])[0]

    def fit_members(
        self, x: Array, y: Array, rows: Sequence[Array], member_seeds: Sequence[int]
    ) -> list[FittedClassifier]:
        """One network for each choice of rows and seed, trained as one stack."""
        values, classes = one_hot(y)
        training = NetTraining(self.plan(), x, rows, values.shape[1], self.resources)
        return [FittedClassifier(n, classes) for n in training.train(values, member_seeds, classes=True)]


@dataclasses.dataclass(frozen=True)
class NetRegressor(Net):
    """A small network that predicts numbers: standardized inputs and target, Adam, squared error, under a recipe.

    Each network keeps its best epoch on a share of its own rows; of a row that counts several times all copies are on
    one side. Inputs and target are standardized by the rows given to ``fit``.

    Args:
        recipe: regularizers it trains under; none of them may resample.
        width, depth: hidden units of a layer, hidden layers.
        rate: learning rate of Adam, over 0; 1e-3 to 1e-2 is usual.
        epochs: passes over the rows.
        batch: rows a step; fewer where there are fewer.
        holdout: share of the rows that choose the best epoch; 0 takes the last one and all rows.
        seed: of first weights, orders and draws.
        resources: what the recipe names and cannot hold, such as a teacher.

    Shapes:
        x: (rows, columns) finite numbers; y: (rows,) or (rows, targets).

    Raises:
        UsageError: an argument is outside what is allowed.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 60)[:, None]
        >>> fitted = NetRegressor(width=16, epochs=60).fit(x, 3 * x[:, 0])
        >>> bool(abs(fitted.predict([[0.5]])[0] - 1.5) < 0.5)
        True
    """

    classifies = False

    def fit(self, x: Any, y: Any) -> FittedRegressor:
        inputs, target = rows_of(x, y)
        return self.fit_members(inputs, target, [np.arange(len(inputs))], [self.seed])[0]

    def fit_members(
        self, x: Array, y: Array, rows: Sequence[Array], member_seeds: Sequence[int]
    ) -> list[FittedRegressor]:
        """One network for each choice of rows and seed, trained as one stack."""
        training = NetTraining(self.plan(), x, rows, y[0].size, self.resources)
        return self.fit_with(training, y, member_seeds)

    def fit_with(self, training: NetTraining, y: Array, member_seeds: Sequence[int]) -> list[FittedRegressor]:
        """The same with a training that is there already: boosting keeps one for all its stages."""
        try:
            values = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        except (TypeError, ValueError) as error:
            raise DataError("NetRegressor predicts numbers; the target holds others.", fix="NetClassifier.") from error
        if not np.isfinite(values).all():
            raise DataError("the target holds missing or infinite values.")
        center, scale = standard(values[training.used])
        nets = training.train((values - center) / scale, member_seeds, classes=False)
        return [FittedRegressor(n, center, scale, np.ndim(y) == 1) for n in nets]


def one_hot(y: Array) -> tuple[Array, Array]:
    """(rows, classes) 0/1 values, and the classes, sorted; raises DataError where there are fewer than two."""
    classes, numbers = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"the target has {len(classes)} class; two are needed to tell apart.")
    return np.eye(len(classes))[numbers], classes


def standard(values: Array) -> tuple[Array, Array]:
    """Center and scale of columns; a column that never changes has the scale 1."""
    spread = values.std(0)
    return values.mean(0), np.where(spread > 0, spread, 1.0)
