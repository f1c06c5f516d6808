"""Rows 51, 54, 61, 62, 66 and 72 of tests/data/seed-rows.csv: trainings, combinations of them, and advice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.ensemble import BaggingClassifier, GradientBoostingRegressor, VotingClassifier
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from torch import nn

import wellfit
from source_worlds import amounts, classes, digits, last_losses, step, study, tumors
from wellfit import (
    L1,
    L2,
    ClipNorm,
    Dropout,
    EarlyStopping,
    GroupLasso,
    Recipe,
    ReduceOnPlateau,
    WeightDecay,
    where,
)  # fmt: skip
from wellfit.ensembles import Averaging, Bagging, BoostingRegressor, Voting
from wellfit.models.mlp import Shape
from wellfit.translator import translate


def test_row_51_ensembles():
    """Five classifiers on true bootstrap samples, not on five parts; boosting with shrinkage; voting and averaging."""
    x, y = tumors()
    rows, held, labels, truth = x[:100], x[100:], y[:100], y[100:]
    bagged = Bagging(DecisionTreeClassifier(random_state=0), members=5).fit(rows, labels)
    drawn = bagged.rows
    assert [len(r) for r in drawn] == [100] * 5
    assert all(55 < len(np.unique(r)) < 72 for r in drawn), "some 63 of 100 rows are in a bootstrap sample"
    one = DecisionTreeClassifier(random_state=0).fit(rows, labels).score(held, truth)
    peer = BaggingClassifier(DecisionTreeClassifier(random_state=0), 5, random_state=0).fit(rows, labels)
    assert (bagged.predict(held) == truth).mean() > max(one, peer.score(held, truth) - 0.05)
    inputs, target = load_diabetes(return_X_y=True)
    facts = {"learning_rate": 0.1, "n_estimators": 20, "max_depth": 1}
    theirs = GradientBoostingRegressor(**facts, random_state=0).fit(inputs, target).predict(inputs)
    ours = BoostingRegressor(DecisionTreeRegressor(max_depth=1, random_state=0), stages=20, shrinkage=0.1)
    np.testing.assert_allclose(ours.fit(inputs, target).predict(inputs), theirs)
    three = [LogisticRegression(), GaussianNB(), KNeighborsClassifier()]
    named = [(str(i), model) for i, model in enumerate(three)]
    for kind, combine in (("hard", Voting), ("soft", Averaging)):
        theirs = VotingClassifier(named, voting=kind).fit(rows, labels).predict(held)
        assert (combine(three).fit(rows, labels).predict(held) == theirs).all()


def test_row_54_training_pipeline():
    """Up to 100 epochs with L2 over all parameters, clip, plateau and patience 10, each once, on digits."""
    x, y = digits()
    parts = (where(L2(0.01), "*"), ClipNorm(1.0), ReduceOnPlateau(3), EarlyStopping(10, 0.001))
    epoch = 300 // 64
    cohort = study(
        [Recipe(*parts), Recipe()], x, classes(y, 10), 300, Shape(64, 10, 32, 2),
        until=100 * epoch, rate=0.01, batch=64, every=epoch,
    )  # fmt: skip
    recipe = torch.utils._pytree.tree_map(lambda leaf: leaf[0], cohort.state.recipe)
    outputs, truth = cohort.best.outputs, torch.from_numpy(y[300:])
    assert (outputs[0].argmax(1) == truth).double().mean() > 0.7
    assert bool(recipe.stop()), "it ends before its hundred epochs"
    assert float(recipe["ReduceOnPlateau"].scale) < 1.0, "the rate came down on the way"
    losses, best = [float(h[2][0]) for h in cohort.history], float(cohort.best.loss[0])
    assert best == min(losses[: losses.index(best) + 1])
    norms = [sum(float(w[i].square().sum()) for w in cohort.best.weights.values()) for i in (0, 1)]
    assert norms[0] < 0.5 * norms[1]


ADVICE = {
    "L2": "first choice",
    "L1": "zero",
    "ElasticNet": "correlated",
    "Dropout": "wide hidden layers",
    "MaxNorm": "dropout",
    "BatchNorm": "deep",
    "SMOTE": "rare class",
    "Cutout": "hidden",
    "CutMix": "class shows",
    "InputNoise": "smooth",
}
"""The techniques that the sources give a line of advice on, and a word that has to stand in ours."""


def test_row_61_advice_on_when_to_use():
    """Every technique says when to use it and when not, as shown by ``wellfit explain``."""
    for name, word in ADVICE.items():
        part = getattr(wellfit, name)
        assert word in part.use_when, name
        assert len(part.avoid_when) > 20
        assert part.avoid_when != part.use_when


@pytest.fixture(scope="module")
def combined():
    """Nothing, each of the three alone, and all together, on rows of which every fifth has the wrong label."""
    x, y = tumors()
    recipes = [
        Recipe(),
        Recipe(L2(0.01)),
        Recipe(Dropout(0.5)),
        Recipe(EarlyStopping(5)),
        Recipe(L2(0.01), Dropout(0.5), EarlyStopping(5)),
    ]
    return study(recipes, x, classes(y), 100, Shape(30, 2, 64, 2), until=300, rate=0.01, batch=32, every=6)


def test_row_62_combined_techniques(combined):
    """L2 0.01 with Dropout 0.5 ends far below nothing and below either alone; its best is kept."""
    plain, l2, dropout, _, together = last_losses(combined)
    assert together < 0.5 * plain
    assert together < min(l2, dropout)
    assert float(combined.best.loss[4]) <= together


def _three_of_twelve(rows=1000):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 12))
    return x, x[:, :3] @ np.array([2.0, -2.0, 2.0]), draw.logistic(size=rows)


def test_row_66_l1_selects_features():
    """Of twelve inputs three count. In a linear model L1 removes the columns that Lasso removes, all nine others.

    In a network GroupLasso by input removes most of the nine and none of the three, L2 none at all. The head is held
    by L2: without a penalty there it would grow as the first layer shrinks.
    """
    x, signal, noise = _three_of_twelve()
    x, y = x - x.mean(0), signal + 0.5 * noise - (signal + 0.5 * noise).mean()
    layer = nn.Linear(12, 1, bias=False).double()
    ours = step(layer, Recipe(L1(0.4)), x, amounts(y), rate=0.2, steps=150).params["weight"][0].numpy()
    theirs = Lasso(alpha=0.2, fit_intercept=False, tol=1e-10).fit(x, y).coef_
    np.testing.assert_allclose(ours, theirs, atol=1e-8)
    assert ((ours == 0) == (theirs == 0)).all()
    assert (ours == 0).tolist() == [False] * 3 + [True] * 9
    head, first = where(L2(0.01), "head.weight"), "blocks.0.linear.weight"
    recipes = [Recipe(where(part, first), head) for part in (GroupLasso(0.02, by="input"), WeightDecay(0.1))]
    shape, labels = Shape(12, 2, 16, 1), classes(signal + noise > 0)
    cohort = study(recipes, x, labels, 800, shape, until=400, rate=0.02, batch=800, every=200)
    removed = (cohort.last_weights()[first] == 0).all(dim=1)
    assert not removed[0, :3].any()
    assert removed[0, 3:].sum() >= 6
    assert not removed[1].any()
    assert float(cohort.best.loss[0]) < 0.45


@pytest.mark.parametrize(
    ("tool", "parameter", "default", "off"),
    [
        ("sklearn.Ridge", "alpha", 1.0, 0.0),
        ("sklearn.Lasso", "alpha", 1.0, 0.0),
        ("sklearn.LogisticRegression", "C", 1.0, float("inf")),
        ("sklearn.MLPClassifier", "alpha", 1e-4, 0.0),
        ("sklearn.SGDClassifier", "alpha", 1e-4, 0.0),
    ],
)
def test_row_72_regularization_on_by_default(tool, parameter, default, off):
    """A tool that nobody told a strength has one: it is named, it is the library's own, and the way to none works."""
    import sklearn.linear_model
    import sklearn.neural_network

    name = tool.partition(".")[2]
    home = sklearn.neural_network if name.startswith("MLP") else sklearn.linear_model
    assert getattr(home, name)().get_params()[parameter] == default
    said = translate(tool, "wellfit.Recipe", n=100)
    assert any("default" in note and f"{parameter}={default}" in note for note in said.notes)
    assert len(said.recipe.active()) == 1
    assert len(translate(tool, "wellfit.Recipe", {parameter: off}, n=100).recipe.active()) == 0
