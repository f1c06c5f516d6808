"""What decides: the loss of the task, any scikit-learn scorer, or a person's own function."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics as measures

from wellfit.errors import UsageError

_FLOOR = 1e-15


def figure(score: float) -> str:
    """A score in a sentence: four digits, and large ones in full as everywhere else."""
    return f"{score:,.0f}" if abs(score) >= 1e4 else f"{score:.4g}"


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score of predictions on rows.

    Attributes:
        name: as shown.
        lower_is_better: whether a smaller score is the better one.
        custom: a function (y_true, predicted, weight) -> score, or None for the task's own loss.
    """

    name: str
    lower_is_better: bool = True
    custom: Callable[[np.ndarray, np.ndarray, np.ndarray], float] | None = None

    def score(self, truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> float:
        """The score of class probabilities (rows, classes), or numbers (rows,)."""
        if self.custom is not None:
            return float(self.custom(truth, predicted, weight))
        losses = self.row_losses(truth, predicted)
        mean = float(np.average(losses, weights=weight))
        return float(np.sqrt(mean)) if self.name == "RMSE" else mean

    def loss(self, truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> float:
        """The score turned so that smaller is better; infinite where it cannot be computed."""
        if not np.isfinite(predicted).all():
            return float("inf")
        try:
            score = self.score(truth, predicted, weight)
        except ValueError:  # a class is missing from these rows, and the metric needs it
            return float("inf")
        if np.isnan(score):
            return float("inf")
        return score if self.lower_is_better else -score

    def check(self, truth: np.ndarray, classes: int) -> None:
        """Raises UsageError where the metric does not fit the task: tried on these rows before anything is trained."""
        guess = np.full((len(truth), classes), 1.0 / classes) if classes else np.full(len(truth), truth.mean())
        try:
            self.score(truth, guess, np.ones(len(truth)))
        except Exception as error:  # somebody's function may raise anything
            reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise UsageError(
                f"the metric {self.name} does not work on this target: {reason}",
                fix="Choose one for the task, such as neg_log_loss, roc_auc or r2; or leave --metric out.",
                code="WF-U02",
            ) from error

    def row_losses(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """(rows,) what the score is the mean of, where there is no function of somebody's own."""
        return row_losses(truth, predicted)

    def secondary(self, truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> dict[str, float]:
        """The usual figures beside the deciding one."""
        return secondary(truth, predicted, weight)

    def of_means(self, means: np.ndarray) -> np.ndarray:
        """From mean row losses to the score."""
        return np.sqrt(means) if self.name == "RMSE" else means


def row_losses(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(rows,) log loss of class probabilities (rows, classes), or squared error of numbers (rows,)."""
    if predicted.ndim == 2:
        return -np.log(np.clip(predicted[np.arange(len(truth)), truth], _FLOOR, 1.0))
    return (truth - predicted) ** 2


def make_metric(asked: str | Callable[..., Any] | None, task: str, classes: list[Any]) -> Metric:
    """The metric that was asked for.

    Raises:
        UsageError: no scorer has that name.
    """
    if asked is None:
        return Metric("RMSE" if task == "regression" else "log loss")
    if isinstance(asked, str):
        return _from_scorer(asked, classes)
    name = getattr(asked, "__name__", type(asked).__name__)
    if hasattr(asked, "_score_func"):
        return Metric(name, False, _scored(asked, classes))
    return Metric(name, False, lambda truth, predicted, weight: asked(truth, predicted))


def _from_scorer(name: str, classes: list[Any]) -> Metric:
    try:
        scorer = measures.get_scorer(name)
    except ValueError as error:
        import difflib

        near = difflib.get_close_matches(name, measures.get_scorer_names(), n=3)
        raise UsageError(
            f"no metric is called {name!r}.",
            fix=f"Nearest are {', '.join(near)}." if near else "Use a scikit-learn scorer's name, such as roc_auc.",
            code="WF-U02",
        ) from error
    score = _scored(scorer, classes)
    if name.startswith("neg_"):
        return Metric(name[4:], True, lambda truth, predicted, weight: -score(truth, predicted, weight))
    return Metric(name, False, score)


def _scored(scorer: Any, classes: list[Any]) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    def score(truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> float:
        model = _Predicted(predicted, len(classes))
        return float(scorer(model, np.arange(len(truth))[:, None], truth))

    return score


class _Predicted:
    """Stands in for a fitted estimator whose predictions are known: what a scorer calls."""

    def __init__(self, predicted: np.ndarray, classes: int) -> None:
        self._predicted = predicted
        self._estimator_type = "classifier" if classes else "regressor"
        if classes:
            self.classes_ = np.arange(classes)
            self.predict_proba = self._probabilities

    def fit(self, x: Any, y: Any) -> _Predicted:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        kind = self._estimator_type
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
        )

    def _probabilities(self, rows: np.ndarray) -> np.ndarray:
        return self._predicted[np.asarray(rows)[:, 0]]

    def predict(self, rows: np.ndarray) -> np.ndarray:
        found = self._predicted[np.asarray(rows)[:, 0]]
        return found.argmax(1) if found.ndim == 2 else found


def secondary(truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """The usual figures beside the deciding one."""
    if predicted.ndim == 1:
        return {
            "rmse": float(np.sqrt(measures.mean_squared_error(truth, predicted, sample_weight=weight))),
            "r2": float(measures.r2_score(truth, predicted, sample_weight=weight)) if len(truth) > 1 else float("nan"),
            "mae": float(measures.mean_absolute_error(truth, predicted, sample_weight=weight)),
        }
    chosen = predicted.argmax(1)
    figures = {
        "log_loss": float(np.average(row_losses(truth, predicted), weights=weight)),
        "accuracy": float(measures.accuracy_score(truth, chosen, sample_weight=weight)),
        "balanced_accuracy": float(np.mean([(chosen[truth == c] == c).mean() for c in np.unique(truth)])),
    }
    present = np.unique(truth)
    if predicted.shape[1] == 2 and len(present) == 2:
        figures["auc"] = float(measures.roc_auc_score(truth, predicted[:, 1], sample_weight=weight))
    elif len(present) == predicted.shape[1]:
        figures["auc"] = float(measures.roc_auc_score(truth, predicted, multi_class="ovr", labels=present))
    return figures
