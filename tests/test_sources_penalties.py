"""Rows 1 to 16 of tests/data/seed-rows.csv: penalties, their forms, and the linear models that hold them."""

from __future__ import annotations

import copy

import numpy as np
import pandas
import pytest
import torch
from oracle_answers import ROWS
from oracle_answers_tools import linear_model_scores, polynomial_data
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit, train_test_split
from sklearn.preprocessing import PolynomialFeatures
from torch import nn

from source_worlds import amounts, moment, numbers, step
from wellfit import L1, L2, Ball, ElasticNet, LInfinity, Lp, Recipe, UsageError, WeightDecay, reference, where
from wellfit.data import Encoder, make_table
from wellfit.training.cohort import Member, Rows, start
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer
from wellfit.translator import translate

W = np.array([2.5, 1.2, 0.8, 3.0])


def _params(w):
    return {"w": numbers(w)}


def _problem(rows=60, columns=4, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, columns))
    y = x @ np.array([2.0, -1.5, 0.0, 0.0])[:columns] + 0.3 * draw.normal(size=rows)
    return x - x.mean(0), y - y.mean()


def _solved(recipe, x, y, steps=400, rate=0.2):
    """The weights at which the engine rests, for a linear model without a bias."""
    layer = nn.Linear(x.shape[1], 1, bias=False).double()
    nn.init.zeros_(layer.weight)
    return step(layer, recipe, x, amounts(y), rate, steps=steps).params["weight"][0].numpy()


def test_row_01_l2_in_a_numpy_network():
    """Lambda 0.01 with its half is our 0.005; it shrinks both layers and leaves the biases to the loss."""
    draw = np.random.default_rng(0)
    x, labels = draw.normal(size=(40, 5)), np.eye(2)[draw.integers(2, size=40)]
    first = reference.start_weights(5, 8, 2, draw)
    ends = []
    for strength in (0.0, 0.01 / 2):
        weights = first
        for _ in range(300):
            weights, _ = reference.step(weights, x, labels, np.ones((40, 8)), reference.Plan(rate=0.5, l2=strength))
        ends.append(weights)
    plan = reference.Plan(l2=0.005)
    cost = 0.01 / 2 * sum(np.square(first[n]).sum() for n in ("w1", "w2"))
    assert reference.penalty(first, plan) == pytest.approx(cost)
    assert float(L2(0.005).penalty({n: numbers(first[n]) for n in ("w1", "w2")}, moment())) == pytest.approx(cost)
    assert reference.penalty(ends[1], plan) < 0.7 * reference.penalty(ends[0], plan)


def test_row_02_l1_in_a_numpy_network():
    for w in (W, -W, np.zeros(3)):
        gradient = L1(0.01, form="loss").penalty_gradient(_params(w), moment())["w"]
        np.testing.assert_allclose(gradient, 0.01 * np.sign(w))
        np.testing.assert_allclose(reference.l1_gradient(w, 0.01), 0.01 * np.sign(w))
        assert float(L1(0.01, form="loss").penalty(_params(w), moment())) == pytest.approx(0.01 * np.abs(w).sum())


def test_row_03_elastic_net_value_and_gradient():
    part, w = ElasticNet(1.0, 0.5, form="loss"), np.array([-2.0, 0.5, 3.0])
    expected = 0.5 * np.abs(w).sum() + 0.25 * np.square(w).sum()
    assert float(part.penalty(_params(w), moment())) == pytest.approx(expected)
    np.testing.assert_allclose(part.penalty_gradient(_params(w), moment())["w"], 0.5 * np.sign(w) + 0.5 * w)


@pytest.mark.parametrize("strength", [1e-4, 1e-3, 1e-2, 0.1, 1.0])
def test_row_04_l2_without_the_half(strength):
    """With no gradient of the loss one step of SGD is w * (1 - 2 * rate * strength)."""
    layer = nn.Linear(4, 1, bias=False).double()
    layer.weight.data = numbers([W])
    later = step(layer, Recipe(L2(strength)), np.zeros((2, 4)), amounts([0.0, 0.0]), rate=0.1)
    np.testing.assert_allclose(later.params["weight"][0], W * (1 - 2 * 0.1 * strength), rtol=1e-12)


