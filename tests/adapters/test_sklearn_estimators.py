"""The estimators: their training against torch's own, weights against repeated rows, grids, pipelines, edges."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import wellfit
from wellfit import (
    EMA,
    SWA,
    BatchNorm,
    ClassWeights,
    Dropout,
    EarlyStopping,
    LabelSmoothing,
    OverSample,
    Recipe,
    WeightDecay,
    after,
    schedule,
    where,
)
from wellfit.adapters import sklearn_training
from wellfit.adapters.sklearn_whole_job import run_probabilities
from wellfit.errors import RecipeError
from wellfit.models.mlp import MLP, Shape
from wellfit.sklearn import WellfitClassifier, WellfitRegressor
from wellfit.training.cohort import seeded

X, Y = load_iris(return_X_y=True)
NUMBERS = load_diabetes(return_X_y=True)
SMALL = {"width": 8, "epochs": 12, "random_state": 0}
DRAW = np.random.default_rng(0)


def by_adamw(x, y, weight, epochs, classes):
    """The estimator's training in plain torch: standardized rows, AdamW on matrices, all rows in every step."""
    mean = np.average(x, axis=0, weights=weight)
    scaled = torch.from_numpy((x - mean) / np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)))
    share = torch.from_numpy(weight / weight.mean())
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    network = seeded(lambda: MLP(Shape(x.shape[1], classes or 1, width=8)).double(), seed)
    matrices, others = ([p for p in network.parameters() if (p.ndim > 1) is big] for big in (True, False))
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}], lr=0.003
    )
    target = torch.from_numpy(y)
    for _ in range(epochs):
        optimizer.zero_grad()
        out = network(scaled)
        losses = (
            torch.nn.functional.cross_entropy(out, target, reduction="none") if classes else (out[:, 0] - target) ** 2
        )
        (share * losses).mean().backward()
        optimizer.step()
    return network(scaled).detach()


def test_oracle_a_classifier_is_trained_as_torch_would():
    weight = DRAW.uniform(0.5, 2.0, len(X))
    found = WellfitClassifier(**SMALL).fit(X, Y, sample_weight=weight).predict_proba(X)
    expected = by_adamw(X, Y, weight, 12, 3).softmax(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_oracle_a_regressor_is_trained_as_torch_would():
    x, y = NUMBERS[0][:150], NUMBERS[1][:150]
    found = WellfitRegressor(**SMALL).fit(x, y).predict(x)
    expected = by_adamw(x, (y - y.mean()) / y.std(), np.ones(150), 12, 0)[:, 0].numpy() * y.std() + y.mean()
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("kind", [WellfitClassifier, WellfitRegressor])
def test_a_weight_is_so_many_rows(kind):
    """In one batch up to rounding, whatever the order; rows of weight 0 are none in any batch."""
    model = kind(**SMALL)
    weight = DRAW.integers(0, 3, 90)
    repeated = np.repeat(np.arange(90), weight)
    weighted = clone(model).fit(X[:90], Y[:90], sample_weight=weight).predict(X)
    np.testing.assert_allclose(clone(model).fit(X[repeated], Y[repeated]).predict(X), weighted, rtol=1e-7)
    kept, in_parts = weight > 0, clone(model).set_params(batch_size=16)
    expected = clone(in_parts).fit(X[:90][kept], Y[:90][kept]).predict(X)
    found = clone(in_parts).fit(X[:90], Y[:90], sample_weight=kept.astype(float)).predict(X)
    np.testing.assert_array_equal(found, expected)


def test_class_weights_are_sample_weights_and_a_part_of_a_recipe():
    x, y = X[30:], Y[30:]
    counts = np.bincount(y)
    model = WellfitClassifier(**SMALL)
    expected = clone(model).fit(x, y, sample_weight=(len(y) / (3 * counts))[y]).predict_proba(x)
    balanced = clone(model).set_params(class_weight="balanced").fit(x, y).predict_proba(x)
    np.testing.assert_allclose(balanced, expected, atol=1e-12)
    named = clone(model).set_params(class_weight={0: 2.0, 1: 1.0, 2: 1.0}).fit(x, y).predict_proba(x)
    assert named[:, 0].mean() > clone(model).fit(x, y).predict_proba(x)[:, 0].mean()


def test_oracle_balanced_classes_are_the_part_of_a_recipe():
    """On classes of one mean and spread, so that weights change nothing in how columns are standardized."""
    y = np.repeat([0, 1], [60, 20])
    columns = DRAW.normal(size=(80, 3)) ** 3
    x = np.concatenate([StandardScaler().fit_transform(columns[y == k]) for k in (0, 1)])
    by_class = WellfitClassifier(WeightDecay(0.3), class_weight="balanced", **SMALL).fit(x, y)
    by_part = WellfitClassifier(Recipe(WeightDecay(0.3), ClassWeights(1.0)), **SMALL).fit(x, y)
    np.testing.assert_allclose(by_part.predict_proba(x), by_class.predict_proba(x), atol=1e-10)
    with pytest.raises(ValueError, match="class weights"):
        WellfitClassifier(class_weight={0: -1.0}, **SMALL).fit(x, y)


def test_a_grid_goes_over_recipes_and_over_their_knobs():
    pipe = make_pipeline(StandardScaler(), WellfitClassifier(epochs=25, width=16, random_state=0))
    recipes = [Recipe(Dropout(0.999)), Recipe(WeightDecay(0.1))]
    found = GridSearchCV(pipe, {"wellfitclassifier__recipe": recipes}, cv=2).fit(X, Y)
    assert found.best_params_["wellfitclassifier__recipe"] == recipes[1]
    pipe.set_params(wellfitclassifier__recipe=recipes[0])
    found = GridSearchCV(pipe, {"wellfitclassifier__recipe__Dropout__p": [0.999, 0.1]}, cv=2).fit(X, Y)
    assert found.best_params_ == {"wellfitclassifier__recipe__Dropout__p": 0.1}
    assert found.best_estimator_[-1].recipe_ == Recipe(Dropout(0.1))
    assert recipes[0] == Recipe(Dropout(0.999))  # the recipe given is never written into
    assert found.best_score_ > 0.6


@given(st.floats(0.0, 0.9), st.floats(1e-4, 1.0))
@settings(max_examples=25, deadline=None)
def test_property_a_knob_set_is_the_knob_read(p, strength):
    recipe = Recipe(schedule(where(Dropout(0.5), "blocks.*"), after(2)), WeightDecay(0.1))
    model = WellfitClassifier(recipe)
    names = [n for n in model.get_params() if n.startswith("recipe__")]
    assert len(names) == 2
    values = dict(zip(sorted(names), (p, strength), strict=True))
    values = {n: (p if n.endswith("__p") else strength) for n in values}
    read = clone(model.set_params(**values)).get_params()
    assert {n: read[n] for n in names} == values
    assert model.recipe.parts_key() == recipe.parts_key()


def test_the_default_recipe_has_knobs_too_and_unknown_ones_are_refused():
    model = WellfitClassifier().set_params(recipe__WeightDecay__strength=0.5)
    assert model.recipe == Recipe(WeightDecay(0.5)) and WellfitClassifier().recipe is None
    with pytest.raises(RecipeError, match="recipe__WeightDecay__strength"):
        model.set_params(recipe__Dropout__p=0.1)
    with pytest.raises(RecipeError):
        model.set_params(recipe__WeightDecay__strength=-1.0)
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(no_such=1)


def test_names_of_columns_are_kept_and_compared():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = WellfitClassifier(**SMALL).fit(frame, Y)
    assert list(model.feature_names_in_) == list("abcd") and model.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])


