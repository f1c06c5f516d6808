"""Pruning: units that are zero go, predictions stay, and the smaller run is written whole or not at all."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planned import planned_fit, rare_table

import wellfit as wf
from wellfit.cli.entry import run as command
from wellfit.errors import RunFolderError
from wellfit.job import load
from wellfit.job.folder import Stored, write_model
from wellfit.job.nets import Nets
from wellfit.job.prune import prune
from wellfit.job.zero_units import prunable, without_zero_units
from wellfit.models.mlp import MLP, Shape
from wellfit.recipe import Recipe
from wellfit.training.cohort import seeded

SHAPE = Shape(inputs=7, outputs=3, width=10, depth=3, embeddings=((3, 4, 2),), numbers=(0, 1), waves=2)
PLAIN, NORMED = Recipe(), Recipe(wf.BatchNorm())


def draw_net(structure, seed, zero_in, zero_out, shape=SHAPE):
    """One network with statistics and biases of its own; the units named are zero on their way in or out."""
    network = seeded(lambda: structure.rewrite(MLP(shape)), seed)
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, tensor in network.state_dict().items():
        drawn = torch.randn(tensor.shape, generator=generator)
        weights[name] = drawn.abs() + 0.1 if "running_var" in name else drawn if tensor.is_floating_point() else tensor
    inner = ".0" if len(structure) else ""
    for layer, unit in zero_in:
        weights[f"blocks.{layer}.linear{inner}.weight"][unit] = 0.0
    for layer, unit in zero_out:
        following = "head.weight" if layer == shape.depth - 1 else f"blocks.{layer + 1}.linear{inner}.weight"
        weights[following][:, unit] = 0.0
    return Nets(structure, {n: w.unsqueeze(0) for n, w in weights.items()}, (0,), (1.0,))


def double(nets):
    weights = {n: w.double() if w.is_floating_point() else w for n, w in nets.weights.items()}
    return Nets(nets.structure, weights, nets.views, nets.temperatures, nets.widths)


def outputs(nets, rows=64):
    x = torch.randn(rows, SHAPE.inputs, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return double(nets).outputs(SHAPE, lambda _view: x)[0]


UNITS = st.sets(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=30)


@settings(max_examples=30, deadline=None)
@given(structure=st.sampled_from([PLAIN, NORMED]), zero_in=UNITS, zero_out=UNITS, seed=st.integers(0, 1000))
def test_outputs_stay_and_no_zero_unit_is_left(structure, zero_in, zero_out, seed):
    nets = double(draw_net(structure, seed, zero_in, zero_out))
    small = without_zero_units(nets, SHAPE)
    np.testing.assert_allclose(outputs(small), outputs(nets), rtol=0, atol=1e-9)
    assert sum(small.widths) <= 30
    again = without_zero_units(small, SHAPE)
    assert again.widths == small.widths
    gone = zero_in | zero_out
    assert all(small.widths[layer] <= max(1, 10 - len({u for at, u in gone if at == layer})) for layer in range(3))


def test_a_silent_unit_gives_its_constant_to_the_next_layer():
    """By hand: relu(0 * x + 2) = 2 for every row, so that the head's bias grows by 2 * 3."""
    shape = Shape(inputs=1, outputs=1, width=2, depth=1)
    weights = {
        "blocks.0.linear.weight": torch.tensor([[0.0], [1.0]]), "blocks.0.linear.bias": torch.tensor([2.0, 0.5]),
        "head.weight": torch.tensor([[3.0, 4.0]]), "head.bias": torch.tensor([1.0]),
    }  # fmt: skip
    nets = Nets(PLAIN, {n: w.unsqueeze(0) for n, w in weights.items()}, (0,), (1.0,))
    small = without_zero_units(nets, shape)
    assert small.widths == (1,)
    assert small.weights["head.bias"].tolist() == [[7.0]]
    assert small.weights["head.weight"].tolist() == [[[4.0]]]
    assert weights["head.bias"].tolist() == [1.0], "what was given is left alone"


def test_what_only_a_dropped_unit_read_is_dropped_too():
    nets = draw_net(PLAIN, 0, [], [(2, u) for u in range(9)])
    nets.weights["blocks.2.linear.weight"][0, 9, 3:] = 0.0  # the one unit left reads three of the ten before it
    assert without_zero_units(nets, SHAPE).widths == (10, 3, 1)


