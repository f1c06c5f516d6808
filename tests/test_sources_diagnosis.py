"""Rows 55, 57 to 60, 63 and 71 of tests/data/seed-rows.csv: what is measured of a training, and a grid of recipes."""

from __future__ import annotations

import numpy as np

from source_worlds import tumors


def test_row_55_regularization_metrics():
    """The ratio is guarded where the training loss is 0 or below, and the norm is not its square."""
    from wellfit.diagnosis import gap, norms

    assert norms(np.array([3.0, -4.0])) == {"l1": 7.0, "l2": 5.0, "l2_squared": 25.0}
    assert gap(0.5, 1.0)["ratio"] == 2.0
    assert gap(0.0, 1.0)["gap"] == 1.0


def test_row_57_bias_and_variance():
    from wellfit.diagnosis import bias_variance

    found = bias_variance(degrees=(1, 3, 8), seed=42)
    assert found.bias[0] > found.bias[2]
    assert found.variance[0] < found.variance[2]


def test_row_58_diagnosis_by_accuracies():
    """Low and low, high and low, high and high: underfit, overfit, healthy."""
    from wellfit import diagnose

    curves = {"underfit": (0.55, 0.54), "overfit": (0.99, 0.7), "healthy": (0.95, 0.94)}
    for verdict, (train, valid) in curves.items():
        history = {"accuracy": [0.5, train, train], "val_accuracy": [0.5, valid, valid]}
        assert diagnose(history=history).verdict == verdict


def test_row_59_memorizing_random_labels():
    from wellfit.diagnosis import random_labels

    x, y = tumors()
    found = random_labels(x, y, seed=0)
    assert found.train_accuracy > 0.9
    assert abs(found.valid_accuracy - 0.5) < 0.15


def test_row_60_causes_of_underfitting():
    """Too simple, too short, missing features, too much regularization: each with its remedy."""
    from wellfit.diagnosis import CHECKS

    for code in ("capacity", "epochs", "features", "over-regularized"):
        assert CHECKS[code].remedy


def test_row_63_shift_between_groups():
    """Rows of another hospital: accuracy that falls from group to group is a finding of its own."""
    from wellfit.diagnosis import shift

    x, y = tumors()
    groups = np.repeat(["one", "other"], len(x) // 2)
    moved = x + 3.0 * (groups == "other")[:, None]
    assert shift(moved, y, groups).found
    assert not shift(x, y, groups).found


def test_row_71_grid_search_over_models():
    """GridSearchCV runs over recipes as over any parameter."""
    from sklearn.model_selection import GridSearchCV

    from wellfit import L2, Recipe
    from wellfit.sklearn import WellfitClassifier

    x, y = tumors()
    grid = {"recipe": [Recipe(L2(s)) for s in (1e-4, 1e-2)]}
    assert GridSearchCV(WellfitClassifier(), grid, cv=2).fit(x[:100], y[:100]).best_score_ > 0.6
