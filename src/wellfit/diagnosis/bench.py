"""Trains members of a setting side by side, and writes down what each was at every evaluation."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wellfit.diagnosis.setting import Setting
from wellfit.recipe import Recipe
from wellfit.stacking import unify
from wellfit.training.cohort import Best, Cohort, Member, Rows, seeded, start
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer
from wellfit.training.study import structural

_EVALUATIONS = 25
"""Times that members are evaluated at most: the curve needs no more, and they take a third of the time."""

_SEEN = 256  # training rows whose clean loss is followed through training
_WORST = 50.0  # losses of rows in units of guessing, where outputs are not finite


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What members did; every array is (members, ...).

    Attributes:
        steps: (evaluations,) when they were looked at.
        losses: (members, evaluations, validation rows) clean losses.
        train: (members, evaluations) clean mean loss on a sample of training rows.
        as_trained: (members, evaluations) loss of the last batch, regularizers on.
        outputs: (members, validation rows, ...) at the end.
        fitted: (members, rows) clean losses on training rows at the end, of ``Bench.sample``.
        weights, best: stacked weights at the end, and at the evaluation with the least validation loss.
        seconds: of the steps and evaluations, tracing left out.
        tracing: seconds that building the stack took.
    """

    members: tuple[Member, ...]
    steps: np.ndarray
    losses: np.ndarray
    train: np.ndarray
    as_trained: np.ndarray
    outputs: np.ndarray
    fitted: np.ndarray
    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    seconds: float
    tracing: float

    def take(self, places: list[int]) -> Recorded:
        """Some of the members."""
        own = ("losses", "train", "as_trained", "outputs", "fitted")
        some = {name: getattr(self, name)[places] for name in own}
        some |= {name: {n: w[places] for n, w in getattr(self, name).items()} for name in ("weights", "best")}
        return dataclasses.replace(self, members=tuple(self.members[i] for i in places), **some)

    def places(self, label: str) -> list[int]:
        """The members of one label."""
        return [i for i, m in enumerate(self.members) if m.label == label]


class Bench:
    """Keeps the networks and stacks of one setting.

    Attributes:
        sample: training rows whose clean loss is taken at the end.
        spent: member-steps of everything so far.
    """

    def __init__(self, setting: Setting, folds: Sequence[tuple[Tensor, Tensor]], most: int = 5000) -> None:
        self.setting = setting
        self.rows = Rows(setting.x, setting.target, tuple(folds), outputs=setting.outputs, own=1)
        spread = np.random.default_rng(setting.seed).permutation(setting.held)
        self.sample = torch.as_tensor(np.sort(spread[:most]))
        self.seen = torch.as_tensor(np.sort(spread[:_SEEN]))
        self.spent, self.seconds, self.tracing = 0, 0.0, 0.0
        self.guess = setting.guess()
        self._populations: dict[Any, Population] = {}

    def network(self, recipe: Recipe) -> nn.Module:
        return structural(recipe).rewrite(self.setting.make())

    def population(self, recipe: Recipe) -> Population:
        key = structural(recipe).parts_key()
        if key not in self._populations:
            network = seeded(lambda: self.network(recipe), 0)
            self._populations[key] = Population(Trainer(network, self.setting.rule()), self.rows)
        return self._populations[key]

    def train(self, members: Sequence[Member], steps: int, deadline: float = float("inf")) -> Recorded:
        """Train to the end, or as far as the deadline allows; members have one structure."""
        shared = unify([m.recipe for m in members])
        ready = tuple(dataclasses.replace(m, recipe=r) for m, r in zip(members, shared, strict=True))
        population = self.population(ready[0].recipe)
        cohort = start(population.trainer, lambda: self.network(ready[0].recipe), ready, self.rows)
        every = _spacing(steps, self.setting.epoch_steps)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of operations that vmap runs in a loop
            return self._followed(population, cohort, steps, every, deadline)

    def _followed(self, population: Population, cohort: Cohort, steps: int, every: int, deadline: float) -> Recorded:
        begun, built, seen = time.monotonic(), population.building(), []
        least = torch.full((len(cohort),), torch.inf)
        kept = {n: w.clone() for n, w in cohort.best.weights.items()}
        mode = self.setting.mode
        while cohort.step < steps and (not seen or time.monotonic() < deadline):
            course = Course(min(steps, cohort.step + every), self.setting.batch, every, mode)
            cohort = population.train(_forgetful(cohort), course)
            losses, train = self._look(population, cohort)
            seen.append((cohort.step, losses, train, cohort.history[-1][1].numpy()))
            mean = torch.as_tensor(losses.mean(1), dtype=torch.float32)
            better = torch.nonzero(mean < least).squeeze(1)
            least = least.index_copy(0, better, mean[better])
            kept = {n: kept[n].index_copy(0, better, w[better]) for n, w in cohort.best.weights.items()}
        tracing = population.building() - built
        outputs = cohort.best.outputs.numpy()
        fitted = self.losses(population, cohort.best.weights, self.sample)
        self.spent += cohort.step * len(cohort)
        self.seconds, self.tracing = self.seconds + time.monotonic() - begun - tracing, self.tracing + tracing
        at, losses, train, batch = (np.stack(part) for part in zip(*seen, strict=True))
        return Recorded(
            cohort.members, at, losses.swapaxes(0, 1), train.T, batch.T, outputs, fitted, cohort.best.weights, kept,
            time.monotonic() - begun - tracing, tracing,
        )  # fmt: skip

    def _look(self, population: Population, cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
        """(members, validation rows) losses and (members,) mean training losses, as things stand."""
        valid = self.rows.folds[0][1]
        losses = self._rows_of(cohort.best.outputs, valid)
        losses[~np.isfinite(cohort.last_loss.numpy())] = _WORST * self.guess
        return losses, self.losses(population, cohort.best.weights, self.seen).mean(1)

    def losses(self, population: Population, weights: dict[str, Tensor], rows: Tensor) -> np.ndarray:
        """(members, rows) clean losses of stacked weights."""
        return self._rows_of(self.outputs(population, weights, rows), rows)

    def outputs(self, population: Population, weights: dict[str, Tensor], rows: Tensor) -> Tensor:
        """(members, rows, ...) of stacked weights, in evaluation mode."""
        with torch.no_grad():
            return population.outputs(weights, rows, self.setting.mode == "apart")

    def _rows_of(self, outputs: Tensor, rows: Tensor) -> np.ndarray:
        target = self.setting.target.take(rows)
        with torch.no_grad():
            found = torch.stack([target.row_losses(out) for out in outputs]).double().numpy()
        return np.where(np.isfinite(found), np.minimum(found, 1e6 * self.guess), _WORST * self.guess)


def _spacing(steps: int, epoch_steps: int) -> int:
    """Steps between evaluations: whole epochs."""
    epochs = max(1, steps // epoch_steps)
    return epoch_steps * max(1, round(epochs / _EVALUATIONS))


def _forgetful(cohort: Cohort) -> Cohort:
    """A cohort whose next evaluation counts as its best: what it is then is written down here, not there."""
    best = cohort.best
    fresh = Best(torch.full_like(best.loss, torch.inf), best.step, best.weights, best.outputs)
    return dataclasses.replace(cohort, best=fresh, history=())
