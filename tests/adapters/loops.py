"""A training loop as people write it, its functional twin, and the small world that both run in."""

from __future__ import annotations

import copy

import torch
from torch import nn

import wellfit as wf
from wellfit import Recipe
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import SGD, Adam

CLASSES = 3
INPUTS = 5
RATE = 0.05
STEPPING = Recipe(wf.Orthogonal(1e-2), wf.ClipNorm(0.1), wf.WeightDecay(0.3), wf.L1(1e-3), wf.MaxNorm(0.8), wf.EMA(0.9))
"""All that happens at the optimizer's step: no change in the loop."""
EVERYTHING = Recipe(*STEPPING, wf.Dropout(0.3), wf.WeightNoise(0.05), wf.VariationalDropout(0.2, 1e-2), wf.Mixup(0.3))
CRITERION = nn.CrossEntropyLoss()


class Net(nn.Module):
    """A network as a person writes it: activations as modules, a batch norm, an embedding of nothing."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(INPUTS, 8)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.relu = nn.ReLU()
        self.second = nn.Linear(8, 8)
        self.tanh = nn.Tanh()
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        h = self.relu(self.norm(self.first(x)))
        return self.head(self.tanh(self.second(h)))


def make(kind=Net, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return kind(**options).double()


def batches(count, rows=16, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        x = torch.randn(rows, INPUTS, generator=generator, dtype=torch.float64).to(dtype)
        yield x, torch.randint(CLASSES, (rows,), generator=generator)


def held_out():
    return next(iter(batches(1, rows=40)))


def optimizer_for(model, name, rate=RATE, **options):
    if name == "Adam":
        return torch.optim.Adam(model.parameters(), lr=rate, **options)
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9 if name == "momentum" else 0.0, **options)


def functional(model, recipe: Recipe, name: str, count=12, *, epoch_steps=4, seed=7):
    """The twin: the same steps as pure functions; the weights that it hands over."""
    rule = {"Adam": Adam(), "SGD": SGD(), "momentum": SGD(0.9)}[name]
    lone = Lone(copy.deepcopy(model), recipe, rule, rate=RATE, seed=seed, epoch_steps=epoch_steps)
    for x, y in batches(count):
        values = nn.functional.one_hot(y, CLASSES).to(x.dtype)
        lone.step(x, Target(values, torch.ones(len(x), dtype=x.dtype), classes=True))
    return lone


def loop(model, optimizer, run, count=12, *, closure=False):
    """A person's loop; every line of it could stand in a script without wellfit but for run.batch and run.loss."""
    criterion = nn.CrossEntropyLoss()
    model.train()
    for x, y in batches(count):
        x, y = run.batch(x, y)

        def compute(x=x, y=y):
            optimizer.zero_grad()
            loss = run.loss(criterion, model(x), y)
            loss.backward()
            return loss

        if closure:
            optimizer.step(compute)
        else:
            compute()
            optimizer.step()


def values(model):
    return {n: w.detach().clone() for n, w in (*model.named_parameters(), *model.named_buffers())}


def trained(recipe, name="momentum", model=None, body=None, **options):
    """The model after a loop under the recipe; ``body`` is the loop, where it is not the usual one."""
    model = make() if model is None else model
    optimizer = optimizer_for(model, name)
    with recipe.attach(model, optimizer, seed=7, **options) as run:
        (body or loop)(model, optimizer, run)
    return values(model)
