"""How the networks of an ensemble train: one stack, each member with rows and a seed of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from wellfit.errors import DataError
from wellfit.models.mlp import MLP, Shape
from wellfit.recipe import Recipe
from wellfit.target import Target
from wellfit.training.cohort import Cohort, Member, Rows, seeded, start
from wellfit.training.optimizers import Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer

Array = npt.NDArray[np.float64]

_AT_ONCE = 4096  # rows: wider blocks only take memory
_WORTH_TRACING = 150
"""Steps from which a traced graph gains more than its tracing takes: on 2x64, 50 steps lose and 200 gain."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How networks train, in plain numbers; see ``NetClassifier`` for what each means."""

    recipe: Recipe
    width: int
    depth: int
    rate: float
    epochs: int
    batch: int
    holdout: float


@dataclasses.dataclass(frozen=True, eq=False)
class FittedNet:
    """A trained network.

    Attributes:
        network: what it computes; its own weights are not read.
        weights: the trained ones.
        center, scale: (columns,) of the inputs.
    """

    network: nn.Module
    weights: dict[str, Tensor]
    center: Array
    scale: Array

    def outputs(self, x: Array) -> Array:
        """(rows, outputs): logits, or numbers in units of the target's standard deviation."""
        inputs = torch.as_tensor((x - self.center) / self.scale, dtype=torch.float32)
        self.network.eval()
        with torch.no_grad():
            blocks = [
                torch.func.functional_call(self.network, self.weights, (block,)) for block in inputs.split(_AT_ONCE)
            ]
        return torch.cat(blocks).double().numpy()


class NetTraining:
    """Networks of one plan on one table, for any number of targets: what has been built for one serves the next.

    Args:
        plan: how they train.
        x: (rows, columns) of the whole table.
        rows: per member the numbers of its rows, repeated where a row counts more than once.
        outputs: classes, or numbers, of the target.
        resources: what the recipe names and cannot hold.
        times: how many trainings are to come: what pays only over many steps is done where there will be many.
    """

    def __init__(
        self,
        plan: Plan,
        x: Array,
        rows: Sequence[npt.NDArray[np.int64]],
        outputs: int,
        resources: Mapping[str, Callable[[Tensor], Tensor]],
        times: int = 1,
    ) -> None:
        self.plan, self.rows, self.outputs, self.times = plan, rows, outputs, times
        self.used = np.unique(np.concatenate(rows))
        spread = x[self.used].std(0)
        self.center, self.scale = x[self.used].mean(0), np.where(spread > 0, spread, 1.0)
        self.x = torch.as_tensor((x - self.center) / self.scale, dtype=torch.float32)
        self.shape = Shape(inputs=x.shape[1], outputs=outputs, width=plan.width, depth=plan.depth)
        self.trainer = Trainer(seeded(self._network, 0), Adam(), dict(resources))
        self._population: Population | None = None

    def train(self, values: Array, seeds: Sequence[int], classes: bool) -> list[FittedNet]:
        """A network for each member on this target (rows, outputs): its best epoch on rows of its own, or its last."""
        cohort, course = self._begin(values, seeds, classes)
        assert self._population is not None
        cohort = self._population.train(cohort, course)
        weights = cohort.best.weights if self.plan.holdout else cohort.last_weights()
        return [self._fitted(weights, i) for i in range(len(cohort))]

    def snapshots(self, values: Array, seed: int, classes: bool, cycles: int) -> list[FittedNet]:
        """One network as it stands after each of so many equal parts of its training."""
        cohort, course = self._begin(values, [seed], classes)
        assert self._population is not None
        found = []
        for i in range(1, cycles + 1):
            until = course.until * i // cycles
            part = dataclasses.replace(course, until=until, evaluate_every=max(1, until))
            cohort = self._population.train(cohort, part)
            found.append(self._fitted(cohort.last_weights(), 0))
        return found

    def _begin(self, values: Array, seeds: Sequence[int], classes: bool) -> tuple[Cohort, Course]:
        sides = [_sides(rows, self.plan.holdout, seed) for rows, seed in zip(self.rows, seeds, strict=True)]
        target = Target(torch.as_tensor(values, dtype=torch.float32), torch.ones(len(values)), classes)
        data = Rows(self.x, target, tuple((torch.as_tensor(a), torch.as_tensor(b)) for a, b in sides))
        if self._population is None:
            self._population = Population(self.trainer, data)
        self._population.rows = data
        members = [Member(self.plan.recipe, self.plan.rate, seed, fold=i) for i, seed in enumerate(seeds)]
        return start(self.trainer, self._network, members, data), self._course(min(len(a) for a, _ in sides))

    def _course(self, shortest: int) -> Course:
        batch = min(self.plan.batch, shortest)
        epoch = shortest // batch
        until = self.plan.epochs * epoch
        often = self.plan.holdout > 0 or "after_epoch" in self.plan.recipe.stages
        mode = "traced" if until * self.times >= _WORTH_TRACING else "eager"
        return Course(until, batch, epoch if often else until, mode)

    def _network(self) -> nn.Module:
        return self.plan.recipe.rewrite(MLP(self.shape))

    def _fitted(self, weights: Mapping[str, Tensor], member: int) -> FittedNet:
        own = {n: w[member].clone() for n, w in weights.items()}
        return FittedNet(self.trainer.network, own, self.center, self.scale)


def _sides(rows: npt.NDArray[np.int64], holdout: float, seed: int) -> tuple[npt.NDArray[np.int64], ...]:
    """The rows to train on and those that choose the epoch; all copies of a row are on one side."""
    if holdout == 0.0:
        return rows, np.unique(rows)
    distinct = np.unique(rows)
    held = max(1, round(holdout * len(distinct)))
    if held >= len(distinct):
        raise DataError(f"{len(distinct)} rows are too few to hold out a share of {holdout:g}.", fix="holdout=0.")
    judge = np.random.Generator(np.random.Philox(seed)).permutation(distinct)[:held]
    return rows[~np.isin(rows, judge)], np.sort(judge)