def test_a_net_that_is_zero_keeps_one_unit_a_layer():
    nets = draw_net(PLAIN, 0, [(layer, u) for layer in range(3) for u in range(10)], [])
    small = without_zero_units(nets, SHAPE)
    assert small.widths == (1, 1, 1)
    np.testing.assert_allclose(outputs(small), outputs(nets), atol=1e-6)


def test_structures_that_tie_units_together_are_left_and_named():
    nets = Nets(Recipe(wf.LayerNorm()), {}, (), ())
    assert "LayerNorm" in prunable(nets, SHAPE)
    assert prunable(Nets(NORMED, {}, (), ()), SHAPE) == ""
    assert "residual" in prunable(Nets(PLAIN, {}, (), ()), Shape(1, 1, residual=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with a plain and a batch-normed net among its networks."""
    with pytest.MonkeyPatch.context() as patch:
        x, y = rare_table()
        run = planned_fit(patch, tmp_path_factory.mktemp("run"), x, y, recipe=wf.Recipe(wf.BatchNorm(), wf.L1(1e-4)))
    return run, x


@pytest.fixture
def sparse(trained, tmp_path):
    """The run with half of its units zero: every network's even units get no input, its third unit no reader."""
    run, x = trained
    folder = tmp_path / "sparse"
    shutil.copytree(run.folder, folder)
    groups = Stored(folder).groups
    for nets in groups.values():
        inner = ".0" if len(nets.structure) else ""
        nets.weights[f"blocks.0.linear{inner}.weight"][:, ::2] = 0.0
        nets.weights["head.weight"][:, :, 3] = 0.0
    write_model(folder / "model.safetensors", groups)
    return load(folder), x


def _numbers(run):
    """How many numbers the run's networks hold."""
    return sum(w.numel() for nets in Stored(run.folder).groups.values() for w in nets.weights.values())


@pytest.mark.slow
def test_a_run_is_made_smaller_and_predicts_the_same(sparse, tmp_path):
    run, x = sparse
    before = (run.folder / "model.safetensors").read_bytes()
    found = prune(run.folder)
    small = found.run
    assert small.folder.name == "sparse-pruned"
    assert found.before == found.networks * 32
    assert found.after == found.networks * (8 + 15)
    assert found.difference <= 1e-6
    for which in ("ensemble", "single"):
        np.testing.assert_allclose(small.predict_proba(x, which), run.predict_proba(x, which), rtol=0, atol=1e-6)
    assert (small.folder / "model.safetensors").stat().st_size < len(before)
    assert _numbers(small) < 0.7 * _numbers(run)
    assert (run.folder / "model.safetensors").read_bytes() == before, "the run itself is left alone"
    assert small.recipe == run.recipe
    speed, low, high = found.speed()
    assert 0 < low <= speed <= high
    assert small.record["pruned"]["units_after"] == found.after
    assert not [p for p in run.folder.parent.iterdir() if p.name.startswith(".")], "no scratch folder is left"
    again = prune(small.folder, tmp_path / "third")
    assert again.run is None
    assert not (tmp_path / "third").exists()


@pytest.mark.slow
def test_the_command_tells_what_came_of_it(sparse, capsys):
    run, _ = sparse
    assert command(["prune", str(run.folder)], 0.0) == 0
    told = capsys.readouterr().out
    for word in ("hidden units", "times as fast", "in turns", "sparse-pruned"):
        assert word in " ".join(told.split())
    assert command(["show", f"{run.folder}-pruned"], 0.0) == 0
    assert "hidden units" in capsys.readouterr().out
    assert command(["prune", str(run.folder)], 0.0) == 7
    assert "exists already" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_nothing_zero_is_said_and_no_failure(trained, tmp_path, capsys):
    run, _ = trained
    assert command(["prune", str(run.folder), "-o", str(tmp_path / "none")], 0.0) == 0
    assert "so nothing was written" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "none").exists()
    assert command(["prune", str(run.folder), "-o", str(tmp_path / "none"), "--json"], 0.0) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["units_before"] == facts["units_after"]
    assert facts["folder"] is None


@pytest.mark.slow
def test_a_failure_in_the_middle_leaves_nothing(sparse, monkeypatch):
    run, _ = sparse
    around = sorted(run.folder.parent.iterdir())

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wellfit.job.prune.write_json", full)
    with pytest.raises(RunFolderError, match="No space left"):
        prune(run.folder)
    assert sorted(run.folder.parent.iterdir()) == around


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError):
        prune(tmp_path)