@pytest.mark.parametrize("kind", [WellfitClassifier, WellfitRegressor])
def test_what_cannot_be_read_is_refused_by_name(kind):
    holes = X.copy()
    holes[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        kind(**SMALL).fit(holes, Y)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        kind(**SMALL).fit(scipy.sparse.csr_matrix(X), Y)
    with pytest.raises(ValueError, match="sparse csr_matrix"):
        kind(budget="60s").fit(scipy.sparse.csr_matrix(X), Y)
    with pytest.raises(ValueError, match=r"non-zero|weigh from 0"):
        kind(**SMALL).fit(X, Y, sample_weight=np.zeros(len(X)))
    for name, value in {
        "epochs": 0, "batch_size": 0.5, "learning_rate": -1.0, "width": "a", "depth": True, "validation_fraction": 1.0,
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is"):
            kind(**{**SMALL, name: value}).fit(X, Y)
    with pytest.raises(RecipeError, match="takes regularizers"):
        kind("L2", **SMALL).fit(X, Y)


def test_copies_predict_alike_and_the_seed_decides():
    model = WellfitClassifier(Recipe(Dropout(0.2)), batch_size=32, **SMALL)
    state = torch.random.get_rng_state()
    first = model.fit(X, Y).predict_proba(X)
    assert torch.equal(state, torch.random.get_rng_state())  # the caller's generator is left alone
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), clone(model).fit(X, Y)):
        np.testing.assert_array_equal(other.predict_proba(X), first)
    assert np.abs(clone(model).set_params(random_state=1).fit(X, Y).predict_proba(X) - first).max() > 1e-3


def test_epochs_are_fixed_unless_rows_are_kept_back_to_stop_by():
    model = WellfitRegressor(Recipe(EarlyStopping(2.0)), epochs=60, random_state=0, learning_rate=0.03)
    with pytest.raises(RecipeError, match="validation_fraction"):
        model.fit(*NUMBERS)
    model.set_params(validation_fraction=0.2).fit(*NUMBERS)
    assert 3 <= model.n_iter_ < 60 and len(model.validation_curve_) == len(model.loss_curve_) == model.n_iter_
    fixed = WellfitRegressor(epochs=7, random_state=0).fit(*NUMBERS)
    assert fixed.n_iter_ == 7 == len(fixed.loss_curve_) and fixed.validation_curve_ == []


