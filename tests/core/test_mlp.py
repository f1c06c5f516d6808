"""The MLP against one-line references: embeddings, periodic features, residual blocks, sites."""

from __future__ import annotations

import torch
from torch import nn
from torch.testing import assert_close

from wellfit.models.mlp import MLP, Shape
from wellfit.recipe import Recipe
from wellfit.regularizers import Dropout
from wellfit.sites import find_sites
from wellfit.target import Target
from wellfit.training.cohort import Member, Rows, start
from wellfit.training.optimizers import Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer


def test_embedding_of_a_one_hot_block_is_a_lookup():
    model = MLP(Shape(inputs=12, outputs=2, embeddings=((2, 10, 3),)))
    codes = torch.tensor([0, 9, 4])
    x = torch.cat([torch.randn(3, 2), nn.functional.one_hot(codes, 10).float()], 1)
    looked_up = nn.functional.embedding(codes, model.embed.tables[0])
    assert_close(model.embed(x), torch.cat([x[:, :2], looked_up], 1))


def test_all_zero_block_embeds_to_zero():
    model = MLP(Shape(inputs=10, outputs=2, embeddings=((0, 10, 3),)))
    assert not model.embed(torch.zeros(1, 10)).any()


def test_periodic_features_are_cosines():
    model = MLP(Shape(inputs=3, outputs=1, numbers=(0, 2), waves=4))
    x = torch.randn(5, 3)
    f, b = model.embed.frequency.view(2, 4), model.embed.phase.view(2, 4)
    waves = [torch.cos(2 * torch.pi * (x[:, [c]] * f[i] + b[i])) for i, c in enumerate((0, 2))]
    assert_close(model.embed(x), torch.cat([x, *waves], 1))


def test_residual_blocks_add_to_their_input():
    model = MLP(Shape(inputs=4, outputs=1, width=8, depth=2, residual=True))
    x = torch.randn(3, 4)
    h = model.stem(x)
    for block in model.blocks:
        h = h + block.out(torch.relu(block.layer.linear(h)))
    assert_close(model(x), model.head(h))
    kinds = [s.kind for s in find_sites(model).values() if s.kind != "preactivation"]
    assert kinds == ["input", "hidden", "branch", "hidden", "branch"]


def test_residual_network_trains_in_a_stack():
    def make():
        return MLP(Shape(inputs=4, outputs=1, width=8, depth=2, residual=True, numbers=(0, 1), waves=2))

    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    target = Target((x[:, :1] * x[:, 1:2]), torch.ones(200), classes=False)
    rows = Rows(x, target, ((torch.arange(150), torch.arange(150, 200)),))
    trainer = Trainer(make(), Adam())
    members = [Member(Recipe(Dropout(p)), 1e-2, seed) for seed, p in enumerate((0.0, 0.1))]
    cohort = Population(trainer, rows).train(start(trainer, make, members, rows), Course(120, 32, 20))
    variance = float(target.values[150:].var())
    assert (cohort.best.loss < 0.6 * variance).all()
