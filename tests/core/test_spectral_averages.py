"""Averages of weights under SpectralNorm keep to its limit: the direction that is averaged too is no direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from wellfit import EMA, SWA, Lookahead, Recipe, SpectralNorm
from wellfit.draws import Now
from wellfit.regularizers.spectral_layers import normalized_weight
from wellfit.target import Target
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer


def _trained(part):
    """Under a rate so large that directions turn from step to step."""
    torch.manual_seed(0)
    network = SpectralNorm().rewrite(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).double())
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(part))
    generator = torch.Generator().manual_seed(1)
    for step in range(40):
        x = torch.randn(16, 6, generator=generator, dtype=torch.float64)
        values = nn.functional.one_hot(torch.randint(3, (16,), generator=generator), 3).double()
        now = Now.at(step, rates=dict.fromkeys(state.params, torch.tensor(3.0, dtype=torch.float64)))
        batch = Batch(x, Target(values, torch.ones(16, dtype=torch.float64), classes=True))
        state, _ = trainer.step(state, batch, now)
        state = state._replace(recipe=state.recipe.after_epoch(state.weights(), {}, now))
    return network, state.deployed()


@pytest.mark.parametrize("part", [EMA(0.9), SWA(0.0), Lookahead(0.5)], ids=lambda p: p.name)
def test_averaged_weights_have_the_limit_as_largest_singular_value(part):
    network, weights = _trained(part)
    network.load_state_dict(weights)
    network.eval()
    for layer in (network[0], network[2]):
        kept = layer.direction.clone()
        largest = np.linalg.svd(normalized_weight(layer).detach().numpy(), compute_uv=False)[0]
        assert abs(largest - 1.0) < 5e-4
        assert torch.equal(layer.direction, kept), "evaluation writes nothing"


def test_an_average_of_directions_was_what_went_wrong():
    """The stored vector is shorter than 1: to divide by what it gives would stretch."""
    _, weights = _trained(SWA(0.0))
    assert min(float(weights[f"{i}.direction"].norm()) for i in (0, 2)) < 0.99


def test_a_mean_of_opposed_directions_is_found_anew():
    """Ten random unit vectors average to about a third of one: the layer would stretch by three and more."""
    layer = SpectralNorm().rewrite(nn.Sequential(nn.Linear(20, 20).double()))[0].eval()
    many = nn.functional.normalize(torch.randn(10, 20, generator=torch.Generator().manual_seed(3)).double(), dim=1)
    layer.direction.copy_(many.mean(0))
    largest = np.linalg.svd(normalized_weight(layer).detach().numpy(), compute_uv=False)[0]
    assert abs(largest - 1.0) < 0.02
