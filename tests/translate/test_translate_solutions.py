"""A translation is right where both sides reach the same weights: each tool against the canonical minimum."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.neural_network
import sklearn.svm
from canonical_minimum import minimum, problem

from wellfit.translator import translate

L1, L2 = 0.12, 0.05
EXACT = {"tol": 1e-13, "max_iter": 100_000}


def settings(target: str, l1: float, l2: float, n: int = 60, **facts) -> dict:
    return translate("canonical", target, {"L1": l1, "L2": l2}, n=n, **facts).values


def same(model, weights, bias, tolerance):
    got = np.append(np.ravel(model.coef_), np.ravel(model.intercept_))
    np.testing.assert_allclose(got, np.append(weights, bias), rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "l1", "l2", "tolerance"),
    [("Ridge", 0.0, L2, 1e-7), ("Lasso", L1, 0.0, 1e-9), ("ElasticNet", L1, L2, 1e-9)],
)
def test_oracle_linear_regression(name, l1, l2, tolerance):
    x, y = problem()
    model = getattr(sklearn.linear_model, name)(**settings(f"sklearn.{name}", l1, l2), **EXACT).fit(x, y)
    same(model, *minimum(x, y, l1, l2), tolerance)


@pytest.mark.parametrize(
    ("l1", "l2", "solver"), [(0.0, L2, "newton-cg"), (L1, 0.0, "saga"), (L1, L2, "saga"), (0.0, L2, "liblinear")]
)
def test_oracle_logistic_regression(l1, l2, solver):
    x, y = problem(classes=True)
    values = settings(f"sklearn.LogisticRegression solver={solver}", l1, l2)
    tight = {"tol": 1e-12, "max_iter": 20_000}
    model = sklearn.linear_model.LogisticRegression(**{"solver": solver, **values}, **tight).fit(x, y)
    pulled = "pulled" if solver == "liblinear" else "free"
    same(model, *minimum(x, y, l1, l2, "log", pulled), 1e-6)


def test_a_solver_is_found_that_can_do_the_penalty():
    assert settings("sklearn.LogisticRegression", L1, 0.0)["solver"] == "saga"
    assert "solver" not in settings("sklearn.LogisticRegression", 0.0, L2)


def test_oracle_linear_svc():
    x, y = problem(classes=True)
    values = settings("sklearn.LinearSVC", 0.0, L2)
    model = sklearn.svm.LinearSVC(**values, dual=False, tol=1e-12, max_iter=100_000).fit(x, y)
    same(model, *minimum(x, y, 0.0, L2, "squared_hinge", "pulled"), 1e-6)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, L2), (L1, 0.0), (L1, L2)])
@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor"])
def test_oracle_stochastic_gradient(name, l1, l2):
    """Steps on single rows that get smaller and smaller come near the minimum, not onto it."""
    classes = name == "SGDClassifier"
    x, y = problem(classes=classes)
    chosen = " loss=log_loss" if classes else ""
    values = settings(f"sklearn.{name}{chosen}", l1, l2) | ({"loss": "log_loss"} if classes else {})
    pace = {"learning_rate": "invscaling", "eta0": 0.5, "power_t": 0.75, "max_iter": 20_000, "tol": None}
    model = getattr(sklearn.linear_model, name)(**values, **pace, random_state=0).fit(x, y)
    weights, bias = minimum(x, y, l1, l2, "log" if classes else "squared")
    same(model, weights, bias, 1e-3)
    elsewhere, off = minimum(x, y, 2 * l1, 2 * l2, "log" if classes else "squared")
    assert np.abs(weights - elsewhere).max() > 0.03, off  # half a factor off would be seen


@pytest.mark.parametrize("name", ["MLPRegressor", "MLPClassifier"])
def test_oracle_perceptron(name):
    """Where it rests, the canonical objective is flat: a network has many minima, each of them such a place."""
    classes = name == "MLPClassifier"
    x, y = problem(classes=classes)
    values = settings(f"sklearn.{name} solver=lbfgs", 0.0, L2)
    kind, tight = getattr(sklearn.neural_network, name), {"tol": 1e-14, "max_fun": 50_000, "max_iter": 5000}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = kind(hidden_layer_sizes=(3,), activation="tanh", **values, solver="lbfgs", random_state=1, **tight)
        model.fit(x, y)
    assert max(np.abs(slope).max() for slope in _canonical_slopes(model, x, y, L2, classes)) < 3e-4
    assert max(np.abs(slope).max() for slope in _canonical_slopes(model, x, y, 2 * L2, classes)) > 1e-2


@pytest.mark.parametrize(("rows", "batch", "steps"), [(60, 20, 3), (400, None, 2), (60, None, 1)])
def test_oracle_perceptron_divides_by_the_rows_of_a_step(rows, batch, steps):
    """Rows of zeros without biases leave the decay alone: each step takes the share lr * L2 of half the objective."""
    values = settings("sklearn.MLPRegressor solver=sgd", 0.0, L2, n=rows, batch=batch)
    pace = {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0, "nesterovs_momentum": False}
    model = sklearn.neural_network.MLPRegressor(
        hidden_layer_sizes=(3,), activation="identity", batch_size=batch or "auto", **values, **pace
    )
    x, y = np.zeros((rows, 2)), np.zeros(rows)
    model.partial_fit(x, y)
    for bias in model.intercepts_:
        bias[:] = 0.0
    before = [w.copy() for w in model.coefs_]
    model.partial_fit(x, y)
    for old, new in zip(before, model.coefs_, strict=True):
        np.testing.assert_allclose(new, old * (1 - 0.1 * L2) ** steps, rtol=1e-12)


def _canonical_slopes(model, x, y, l2, classes):
    """Gradients of mean loss + l2 * sum(w ** 2) at the fitted weights, biases free, by torch."""
    import torch

    weights = [torch.tensor(w, requires_grad=True) for w in model.coefs_]
    biases = [torch.tensor(b, requires_grad=True) for b in model.intercepts_]
    hidden = torch.tanh(torch.tensor(x) @ weights[0] + biases[0])
    z, target = (hidden @ weights[1] + biases[1])[:, 0], torch.tensor(y)
    loss = torch.nn.functional.softplus(-target * z).mean() if classes else ((z - target) ** 2).mean()
    total = loss + l2 * sum((w**2).sum() for w in weights)
    return [slope.numpy() for slope in torch.autograd.grad(total, [*weights, *biases])]


@pytest.mark.parametrize(("l1", "l2"), [(L1, 0.0), (0.0, L2), (L1, L2)])
def test_oracle_glmnet_gaussian(l1, l2):
    """glmnet's objective on y over its standard deviation, minimized here, comes to the canonical weights."""
    x, y = problem()
    spread = y.std()
    values = settings("glmnet.gaussian", l1, l2, sd_y=spread)
    strength, share = values["lambda"] / spread, values["alpha"]
    # half the mean squared error, so twice the penalties of the canonical form
    weights, bias = minimum(x, y / spread, 2 * strength * share, strength * (1 - share))
    expected, base = minimum(x, y, l1, l2)
    np.testing.assert_allclose(np.append(weights, bias) * spread, np.append(expected, base), rtol=0, atol=1e-9)


