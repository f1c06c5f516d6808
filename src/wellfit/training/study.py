"""What a worker needs to train members of a study: the network's shape and the parts that change its structure."""

from __future__ import annotations

import dataclasses
import time
from typing import Protocol

import torch
from torch import nn

from wellfit.draws import Pixels
from wellfit.recipe import Recipe
from wellfit.training.cohort import Cohort, Member, Rows, seeded, start
from wellfit.training.optimizers import Adam
from wellfit.training.population import Course, Population, Report
from wellfit.training.step import Trainer


class Makes(Protocol):
    """What decides a network's structure, and makes one."""

    def network(self) -> nn.Module: ...


@dataclasses.dataclass(frozen=True)
class Study:
    """The network and the data that all members share.

    Attributes:
        blocks: (start, width) of each block of 0/1 columns that codes one category.
        pixels: the values of black and of white in each channel of pictures, see ``Now``.
    """

    shape: Makes
    rows: Rows
    device: str = "cpu"
    blocks: tuple[tuple[int, int], ...] = ()
    pixels: Pixels | None = None

    def network(self) -> nn.Module:
        """One network, its weights drawn from torch's generator."""
        return self.shape.network()


@dataclasses.dataclass(frozen=True)
class Task:
    """One unit of work: members to begin with, or a cohort to go on with, and how far to train.

    Attributes:
        course: how to train; its deadline is counted from the moment the task begins, ``seconds``.
        cohort: a cohort to go on with; None begins ``members`` anew.
        seconds: how long the task may take.
    """

    course: Course
    members: tuple[Member, ...] = ()
    cohort: Cohort | None = None
    seconds: float = float("inf")


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a task.

    Attributes:
        cohort: the members as they stand, on the CPU.
        seconds: what it took in all; ``building`` of it went into tracing and compiling.
        pace: member-steps a second of the steps alone, evaluations left out; 0 where there was only the first.
        mode: how the steps ran in the end.
        note: what did not go as asked, or empty.
    """

    cohort: Cohort
    seconds: float
    building: float
    pace: float
    mode: str
    note: str = ""


class Desk:
    """Works off tasks of one study in this process; every network structure it meets is kept ready."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.device = torch.device(study.device)
        self.rows = study.rows.to(self.device)
        self._populations: dict[tuple[object, ...], Population] = {}

    def work(self, task: Task, report: Report | None = None) -> Result:
        begun = time.monotonic()
        members = task.cohort.members if task.cohort else task.members
        population = self._population(structural(members[0].recipe))
        course = dataclasses.replace(task.course, deadline=begun + task.seconds)
        cohort = task.cohort.to(self.device) if task.cohort else self.begin(members)
        built = population.building()
        cohort = population.train(cohort, course, report)
        runner = population.latest
        mode, note = (runner.mode, runner.note) if runner else (course.mode, "")
        building = population.building() - built
        pace = len(cohort) * population.stepped / max(1e-9, population.stepping)
        return Result(cohort.to("cpu"), time.monotonic() - begun, building, pace, mode, note)

    def begin(self, members: tuple[Member, ...]) -> Cohort:
        structure = structural(members[0].recipe)
        trainer = self._population(structure).trainer
        return start(trainer, lambda: self.network(structure), members, self.rows)

    def network(self, structure: Recipe) -> nn.Module:
        return structure.rewrite(self.study.network()).to(self.device)

    def _population(self, structure: Recipe) -> Population:
        key = structure.parts_key()
        if key not in self._populations:
            network = seeded(lambda: self.network(structure), 0)
            trainer = Trainer(network, Adam(), blocks=self.study.blocks, pixels=self.study.pixels)
            self._populations[key] = Population(trainer, self.rows)
        return self._populations[key]


def structural(recipe: Recipe) -> Recipe:
    """The parts that change the network: recipes that agree in them share one."""
    return Recipe(*(p for p in recipe if "rewrite" in p.stages))