def test_recipes_that_change_the_network_the_rows_or_the_weights_handed_over():
    normed = WellfitClassifier(Recipe(BatchNorm(), EMA(0.9)), batch_size=32, **SMALL).fit(X, Y)
    assert any(isinstance(m, torch.nn.BatchNorm1d) for m in normed.network_.modules())
    assert normed.score(X, Y) > 0.6
    few = np.r_[0:50, 50:58]
    plain, more = (WellfitClassifier(Recipe(*p), **SMALL).fit(X[few], Y[few]) for p in ([], [OverSample(1.0)]))
    assert more.predict_proba(X[few])[:, 1].mean() > plain.predict_proba(X[few])[:, 1].mean() + 0.02
    averaged = WellfitRegressor(Recipe(SWA()), epochs=30, random_state=0).fit(*NUMBERS)
    assert averaged.n_iter_ == 30 and np.isfinite(averaged.predict(NUMBERS[0])).all()
    with pytest.raises(RecipeError, match="classification"):
        WellfitRegressor(LabelSmoothing(0.1), **SMALL).fit(X, Y)
    with pytest.raises(RecipeError, match="MultiOutputRegressor"):
        WellfitRegressor(wellfit.OutlierFilter(), **SMALL).fit(X, np.c_[Y, Y])


def test_a_step_traced_is_the_step(monkeypatch):
    model = WellfitClassifier(Recipe(Dropout(0.1), WeightDecay(0.1)), batch_size=50, **SMALL)
    eager = clone(model).fit(X, Y).predict_proba(X)
    monkeypatch.setattr(sklearn_training, "TRACED_FROM", 0)
    np.testing.assert_allclose(clone(model).fit(X, Y).predict_proba(X), eager, atol=1e-12)


def test_small_inputs():
    one = WellfitClassifier(**SMALL).fit(X[:1], Y[:1])
    assert one.predict(X[:1]) == Y[:1] and one.predict_proba(X[:3]).tolist() == [[1.0]] * 3
    same = WellfitClassifier(**SMALL).fit(X[:20], ["only"] * 20)
    assert set(same.predict(X)) == {"only"}
    assert WellfitRegressor(**SMALL).fit(X[:1, :1], [3.0]).predict(X[:1, :1]) == pytest.approx([3.0], abs=3.0)
    flat = WellfitRegressor(**SMALL).fit(np.ones((9, 2)), np.full(9, 4.0)).predict(np.ones((2, 2)))
    assert np.isfinite(flat).all()
    both = WellfitRegressor(**SMALL).fit(X, np.c_[Y, -Y])
    assert both.predict(X[:5]).shape == (5, 2)


def test_it_learns_something():
    classified = cross_val_score(WellfitClassifier(random_state=0), *load_breast_cancer(return_X_y=True), cv=3)
    assert classified.mean() > 0.95
    assert cross_val_score(WellfitRegressor(random_state=0), *NUMBERS, cv=3).mean() > 0.38


@pytest.mark.parametrize("kind", [WellfitClassifier, WellfitRegressor])
@pytest.mark.parametrize("name", ["category", "number"])
def test_columns_are_named_for_the_whole_job_only(kind, name):
    with pytest.raises(ValueError, match=f"{name} is .*no budget"):
        kind(**{name: ("a",)}).fit(X, Y)


@pytest.mark.alone
@pytest.mark.slow
def test_a_budget_opts_in_to_the_whole_job(tmp_path):
    """Text, missing cells and weights go in as they are, and the recipe is the job's to check."""
    frame = pd.DataFrame(X, columns=list("abcd")).assign(text=np.where(X[:, 0] > 5.5, "long", "short"))
    frame.iloc[3, 1] = np.nan
    frame["code"] = 100 + np.arange(len(frame)) % 3
    labels = np.array(["virginica", "setosa", "other"])[Y]
    model = WellfitClassifier(
        WeightDecay(0.1), budget=15, out=tmp_path / "run", category=("code",), number=("a",), random_state=0
    )  # fmt: skip
    model.fit(frame, labels, sample_weight=np.linspace(0.5, 1.5, len(Y)))
    assert model.score(frame, labels) > 0.9 and model.run_.folder == tmp_path / "run"
    kinds = {column["name"]: column["kind"] for column in model.run_.record["data"]["columns"]}
    assert (kinds["code"], kinds["a"]) == ("category", "number")
    found = pickle.loads(pickle.dumps(model)).predict_proba(frame)
    assert (model.classes_[found.argmax(1)] == model.predict(frame)).all()
    with pytest.raises(ValueError, match="one target"):
        WellfitRegressor(budget=10).fit(X, np.c_[Y, Y])
    with pytest.raises(RecipeError, match="LabelSmoothing"):
        WellfitRegressor(LabelSmoothing(0.1), budget=10, out=tmp_path / "refused").fit(*NUMBERS)


def test_labels_of_another_form_find_their_class_of_the_run():
    """The run keeps labels in composed letters; scikit-learn's are as they were given."""
    run = SimpleNamespace(classes=["caf\u00e9", "pos"], predict_proba=lambda _x: np.array([[0.25, 0.75]]))
    found = run_probabilities(run, None, np.array(["pos\u200b", "cafe\u0301"]))
    assert found.tolist() == [[0.75, 0.25]]
