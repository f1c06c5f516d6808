"""The phases of a study: controls, search, re-scoring, refit. Each takes what time it is given and says what it did."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Mapping, Sequence

import numpy as np

from wellfit.hashes import hash_integers
from wellfit.job.stage import Left, Stage
from wellfit.job.start_recipe import within
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import EarlyStopping
from wellfit.searching import portfolio
from wellfit.searching.halving import Entrant, RungRecord, climb
from wellfit.searching.space import RATES, Candidate, Proposer

PATIENCE = 10.0


def with_data(candidate: Candidate, data: Recipe) -> Candidate:
    """The candidate with a data level."""
    recipe = candidate.recipe
    return dataclasses.replace(candidate, recipe=recipe.replace(parts=[*recipe, *data])) if len(data) else candidate


def run_controls(stage: Stage, deadline: float) -> list[Entrant]:
    """The network without regularization, over the learning rates, with as many candidates and steps as the search."""
    proposed = portfolio.controls(stage.plan.rungs[0].members * stage.plan.generations)
    proposed = [with_data(c, stage.base) for c in proposed]
    found: list[Entrant] = []
    for generation in range(stage.plan.generations):
        chosen = proposed[generation :: stage.plan.generations]
        found += _climb(stage, chosen, deadline, "controls", generation, None)
    return sorted(found, key=lambda e: e.score)


def run_search(stage: Stage, rate: float, deadline: float) -> list[Entrant]:
    """Cocktails and single regularizers; each generation is proposed from what the ones before it showed.

    ``rate`` is the learning rate that served the controls best: the first candidates start from it.
    """
    found: list[Entrant] = []
    proposer = None if stage.given is not None else _proposer(stage, rate)
    for generation in range(stage.plan.generations):
        if time.monotonic() >= deadline or (proposer is None and generation):
            break
        count = (stage.plan.search_rungs or stage.plan.rungs)[0].members
        chosen = _given(stage, count) if proposer is None else _proposals(stage, proposer, count, rate, generation)
        chosen = [with_data(c, stage.data) for c in chosen]
        found += _climb(stage, chosen, deadline, "search", generation, proposer)
    return sorted(found, key=lambda e: e.score)


def _proposer(stage: Stage, rate: float) -> Proposer:
    parts = stage.parts()
    proposer = Proposer(parts, stage.seed, stage.levels)
    known = portfolio.cocktails(parts, rate, stage.plan.steps)
    if stage.space is not None:  # no table: little is known of what does well
        drawn = portfolio.drawn(parts, rate, stage.plan.steps, stage.seed)
        known = itertools.chain(portfolio.samples(parts, rate, stage.plan.steps), drawn)
    for recipe, its_rate in [*_asked(stage, parts, rate), *known]:
        proposer.start_with(recipe, its_rate)
    return proposer


def _asked(stage: Stage, parts: Mapping[str, type[Regularizer]], rate: float) -> list[tuple[Recipe, float]]:
    """The recipe that the person wants the search to begin with, as far as it is searched."""
    if stage.start is None:
        return []
    recipe, changed = within(stage.start, parts)
    for told in changed:
        stage.progress.say("note", f"start: {told}")
    if not len(recipe):
        stage.progress.say("note", "start: nothing of that recipe is searched here, so the search begins as usual")
        return []
    own = (stage.start.settings or {}).get("learning_rate", rate)
    return [(recipe, min(max(float(own), RATES[0]), RATES[1]))]


def _proposals(stage: Stage, proposer: Proposer, count: int, rate: float, generation: int) -> list[Candidate]:
    """Single regularizers first (a third of the first generation at most), then what Optuna proposes."""
    if generation:
        return [proposer.propose() for _ in range(count)]
    parts = stage.parts()
    most = max(count > 1, count // 3)
    rows = [Candidate(level, rate, "single") for level in stage.levels if len(level) == 1][: most // 3]
    alone = [*portfolio.singles(parts, rate, min(2 * len(parts), most - len(rows))), *rows]
    return alone + [proposer.propose() for _ in range(count - len(alone))]


def _given(stage: Stage, count: int) -> list[Candidate]:
    """The person's own recipe: at its learning rate where it says one, else over the searched range."""
    assert stage.given is not None
    kind = "single" if len(stage.given.parts) == 1 else "cocktail"
    rate = (stage.given.settings or {}).get("learning_rate")
    rates = [float(rate)] if rate and rate > 0 else [c.rate for c in portfolio.controls(count)]
    return [Candidate(stage.given, r, kind) for r in rates]


def _climb(
    stage: Stage, chosen: Sequence[Candidate], deadline: float, name: str, generation: int, proposer: Proposer | None
) -> list[Entrant]:
    arena = stage.arena(name)
    seeds = [hash_integers(stage.seed, generation, i, len(name)) % 2**31 for i in range(len(chosen))]
    entrants = [arena.enter(c, s) for c, s in zip(chosen, seeds, strict=True)]
    stage.alive = list(entrants)

    def leave(entrant: Entrant) -> None:
        stage.left.append(Left(entrant.candidate, entrant.score, entrant.step))
        stage.diverged += entrant.step > 0 and not math.isfinite(entrant.score)
        if proposer:
            proposer.tell(entrant.candidate, entrant.score, entrant.step, False)

    rungs = stage.plan.search_rungs or stage.plan.rungs if name == "search" else stage.plan.rungs
    keys = [f"{name}/{generation}/{number}" for number in range(len(rungs))]
    before = [stage.plan.reached.get(k, []) for k in keys] if stage.repeated else []
    finished, records = climb(arena, entrants, rungs, deadline, name, leave, before)
    stage.plan.reached.update({k: list(r.stacks) for k, r in zip(keys, records, strict=False)})
    for entrant in finished:
        if proposer:
            proposer.tell(entrant.candidate, entrant.score, entrant.step, True)
    note_rungs(stage, records, name)
    stage.pool += finished
    return finished


