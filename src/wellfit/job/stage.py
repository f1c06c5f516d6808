"""What the phases of a study share: the data, the plan, the engine, and what has come of them so far."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from wellfit.job.judging import Judging
from wellfit.job.metrics import Metric
from wellfit.job.plan import Plan
from wellfit.job.prepare import Material
from wellfit.job.stack_or_apart import Mixes
from wellfit.progress import Progress
from wellfit.proof import fit_temperature, probabilities
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import EarlyStopping
from wellfit.searching import portfolio
from wellfit.searching.halving import Arena, Entrant, RungRecord
from wellfit.searching.levels import training_level
from wellfit.searching.space import Candidate, filled, neutral_whole, searched
from wellfit.training.cohort import Cohort
from wellfit.training.crew import Engine
from wellfit.training.population import Course

_TRACED = 1000  # validation rows whose losses re-scoring writes down for the diagnosis: 4 kB an evaluation
_CALIBRATED_ON = 3000  # rows: more would not move a single temperature


@dataclasses.dataclass(frozen=True)
class Weighed:
    """One way to balance the classes, trained as often and as long as the others.

    Attributes:
        name: ``none``, ``weights`` or ``smote``.
        data: what it does to the training rows.
        entrants: its trainings, best first.
    """

    name: str
    data: Recipe
    entrants: tuple[Entrant, ...]

    @property
    def score(self) -> float:
        return self.entrants[0].score


@dataclasses.dataclass(frozen=True)
class Left:
    """A candidate as it stood when it left the search, at the top or before."""

    candidate: Candidate
    score: float
    step: int


@dataclasses.dataclass
class Stage:
    """What the phases share, and what has come of them so far.

    Attributes:
        start: what the search begins with, where the person named it.
        pool: every entrant that trained to the end, controls included.
        left: candidates as they stood when they left the search before its end.
        skipped: what could not be looked at when the run was written down.
        records: what each rung was.
        spent: member-steps by phase.
        base: the data level that everything trains on, the controls too.
        data: the data level that the search's candidates train on.
        levels: further data levels that the search may choose among, one for a candidate.
        weighed: the ways to balance classes that were compared.
        space: what is searched over, by name; None for all that is standard for tables.
        judging: how long the test takes.
    """

    material: Material
    metric: Metric
    engine: Engine
    plan: Plan
    progress: Progress
    seed: int
    tick: Callable[[str, float | None], None]
    given: Recipe | None = None
    start: Recipe | None = None
    pool: list[Entrant] = dataclasses.field(default_factory=list)
    alive: list[Entrant] = dataclasses.field(default_factory=list)
    left: list[Left] = dataclasses.field(default_factory=list)
    skipped: list[str] = dataclasses.field(default_factory=list)
    records: list[RungRecord] = dataclasses.field(default_factory=list)
    spent: dict[str, int] = dataclasses.field(default_factory=dict)
    diverged: int = 0
    repeated: bool = False
    base: Recipe = dataclasses.field(default_factory=Recipe)
    data: Recipe = dataclasses.field(default_factory=Recipe)
    levels: tuple[Recipe, ...] = ()
    weighed: list[Weighed] = dataclasses.field(default_factory=list)
    space: dict[str, type[Regularizer]] | None = None
    judging: Judging = dataclasses.field(default_factory=Judging)

    def seeds_for_the_test(self, trained: int, each: int, others: int) -> int:
        """How many seeds of each finalist the test judges; a plan that is repeated judges those that it did before.

        Args:
            trained, each, others: as ``Judging.seeds`` takes them.
        """
        before = self.plan.reached.get("test") if self.repeated else None
        seeds = before[0] if before else self.judging.seeds(trained, each, others)
        if seeds < trained:
            self.plan.reached["test"] = [seeds]
            self.skipped.append(f"test of {trained - seeds} of {trained} seeds: the budget left no time for it")
        return seeds

    def pace(self, phase: str) -> float:
        """Member-steps a second of a phase's rungs, building left out."""
        seconds = sum(r.seconds - r.building for r in self.records if r.name == phase)
        return self.spent.get(phase, 0) / max(1e-3, seconds)

    def arena(self, doing: str, *, refit: bool = False) -> Arena:
        """Where the candidates of a phase compete."""
        course = Course(
            self.plan.steps, self.plan.batch, self.plan.evaluate_every, self.plan.mode, precision=self.plan.precision,
            traced=_TRACED if doing == "re-scoring" else 0,
        )  # fmt: skip
        judge = (lambda cohort: 0.0) if refit else self.judge
        return Arena(
            self.engine, self._carried(doing), 1 if refit else self.material.folds, self.plan.chunk, course, judge,
            lambda best: self.tick(doing, None if refit else best), self.material.first_fold,
        )  # fmt: skip

    def _carried(self, doing: str) -> Recipe:
        """What a phase's stacks carry: controls and balancing no regularizer, unless all share one compiled step.

        One by one a member carries the parts of its own recipe alone, since nobody shares a step with another.
        """
        if self.plan.mode == "apart":
            return self.with_stopping(Recipe())
        bare = doing in ("controls", "balance") and self.plan.mode != "compiled"
        return Recipe(EarlyStopping().neutral()) if bare else self.whole()

    def settings(self, rate: float) -> dict[str, float]:
        """What a training needs beside a recipe, as it stands in the recipe's file."""
        return {"learning_rate": rate, "batch_size": float(self.plan.batch), "steps": float(self.plan.steps)}

    def parts(self) -> dict[str, type[Regularizer]]:
        """What the search draws from."""
        return searched(self.material.table.task, self.plan.long) if self.space is None else self.space

    def mixes(self) -> Mixes:
        """What is timed: everything, a cocktail such as the search begins with, and nothing."""
        cocktails = [c for c, _ in portfolio.cocktails(self.parts(), 1e-3, 1000)]
        whole, typical = self.whole(), max(cocktails, key=len, default=Recipe())
        typical = typical if self.given is None else whole
        return Mixes(whole, self.with_stopping(typical), self.with_stopping(Recipe()))

    def with_stopping(self, recipe: Recipe) -> Recipe:
        return filled(recipe, Recipe(EarlyStopping().neutral()))

    def whole(self) -> Recipe:
        """Every part that any candidate of this study has, neutral."""
        stopping = EarlyStopping().neutral()
        if self.given is not None:
            steps = training_level(self.given)
            return neutral_whole([Recipe(*(p for p in steps if "rewrite" not in p.stages)), Recipe(stopping)])
        return neutral_whole([Recipe(*(cls() for cls in self.parts().values())), Recipe(stopping)])

    def judge(self, cohort: Cohort) -> float:
        """The score of a candidate: its members' best outputs on the validation rows of their folds, calibrated."""
        if not torch.isfinite(cohort.best.loss).all():
            return math.inf
        outputs = [o.numpy() for o in cohort.best.outputs]
        truth, predicted, weight = self.validated(outputs, [self.material.view(m.fold) for m in cohort.members])
        return self.metric.loss(truth, predicted, weight)

    def validated(self, outputs: Sequence[np.ndarray], folds: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Targets, calibrated predictions and weights of the validation rows of several folds, one after the other."""
        parts = [self.material.valid_target(f) for f in folds]
        truth = np.concatenate([p[0] for p in parts])
        weight = np.concatenate([p[1] for p in parts])
        raw = [o[: len(p[0])].astype(np.float64) for o, p in zip(outputs, parts, strict=True)]
        if self.material.table.task == "regression":
            views = [self.material.views[f] for f in folds]
            return (
                truth,
                np.concatenate([v.center + v.scale * o[:, 0] for v, o in zip(views, raw, strict=True)]),
                weight,
            )
        logits = np.concatenate(raw)
        return truth, probabilities(logits, temperature_of(logits, truth, weight)), weight


def temperature_of(logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """The temperature of so many rows at most; 1 where outputs are not finite."""
    if not np.isfinite(logits).all():
        return 1.0
    some = slice(None, None, max(1, len(truth) // _CALIBRATED_ON))
    return fit_temperature(logits[some], truth[some], weight[some])
