"""The whole job behind a scikit-learn estimator with a budget: search, ensemble and proof by ``wellfit.fit``."""

from __future__ import annotations

from typing import Any

import numpy as np

from wellfit.data.labels import label_text
from wellfit.errors import DataError
from wellfit.job import Run, fit


def whole_job(estimator: Any, x: Any, y: np.ndarray, weight: np.ndarray, seed: int) -> Run:
    """Run the job on the rows of an estimator.

    Raises:
        DataError: X is sparse, or there are several targets.
        WellfitError: what ``wellfit.fit`` raises.
    """
    if hasattr(x, "toarray"):
        raise DataError(f"X is a sparse {type(x).__name__}.", fix="Give X.toarray().", code="WF-A78")
    if y.ndim != 1:
        raise DataError(
            f"y has the shape {y.shape}, and the whole job fits one target.",
            fix="Give one column, or leave budget out.",
            code="WF-A79",
        )
    even = bool((weight == weight[0]).all())
    recipe = None if estimator.recipe is None else estimator.resolved_recipe()
    return fit(
        x, y, budget=estimator.budget, seed=seed, out=estimator.out, recipe=recipe,
        sample_weight=None if even else weight, task=None if hasattr(estimator, "classes_") else "regression",
        category=estimator.category, number=estimator.number,
    )  # fmt: skip


def run_probabilities(run: Run, x: Any, classes: np.ndarray) -> np.ndarray:
    """(rows, classes) with the columns in the order of ``classes``, which the run keeps in an order of its own."""
    shares = run.predict_proba(x)
    places = {str(label): place for place, label in enumerate(run.classes)}
    names = (str(label) for label in classes.tolist())
    return shares[:, [places[name if name in places else label_text(name)] for name in names]]


def run_numbers(run: Run, x: Any) -> np.ndarray:
    return np.asarray(run.predict(x), dtype=np.float64)