def note_rungs(stage: Stage, records: list[RungRecord], name: str) -> None:
    before, rungs = 0, len(records) if name == "re-scoring" else len(stage.plan.rungs)
    for number, record in enumerate(records):
        steps = (record.reached - before) * record.members * stage.material.folds
        stage.spent[name] = stage.spent.get(name, 0) + steps
        before = record.reached
        stage.progress.rung(name, number + 1, rungs, record.members, record.reached, record.best, record.seconds)
        if record.reached < record.until:
            told = f"the time of {name} was over at step {record.reached:,} of the {record.until:,} that were planned"
            stage.progress.say("note", told)
    stage.records += records


@dataclasses.dataclass
class Finalist:
    """A candidate with its re-scored trainings, one entrant per seed.

    Attributes:
        score: mean over the seeds.
        selected: what it had scored when it was chosen to be re-scored; None for what was not searched.
    """

    key: str
    candidate: Candidate
    entrants: list[Entrant]
    score: float = math.inf
    selected: float | None = None

    @property
    def steps(self) -> float:
        """Mean best step over seeds and folds."""
        return float(np.mean([e.best_step for e in self.entrants]))


def run_rescoring(stage: Stage, controls: list[Entrant], found: list[Entrant], deadline: float) -> list[Finalist]:
    """Train the few that matter again, so that luck in the search does not choose.

    Each gets the same fresh seeds, and is scored on a fold that the search never scored on, where one is held back.
    """
    entered = choose_finalists(stage, controls, found)
    arena = stage.arena("re-scoring")
    seeds = [hash_integers(stage.seed, 77, j) % 2**31 for j in range(stage.plan.seeds)]
    finalists = [Finalist(key, c, [arena.enter(c, s, stage.material.judging) for s in seeds]) for key, c in entered]
    begun = time.monotonic()
    every = [f.entrants[j] for j in range(len(seeds)) for f in finalists]
    before = stage.plan.reached.get("re-scoring") if stage.repeated else None
    results = arena.train(every, stage.plan.steps, deadline, before)
    stage.plan.reached["re-scoring"] = [r.cohort.step for r in results]
    searched = {(e.candidate.recipe, e.candidate.rate): e.score for e in reversed([*controls, *found])}
    for finalist in finalists:
        finalist.score = float(np.mean([e.score for e in finalist.entrants]))
        finalist.selected = searched.get((finalist.candidate.recipe, finalist.candidate.rate))
    reached = min(r.cohort.step for r in results)
    best = min(f.score for f in finalists)
    record = RungRecord(
        "re-scoring", len(every), stage.plan.steps, reached, best, time.monotonic() - begun, len(finalists),
        max(r.building for r in results),
    )  # fmt: skip
    note_rungs(stage, [record], "re-scoring")
    return finalists


def choose_finalists(stage: Stage, controls: list[Entrant], found: list[Entrant]) -> list[tuple[str, Candidate]]:
    """The best control, early stopping alone at its learning rate, the best single regularizer, the best cocktails."""
    base = [e.candidate for e in controls]
    again = 2 if stage.plan.finalists >= 3 else 1  # several cocktails get a second choice: so does the control
    stopping = Candidate(Recipe(EarlyStopping(PATIENCE), *stage.base), base[0].rate, "stopping")
    singles = [e.candidate for e in found if e.candidate.kind == "single"]
    cocktails = [e.candidate for e in found if e.candidate.kind == "cocktail"]
    entered = [("control", c) for c in _distinct(base)[:again]] + [("early_stopping", stopping)]
    entered += [("single", c) for c in singles[:1]]
    return entered + [("cocktail", c) for c in _distinct(cocktails)[: stage.plan.finalists + 1 - again]]


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Each recipe at each learning rate once."""
    return list({(c.recipe, c.rate): c for c in reversed(candidates)}.values())[::-1]


def run_refit(stage: Stage, finalists: Sequence[Finalist], deadline: float) -> list[tuple[Finalist, Entrant]]:
    """Train the chosen ones on all rows but the test's, for as many epochs as they needed."""
    arena = stage.arena("refit", refit=True)
    until = grown_steps(stage, finalists[0].steps)
    if stage.plan.mode != "compiled":  # a compiled stack has one size; a traced one may be as small as it needs to be
        arena = dataclasses.replace(arena, chunk=len(finalists))
    seed = hash_integers(stage.seed, 99) % 2**31
    entered = [(f, arena.enter(f.candidate, seed, [stage.material.folds])) for f in finalists]
    if stage.repeated and not stage.plan.reached.get("refit", [until]):
        return []  # it was cut off then, so it is left out now
    arena.train([e for _, e in entered], until, deadline)
    done = [(f, e) for f, e in entered if e.cohort is not None and e.cohort.step == until]
    stage.plan.reached["refit"] = [until] * len(done)
    return done


def grown_steps(stage: Stage, steps: float) -> int:
    """As many epochs of all rows but the test's as so many steps are of the smallest fold's training rows."""
    grown = len(stage.material.development) / max(1, min(len(t) for t, _ in stage.material.split.folds))
    return max(5, round(steps * grown))
