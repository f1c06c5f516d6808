"""Claims about batch normalization, vanishing and exploding gradients, learning rates and first weights."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from claims_setup import (
    RATE,
    TABLES,
    Array,
    Claim,
    Finding,
    Outcome,
    Task,
    gain,
    interval,
    net,
    spread_out,
    table,
    train,
    verdict,
)
from wellfit import Recipe
from wellfit.regularizers import BatchNorm, ClipNorm, MaxNorm, ReduceOnPlateau
from wellfit.training.optimizers import SGD

DEPTH = 6
STEPS = 300
GRID = tuple(float(f"{10**e:.3g}") for e in np.arange(-3.0, 2.01, 0.5))
"""Learning rates of SGD, half a decade apart."""
RECIPES = {
    "none": Recipe(),
    "batch norm": Recipe(BatchNorm()),
    "clip": Recipe(ClipNorm(1.0)),
    "max-norm": Recipe(MaxNorm(3.0)),
}
LEARNT = 0.1
"""Training loss after the last step below which a rate counts as one that works."""
REACHED = 0.3
"""Validation loss whose step is looked for: near twice what the best of these nets come to."""


@functools.cache
def over_rates(kind: str) -> dict[float, Outcome]:
    """Six layers of 64 units on 1,000 rows of digits by SGD, at each rate of the grid."""
    recipe = RECIPES[kind]
    task = table("digits", 1000)
    task = Task(task.x, task.target, task.splits)
    arms = {f"{rate:g}": (recipe, rate) for rate in GRID}
    found = train(task, arms, net(task, 64, DEPTH), steps=STEPS, batch=64, every=10, optimizer=SGD())
    return {float(rate): outcome for rate, outcome in found.items()}


def works(kind: str) -> Array:
    """(rates, splits) whether the training came to anything."""
    return np.stack([np.nan_to_num(o.train_last, nan=np.inf) < LEARNT for o in over_rates(kind).values()])


def exploded(kind: str) -> Array:
    """(rates, splits) whether the training loss ended above that of ten equal probabilities, or not finite."""
    return np.stack([~(o.train_last <= np.log(10)) for o in over_rates(kind).values()])


def largest(kind: str) -> Array:
    """(splits,) the logarithm of the largest rate that works."""
    fine = works(kind)
    return np.array([max((np.log10(r) for r, ok in zip(GRID, column, strict=True) if ok)) for column in fine.T])


def larger_rates() -> Finding:
    without, beside = largest("none"), largest("batch norm")
    middle, low, high = (10**v for v in _steady(beside - without))
    figure = (
        f"largest rate that works: {10 ** without.mean():.2g} without, {10 ** beside.mean():.2g} with batch norm: "
        f"{middle:.1f} times ({low:.1f} to {high:.1f})"
    )
    low = round(low, 6)  # the grid is half a decade coarse, and 3.16 / 0.316 is 10 but for rounding
    return Finding(figure, "held" if low >= 10 else "held in part" if low > 1 else "did not hold")


def _steady(values: Array) -> tuple[float, float, float]:
    """An interval, also where all values are one: the grid is coarse."""
    return interval(values) if values.std() > 0 else (float(values[0]),) * 3


def steps_to(kind: str) -> dict[float, Array]:
    """(splits,) steps until the validation loss is reached, at each rate; all steps where it is not."""
    found = {}
    for rate, outcome in over_rates(kind).items():
        steps = np.array([step for step, _, _ in outcome.history])
        losses = np.stack([valid for _, _, valid in outcome.history])
        there = losses <= REACHED
        found[rate] = np.where(there.any(0), steps[there.argmax(0)], STEPS)
    return found


def faster() -> tuple[str, tuple[float, float, float]]:
    """How many times fewer steps batch norm takes, each at the rate of the fewest."""
    without, beside = steps_to("none"), steps_to("batch norm")
    rates = [min(steps, key=lambda r: steps[r].mean()) for steps in (without, beside)]
    ratios = np.log(without[rates[0]] / beside[rates[1]])
    middle, low, high = (float(np.exp(v)) for v in _steady(ratios))
    figure = (
        f"{without[rates[0]].mean():.0f} steps without (rate {rates[0]:g}), {beside[rates[1]].mean():.0f} with "
        f"(rate {rates[1]:g}): {middle:.2f} times fewer ({low:.2f} to {high:.2f})"
    )
    return figure, (middle, low, high)


def times(wanted: float) -> Finding:
    figure, (_, low, high) = faster()
    return Finding(figure, "held" if low >= wanted else "held in part" if high >= wanted else "did not hold")


def first_weights() -> Finding:
    narrower, shown = {}, []
    for name in ("digits", "generated"):
        spreads = {}
        for kind, recipe in {"none": Recipe(), "batch norm": Recipe(BatchNorm())}.items():
            losses = [_from_scale(name, recipe, scale) for scale in (0.1, 0.3, 1.0, 3.0, 10.0)]
            spreads[kind] = np.log(np.stack(losses)).max(0) - np.log(np.stack(losses)).min(0)
        narrower[name] = spreads["none"] - spreads["batch norm"]
        worst = {kind: float(np.exp(s.mean())) for kind, s in spreads.items()}
        shown.append(f"{name} {worst['none']:.2f} without, {worst['batch norm']:.2f} with")
    return Finding(f"worst over best test loss among five scales: {'; '.join(shown)}", verdict(narrower))


def _from_scale(name: str, recipe: Recipe, scale: float) -> Array:
    task = table(name)

    def make() -> nn.Module:
        network = net(task, 64, 4)()
        with torch.no_grad():
            for layer in network.modules():
                if isinstance(layer, nn.Linear):
                    layer.weight.mul_(scale)
        return network

    return train(task, {"scaled": (recipe, RATE)}, make)["scaled"].best


def noise_of_batches() -> Finding:
    more, shown = {}, {}
    for name in TABLES:
        task = table(name)
        gains = []
        for batch in (16, len(task.splits[0][0])):
            kinds = {"none": (Recipe(), RATE), "batch norm": (Recipe(BatchNorm()), RATE)}
            found = train(task, kinds, batch=batch)
            gains.append(gain(found["batch norm"].best, found["none"].best))
        shown[name] = gains
        more[name] = gains[0] - gains[1]
    small, whole = ({n: g[i] for n, g in shown.items()} for i in (0, 1))
    return Finding(f"gain at batch 16: {spread_out(small)}; all rows a batch: {spread_out(whole)}", verdict(more))


def deep(activation: Callable[[], nn.Module], inputs: int, outputs: int, init: str = "") -> Callable[[], nn.Module]:
    """Ten layers of 64 units."""

    def make() -> nn.Module:
        widths = [inputs, *[64] * 10]
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            linear = nn.Linear(a, b)
            if init == "he":
                nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
            if init == "small":
                nn.init.normal_(linear.weight, std=0.01)
            layers += [linear, activation()]
        return nn.Sequential(*layers, nn.Linear(64, outputs))

    return make


def first_over_last(make: Callable[[], nn.Module], task: Task, recipe: Recipe) -> Array:
    """(seeds,) log10 of the gradient's norm at the first layer over that at the last but one, before training."""
    found = []
    for seed in range(10):
        torch.manual_seed(seed)
        network = recipe.rewrite(make())
        rows = task.splits[seed][0]
        task.target.take(rows).loss(network(task.x[rows])).backward()
        slopes = [m.weight.grad.norm() for m in network.modules() if isinstance(m, nn.Linear)]
        found.append(float(torch.log10(slopes[0].clamp(min=1e-30) / slopes[-2].clamp(min=1e-30))))
    return np.array(found)


