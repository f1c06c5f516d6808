"""Importing a scikit-learn estimator: its solution is the minimum under the imported recipe, and no other is."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import torch
from linear_fit import fit_linear
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from worlds import now_at

import wellfit
from wellfit import L1, L2, ClassWeights, EarlyStopping, NonNegative, Recipe
from wellfit.errors import UsageError

ROWS = 80
DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(ROWS, 4))
Y = X @ np.array([1.5, -2.0, 0.3, 0.0]) + 0.3 * DRAW.normal(size=ROWS)
LABELS = (Y > 0).astype(int)
TIGHT = {"tol": 1e-12, "max_iter": 100_000}
ODD_SOLVERS = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(alpha=8.0),
        Lasso(alpha=0.2, **TIGHT),
        ElasticNet(alpha=0.3, l1_ratio=0.4, **TIGHT),
        Lasso(alpha=0.1, positive=True, **TIGHT),
    ],
    ids=repr,
)
def test_oracle_a_linear_network_reaches_the_estimator_s_weights(estimator):
    recipe = wellfit.import_recipe(estimator, n=ROWS).recipe
    expected = estimator.set_params(fit_intercept=False).fit(X, Y).coef_
    found = fit_linear(recipe, X, Y, steps=700, rate=0.1)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    stronger = Recipe(*(p.replace(strength=1.5 * p.strength) if hasattr(p, "strength") else p for p in recipe))
    assert (
        np.abs(fit_linear(stronger, X, Y, steps=300, rate=0.1) - expected).max() > 0.01
    )  # another strength would be seen


def slope_of(recipe: Recipe, loss, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """The smooth part's gradient at (1, columns) weights without a bias, and what a unit of |w| costs."""
    w = torch.from_numpy(weights).requires_grad_()
    (slope,) = torch.autograd.grad(loss(torch.from_numpy(X) @ w[0]).mean(), w)
    l1 = 0.0
    for part in recipe:
        if isinstance(part, L1):
            l1 += part.strength
        else:
            slope = slope + part.penalty_gradient({"w": w.detach()}, now_at())["w"]
            l1 += getattr(part, "l1", 0.0)
    return slope.detach().numpy()[0], float(l1)


def log_loss(z):
    return torch.nn.functional.softplus(-torch.from_numpy(2.0 * LABELS - 1.0) * z)


def squared_hinge(z):
    return (1.0 - torch.from_numpy(2.0 * LABELS - 1.0) * z).clamp(min=0.0) ** 2


@pytest.mark.parametrize(
    ("estimator", "loss"),
    [
        (LogisticRegression(C=0.5, solver="newton-cg", tol=1e-12), log_loss),
        (LogisticRegression(C=0.1, l1_ratio=1.0, solver="saga", **TIGHT), log_loss),
        (LogisticRegression(C=0.1, l1_ratio=0.3, solver="saga", **TIGHT), log_loss),
        (LinearSVC(C=0.2, dual=False, **TIGHT), squared_hinge),
        (LinearSVC(C=0.05, penalty="l1", dual=False, **TIGHT), squared_hinge),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),  # a function's repr holds an address
)
def test_oracle_the_estimator_s_weights_are_the_minimum_under_the_recipe(estimator, loss):
    """Where weights are not 0 the slope is that of the L1 part; where they are, it is no steeper."""
    recipe = wellfit.import_recipe(estimator, n=ROWS).recipe
    weights = estimator.set_params(fit_intercept=False).fit(X, LABELS).coef_
    slope, l1 = slope_of(recipe, loss, weights)
    kept = weights[0] != 0
    assert kept.any()
    np.testing.assert_allclose(slope[kept], -l1 * np.sign(weights[0][kept]), atol=2e-6)
    assert (np.abs(slope[~kept]) <= l1 + 2e-6).all()