def test_oracle_glmnet_binomial():
    values = settings("glmnet.binomial", L1, L2)
    strength, share = values["lambda"], values["alpha"]
    assert (strength * share, strength * (1 - share) / 2) == pytest.approx((L1, L2), abs=1e-15)


def test_oracle_xgboost_is_ridge_on_leaves():
    """Columns that say which leaf a row is in: Ridge's weights are XGBoost's leaves."""
    leaf = np.repeat([0, 1, 2], [8, 3, 5])
    y = np.concatenate([np.arange(1.0, 9.0), [-2.0, -3.0, -4.0], [0.5, 0.1, -0.2, 0.4, 0.3]])
    alpha = translate("xgboost.XGBRegressor reg_lambda=2", "sklearn.Ridge", n=len(y)).values["alpha"]
    found = sklearn.linear_model.Ridge(alpha=alpha, fit_intercept=False).fit(np.eye(3)[leaf], y).coef_
    from wellfit.translator import leaf_value

    expected = [leaf_value(y[leaf == k].sum(), (leaf == k).sum(), 2.0) for k in range(3)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    both = translate("xgboost reg_lambda=2 reg_alpha=1.5", "sklearn.ElasticNet", n=len(y)).values
    net = sklearn.linear_model.ElasticNet(**both, fit_intercept=False, **EXACT).fit(np.eye(3)[leaf], y).coef_
    expected = [leaf_value(y[leaf == k].sum(), (leaf == k).sum(), 2.0, 1.5) for k in range(3)]
    np.testing.assert_allclose(net, expected, atol=1e-10)


def test_oracle_prior_is_the_most_probable_weight():
    """The mean of the exact posterior of a Gaussian prior, without a bias."""
    x, y = problem()
    tau, sigma = 0.7, 1.3
    posterior = np.linalg.solve(x.T @ x / sigma**2 + np.eye(5) / tau**2, x.T @ y / sigma**2)
    alpha = translate(f"prior.Gaussian tau={tau} sigma={sigma}", "sklearn.Ridge", n=60).values["alpha"]
    found = sklearn.linear_model.Ridge(alpha=alpha, fit_intercept=False, **EXACT).fit(x, y).coef_
    np.testing.assert_allclose(found, posterior, atol=1e-12)
    c = translate("prior.GaussianLogistic tau=0.5", "sklearn.LogisticRegression", n=60).values["C"]
    assert c == pytest.approx(0.25, rel=1e-14)


@pytest.mark.parametrize("kind", ["noise", "dropout"])
def test_oracle_noise_of_a_linear_model(kind):
    """Rows under 200 draws each come near the weights that the translated Ridge has."""
    x, y = problem(rows=40)
    x, y = (x - x.mean(0)) / x.std(0), y - y.mean()
    draw, many = np.random.default_rng(0), np.tile(x, (5000, 1))
    if kind == "noise":
        tool, moved = "noise.Input std=0.6", many + 0.6 * draw.normal(size=many.shape)
    else:
        tool, moved = "dropout.Linear p=0.25", many * (draw.random(many.shape) > 0.25) / 0.75
    values = translate(tool, "sklearn.Ridge", n=40, x_rms=1.0).values
    ridge = sklearn.linear_model.Ridge(**values, fit_intercept=False).fit(x, y).coef_
    found = np.linalg.lstsq(moved, np.tile(y, 5000), rcond=None)[0]
    np.testing.assert_allclose(found, ridge, atol=0.02)
    plain = np.linalg.lstsq(x, y, rcond=None)[0]
    assert np.abs(plain - ridge).max() > 0.1