def compared(better: tuple, worse: tuple) -> Finding:
    """Two nets of ten layers, (activation, init, recipe) each, on digits: gradients at the start, and test loss."""
    task, shown, losses = table("digits", 1000), [], []
    for activation, init, recipe in (better, worse):
        make = deep(activation, 64, 10, init)
        outcome = train(task, {"net": (recipe, RATE)}, make)["net"]
        ratio = interval(first_over_last(make, task, recipe))[0]
        shown.append(f"gradient first/last layer 10^{ratio:.1f}, test error {100 * outcome.wrong.mean():.1f}%")
        losses.append(outcome.best)
    lower = {"digits": gain(losses[0], losses[1])}
    return Finding(f"{shown[0]} against {shown[1]}; test loss {spread_out(lower)}", verdict(lower))


def contained(kind: str) -> Finding:
    without, beside = exploded("none"), exploded(kind)
    _, low, _ = _steady(without.mean(0) - beside.mean(0))
    ratio = 10 ** (largest(kind) - largest("none")).mean()
    fine = [int(works(k).mean(1).round().sum()) for k in ("none", kind)]
    figure = (
        f"ends above where it began: {without.mean():.0%} of trainings, with it {beside.mean():.0%}; rates that work: "
    )
    figure += f"{fine[0]} of {len(GRID)}, with it {fine[1]}; the largest {ratio:.1f} times as high"
    return Finding(figure, "held" if low > 0 else "did not hold")