def test_row_05_penalties_as_numpy_functions():
    found = [reference.l1_penalty(W, 0.1), reference.l2_penalty(W, 0.1), reference.elastic_net_penalty(W, 0.1, 0.5)]
    np.testing.assert_allclose(found, [0.75, 1.733, 0.80825])
    parts = [L1(0.1, form="loss"), L2(0.1), ElasticNet(0.1, 0.5, form="loss")]
    np.testing.assert_allclose([float(p.penalty(_params(W), moment())) for p in parts], found)


def test_row_06_norms_and_limits_of_lambda():
    """At strength 0 the plain solution, at a large one none; Lp is the norm to its power, and Linf the limit of Lp."""
    for power in (1.5, 2.0, 4.0):
        cost = float(Lp(0.3, power=power).penalty(_params([W]), moment()))
        assert cost == pytest.approx(0.3 * np.linalg.norm(W, power) ** power)
    assert float(LInfinity(0.3).penalty(_params([W]), moment())) == pytest.approx(0.3 * np.linalg.norm(W, np.inf))
    x, y = _problem()
    plain = LinearRegression(fit_intercept=False).fit(x, y).coef_
    for part in (L1, L2):
        np.testing.assert_allclose(_solved(Recipe(part(0.0)), x, y), plain, atol=1e-6)
    assert (_solved(Recipe(L1(100.0)), x, y, steps=100, rate=0.01) == 0).all()
    assert np.abs(_solved(Recipe(L2(100.0)), x, y, rate=4e-3)).max() < 0.03 * np.abs(plain).max()


@pytest.mark.parametrize("kind", ["l2", "l1", "elastic"])
def test_row_07_penalty_form_and_constraint_form(kind):
    """The size of a penalized solution, taken as the radius of the ball, gives the same solution back."""
    x, y = _problem()
    penalties = {"l2": L2(0.4), "l1": L1(0.8), "elastic": Recipe(L1(0.4), L2(0.4))}
    penalized = _solved(Recipe(penalties[kind]), x, y)
    sizes = {"l2": np.linalg.norm(penalized), "l1": np.abs(penalized).sum()}
    sizes["elastic"] = 0.5 * np.abs(penalized).sum() + 0.5 * np.square(penalized).sum()
    bounded = _solved(Recipe(Ball(float(sizes[kind]), 0.5, kind=kind)), x, y, steps=150)
    np.testing.assert_allclose(bounded, penalized, atol=1e-4)
    assert ((bounded == 0) == (penalized == 0)).all()
    assert (penalized == 0).any() == (kind != "l2")


def test_row_08_subgradient_at_zero():
    w = np.array([-2.0, -0.01, 0.0, 0.01, 2.0])
    one, two = (p.penalty_gradient(_params(w), moment())["w"] for p in (L1(0.3, form="loss"), L2(0.3)))
    assert one.tolist() == [-0.3, -0.3, 0.0, 0.3, 0.3]
    np.testing.assert_allclose(two, 0.6 * w)
    np.testing.assert_array_equal(reference.l1_gradient(w, 0.3), one)


def test_row_09_keras_kernel_regularizers():
    import keras

    for units, inputs in ((64, 784), (10, 64)):
        kernel = keras.initializers.GlorotUniform(seed=1)((inputs, units))
        w = {"w": torch.as_tensor(keras.ops.convert_to_numpy(kernel))}
        rules = keras.regularizers
        pairs = [
            (rules.L1(0.01), Recipe(L1(0.01, form="loss"))),
            (rules.L2(0.01), Recipe(L2(0.01))),
            (rules.L1L2(0.01, 0.01), Recipe(ElasticNet(0.02, 0.5, form="loss", half=False))),
            (rules.L1L2(0.01, 0.01), Recipe(L1(0.01, form="loss"), L2(0.01))),
        ]
        for theirs, ours in pairs:
            assert float(ours.penalty(w, moment())) == pytest.approx(float(theirs(kernel)), rel=1e-5)


