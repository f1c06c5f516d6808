"""Manifold mixup against networks blended by hand: where, how often, and with which labels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn
from worlds import now_at

from wellfit import Recipe, where
from wellfit.models.mlp import MLP, Shape
from wellfit.regularizers import ManifoldMixup
from wellfit.regularizers.mixing import mixing_share
from wellfit.testing.outcome import draw_sample
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer


def deep(depth=3):
    return MLP(Shape(inputs=5, outputs=3, width=8, depth=depth)).double()


def mixed_by_hand(network, x, at, share, partner):
    """The network with the values of one hidden layer blended."""
    h = x
    for i, layer in enumerate(network.blocks):
        h = torch.relu(layer.linear(h))
        if i == at:
            h = share * h + (1 - share) * h[partner]
    return network.head(h)


def step_of(network, part, sample, step):
    trainer = Trainer(network, SGD())
    now = now_at(dict(network.named_parameters()), step)
    return float(trainer.step(trainer.start(network, Recipe(part)), Batch(sample.x, sample.target), now)[1])


@pytest.mark.parametrize("part", [ManifoldMixup(1.5), where(ManifoldMixup(1.5), "blocks.[12].hidden")], ids=str)
def test_oracle_ManifoldMixup(part):
    """Each step's loss is that of a network blended by hand at one layer, with labels blended alike."""
    network, sample = deep(), draw_sample(1)
    sites = [0, 1, 2] if type(part) is ManifoldMixup else [1, 2]
    labels = sample.target.values.argmax(1)
    used = []
    for step in range(60):
        now = now_at(step=step).of(part.name)
        share, partner = mixing_share(1.5, now).double(), now.permutation(12, "partner")
        losses = []
        for at in sites:
            outputs = mixed_by_hand(network, sample.x, at, share, partner)
            one, other = (nn.functional.cross_entropy(outputs, y) for y in (labels, labels[partner]))
            losses.append(float((share * one + (1 - share) * other).detach()))
        found = step_of(network, part, sample, step)
        gaps = np.abs(np.array(losses) - found)
        assert gaps.min() < 1e-6
        used.append(sites[int(gaps.argmin())])
    assert scipy.stats.chisquare(np.bincount(used, minlength=3)[sites]).pvalue > 1e-3


def test_ManifoldMixup_leaves_alone_what_has_no_site_for_it():
    sample = draw_sample(1)
    linear = nn.Sequential(nn.Linear(5, 3)).double()
    nowhere = where(ManifoldMixup(1.5), "no.such.site")
    for network, part in ((linear, ManifoldMixup(1.5)), (deep(), nowhere)):
        assert step_of(network, part, sample, 3) == float(sample.target.loss(network(sample.x)).detach())


def test_ManifoldMixup_blends_alike_in_a_second_pass():
    now = now_at(step=2)
    network = deep(1)
    (site,) = (s for s in Trainer(network, SGD()).sites if s.kind == "hidden")
    now = dataclasses.replace(now, sites=(site,))
    h = draw_sample(1).hidden
    part = ManifoldMixup(1.5)
    first, second = (part.activation(h, site, {}, moment) for moment in (now, now.again("RDrop")))
    assert torch.equal(first, second)
    assert not torch.equal(first, h)


class Shared(nn.Module):
    """Two hidden layers that share one ReLU."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.head(self.relu(self.second(self.relu(self.first(x)))))


def test_ManifoldMixup_blends_once_where_a_module_is_called_twice():
    """By hand: blended behind the first layer and not again behind the second, as the targets are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, sample, part = Shared().double(), draw_sample(1), ManifoldMixup(1.5)
    now = now_at(step=3).of(part.name)
    share, partner = mixing_share(1.5, now).double(), now.permutation(12, "partner")
    h = network.relu(network.first(sample.x))
    outputs = network.head(network.relu(network.second(share * h + (1 - share) * h[partner])))
    labels = sample.target.values.argmax(1)
    one, other = (nn.functional.cross_entropy(outputs, y) for y in (labels, labels[partner]))
    expected = float((share * one + (1 - share) * other).detach())
    assert step_of(network, part, sample, 3) == pytest.approx(expected, abs=1e-12)
