"""The search space, made from the facts on the regularizers: Optuna proposes, no regularizer's inside is known."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import optuna

import wellfit.regularizers  # noqa: F401  (fills the registry)
from wellfit.knobs import Knob
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizer import REGISTRY, Regularizer

optuna.logging.set_verbosity(optuna.logging.WARNING)

RATES = (3e-4, 2e-2)
"""Learning rates of Adam that are searched."""

SHRINKERS = ("WeightDecay", "L2", "L1", "ElasticNet")
"""At most one of these in a cocktail: two would shrink the same weights twice."""

TWICE_THE_COST = ("SAM",)
"""Searched only where the budget is long."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A recipe and a learning rate to try.

    Attributes:
        kind: ``control`` (no regularizer), ``single`` (one) or ``cocktail``.
        number: the proposal's number in Optuna's study, or None.
    """

    recipe: Recipe
    rate: float
    kind: str
    number: int | None = None

    @property
    def label(self) -> str:
        parts = [describe(p) for p in self.recipe.active()]
        return ", ".join(parts) if parts else "no regularization"


def describe(part: Regularizer) -> str:
    """``Dropout(p=0.21)``: a part with its knobs to two digits."""
    leaf = leaf_of(part)
    knobs = ", ".join(f"{n}={float(getattr(leaf, n)):.2g}" for n in leaf.knobs())
    return f"{part.name}({knobs})"


def searched(task: str, long_budget: bool = False, data: str = "table") -> dict[str, type[Regularizer]]:
    """What a default search over this kind of data draws from: what is standard for it and fits the task."""
    kind = "regression" if task == "regression" else "classification"
    return {
        name: cls
        for name, cls in sorted(REGISTRY.items())
        if cls.__module__.startswith("wellfit.")
        and kind in cls.tasks
        and data in cls.standard
        and (long_budget or name not in TWICE_THE_COST)
    }


class Proposer:
    """Optuna's TPE over the space; proposals already made and their values are all it knows.

    Args:
        levels: data levels, of which a proposal has one or none.
    """

    def __init__(self, parts: Mapping[str, type[Regularizer]], seed: int, levels: Sequence[Recipe] = ()) -> None:
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=40, constant_liar=True)
        self._study = optuna.create_study(sampler=sampler)
        self._parts, self._levels = parts, {", ".join(p.name for p in level): level for level in levels}
        self._trials: dict[int, optuna.trial.Trial] = {}

    def start_with(self, recipe: Recipe, rate: float) -> None:
        """Queue a recipe to be proposed before any other."""
        values: dict[str, Any] = {"rate": rate, "shrinker": "none"}
        on = {p.name: p for p in recipe}
        for name, cls in self._parts.items():
            if name in SHRINKERS and name in on:
                values["shrinker"] = name
            elif name not in SHRINKERS:
                values[name] = name in on
            for knob_name in cls.knobs() if name in on else ():
                values[f"{name}.{knob_name}"] = float(getattr(on[name], knob_name))
        self._study.enqueue_trial(values)

    def propose(self) -> Candidate:
        trial = self._study.ask()
        self._trials[trial.number] = trial
        rate = trial.suggest_float("rate", *RATES, log=True)
        shrinkers = [n for n in SHRINKERS if n in self._parts]
        chosen = trial.suggest_categorical("shrinker", ["none", *shrinkers])
        parts: list[Regularizer] = []
        for name, cls in self._parts.items():
            on = name == chosen if name in SHRINKERS else trial.suggest_categorical(name, [True, False])
            if on:
                parts.append(cls(**{k: _suggest(trial, f"{name}.{k}", f) for k, f in cls.knobs().items()}))
        if self._levels:
            rows = trial.suggest_categorical("rows", ["none", *self._levels])
            parts += self._levels.get(str(rows), ())
        kind = ("control", "single", "cocktail")[min(2, len(parts))]
        return Candidate(Recipe(*parts), rate, kind, trial.number)

    def tell(self, candidate: Candidate, loss: float, step: int, finished: bool) -> None:
        """Give back how a proposal fared: its loss after ``step`` steps, and whether it went all the way."""
        if candidate.number is None:
            return
        trial = self._trials[candidate.number]
        if not math.isfinite(loss):
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        elif finished:
            self._study.tell(trial, loss)
        else:
            trial.report(loss, step)
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)


def _suggest(trial: optuna.trial.Trial, name: str, facts: Knob) -> float:
    return trial.suggest_float(name, facts.low, facts.high, log=facts.log)


def neutral_whole(parts: Sequence[Recipe]) -> Recipe:
    """Every part of every recipe, at its neutral value: what all members of a stack are filled up to."""
    every = {p.name: p for recipe in parts for p in recipe}
    return Recipe(*(p if p.exempt else p.neutral() for p in every.values()))


def filled(recipe: Recipe, whole: Recipe) -> Recipe:
    """A recipe with the parts it lacks of the whole, neutral."""
    held = {p.name for p in recipe}
    return Recipe(*recipe, *(p for p in whole if p.name not in held))
