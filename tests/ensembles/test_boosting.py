"""Boosting against scikit-learn's own, and against Friedman's steps by hand; then small networks as learners."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from wellfit import DataError, UsageError
from wellfit.ensembles import BoostingClassifier, BoostingRegressor, NetRegressor


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_oracle_BoostingRegressor(depth, rate):
    x, y = load_diabetes(return_X_y=True)
    theirs = GradientBoostingRegressor(max_depth=depth, learning_rate=rate, n_estimators=60, random_state=3).fit(x, y)
    ours = BoostingRegressor(DecisionTreeRegressor(max_depth=depth), 60, rate, seed=3).fit(x, y)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-9)
    stages = zip(ours.staged_predict(x), theirs.staged_predict(x), strict=True)
    for mine, other in stages:
        np.testing.assert_allclose(mine, other, rtol=1e-9)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine], ids=["two classes", "three classes"])
def test_oracle_BoostingClassifier(load, depth):
    x, y = load(return_X_y=True)
    theirs = GradientBoostingClassifier(max_depth=depth, n_estimators=40, random_state=1).fit(x[::2], y[::2])
    labels = np.array(["no", "perhaps", "yes"])
    ours = BoostingClassifier(DecisionTreeRegressor(max_depth=depth), 40, seed=1).fit(x[::2], labels[y[::2]])
    # deep in a tree several splits part the training rows equally well: there rounding decides which one is taken
    seen = x if depth == 1 else x[::2]
    np.testing.assert_allclose(ours.predict_proba(seen), theirs.predict_proba(seen), rtol=1e-7, atol=1e-12)
    assert (ours.predict(seen) == labels[theirs.predict(seen)]).all()
    for mine, other in zip(ours.staged_predict_proba(seen), theirs.staged_predict_proba(seen), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-12)


def test_boosting_linear_models_by_one_is_one_linear_model():
    x, y = load_diabetes(return_X_y=True)
    boosted = BoostingRegressor(LinearRegression(), stages=1, shrinkage=1.0).fit(x, y)
    np.testing.assert_allclose(boosted.predict(x), LinearRegression().fit(x, y).predict(x), rtol=1e-9)
    half = BoostingRegressor(LinearRegression(), stages=10, shrinkage=0.5).fit(x, y).predict(x)
    expected = y.mean() + (1 - 0.5**10) * (LinearRegression().fit(x, y).predict(x) - y.mean())
    np.testing.assert_allclose(half, expected, rtol=1e-9)


class Loud:
    """Says twice what it should, and the negative of it: a line search must mend both."""

    def __init__(self, factor):
        self.factor, self.inner = factor, LinearRegression()

    def fit(self, x, y):
        self.inner.fit(x, y)
        return self

    def predict(self, x):
        return self.factor * self.inner.predict(x)


@pytest.mark.parametrize("factor", [2.0, -3.0])
def test_the_line_search_undoes_a_learners_scale(factor):
    x, y = load_diabetes(return_X_y=True)
    plain, loud = (BoostingRegressor(m, 5, 0.3).fit(x, y).predict(x) for m in (LinearRegression(), Loud(factor)))
    np.testing.assert_allclose(loud, plain, rtol=1e-9)


def test_networks_boost_numbers_and_classes():
    x = np.linspace(-3, 3, 200)[:, None]
    y = np.sin(2 * x[:, 0])
    net = NetRegressor(width=12, depth=1, epochs=8, rate=0.03)
    boosted = BoostingRegressor(net, stages=10, shrinkage=0.5).fit(x, y)
    errors = [float(((p - y) ** 2).mean()) for p in boosted.staged_predict(x)]
    assert errors[-1] < 0.5 * errors[0]
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(errors)), "the line search never loses"
    labels = np.where(np.abs(x[:, 0]) < 1, "in", np.where(x[:, 0] > 0, "right", "left"))
    shares = BoostingClassifier(net, stages=6, shrinkage=0.5).fit(x, labels)
    assert (shares.predict(x) == labels).mean() > 0.9
    np.testing.assert_allclose(shares.predict_proba(x).sum(1), 1.0)


def test_what_boosting_refuses():
    x, y = np.zeros((4, 1)), np.array([0, 1, 0, 1])
    for bad in (0, -1, 2.5, True):
        with pytest.raises(UsageError, match="stages"):
            BoostingRegressor(DecisionTreeRegressor(), stages=bad)
    for bad in (0.0, 1.5, float("nan"), "1"):
        with pytest.raises(UsageError, match="shrinkage"):
            BoostingClassifier(DecisionTreeRegressor(), shrinkage=bad)
    with pytest.raises(UsageError, match="gives classes"):
        BoostingClassifier(DecisionTreeClassifier())
    with pytest.raises(DataError, match="two are needed"):
        BoostingClassifier(DecisionTreeRegressor()).fit(x, y * 0)
    with pytest.raises(DataError, match="one number"):
        BoostingRegressor(DecisionTreeRegressor()).fit(x, ["a", "b", "a", "b"])


def test_certain_leaves_and_constant_targets_stay_finite():
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    boosted = BoostingClassifier(DecisionTreeRegressor(max_depth=1), stages=400, shrinkage=1.0).fit(x, [0, 0, 1, 1])
    assert np.isfinite(boosted.raw(x)).all()
    np.testing.assert_allclose(boosted.predict_proba(x)[:, 1], [0, 0, 1, 1], atol=1e-6)
    flat = BoostingRegressor(DecisionTreeRegressor(max_depth=1), stages=3).fit(x, [2.0, 2.0, 2.0, 2.0])
    assert (flat.predict(x) == 2.0).all()
