"""A training whose only weight goes where it is told, with validation losses to order: the engine, and no chance in it.

A network of one weight w, without a bias, is trained by SGD towards a number: each step takes the same share of the
way. So a path w1, w2, w3 with steps in one ratio follows from the first weight, the number and the learning rate. The
validation loss (s * w - v) ** 2 + c meets two or three given losses by the choice of s, v and c.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor, nn

from wellfit import Recipe
from wellfit.target import Target
from wellfit.training.cohort import Member, Rows, start
from wellfit.training.optimizers import SGD
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer


@dataclasses.dataclass
class Run:
    """What the engine made of it: after each evaluation the weight and the loss; its best, and its last recipe."""

    weights: list[float]
    losses: list[float]
    best_weight: float
    best_loss: float
    last_weight: float
    recipe: Recipe


def scripted(weights: list[float], losses: list[float], recipe: Recipe) -> Run:
    """Train through these weights, one a step, with these validation losses."""
    first, goal, rate = _path(weights)
    slope, aim, rest = _valley(weights, losses)
    root = math.sqrt(rest)
    x = torch.tensor([[1.0], [1.0], [slope], [slope]], dtype=torch.float64)
    y = torch.tensor([[goal], [goal], [aim - root], [aim + root]], dtype=torch.float64)
    rows = Rows(
        x, Target(y, torch.ones(4, dtype=torch.float64), classes=False), ((torch.tensor([0, 1]), torch.tensor([2, 3])),)
    )

    def make() -> nn.Module:
        layer = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(layer.weight, first)
        return layer

    trainer, seen = Trainer(make(), SGD()), []
    cohort = start(trainer, make, [Member(recipe, rate, seed=0)], rows)
    for step in range(1, len(weights) + 1):
        cohort = Population(trainer, rows).train(cohort, Course(step, batch=2, evaluate_every=1, mode="eager"))
        seen.append(_only(cohort.last_weights()["weight"]))
    (part,) = [torch.utils._pytree.tree_map(lambda leaf: leaf[0], cohort.state.recipe)]
    best = cohort.best
    found = [_only(loss) for _, _, loss in cohort.history]
    return Run(seen, found, _only(best.weights["weight"]), _only(best.loss), seen[-1], part)


def _only(value: Tensor) -> float:
    return float(value.flatten()[0])


def _path(weights: list[float]) -> tuple[float, float, float]:
    """The first weight, the number to go to, and the learning rate, whose gradient is 2 * (w - number)."""
    moves = np.diff(weights)
    share = 1.0 - moves[1] / moves[0] if len(moves) > 1 else 0.5
    goal = weights[0] + moves[0] / share
    return float((weights[0] - share * goal) / (1.0 - share)), float(goal), float(share / 2.0)


def _valley(weights: list[float], losses: list[float]) -> tuple[float, float, float]:
    """s, v, c of (s * w - v) ** 2 + c: with two losses c is 0, with three it is the parabola through them."""
    if len(weights) == 2:
        low, high = math.sqrt(losses[0]), math.sqrt(losses[1])
        slope = (high + low) / (weights[1] - weights[0])
        return slope, slope * weights[0] + low, 0.0
    curve, lean, level = np.polyfit(weights, losses, 2)
    slope = math.sqrt(curve)
    aim = -lean / (2.0 * slope)
    return slope, float(aim), float(level - aim**2)