def fits(estimator: BaseEstimator) -> bool:
    x, y = make_classification(30, 4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator.fit(x, y)
        except ValueError:
            return False
    return True


LOGISTIC = [
    LogisticRegression(solver=s, max_iter=5, **p)
    for s, p in itertools.product(
        ODD_SOLVERS,
        [{"penalty": "l1"}, {"penalty": "l2"}, {"penalty": None}, {"penalty": "elasticnet", "l1_ratio": 0.5}],
    )
]
MACHINES = [
    LinearSVC(penalty=p, loss=loss, dual=d, max_iter=5)
    for p, loss, d in itertools.product(("l1", "l2"), ("hinge", "squared_hinge"), (True, False))
]
RIDGES = [Ridge(solver=s, positive=p) for s, p in itertools.product(("auto", "svd", "lbfgs"), (True, False))]


@pytest.mark.parametrize("estimator", [*LOGISTIC, *MACHINES, *RIDGES], ids=repr)
def test_property_what_scikit_learn_refuses_to_fit_is_refused_and_nothing_else(estimator):
    if fits(estimator):
        wellfit.import_recipe(estimator, n=30)
    else:
        with pytest.raises(UsageError) as told:
            wellfit.import_recipe(estimator, n=30)
        assert any(word in str(told.value) for word in ("penalty", "positive", "solver"))


def test_estimators_that_choose_stand_for_what_they_chose():
    assert wellfit.import_recipe(RidgeCV([4.0]).fit(X, Y), n=ROWS).recipe == Recipe(L2(4.0 / ROWS))
    lasso = LassoCV(alphas=[0.3, 0.1]).fit(X, Y)
    assert wellfit.import_recipe(lasso).recipe == Recipe(L1(2.0 * lasso.alpha_))
    net = ElasticNetCV(l1_ratio=[0.2, 0.9]).fit(X, Y)
    same = ElasticNet(alpha=net.alpha_, l1_ratio=net.l1_ratio_)
    assert wellfit.import_recipe(net).recipe == wellfit.import_recipe(same).recipe
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logistic = LogisticRegressionCV(Cs=[0.25]).fit(X, LABELS)
    same = LogisticRegression(C=0.25)
    assert wellfit.import_recipe(logistic, n=ROWS).recipe == wellfit.import_recipe(same, n=ROWS).recipe
    with pytest.raises(UsageError, match="Fit it first"):
        wellfit.import_recipe(LassoCV())


def test_pipelines_and_searches_are_looked_into():
    pipe = make_pipeline(StandardScaler(), Lasso(alpha=0.1))
    found = wellfit.import_recipe(pipe)
    assert found.recipe == Recipe(L1(0.2))
    assert any("StandardScaler" in note for note in found.notes)
    search = GridSearchCV(pipe, {"lasso__alpha": [0.05]}).fit(X, Y)
    assert wellfit.import_recipe(search).recipe == Recipe(L1(0.1))


def test_what_stands_beside_the_penalty_is_read_or_named():
    found = wellfit.import_recipe(
        SGDClassifier(early_stopping=True, n_iter_no_change=7, class_weight="balanced", average=True)
    )
    assert found.recipe == Recipe(L2(0.5e-4), EarlyStopping(7.0, 1e-3), ClassWeights(1.0))
    assert any("average" in sentence for sentence in found.not_understood)
    assert wellfit.import_recipe(Lasso(positive=True)).recipe == Recipe(L1(2.0), NonNegative())
    named = wellfit.import_recipe(SGDClassifier(class_weight={0: 3.0}, penalty=None)).not_understood
    assert any("class_weight" in sentence for sentence in named)


@pytest.mark.parametrize("estimator", [SVC(C=3.0), RandomForestClassifier(max_depth=3), SGDRegressor(loss="huber")])
def test_what_has_no_place_in_a_recipe_is_named(estimator):
    found = wellfit.import_recipe(estimator, n=ROWS)
    assert found.recipe == Recipe()
    assert type(estimator).__name__ in found.not_understood[0]


def test_facts_that_are_needed_are_asked_for():
    with pytest.raises(UsageError, match=r"missing: n"):
        wellfit.import_recipe(Ridge())
    whole, part = (wellfit.import_recipe(MLPClassifier(batch_size=b), n=1000).recipe["L2"] for b in (1000, 100))
    assert part.strength == pytest.approx(10 * whole.strength)


def test_a_strength_for_each_target_is_named():
    found = wellfit.import_recipe(Ridge(alpha=np.array([1.0, 2.0])), n=ROWS)
    assert found.recipe == Recipe() or not found.recipe["L2"].strength
    assert any("one strength per target" in sentence for sentence in found.not_understood)
