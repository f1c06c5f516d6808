"""One model by itself: eager, as a graph and compiled, it is the pure step; and a member of a population is it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from wellfit import EMA, BatchNorm, Dropout, InputNoise, MaxNorm, Mixup, Recipe, WeightDecay
from wellfit.draws import Now
from wellfit.models.mlp import MLP, Shape
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