def _torch_step(network, x, y, penalty, rate=0.1):
    peer = copy.deepcopy(network)
    loss = nn.functional.mse_loss(peer(numbers(x)), numbers(y)[:, None])
    (loss + penalty(list(peer.parameters()))).backward()
    return {n: (p - rate * p.grad).detach() for n, p in peer.named_parameters()}


def _held_against_torch(part, cost):
    """A step over all parameters of Linear(10, 1), the bias too: ``where(..., "*")``."""
    draw = np.random.default_rng(0)
    network, x, y = nn.Linear(10, 1).double(), draw.normal(size=(20, 10)), draw.normal(size=20)
    ours = step(network, Recipe(where(part, "*")), x, amounts(y)).params
    for name, theirs in _torch_step(network, x, y, cost).items():
        torch.testing.assert_close(ours[name], theirs, rtol=0, atol=1e-12)
    free = step(network, Recipe(part), x, amounts(y)).params
    assert not torch.equal(free["bias"], ours["bias"]), "without where the bias is not penalized"


def test_row_10_torch_l1_in_the_loss():
    _held_against_torch(L1(0.1, form="loss"), lambda params: 0.1 * sum(p.abs().sum() for p in params))


def test_row_11_torch_elastic_net_in_the_loss():
    def cost(params):
        return 0.1 * (0.5 * sum(p.abs().sum() for p in params) + 0.5 * sum((p**2).sum() for p in params))

    _held_against_torch(ElasticNet(0.1, 0.5, form="loss", half=False), cost)


@pytest.mark.parametrize(("kind", "rate", "strength"), [("Adam", 0.001, 1e-4), ("SGD", 0.01, 0.0), ("SGD", 0.01, 0.1)])
def test_row_12_torch_weight_decay(kind, rate, strength):
    """Torch's coupled decay, biases too: ``where(WeightDecay(strength, form="coupled"), "*")``."""
    draw = np.random.default_rng(0)
    network, x, y = nn.Linear(10, 1).double(), draw.normal(size=(20, 10)), draw.normal(size=20)
    peer = copy.deepcopy(network)
    optimizer = getattr(torch.optim, kind)(peer.parameters(), lr=rate, weight_decay=strength)
    for _ in range(10):
        optimizer.zero_grad()
        nn.functional.mse_loss(peer(numbers(x)), numbers(y)[:, None]).backward()
        optimizer.step()
    recipe = Recipe(where(WeightDecay(strength, form="coupled"), "*"))
    ours = step(network, recipe, x, amounts(y), rate, {"Adam": Adam(), "SGD": SGD()}[kind], steps=10).params
    for name, theirs in peer.named_parameters():
        torch.testing.assert_close(ours[name], theirs.detach(), rtol=0, atol=1e-10)


def test_row_13_sklearn_linear_models():
    """Alpha 0 is no penalty; what a solver cannot do is refused by name; C is 1 / (2 n L2), not 1 / lambda."""
    x, y = _problem()
    plain = LinearRegression(fit_intercept=False).fit(x, y).coef_
    np.testing.assert_allclose(Ridge(alpha=0.0, fit_intercept=False).fit(x, y).coef_, plain)
    for name in ("Ridge alpha=0", "Lasso alpha=0", "ElasticNet alpha=0 l1_ratio=0.5"):
        assert len(translate(f"sklearn.{name}", "wellfit.Recipe", n=60).recipe.active()) == 0
    for solver, penalty in (
        ("lbfgs", {"L1": 0.1}),
        ("lbfgs", {"L1": 0.1, "L2": 0.1}),
        ("liblinear", {"L1": 0.1, "L2": 0.1}),
    ):
        with pytest.raises(UsageError, match=r"saga|liblinear"):
            translate("canonical", f"sklearn.LogisticRegression solver={solver}", penalty, n=60)
    words = translate("canonical", "sklearn.LogisticRegression", {"L1": 0.1, "L2": 0.05}, n=60)
    assert words.values["solver"] == "saga"
    C = translate("canonical", "sklearn.LogisticRegression", {"L2": 0.05}, n=60).values["C"]
    w = LogisticRegression(C=C, tol=1e-10).fit(x, y > 0).coef_[0]
    rest = nn.functional.binary_cross_entropy_with_logits
    held = numbers(w).requires_grad_()
    bias = numbers(LogisticRegression(C=C, tol=1e-10).fit(x, y > 0).intercept_)
    (rest(numbers(x) @ held + bias, numbers(y > 0)) + 0.05 * (held**2).sum()).backward()
    assert held.grad.abs().max() < 1e-5, "scikit-learn rests where our objective does"


