"""What the tests of the sources' rows share: a moment, a small training by the engine, and data."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from torch import Tensor, nn

from wellfit import Recipe
from wellfit.draws import Now
from wellfit.models.mlp import MLP, Shape
from wellfit.sites import Site
from wellfit.stacking import unify
from wellfit.target import Target
from wellfit.training.cohort import Cohort, Member, Rows, start
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Batch, State, Trainer

HIDDEN = Site("hidden", "hidden")


def numbers(values) -> Tensor:
    return torch.as_tensor(np.asarray(values), dtype=torch.float64)


def moment(step=0, rate=0.1, names=("w",), epoch=0.0) -> Now:
    """A moment with one learning rate for every name."""
    return Now.at(step, rates=dict.fromkeys(names, numbers(rate)), epoch=epoch).of("Part")


def classes(labels, of: int = 2, dtype=torch.float64) -> Target:
    labels = torch.as_tensor(labels)
    return Target(
        nn.functional.one_hot(labels.long(), of).to(dtype), torch.ones(len(labels), dtype=dtype), classes=True
    )


def amounts(values) -> Target:
    values = numbers(values)
    return Target(values[:, None], torch.ones(len(values), dtype=torch.float64), classes=False)


def step(network: nn.Module, recipe: Recipe, x, target: Target, rate=0.1, optimizer=None, steps=1) -> State:
    """Some steps of the engine on one batch, from the network's own weights."""
    trainer = Trainer(network, optimizer or SGD())
    state = trainer.start(network, recipe)
    for i in range(steps):
        now = Now.at(i, rates=dict.fromkeys(state.params, numbers(rate)))
        state, _ = trainer.step(state, Batch(numbers(x), target), now)
    return state


def study(
    recipes, x, target: Target, held, shape: Shape, until=400, rate=0.01, batch=32, every=20, make=None
) -> Cohort:
    """Recipes trained side by side by the engine, judged on the rows from ``held`` on."""
    make = make or (lambda: MLP(shape).double())
    rows = Rows(numbers(x), target, ((torch.arange(held), torch.arange(held, len(x))),))
    trainer = Trainer(make(), Adam())
    members = [Member(recipe, rate, seed=i) for i, recipe in enumerate(unify(recipes))]
    course = Course(until, batch=batch, evaluate_every=every)
    return Population(trainer, rows).train(start(trainer, make, members, rows), course)


def last_losses(cohort: Cohort) -> list[float]:
    return cohort.history[-1][2].tolist()


def tumors(rows=100, wrong=0.2):
    """Breast cancer, standardized: few rows to train on, with some wrong labels, then 300 clean ones."""
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[: rows + 300]
    x, y = ((x - x.mean(0)) / x.std(0))[order], y[order]
    flipped = np.random.default_rng(7).random(len(y)) < wrong
    flipped[rows:] = False
    return x, np.where(flipped, 1 - y, y)


def digits(rows=300):
    x, y = load_digits(return_X_y=True)
    return x[: rows + 300] / 16.0, y[: rows + 300]


def thirds(p, h: Tensor) -> tuple[float, float]:
    """Share of zeros, and the mean of h over that of ones: what a dropout layer does to ones."""
    return float((h == 0).double().mean()), float(h.double().mean())
