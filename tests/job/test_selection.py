"""Which columns a sparse recipe removed: exactly zero means that no cell of the column changes a prediction."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from planned import planned_fit, rare_table

import wellfit as wf
from wellfit.data import Encoder, split_table, table_from_arrays
from wellfit.job.nets import Nets
from wellfit.job.prepare import make_material
from wellfit.job.selection import averages, columns_read, encoded_read, selection, sets_zeros
from wellfit.models.mlp import MLP, Shape
from wellfit.recipe import Recipe
from wellfit.report.columns import selection_words
from wellfit.report.page import render
from wellfit.report.text import show
from wellfit.training.cohort import Member, seeded, start
from wellfit.training.optimizers import Adam
from wellfit.training.step import Trainer

SHAPE = Shape(inputs=7, outputs=2, width=6, depth=1, embeddings=((3, 3, 2),), numbers=(0, 6), waves=2)
"""Columns 0, 1, 2 and 6 are passed on as they are, 3 to 5 enter through an embedding, 0 and 6 through waves too."""


def _outputs(network, x):
    with torch.no_grad():
        return network(x)


@pytest.mark.parametrize("column", range(7))
def test_a_column_is_unread_exactly_if_no_output_depends_on_it(column):
    network = seeded(lambda: MLP(SHAPE), 0).eval()
    first = network.blocks[0].linear.weight
    assert encoded_read(network).all()
    with torch.no_grad():
        if column in (3, 4, 5):
            network.embed.tables[0][column - 3] = 0.0
        else:
            first[:, network.embed.passed.index(column)] = 0.0
    if column in (0, 6):
        assert encoded_read(network)[column], "its waves are still read"
        with torch.no_grad():
            first[:, 6 + (column == 6) * 2 : 8 + (column == 6) * 2] = 0.0
    assert encoded_read(network).tolist() == [c != column for c in range(7)]
    x = torch.randn(50, 7, generator=torch.Generator().manual_seed(1))
    for other in range(7):
        moved = x.clone()
        moved[:, other] += 1.0
        assert torch.equal(_outputs(network, moved), _outputs(network, x)) == (other == column)


def test_a_column_of_the_table_is_all_its_encoded_columns():
    x, y = rare_table()
    encoder = Encoder.fit(table_from_arrays(x, y))
    shape = Shape(encoder.width, 2, 8, 1)
    network = seeded(lambda: MLP(shape), 0)
    starts = {b.name: b.start for b in encoder.blocks}
    with torch.no_grad():
        network.blocks[0].linear.weight[:, starts["n1"]] = 0.0
        network.blocks[0].linear.weight[:, starts["n3"]] = 0.0  # what says that n3 is missing is still read
        network.blocks[0].linear.weight[:, starts["kind"] : starts["kind"] + encoder.widths["kind"]] = 0.0
    nets = Nets(Recipe(), {n: w.unsqueeze(0) for n, w in network.state_dict().items()}, (0,), (1.0,))
    read = dict(zip(encoder.names, columns_read(nets, shape, [encoder])[0], strict=True))
    assert read == {"n0": True, "n1": False, "n2": True, "n3": True, "kind": False}


def _noisy(seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(500, 6))
    return x, np.where(x[:, 0] + 0.5 * draw.normal(size=500) > 0, "a", "b")


def _fitted(monkeypatch, folder, *parts, steps):
    x, y = _noisy()
    parts = (wf.where(wf.GroupLasso(0.05, by="input"), "blocks.0.*"), *parts)
    options = {"valid": (x[300:400], y[300:400]), "test": (x[400:], y[400:])}
    recipe = wf.Recipe(*parts, settings={"learning_rate": 0.01})
    return planned_fit(monkeypatch, folder, x[:300], y[:300], steps=steps, recipe=recipe, **options)


@pytest.mark.slow
def test_a_run_lists_the_columns_that_its_recipe_removed(monkeypatch, tmp_path):
    """Noise goes and the signal stays; cells of a removed column may be anything, and predictions stay to the bit."""
    run = _fitted(monkeypatch, tmp_path, steps=300)
    found = run.record["selection"]
    assert found["weights"] == "handed over"
    columns = {c["name"]: c for c in found["columns"]}
    gone = [name for name, c in columns.items() if c["removed"]]
    assert gone
    assert "x0" not in gone
    assert columns["x0"]["share"] == 0.0
    x, _ = _noisy()
    other = x.copy()
    for name in gone:
        other[:, int(name[1:])] = np.random.default_rng(1).permutation(x[:, int(name[1:])])
    assert np.array_equal(run.predict_proba(x, "single"), run.predict_proba(other, "single"))
    assert f"removed {len(gone)} of 6 columns" in selection_words(run.record)
    assert "columns    GroupLasso@blocks.0.* removed" in show(run.record)
    assert "removed over trainings" in render(run.record)


@pytest.mark.slow
def test_an_average_has_no_zeros_and_the_record_says_so(monkeypatch, tmp_path):
    run = _fitted(monkeypatch, tmp_path, wf.EMA(0.9), steps=200)
    found = run.record["selection"]
    if not found:
        pytest.fail("the recipe was not chosen")
    assert found["weights"] == "last step"
    assert "moving average" in selection_words(run.record)


@pytest.mark.parametrize("more", [(), (wf.EMA(0.9),)], ids=["alone", "with EMA"])
def test_columns_that_gates_removed_are_listed(monkeypatch, more):
    """L0 hands its weights over with closed gates, which is no average; behind one the trained weights count."""
    table = table_from_arrays(*_noisy())
    material = make_material(table, split_table(table), None)
    recipe = wf.Recipe(wf.where(wf.L0(0.05, by="input"), "blocks.0.*"), *more)
    shape = dataclasses.replace(material.shape(8, 1), waves=0)
    cohort = start(Trainer(MLP(shape), Adam()), lambda: MLP(shape), [Member(recipe, 0.01, 0)], material.rows)
    cohort.state.params["extra.L0.blocks.0.linear.weight"][0, 0, [1, 4]] = -9.0
    entrant = SimpleNamespace(
        cohort=dataclasses.replace(cohort, best=dataclasses.replace(cohort.best, weights=cohort.last_weights())),
        members=cohort.members,
    )

    def nets_of(_stage, entrants, weights, last=False):
        return Nets(wf.Recipe(), weights(entrants[0]), (0,), (1.0,))

    monkeypatch.setattr("wellfit.job.selection.nets_of", nets_of)
    chosen = SimpleNamespace(candidate=SimpleNamespace(recipe=recipe), entrants=[entrant])
    found = selection(SimpleNamespace(material=material), chosen, [], shape)
    assert found["weights"] == ("last step" if more else "handed over")
    assert [c["name"] for c in found["columns"] if c["removed"]] == ["x1", "x4"]


def test_what_sets_zeros_and_what_averages():
    zeros = [
        wf.L0(),
        wf.L1(),
        wf.NonNegative(),
        wf.Ball(kind="l1"),
        wf.Ball(kind="elastic"),
        wf.where(wf.L1(), "head.*"),
    ]
    assert all(sets_zeros(p) for p in zeros)
    assert not any(sets_zeros(p) for p in (wf.Ball(kind="l2"), wf.L1(form="loss"), wf.L2(), wf.EMA()))
    assert [averages(p) for p in (wf.EMA(), wf.SWA(), wf.Lookahead(), wf.L0())] == [True, True, True, False]


def test_nothing_is_told_where_nothing_can_be_zero():
    assert selection_words({"selection": {}}) == ""
    assert selection_words({}) == ""
