"""Somebody's own setting, as a diagnosis repeats it: model, rows, recipe, optimizer, and how long."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.recipe import Recipe
from wellfit.target import Target
from wellfit.training.optimizers import SGD, Adam, Optimizer

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "adam": Adam, "adamw": Adam, "sgd": SGD, "momentum": lambda: SGD(0.9),
}  # fmt: skip
"""By name; weight decay is a regularizer of the recipe, also for ``adamw``."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One training as somebody set it up.

    Attributes:
        make: builds a model, its weights drawn from torch's generator.
        x: (rows, ...) inputs, training rows first.
        target: of the same rows.
        held: how many of them are training rows.
        labels: (rows,) class numbers, or None for numbers.
        recipe: what it trains under.
        rate: learning rate.
        batch: rows a step.
        epochs: passes over the training rows.
        optimizer: a key of ``OPTIMIZERS``.
        seed: of the first weights and the order of rows; the seeds of all trainings follow from it.
        seeds: trainings of each variant.
        outputs: the shape of what the model gives for one row.
        groups: (rows,) of whatever rows come from, or None.
        mode: how stacks run: ``traced``, or ``apart`` for models that cannot be stacked.
        classes: what the classes are called, by number; empty where only numbers are known.
    """

    make: Callable[[], nn.Module]
    x: Tensor
    target: Target
    held: int
    labels: Tensor | None = None
    recipe: Recipe = dataclasses.field(default_factory=Recipe)
    rate: float = 1e-3
    batch: int = 32
    epochs: int = 20
    optimizer: str = "adam"
    seed: int = 0
    seeds: int = 3
    outputs: tuple[int, ...] | None = None
    mode: str = "traced"
    groups: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def class_name(self, label: int) -> str:
        """A class as a person calls it."""
        return self.classes[label] if label < len(self.classes) else str(label)

    @property
    def valid(self) -> int:
        """How many validation rows there are."""
        return len(self.x) - self.held

    @property
    def valid_groups(self) -> np.ndarray | None:
        """(validation rows,) of what rows come from."""
        return None if self.groups is None else self.groups[self.held :]

    @property
    def epoch_steps(self) -> int:
        """Steps of one epoch: full batches only."""
        return max(1, self.held // self.batch)

    @property
    def steps(self) -> int:
        return self.epochs * self.epoch_steps

    def rule(self) -> Optimizer:
        """The optimizer's update rule."""
        return OPTIMIZERS[self.optimizer]()

    def guess(self) -> float:
        """The loss, on training rows, of guessing: class frequencies, or the mean."""
        some = self.target.take(torch.arange(self.held))
        mean = (some.values * some.weight[:, None]).sum(0) / some.weight.sum()
        if self.target.criterion is not None:
            return float("nan")
        logits = mean.clamp_min(1e-12).log() if self.target.classes else mean
        return float((some.row_losses(logits.expand(self.held, -1)) * some.weight).sum() / some.weight.sum())


def make_setting(
    make_model: Any, train: Any, val: Any, *, loss: Any = None, recipe: Any = None, rate: float = 1e-3,
    epochs: int = 20, batch: int | None = None, optimizer: str = "adam", seed: int = 0, seeds: int = 3,
    groups: Any = None,
) -> Setting:  # fmt: skip
    """The setting of somebody's model and rows.

    Args:
        make_model: the class, or a function without arguments that builds a new model each time.
        train, val: pairs (X, y) of arrays or tensors, or loaders of such pairs; never test rows.
        loss: a function (outputs, targets) -> one number; by default cross-entropy for whole-number targets, squared
            error for others.

    Raises:
        UsageError, DataError: as their sentences say.
    """
    from wellfit.own.goal import make_goal
    from wellfit.own.maker import look_at
    from wellfit.own.reading import read_part

    _check(rate, epochs, batch, optimizer, seeds)
    parts = [read_part(train, "training", seed), read_part(val, "validation", seed)]
    looked = look_at(make_model, parts[0].x, seed)
    x = torch.cat([looked.inputs(p.x) for p in parts])
    y = torch.cat([p.y.to(looked.dtype) if p.y.is_floating_point() else p.y for p in parts])
    goal = make_goal(loss, y[: len(looked.outputs)], looked.outputs)
    labels = y.reshape(-1).long() if goal.kind == "classes" else None
    size = batch or parts[0].batch or 32
    return Setting(
        looked.maker, x, goal.target(y, looked.dtype), parts[0].rows, labels, _recipe(recipe), rate,
        min(size, parts[0].rows), epochs, optimizer, seed, seeds, goal.outputs,
        groups=_groups(groups, len(x)),
    )  # fmt: skip


def _groups(groups: Any, rows: int) -> np.ndarray | None:
    """(rows,) of both parts, from one array of both or a pair of arrays."""
    if groups is None:
        return None
    pair = isinstance(groups, tuple) and len(groups) == 2 and all(np.ndim(g) == 1 for g in groups)
    found = np.concatenate([np.asarray(g) for g in groups]) if pair else np.asarray(groups)
    if found.shape != (rows,):
        raise UsageError(
            f"groups has the shape {found.shape}; ({rows},) is wanted: one for every training and validation row.",
            fix="Give (train_groups, val_groups), or one array of both, training rows first.",
            code="WF-G11",
        )
    return found


def _recipe(recipe: Any) -> Recipe:
    if recipe is None:
        return Recipe()
    if isinstance(recipe, Recipe):
        return recipe
    return Recipe(*recipe) if isinstance(recipe, tuple | list) else Recipe.load(recipe)


def _check(rate: float, epochs: int, batch: int | None, optimizer: str, seeds: int) -> None:
    wrong = None
    if not (isinstance(rate, int | float) and np.isfinite(rate) and rate > 0):
        wrong = f"the rate is {rate!r}; a number above 0 is allowed."
    if not (isinstance(epochs, int) and epochs >= 2):
        wrong = f"epochs is {epochs!r}; a whole number from 2 is allowed."
    if batch is not None and not (isinstance(batch, int) and batch >= 1):
        wrong = f"batch is {batch!r}; a whole number from 1 is allowed."
    if not (isinstance(seeds, int) and seeds >= 3):
        wrong = f"seeds is {seeds!r}; 3 or more are allowed: fewer cannot tell a change from luck."
    if optimizer not in OPTIMIZERS:
        wrong = f"the optimizer is {optimizer!r}; {', '.join(OPTIMIZERS)} are allowed."
    if wrong:
        raise UsageError(wrong, fix="Give the setting that you train with.", code="WF-G06")
