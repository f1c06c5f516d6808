"""One model by itself: eager, as a graph and compiled, it is the pure step; and a member of a population is it."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from wellfit import (
    EMA,
    BatchNorm,
    Distillation,
    Dropout,
    InputNoise,
    LayerDrop,
    MaxNorm,
    Mixup,
    Recipe,
    StochasticDepth,
    WeightDecay,
    WeightNoise,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.models.mlp import MLP, Shape
from wellfit.sites import Branch
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam
from wellfit.training.step import Batch, Trainer

RECIPE = Recipe(Dropout(0.2), Mixup(0.4), InputNoise(0.1), WeightDecay(0.1), MaxNorm(1.5), EMA(0.9), BatchNorm())


def _batches(count):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        x = torch.randn(24, 5, generator=generator, dtype=torch.float64)
        y = nn.functional.one_hot(torch.randint(3, (24,), generator=generator), 3).double()
        yield x, Target(y, torch.ones(24, dtype=torch.float64), classes=True)


def _network():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return MLP(Shape(5, 3, 8, 2)).double()


def _by_hand(count):
    network = RECIPE.rewrite(_network())
    trainer = Trainer(network, Adam())
    state, losses = trainer.start(network, RECIPE), []
    for step, (x, target) in enumerate(_batches(count)):
        rates = dict.fromkeys(state.params, torch.tensor(0.01, dtype=torch.float64))
        state, loss = trainer.step(state, Batch(x, target), Now.at(step, 7, rates=rates, epoch=step / 4))
        losses.append(loss)
    return state.deployed(), torch.stack(losses)


@pytest.mark.parametrize("mode", ["eager", "traced"])
def test_lone_steps_are_the_pure_step(mode):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        lone = Lone(_network(), RECIPE, Adam(), rate=0.01, seed=7, mode=mode, epoch_steps=4)
        losses = torch.stack([lone.step(x, target) for x, target in _batches(70)])
    weights, expected = _by_hand(70)
    assert_close(losses, expected, rtol=0, atol=1e-10)
    for name, weight in lone.weights().items():
        assert_close(weight, weights[name], rtol=0, atol=1e-10)
    assert lone.note == ""


class Counting(nn.Module):
    """A residual network that writes down how many rows its branches compute."""

    def __init__(self):
        super().__init__()
        self.enter, self.head = nn.Linear(5, 6), nn.Linear(6, 3)
        self.blocks = nn.ModuleList(Branch(nn.Sequential(nn.Linear(6, 6), nn.Tanh())) for _ in range(3))
        self.rows = []
        for block in self.blocks:
            block.layers[0].register_forward_hook(lambda _m, args, _out: self.rows.append(len(args[0])))

    def forward(self, x):
        h = self.enter(x)
        for block in self.blocks:
            h = h + block(h)
        return self.head(h)


@pytest.mark.parametrize("recipe", [Recipe(StochasticDepth(0.9)), Recipe(LayerDrop(0.5), Mixup(0.4))], ids=repr)
def test_an_eager_lone_does_not_compute_branches_for_rows_that_are_dropped(recipe):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Counting().double()
    ends, computed = [], []
    for options in ({}, {"skips": False}, {"mode": "traced"}):
        network.rows.clear()
        lone = Lone(network, recipe, Adam(), rate=0.01, seed=3, **options)
        losses = torch.stack([lone.step(x, target) for x, target in _batches(12)])
        ends.append({**lone.weights(), "losses": losses})
        computed.append(sum(network.rows))
    assert computed[0] < 0.75 * computed[1]
    assert computed[1] >= 12 * 3 * 24
    for name, value in ends[0].items():
        assert_close(value, ends[1][name], rtol=0, atol=1e-12)
        assert_close(value, ends[2][name], rtol=0, atol=1e-10)


def test_the_network_given_is_left_alone_and_batches_may_change_size():
    network = _network()
    before = {n: w.clone() for n, w in network.state_dict().items()}
    lone = Lone(network, Recipe(Dropout(0.3)), Adam(), rate=0.01, mode="traced")
    for x, target in _batches(2):
        lone.step(x, target)
        lone.step(x[:7], target.take(torch.arange(7)))
    assert lone.steps == 4
    assert all(torch.equal(w, network.state_dict()[n]) for n, w in before.items())
    assert not torch.equal(before["head.weight"], lone.weights()["head.weight"])


def test_a_graph_of_another_batch_size_draws_anew_at_each_step():
    """Traced steps are the eager ones for every shape; at rate 0 the loss differs by the draws alone."""
    runs = {mode: Lone(_network(), Recipe(Dropout(0.5)), Adam(), rate=0.0, mode=mode) for mode in ("eager", "traced")}
    (x, target), found = next(iter(_batches(1))), {}
    for mode, lone in runs.items():
        lone.step(x, target)
        found[mode] = [float(lone.step(x[:7], target.take(torch.arange(7)))) for _ in range(5)]
    assert len(set(found["traced"])) == 5
    assert found["traced"] == pytest.approx(found["eager"], abs=1e-12)


def test_a_teacher_is_a_resource():
    """With share 1 the loss is T ** 2 * KL to the teacher: none, where the student is the teacher."""
    network, (x, target) = _network(), next(iter(_batches(1)))
    lone = Lone(network, Recipe(Distillation(1.0)), Adam(), rate=0.0, resources={"teacher": network})
    assert_close(lone.step(x, target), torch.zeros((), dtype=torch.float64), rtol=0, atol=1e-12)


def test_a_compiled_step_takes_batches_of_another_layout_and_a_state_put_back():
    """Columns first in memory, another size, weights of another layout: each has a graph of its own, and all agree."""
    found = []
    for mode in ("eager", "compiled"):
        lone = Lone(_network(), Recipe(WeightDecay(0.1), InputNoise(0.1)), Adam(), rate=0.01, seed=3, mode=mode)
        for number, (x, target) in enumerate(_batches(4)):
            x = x.T.contiguous().T if number % 2 else x
            if number == 3:
                x, target = x[:7], target.take(torch.arange(7))
                turned = {n: w.T.contiguous().T if w.ndim == 2 else w for n, w in lone.state.params.items()}
                lone.state = lone.state._replace(params=turned)
            lone.step(x, target)
        found.append(lone.weights())
    assert_close(*found, rtol=0, atol=1e-10)


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler on this machine")
def test_where_there_is_a_compiler_a_step_is_compiled_and_makes_the_numbers_of_the_host():
    """Without a word of a fallback; weight noise is made inside of the graph, and is the host's."""
    x, target = next(_batches(1))
    found = {}
    for mode in ("eager", "compiled"):
        lone = Lone(_network(), Recipe(WeightNoise(0.1)), Adam(), rate=0.01, seed=3, mode=mode)
        for _ in range(3):
            lone.step(x, target)
        assert lone.note == ""
        found[mode] = lone.weights()
    assert_close(found["eager"], found["compiled"], rtol=0, atol=1e-12)
