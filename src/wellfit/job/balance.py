"""Balancing classes: what ``--balance`` asks for, and the fair comparison of none, weights and synthetic rows."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np

from wellfit.errors import UsageError
from wellfit.hashes import hash_integers
from wellfit.job.options import Options
from wellfit.job.phases import note_rungs, with_data
from wellfit.job.prepare import Material
from wellfit.job.stage import Stage, Weighed
from wellfit.recipe import Recipe
from wellfit.regularizers import SMOTE, SMOTENC, ClassWeights, OverSample
from wellfit.searching.halving import Entrant, RungRecord
from wellfit.searching.levels import data_level

ASKED = ("none", "weights", "smote", "search")
SHARE = 0.25
"""Share of the time after the controls that the comparison may take; nothing of it where none was asked for."""

_NEIGHBORS = 5  # the paper's choice, and imbalanced-learn's
_MOST_TRIES = 4  # learning rates at which each way is tried


def check_balance(options: Options, given: Recipe | None, task: str) -> None:
    """Raises UsageError where what is asked for is not there, or not for this target, or asked for twice."""
    if options.balance is None:
        return
    code, none = "WF-U15", "Leave --balance out."
    if options.balance not in ASKED:
        raise UsageError(
            f"no way to balance is called {options.balance!r}.", fix=f"Choose {', '.join(ASKED)}.", code=code
        )
    if task == "regression":
        raise UsageError("--balance is for classes, and this target is a number.", fix=none, code=code)
    if options.class_weight is not None:
        raise UsageError("--balance and --class-weight weigh the classes twice.", fix="Give one of them.", code=code)
    if given is not None and len(data_level(given)):
        raise UsageError("the recipe resamples the rows itself, and --balance would do it again.", fix=none, code=code)


def ways(material: Material) -> tuple[dict[str, Recipe], str]:
    """The data-level recipe of each way to balance, and a note where synthetic rows cannot be made as usual."""
    synthetic, note = _synthetic(material)
    return {"none": Recipe(), "weights": Recipe(ClassWeights(1.0)), "smote": Recipe(synthetic)}, note


def _synthetic(material: Material) -> tuple[SMOTE | SMOTENC | OverSample, str]:
    """The member of the SMOTE family that fits the table, with as many neighbors as the rarest class allows."""
    trains = [train for train, _ in material.rows.folds[: len(material.views)]]
    labels = material.rows.target.values.argmax(1)
    fewest = min(int(n) for t in trains for n in np.bincount(labels[t].numpy()) if n)
    if fewest < 2:
        return OverSample(1.0), "a class has one row in a training fold: rows are repeated in place of SMOTE"
    k = min(_NEIGHBORS, fewest - 1)
    note = f"SMOTE chooses among {k} neighbors: the rarest class has {fewest} rows in a training fold"
    kind = SMOTENC if material.blocks else SMOTE
    return kind(1.0, k=k), note if k < _NEIGHBORS else ""


def run_balance(stage: Stage, choices: dict[str, Recipe], controls: list[Entrant], deadline: float) -> None:
    """Train each way at the controls' best learning rates, from the same seeds, for as many steps; into ``weighed``."""
    tries = stage.plan.tries if stage.repeated else tries_within(stage, len(choices), deadline)
    stage.plan = dataclasses.replace(stage.plan, tries=tries)
    rates = list(dict.fromkeys(e.candidate.rate for e in controls))[:tries]
    plain = [dataclasses.replace(controls[0].candidate, recipe=Recipe(), rate=r, kind="balance") for r in rates]
    arena, begun = stage.arena("balance"), time.monotonic()
    seeds = [hash_integers(stage.seed, 88, i) % 2**31 for i in range(len(rates))]
    entered = {name: [arena.enter(with_data(c, data), s) for c, s in zip(plain, seeds, strict=True)]
               for name, data in choices.items()}  # fmt: skip
    every = [entered[name][i] for i in range(len(rates)) for name in choices]  # each stack holds all ways
    before = stage.plan.reached.get("balance") if stage.repeated else None
    results = arena.train(every, stage.plan.steps, deadline, before)
    stage.plan.reached["balance"] = [r.cohort.step for r in results]
    record = RungRecord(
        "balance", len(every), stage.plan.steps, min(r.cohort.step for r in results), min(e.score for e in every),
        time.monotonic() - begun, len(choices), max(r.building for r in results),
    )  # fmt: skip
    note_rungs(stage, [record], "balance")
    ranked = [Weighed(n, choices[n], tuple(sorted(es, key=lambda e: e.score))) for n, es in entered.items()]
    stage.weighed = ranked if all(math.isfinite(w.score) for w in ranked) else []


def tries_within(stage: Stage, ways: int, deadline: float) -> int:
    """How many learning rates each way can be tried at within the time, at the pace of the controls."""
    cost = stage.plan.steps * stage.material.folds * ways
    fits = 0.92 * stage.pace("controls") * (deadline - time.monotonic()) / cost
    return max(1, min(_MOST_TRIES, int(fits)))


def choose_balance(stage: Stage, asked: str) -> str:
    """The name of the way that the search goes on with: the one asked for, or the best on validation rows."""
    if asked != "search":
        return asked
    if not stage.weighed:
        return "none"
    best = min(stage.weighed, key=lambda w: w.score)
    stage.data = best.data
    return best.name
