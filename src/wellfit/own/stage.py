"""Stage and engine for somebody's model: the main job's phases run on them as they are."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from wellfit.job.stage import Stage
from wellfit.own.goal import Goal
from wellfit.own.reading import Part
from wellfit.recipe import Recipe
from wellfit.training.cohort import Cohort, Rows
from wellfit.training.crew import Watch
from wellfit.training.study import Desk, Result, Task


@dataclasses.dataclass(frozen=True)
class Ground:
    """What a search over somebody's model works on: one fold, validated on rows of their own.

    Attributes:
        rows: training and validation rows as the engine reads them.
        goal: the loss, and what targets and outputs are.
        valid: the validation rows as they came.
        fewest: training rows of one pass.
    """

    rows: Rows
    goal: Goal
    valid: Part
    fewest: int
    folds: int = 1
    judging: tuple[int, ...] = (0,)
    proving: tuple[int, ...] = (0,)

    def view(self, fold: int) -> int:
        return fold

    def first_fold(self, _data: Recipe) -> int:
        return 0

    def valid_rows(self, _fold: int) -> np.ndarray:
        """Row numbers of the validation rows."""
        return np.arange(len(self.valid.y))

    def groups_of(self, _rows: np.ndarray) -> None:
        """Nobody says which of somebody's rows belong together: each stands for itself."""

    def valid_target(self, _fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of the validation rows."""
        truth = self.valid.y.numpy()
        return truth, np.ones(len(truth))


@dataclasses.dataclass
class ModelStage(Stage):
    """What the phases share, for somebody's model."""

    def judge(self, cohort: Cohort) -> float:
        """The metric of a member's best outputs on the validation rows, as they are: nothing is calibrated."""
        if not torch.isfinite(cohort.best.loss).all():
            return math.inf
        return self.metric.loss(*self.validated([cohort.best.outputs[0].numpy()], [0]))

    def validated(self, outputs: Sequence[np.ndarray], folds: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Targets, outputs and weights of the validation rows."""
        truth, weight = self.material.valid_target(folds[0])
        return truth, outputs[0].astype(np.float64), weight


class Here:
    """Works off tasks in this process, and keeps what is done when Ctrl-C comes: what was not begun stays untrained.

    Attributes:
        stopped: whether it came.
    """

    hands = 1

    def __init__(self) -> None:
        self.stopped = False
        self._desk: Desk | None = None

    def open(self, study: Any) -> None:
        self._desk = Desk(study)

    def run(self, tasks: Sequence[Task], watch: Watch | None = None) -> list[Result]:
        results = []
        for number, task in enumerate(tasks):
            report = (lambda step, loss, n=number: watch(n, step, loss)) if watch else None
            results.append(self._work(task, report))
        return results

    def close(self) -> None:
        self._desk = None

    def _work(self, task: Task, report: Any) -> Result:
        assert self._desk is not None
        if not self.stopped:
            try:
                return self._desk.work(task, report)
            except KeyboardInterrupt:
                self.stopped = True
        begun = time.monotonic()
        cohort = task.cohort or self._desk.begin(task.members)
        return Result(cohort.to("cpu"), time.monotonic() - begun, 0.0, 0.0, task.course.mode)