def test_row_14_strength_by_cross_validation():
    """A stack of trainings, one for each strength, chooses the alpha that GridSearchCV chooses on the same split."""
    draw = np.random.default_rng(3)
    x = draw.normal(size=(80, 20))
    y = x @ (draw.normal(size=20) * (draw.random(20) < 0.5)) + 3.0 * draw.normal(size=80)
    alphas, held = np.logspace(-1, 2, 7), np.where(np.arange(80) < 40, -1, 0)
    chosen = GridSearchCV(
        Ridge(fit_intercept=False), {"alpha": alphas}, cv=PredefinedSplit(held), scoring="neg_mean_squared_error"
    )
    chosen.fit(x, y)
    rows = Rows(numbers(x), amounts(y), ((torch.arange(40), torch.arange(40, 80)),))

    def make():
        return nn.Linear(20, 1, bias=False).double()

    trainer = Trainer(make(), SGD())
    members = [Member(Recipe(L2(float(a) / 40)), rate=0.12, seed=0) for a in alphas]
    course = Course(400, batch=40, evaluate_every=400)
    cohort = Population(trainer, rows).train(start(trainer, make, members, rows), course)
    np.testing.assert_allclose(-chosen.cv_results_["mean_test_score"], cohort.last_loss, rtol=1e-3)
    assert alphas[int(cohort.last_loss.argmin())] == chosen.best_params_["alpha"]
    assert chosen.best_index_ not in (0, 6)


def test_row_15_standardization_before_penalties():
    """A column in other units gets the same weight: the network reads one scale, fitted on training rows."""
    draw = np.random.default_rng(0)
    frame = pandas.DataFrame({"meters": draw.normal(2.0, 1.0, 200), "y": draw.normal(size=200)})
    frame["millimeters"] = frame["meters"] * 1000
    frame.loc[150:, "meters"] += 1e6  # rows held out must not be looked at
    table = make_table(frame, "y")
    x = Encoder.fit(table, rows=np.arange(150)).transform(frame)
    assert x.shape[1] == 2
    np.testing.assert_allclose(x[:150, 0], x[:150, 1], atol=1e-5)
    assert np.abs(x).max() <= 3.0
    assert 0.3 < x[:150].std() < 1.2


def test_row_16_polynomial_demonstration():
    """All rows of the table as scikit-learn gives them, and our penalties rest where its models do."""
    for name in ("none", "ridge", "lasso", "enet_as_coded", "enet_published"):
        row = ROWS[f"seed004.table.{name}"]
        for key, value in linear_model_scores(row["inputs"]).items():
            assert value == pytest.approx(row["expected"][key], abs=row["tol"])
    x, y = polynomial_data()
    x, _, y, _ = train_test_split(PolynomialFeatures(8).fit_transform(x)[:, 1:], y, test_size=0.2, random_state=42)
    x, y = x - x.mean(0), y - y.mean()
    pairs = [
        (Ridge(alpha=0.5), Recipe(L2(0.5 / len(y)))),
        (Lasso(alpha=0.1, tol=1e-12, max_iter=10**6), Recipe(L1(0.1 * 2))),
        (SklearnElasticNet(alpha=0.1, l1_ratio=0.4, tol=1e-12, max_iter=10**6), Recipe(ElasticNet(0.2, 0.4))),
    ]
    for model, recipe in pairs:
        theirs = model.fit(x, y).coef_
        layer = nn.Linear(8, 1, bias=False).double()
        layer.weight.data = numbers([theirs])
        ours = step(layer, recipe, x, amounts(y), rate=0.1, steps=50).params["weight"][0]
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())
        assert ((ours.numpy() == 0) == (theirs == 0)).all()
