"""Where recipes made of one recipe's ingredients train: the same seeds and folds for all, in stacks, each one once."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable, Sequence

import numpy as np

from wellfit.hashes import hash_integers
from wellfit.job.outcomes import ValidRows, judges_of, predictions_of
from wellfit.job.phases import note_rungs
from wellfit.job.stage import Stage
from wellfit.proof import Difference
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.searching.halving import RungRecord
from wellfit.searching.levels import data_level
from wellfit.searching.space import Candidate, describe

Kept = frozenset[str]
"""The names of the ingredients that a recipe still has."""


@dataclasses.dataclass(frozen=True)
class Ingredients:
    """A recipe taken apart.

    Attributes:
        parts: by name; what makes the training rows anew is one ingredient, since it is one set of rows.
        base: what all trainings share and nobody takes away: balanced classes that a person asked for.
        candidate: the whole recipe with its learning rate.
    """

    parts: dict[str, tuple[Regularizer, ...]]
    base: Recipe
    candidate: Candidate

    @property
    def whole(self) -> Kept:
        return frozenset(self.parts)

    def label(self, name: str) -> str:
        return ", ".join(describe(p) for p in self.parts[name])

    def recipe(self, kept: Kept) -> Recipe:
        """What is left of the recipe, base included."""
        held = [p for name, parts in self.parts.items() if name in kept for p in parts]
        return self.candidate.recipe.replace(parts=[*held, *self.base])

    def candidate_of(self, kept: Kept) -> Candidate:
        return dataclasses.replace(self.candidate, recipe=self.recipe(kept), kind="ablation")


def take_apart(candidate: Candidate, base: Recipe) -> Ingredients:
    """The ingredients of a candidate: its active parts, but for those of the base."""
    active = [p for p in candidate.recipe.active() if all(p.name != b.name for b in base)]
    rows = data_level(Recipe(*active))
    steps = [p for p in active if all(p.name != r.name for r in rows)]
    parts: dict[str, tuple[Regularizer, ...]] = {p.name: (p,) for p in steps}
    if len(rows):
        parts[" and ".join(r.name for r in rows)] = tuple(rows)
    return Ingredients(parts, base, candidate)


@dataclasses.dataclass
class Bench:
    """Trains subsets of a recipe on some folds, and keeps what each predicted there, seed by seed.

    Attributes:
        folds: that all train and validate on.
        seeds: that all start from, in this order.
        name: of the rungs in the record.
        predicted: by subset and seed.
    """

    stage: Stage
    ingredients: Ingredients
    folds: Sequence[int]
    seeds: Sequence[int]
    name: str
    predicted: dict[Kept, dict[int, np.ndarray]] = dataclasses.field(default_factory=dict)
    judges: ValidRows = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.judges = judges_of(self.stage, self.folds)

    def train(self, subsets: Iterable[Kept], deadline: float) -> None:
        """Train what was not trained yet; a training that does not come to its end counts as none."""
        asked = [s for s in dict.fromkeys(subsets) if s not in self.predicted]
        if not asked:
            return
        arena, begun, steps = self.stage.arena(self.name), time.monotonic(), self.stage.plan.steps
        entered = [(s, seed, arena.enter(self.ingredients.candidate_of(s), seed, self.folds))
                   for seed in self.seeds for s in asked]  # fmt: skip
        hands, folds = self.stage.engine.hands, len(self.folds)
        if self.stage.plan.mode != "compiled":  # a traced stack may be as small as it needs to be
            arena = dataclasses.replace(arena, chunk=min(arena.chunk, folds * math.ceil(len(entered) / hands)))
        results = arena.train([e for _, _, e in entered], steps, deadline)
        for subset, seed, entrant in entered:
            found = predictions_of(self.stage, entrant) if entrant.step == steps else None
            self.predicted.setdefault(subset, {})
            if found is not None:
                self.predicted[subset][seed] = found
        record = RungRecord(
            self.name, len(entered), steps, min(r.cohort.step for r in results), min(e.score for _, _, e in entered),
            time.monotonic() - begun, len(asked), max(r.building for r in results),
        )  # fmt: skip
        note_rungs(self.stage, [record], self.name)

    def common(self, *subsets: Kept) -> list[int]:
        """The seeds whose trainings of all these came to their end."""
        return [s for s in self.seeds if all(s in self.predicted.get(subset, {}) for subset in subsets)]

    def difference(self, base: Kept, other: Kept) -> Difference | None:
        """How much better the other is than the base, paired; None where fewer than two seeds have both."""
        seeds = self.common(base, other)
        if len(seeds) < 2:
            return None
        stacks = [np.stack([self.predicted[k][s] for s in seeds]) for k in (base, other)]
        return self.judges.difference(*stacks)


def fresh_seeds(stage: Stage, salt: int, count: int) -> list[int]:
    """Seeds that no other phase starts from."""
    return [hash_integers(stage.seed, salt, j) % 2**31 for j in range(count)]