def plateau() -> Finding:
    better = {}
    for name in TABLES:
        arms = {"none": (Recipe(), 1e-2), "plateau": (Recipe(ReduceOnPlateau(3.0)), 1e-2)}
        found = train(table(name), arms)
        better[name] = gain(found["plateau"].last, found["none"].last)
    return Finding(spread_out(better), verdict(better))


SPEED = (
    "steps (not seconds) to a validation loss of 0.3, digits, 1,000 rows, 6 layers of 64, SGD, each at its best rate"
)
CLAIMS = [
    Claim("batch-norm-rate", "1 2 3", "With batch norm the learning rate may be 10 to 100 times as high",
          "digits, 1,000 rows, 6 layers of 64 (He), SGD, 11 rates from 0.001 to 100: the largest that brings the "
          "training loss below 0.1 in 300 steps", larger_rates),
    Claim("batch-norm-2x", "2", "With batch norm training is twice as fast", SPEED, lambda: times(2.0)),
    Claim("batch-norm-6x", "3", "Training times fall 6 to 14 times with batch norm (said of production models)", SPEED,
          lambda: times(6.0)),
    Claim("batch-norm-init", "3", "Batch norm makes the scale of the first weights matter less",
          "4 layers of 64, first weights times 0.1, 0.3, 1, 3, 10: worst over best test loss",
          first_weights),
    Claim("batch-norm-noise", "3", "It is the noise of small batches that makes batch norm regularize",
          "gain of batch norm at batches of 16 minus its gain where all training rows are one batch", noise_of_batches),
    Claim("relu-sigmoid", "2", "ReLU in place of sigmoid mends vanishing gradients",
          "digits, 1,000 rows, 10 layers of 64, torch's own first weights",
          lambda: compared((nn.ReLU, "", Recipe()), (nn.Sigmoid, "", Recipe()))),
    Claim("batch-norm-sigmoid", "2 4", "Batch norm mends vanishing gradients", "the same, sigmoid, with and without",
          lambda: compared((nn.Sigmoid, "", Recipe(BatchNorm())), (nn.Sigmoid, "", Recipe()))),
    Claim("init", "2", "Proper first weights mend vanishing gradients",
          "the same with ReLU: He's scale against a standard deviation of 0.01",
          lambda: compared((nn.ReLU, "he", Recipe()), (nn.ReLU, "small", Recipe()))),
    Claim("clip", "0 2", "Clipping the gradient keeps training from exploding",
          "as for the learning rate: share of trainings that end above a loss of log(10), with ClipNorm(1)",
          lambda: contained("clip")),
    Claim("max-norm-deep", "4", "In deep nets max-norm stops weights from exploding", "the same with MaxNorm(3)",
          lambda: contained("max-norm")),
    Claim("plateau", "0", "Lowering the rate on a plateau steadies training",
          "Adam at 0.01, with and without patience 3: test loss at the last step", plateau),
]  # fmt: skip
