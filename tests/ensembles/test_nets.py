"""Networks as learners: a stack is as many trainings, rows stay apart, snapshots are one training over time."""

from __future__ import annotations

import dataclasses
import doctest
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wellfit
from wellfit import DataError, UsageError, ensembles
from wellfit.ensembles import DeepEnsemble, NetClassifier, NetRegressor, Snapshot
from wellfit.ensembles.members import seeds
from wellfit.ensembles.net_training import NetTraining, _sides


def problem(rows: int = 90):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 50.0, 0.0, 0.0]
    return x, 3.0 * x[:, 0] + 0.2 * x[:, 1] + 0.1 * draw.normal(size=rows)


@pytest.mark.parametrize("holdout", [0.0, 0.25])
def test_a_stack_of_networks_is_as_many_trainings(holdout):
    x, y = problem()
    net = NetRegressor(wellfit.Recipe(wellfit.Dropout(0.2)), width=8, epochs=5, batch=16, holdout=holdout)
    together = DeepEnsemble(net, members=3, seed=6).fit(x, y)
    alone = [dataclasses.replace(net, seed=s).fit(x, y).predict(x) for s in seeds(6, 3)]
    np.testing.assert_allclose(together.each(x), np.stack(alone), rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(together.predict(x), np.mean(alone, axis=0), rtol=2e-4, atol=2e-4)
    assert np.abs(alone[0] - alone[1]).max() > 1e-2


def test_a_network_learns_numbers_in_their_own_units():
    x, y = problem(200)
    for scale, shift in ((1.0, 0.0), (1e4, -3e5)):
        fitted = NetRegressor(width=24, epochs=40).fit(x[:150], scale * y[:150] + shift)
        rest = scale * y[150:] + shift
        assert ((fitted.predict(x[150:]) - rest) ** 2).mean() < 0.1 * rest.var()
    two = NetRegressor(width=8, epochs=2).fit(x, np.column_stack([y, -y]))
    assert two.predict(x).shape == (200, 2)


def test_a_network_learns_classes_of_any_name():
    x, y = problem(200)
    labels = np.where(y > np.median(y), "over", "under")
    fitted = NetClassifier(width=16, epochs=25).fit(x, labels)
    shares = fitted.predict_proba(x)
    assert (fitted.predict(x) == labels).mean() > 0.9
    np.testing.assert_allclose(shares.sum(1), 1.0)
    assert (fitted.classes_[shares.argmax(1)] == fitted.predict(x)).all()


def test_a_recipe_is_trained_under_and_a_teacher_is_brought():
    x, y = problem()
    bare, shrunk = (
        NetRegressor(wellfit.Recipe(*parts), width=8, epochs=10, holdout=0.0).fit(x, y)
        for parts in ((), (wellfit.WeightDecay(20.0),))
    )
    assert shrunk.net.weights["head.weight"].abs().sum() < 0.4 * bare.net.weights["head.weight"].abs().sum()
    told = NetRegressor(
        wellfit.Recipe(wellfit.Distillation(1.0)),
        width=16,
        epochs=40,
        holdout=0.0,
        resources={"teacher": lambda x: x[:, 3:]},
    ).fit(x, y)
    said, teacher = told.predict(x), (x[:, 3] - x[:, 3].mean()) / x[:, 3].std()
    assert np.corrcoef(said, teacher)[0, 1] > 0.9 > abs(np.corrcoef(teacher, y)[0, 1])
    normalized = NetRegressor(wellfit.Recipe(wellfit.BatchNorm(), wellfit.EMA(0.9)), width=8, epochs=5).fit(x, y)
    assert np.isfinite(normalized.predict(x)).all()


@given(st.integers(0, 10_000), st.integers(4, 60), st.floats(0.05, 0.7))
@settings(max_examples=60, deadline=None)
def test_copies_of_a_row_are_on_one_side(seed, count, holdout):
    rows = np.random.default_rng(seed).integers(count, size=count)
    if len(np.unique(rows)) < 3:
        return
    train, judge = _sides(rows, holdout, seed)
    assert not np.intersect1d(train, judge).size
    assert sorted(np.concatenate([train, np.repeat(judge, np.bincount(rows)[judge])])) == sorted(rows)
    assert len(judge) == len(np.unique(judge)) >= 1


def test_snapshots_are_one_training_over_time():
    x, y = problem()
    net = NetRegressor(width=8, epochs=12, batch=16)
    found = Snapshot(net, cycles=3).fit(x, y)
    assert len(found.members) == 3
    said = found.each(x)
    assert np.abs(said[0] - said[2]).max() > 1e-3
    np.testing.assert_allclose(found.predict(x), said.mean(0))
    cycle = wellfit.SnapshotCycle(12 / 3)
    plan = dataclasses.replace(net.plan(), recipe=wellfit.Recipe(cycle), holdout=0.0)
    whole = NetTraining(plan, x, [np.arange(len(x))], 1, {})
    values = ((y - y.mean()) / y.std())[:, None]
    last = whole.train(values, [net.seed], classes=False)[0]
    np.testing.assert_allclose(said[2], y.mean() + y.std() * last.outputs(x)[:, 0], rtol=1e-4, atol=1e-4)
    labels = np.where(y > np.median(y), "yes", "no")
    classes = Snapshot(NetClassifier(width=8, epochs=6), cycles=2).fit(x, labels)
    np.testing.assert_allclose(classes.predict_proba(x).sum(1), 1.0)


def test_what_networks_and_snapshots_refuse():
    x, y = problem(20)
    for name, bad in (("width", 0), ("epochs", 1.5), ("batch", True), ("depth", "2"), ("holdout", 1.0)):
        with pytest.raises(UsageError, match=name):
            NetClassifier(**{name: bad})
    with pytest.raises(DataError, match="two are needed"):
        NetClassifier().fit(x, np.zeros(20))
    with pytest.raises(DataError, match="holds others"):
        NetRegressor().fit(x, np.array(["a"] * 20))
    with pytest.raises(DataError, match="missing or infinite"):
        NetRegressor().fit(x, np.full(20, np.nan))
    with pytest.raises(DataError, match="too few to hold out"):
        NetRegressor().fit(x[:1], y[:1])
    with pytest.raises(UsageError, match="takes a net"):
        Snapshot(object())
    with pytest.raises(UsageError, match="SnapshotCycle"):
        Snapshot(NetRegressor(wellfit.Recipe(wellfit.SnapshotCycle(3))))
    with pytest.raises(UsageError, match="too few for"):
        Snapshot(NetRegressor(epochs=5), cycles=4)


def test_few_rows_and_columns_that_never_change():
    x, y = np.ones((5, 2)), np.arange(5.0)
    assert np.isfinite(NetRegressor(width=4, epochs=3).fit(x, y).predict(x)).all()
    assert np.isfinite(NetRegressor(width=4, epochs=3, holdout=0.0).fit(x[:1], y[:1]).predict(x)).all()


@pytest.mark.parametrize("name", ensembles.__all__)
def test_public_names_document_themselves(name):
    found = getattr(ensembles, name)
    text = found.__doc__
    for section in ("Args:", "Raises:", "Shapes:", "Example:"):
        assert section in text, section
    assert "Source:" in text or name.startswith("Net")
    module = sys.modules[found.__module__]
    test = doctest.DocTestParser().get_doctest(text, dict(vars(module)), name, None, None)
    assert test.examples and doctest.DocTestRunner().run(test).failed == 0
    for field in dataclasses.fields(found):
        assert f"{field.name}" in text.split("Args:")[1].split("Shapes:")[0], field.name


def test_importing_ensembles_loads_no_heavy_framework():
    code = "import sys, wellfit.ensembles; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sklearn", "pandas", "scipy", "optuna"} & set(done.stdout.split())
