"""WellfitClassifier and WellfitRegressor: a network under a recipe, as scikit-learn expects an estimator to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from wellfit.adapters.sklearn_knobs import RecipeKnobs
from wellfit.adapters.sklearn_settings import checked_course, parted
from wellfit.adapters.sklearn_training import Outcome, class_batch, number_batch, outputs_of, train
from wellfit.adapters.sklearn_whole_job import run_numbers, run_probabilities, whole_job
from wellfit.errors import DataError
from wellfit.job.run import Run
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.training.step import Batch


class _Wellfit(RecipeKnobs):
    """What both estimators share: parameters, checks, and the fixed training."""

    def __init__(
        self, recipe: Recipe | Regularizer | None = None, *, epochs: int = 100, batch_size: int | str = "auto",
        learning_rate: float = 0.003, width: int = 64, depth: int = 2, validation_fraction: float = 0.0,
        budget: str | float | None = None, out: str | Path | None = None, category: Sequence[str] = (),
        number: Sequence[str] = (), random_state: Any = None,
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.width = width
        self.depth = depth
        self.validation_fraction = validation_fraction
        self.budget = budget
        self.out = out
        self.category = category
        self.number = number
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        """The whole job codes text and missing cells; the fixed training takes finite numbers and nothing else."""
        tags = super().__sklearn_tags__()
        whole = self.budget is not None
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = whole
        return tags

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _train(self, x: np.ndarray, weight: np.ndarray, outputs: int, rows_of: Any, strata: Any) -> Self:
        """Standardize and train on the rows that count; ``rows_of`` makes a batch of chosen rows."""
        seed = self._seed()
        counted = np.flatnonzero(weight > 0)
        own, judging = parted(counted, strata, self.validation_fraction, seed)
        course = checked_course(self, x.shape[1], outputs, len(own), seed)
        self.scaler_ = StandardScaler().fit(x[own], sample_weight=weight[own])
        scaled = self.scaler_.transform(x)
        recipe = self.resolved_recipe()
        valid: Batch | None = rows_of(scaled, judging) if len(judging) else None
        found: Outcome = train(recipe, rows_of(scaled, own), valid, course)
        self.network_, self.recipe_ = found.network, recipe
        self.loss_curve_, self.validation_curve_ = list(found.losses), list(found.valid_losses)
        self.n_iter_ = len(found.losses)
        self.run_ = None
        return self

    def _outputs(self, x: Any) -> np.ndarray:
        return outputs_of(self.network_, self.scaler_.transform(validate_data(self, x, dtype=np.float64, reset=False)))

    def _weights(self, x: Any, sample_weight: Any, factor: np.ndarray | float = 1.0) -> np.ndarray:
        weight = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True) * factor
        if not weight.any() or weight.min() < 0:
            raise DataError(
                f"rows weigh from {weight.min():g} to {weight.max():g}, class weights included.",
                fix="Give weights from 0, and one above 0.",
                code="WF-A76",
            )
        return weight


class WellfitClassifier(ClassifierMixin, _Wellfit):
    """Classify rows with a network trained under a recipe: a fixed recipe and number of epochs, without search.

    The rows are standardized by their weighted mean and deviation, and a multilayer perceptron is trained in float64
    with Adam; the loss is the weighted mean cross-entropy. As many rows as a batch holds are one batch, and then a row
    of weight 2 is exactly the same as two rows, and one of weight 0 as none, under recipes that draw nothing per row.
    ``budget`` opts in to the whole job of ``wellfit.fit``: search, ensemble and proof.

    Use when a network is to stand in a pipeline or a grid. Avoid when there is time for the search: ``wellfit.fit``.

    Args:
        recipe: what it trains under; None is WeightDecay(0.3). A grid reaches it as ``recipe``, and the knobs of its
            parts as ``recipe__<part>__<knob>``, such as ``recipe__Dropout__p``.
        epochs: passes over the rows, 1 and up.
        batch_size: rows a step; ``"auto"`` is 200, or all where there are fewer.
        learning_rate: of Adam, above 0.
        width, depth: units of a hidden layer, and hidden layers.
        class_weight: a dictionary from class to weight, or ``"balanced"``; they multiply the sample weights.
        validation_fraction: share of the rows kept back, 0 to below 1: parts such as EarlyStopping judge by them, and
            the weights of the best epoch are kept. 0 trains on all rows to the last epoch.
        budget: wall time such as ``"60s"`` for the whole job, which takes missing cells and text too; None trains as
            above. The training's own parameters above do not apply then, and a recipe that is given is not searched.
        out: the run folder of the whole job; None is a new one under ``runs``.
        category, number: names of columns of numbers that the whole job reads as categories, and that it leaves
            numbers, as in ``wellfit.fit``; both are empty where there is no budget.
        random_state: an int gives the same network again on the same machine with the same number of threads.

    Attributes:
        classes_: (classes,) labels, in the order of ``predict_proba``'s columns.
        n_features_in_, feature_names_in_: of the training rows; the names where they came with a frame.
        network_: the trained ``torch.nn.Module``, float64, for rows that ``scaler_`` has standardized.
        recipe_: the recipe trained under.
        n_iter_: epochs taken.
        loss_curve_, validation_curve_: loss of each epoch; the second is empty where no rows were kept back.
        run_: the ``wellfit.Run`` of the whole job, else None; it reads its folder, which has to stay.

    Raises:
        ValueError: rows, targets or parameters make no sense; ``RecipeError`` and ``DataError`` are ValueErrors.
        TypeError: X is sparse; ``X.toarray()`` is dense.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> bool(WellfitClassifier(epochs=50, random_state=0).fit(x, y).score(x, y) > 0.9)
        True
    """

    def __init__(
        self, recipe: Recipe | Regularizer | None = None, *, epochs: int = 100, batch_size: int | str = "auto",
        learning_rate: float = 0.003, width: int = 64, depth: int = 2, class_weight: Any = None,
        validation_fraction: float = 0.0, budget: str | float | None = None, out: str | Path | None = None,
        category: Sequence[str] = (), number: Sequence[str] = (), random_state: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            recipe, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, width=width, depth=depth,
            validation_fraction=validation_fraction, budget=budget, out=out, category=category, number=number,
            random_state=random_state,
        )  # fmt: skip
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on (rows, features) and (rows,) labels, each row counting ``sample_weight``."""
        given = X
        whole = self.budget is not None
        if whole:
            _, y = validate_data(self, X, y, skip_check_array=True), np.asarray(y)
        else:
            X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        factor = 1.0 if self.class_weight is None else compute_sample_weight(self.class_weight, y)
        weight = self._weights(X, sample_weight, factor)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if whole:
            self.run_ = whole_job(self, given, y, weight, self._seed())
            return self
        count = len(self.classes_)
        return self._train(X, weight, count, lambda x, r: class_batch(x[r], codes[r], weight[r], count), codes)

    def predict_proba(self, X: Any) -> np.ndarray:
        """(rows, classes) probabilities, columns as ``classes_``."""
        check_is_fitted(self)
        if self.run_ is not None:
            validate_data(self, X, skip_check_array=True, reset=False)
            return run_probabilities(self.run_, X, self.classes_)
        logits = self._outputs(X)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """(rows,) the most probable class of each row."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class WellfitRegressor(RegressorMixin, _Wellfit):
    """Predict numbers with a network trained under a recipe: a fixed recipe and number of epochs, without search.

    Rows and targets are standardized by their weighted mean and deviation; the loss is the weighted mean squared error.
    All else, the parameters and the attributes among it, is as in ``WellfitClassifier``, without what concerns classes.
    Several targets are fitted by one network; with ``budget`` there is one target.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 60)[:, None]
        >>> y = np.sin(3 * x[:, 0])
        >>> bool(WellfitRegressor(epochs=300, random_state=0).fit(x, y).score(x, y) > 0.95)
        True
    """

    run_: Run | None

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self.budget is None
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on (rows, features) and (rows,) or (rows, targets) numbers, each row counting ``sample_weight``."""
        if self.budget is not None:
            validate_data(self, X, y, skip_check_array=True)
            self.run_ = whole_job(self, X, np.asarray(y), self._weights(X, sample_weight), self._seed())
            return self
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        weight = self._weights(X, sample_weight)
        self._single = y.ndim == 1
        columns = y.astype(np.float64).reshape(len(y), -1)
        counted = weight > 0
        self.target_scaler_ = StandardScaler().fit(columns[counted], sample_weight=weight[counted])
        aim = self.target_scaler_.transform(columns)
        return self._train(X, weight, aim.shape[1], lambda x, r: number_batch(x[r], aim[r], weight[r]), None)

    def predict(self, X: Any) -> np.ndarray:
        """(rows,) or (rows, targets) numbers, as the targets of ``fit`` had it."""
        check_is_fitted(self)
        if self.run_ is not None:
            validate_data(self, X, skip_check_array=True, reset=False)
            return run_numbers(self.run_, X)
        found = self.target_scaler_.inverse_transform(self._outputs(X))
        return found[:, 0] if self._single else found
