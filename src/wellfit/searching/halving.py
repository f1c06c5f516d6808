"""Successive halving over candidates, each of them one member per fold: all start, the better ones go on."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

import torch

from wellfit.hashes import hash_integers
from wellfit.recipe import Recipe
from wellfit.searching.levels import data_level, training_level
from wellfit.searching.space import Candidate, filled
from wellfit.training.cohort import Cohort, Member, join
from wellfit.training.crew import Engine
from wellfit.training.population import Course
from wellfit.training.study import Result, Task


@dataclasses.dataclass
class Entrant:
    """A candidate on its way: its members (one per fold), as far as they have come."""

    candidate: Candidate
    members: tuple[Member, ...]
    cohort: Cohort | None = None
    score: float = math.inf

    @property
    def step(self) -> int:
        return self.cohort.step if self.cohort else 0

    @property
    def best_step(self) -> float:
        """Mean over the folds of the step at which each was best."""
        assert self.cohort is not None
        return float(self.cohort.best.step.to(torch.float32).mean())


@dataclasses.dataclass(frozen=True)
class Arena:
    """Where candidates compete: the engine, and what all of them share.

    Attributes:
        whole: every part that any candidate has, neutral: the structure of the stack.
        folds: how many folds each candidate is trained on.
        chunk: members trained in one stack.
        course: batch, evaluations and mode; ``until`` is set by each rung.
        judge: the score of a cohort's best outputs, smaller is better.
        watch: called with the best score so far.
        first_fold: the number of the first fold whose training rows a recipe's data level has made; seeds do not depend
            on it, so that recipes that differ in nothing else start alike.
    """

    engine: Engine
    whole: Recipe
    folds: int
    chunk: int
    course: Course
    judge: Callable[[Cohort], float]
    watch: Callable[[float], None] | None = None
    first_fold: Callable[[Recipe], int] = lambda _data: 0

    def enter(self, candidate: Candidate, seed: int, folds: Sequence[int] | None = None) -> Entrant:
        """A candidate that is about to train, on these folds or on the first ``self.folds``."""
        recipe = filled(training_level(candidate.recipe), self.whole)
        start = self.first_fold(data_level(candidate.recipe))
        folds = range(self.folds) if folds is None else folds
        seeds = [hash_integers(seed, f) % 2**31 for f in folds]
        members = [
            Member(recipe, candidate.rate, s, start + f, candidate.kind) for s, f in zip(seeds, folds, strict=True)
        ]
        return Entrant(candidate, tuple(members))

    def train(
        self, entrants: Sequence[Entrant], until: int, deadline: float, reached: Sequence[int] | None = None
    ) -> list[Result]:
        """Train entrants up to a step, in stacks; their cohorts and scores are brought up to date.

        What the deadline cuts off stands where it stopped; an entrant that was not begun keeps an infinite score.
        ``reached`` are the steps where the stacks of an earlier run stopped, to be repeated.
        """
        groups = self._groups(entrants)
        seconds = max(0.0, deadline - time.monotonic())
        turns = math.ceil(len(groups) / self.engine.hands)
        limits = reached if reached and len(reached) == len(groups) else [until] * len(groups)
        tasks = [self._task(g, limit, seconds, turns) for g, limit in zip(groups, limits, strict=True)]
        watch = (lambda _task, _step, best: self.watch(best)) if self.watch else None  # type: ignore[misc]
        results = self.engine.run(tasks, watch)
        for group, result in zip(groups, results, strict=True):
            self._hand_back(group, result.cohort)
        return results

    def _groups(self, entrants: Sequence[Entrant]) -> list[list[Entrant]]:
        """Entrants by stacks: of one network structure and one step each, and as many members as a stack holds."""
        by_structure: dict[tuple[object, ...], list[Entrant]] = {}
        for entrant in entrants:
            by_structure.setdefault((entrant.members[0].recipe.parts_key(), entrant.step), []).append(entrant)
        groups = []
        for alike in by_structure.values():
            per_stack = max(1, self.chunk // len(alike[0].members))
            groups += [alike[i : i + per_stack] for i in range(0, len(alike), per_stack)]
        return groups

    def _task(self, group: list[Entrant], until: int, seconds: float, turns: int) -> Task:
        per_stack = max(1, self.chunk // len(group[0].members))
        whole = group + [group[-1]] * (per_stack - len(group))  # a stack of one size compiles once
        course = dataclasses.replace(self.course, until=until)
        share = seconds / turns if math.isfinite(seconds) else seconds
        if group[0].cohort is None:
            return Task(course, members=tuple(m for e in whole for m in e.members), seconds=share)
        return Task(course, cohort=join([e.cohort for e in whole if e.cohort is not None]), seconds=share)

    def _hand_back(self, group: list[Entrant], cohort: Cohort) -> None:
        place = 0
        for entrant in group:
            count = len(entrant.members)
            entrant.cohort = cohort.take(range(place, place + count))
            entrant.score = self.judge(entrant.cohort) if cohort.step else math.inf
            place += count


@dataclasses.dataclass(frozen=True)
class Rung:
    """One step of the ladder: how many enter, and up to which training step they go."""

    members: int
    until: int


@dataclasses.dataclass(frozen=True)
class RungRecord:
    """What a rung was in the end."""

    name: str
    members: int
    until: int
    reached: int
    best: float
    seconds: float
    kept: int
    building: float
    stacks: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def climb(
    arena: Arena,
    entrants: list[Entrant],
    rungs: Sequence[Rung],
    deadline: float,
    name: str,
    leave: Callable[[Entrant], None] | None = None,
    reached: Sequence[Sequence[int]] = (),
    protected: str = "single",
) -> tuple[list[Entrant], list[RungRecord]]:
    """Send entrants up the rungs; returns those that reached the top, best first, and what each rung was.

    Between rungs the better ones by best score so far go on, and the best of the ``protected`` kind with them.
    ``leave`` is called for each that is left behind; ``reached`` are, per rung, the steps of an earlier run's stacks.
    """
    records = []
    for number, rung in enumerate(rungs):
        begun = time.monotonic()
        results = arena.train(entrants, rung.until, deadline, reached[number] if number < len(reached) else None)
        entrants.sort(key=lambda e: e.score)
        coming = rungs[number + 1].members if number + 1 < len(rungs) else len(entrants)
        kept, left = _keep(entrants, coming, protected)
        for entrant in left:
            if leave:
                leave(entrant)
            entrant.cohort = None
        stacks = tuple(r.cohort.step for r in results)
        records.append(
            RungRecord(
                name, len(entrants), rung.until, min(stacks), entrants[0].score, time.monotonic() - begun, len(kept),
                max(r.building for r in results), stacks, tuple({r.note for r in results if r.note}),
            )
        )  # fmt: skip
        entrants = kept
        if time.monotonic() >= deadline:
            break
    return [e for e in entrants if math.isfinite(e.score)], records


def _keep(ordered: list[Entrant], count: int, protected: str) -> tuple[list[Entrant], list[Entrant]]:
    kept, left = ordered[:count], ordered[count:]
    if count and left and not any(e.candidate.kind == protected for e in kept):
        best = next((e for e in left if e.candidate.kind == protected and math.isfinite(e.score)), None)
        if best is not None:
            left = [e for e in left if e is not best] + [kept[-1]]
            kept = [*kept[:-1], best]
    return kept, left
