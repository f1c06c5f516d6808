"""The ablation of a recipe: each ingredient taken away in turn, then all that earn nothing, proved on fresh rows."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from wellfit.job.ablation_bench import Bench, Ingredients, Kept, fresh_seeds
from wellfit.job.affordable import affordable
from wellfit.job.stage import Stage
from wellfit.proof import KEPT_GAIN, Difference, furthest, holm
from wellfit.recipe import Recipe

LEVEL = 0.05
"""What earned its place is told from nothing at this level, over all ingredients together."""

_MOST_SEEDS, _LEAST_SEEDS = 12, 3
"""More seeds would move no decision that rows leave open; with two, one number would say how far seeds spread."""

_SHARES = (0.5, 0.75)
"""Of the time: leave-one-out ends at the first, elimination at the second; what is left proves the leaner recipe."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One ingredient that is dropped.

    Attributes:
        name: of it.
        left: what is left then.
    """

    name: str
    left: Kept


@dataclasses.dataclass(frozen=True)
class Ablation:
    """What came of it.

    Attributes:
        record: as it stands in run.json.
        lean: what is left of the recipe, where that was shown to be non-inferior; None elsewhere.
    """

    record: dict[str, Any]
    lean: Recipe | None


def run_ablation(stage: Stage, ingredients: Ingredients, gained: float, seconds: float) -> Ablation | str:
    """Leave-one-out in one population, backward elimination, and a proof of what is left; or why there is none.

    Leave-one-out and elimination share seeds and folds, so that every comparison is paired. The leaner recipes are
    trained anew beside the whole one, from other seeds, on a fold that nothing was scored on before where there is one.

    Args:
        gained: by how much the recipe beat the control when both were re-scored; the margin is a share of it.
        seconds: what it may take; without end where a plan is repeated.
    """
    if not ingredients.parts:
        return "the chosen recipe has no ingredient to take away"
    begun, arms = time.monotonic(), len(ingredients.parts) + 1
    seeds = _seeds(stage, arms, seconds)
    if seeds < _least(stage):
        return f"{arms} recipes under {_least(stage)} seeds take longer than was left"
    ends = [begun + seconds * share for share in (*_SHARES, 1.0)]
    ends[0] = max(ends[0], begun + seconds if seeds == _least(stage) else 0.0)
    bench = Bench(stage, ingredients, stage.material.judging, fresh_seeds(stage, 101, seeds), "ablation")
    whole = ingredients.whole
    alone = {name: whole - {name} for name in ingredients.parts}
    bench.train([whole, *alone.values()], ends[0])
    found = {name: bench.difference(left, whole) for name, left in alone.items()}
    gains = {name: d for name, d in found.items() if d is not None}
    if len(gains) < len(found):
        return "too few of its trainings came to their end in time"
    steps = _eliminate(bench, gains, ends[1])
    margin = KEPT_GAIN * max(0.0, gained)
    return _told(bench, gains, steps, margin, _prove(stage, ingredients, steps, margin, ends[2]))


def _seeds(stage: Stage, arms: int, seconds: float) -> int:
    """How many seeds leave-one-out has time for; as many as before where a plan is repeated."""
    if stage.repeated:
        return sum(stage.plan.reached.get("ablation", []))
    seeds = min(_MOST_SEEDS, affordable(stage, _SHARES[0] * seconds) // arms)
    if seeds < _least(stage):  # then all of the time is for this
        seeds = min(_least(stage), affordable(stage, seconds) // arms)
    stage.plan.reached["ablation"] = [seeds]
    return seeds


def has_room(stage: Stage, ingredients: Ingredients, seconds: float) -> bool:
    """Whether this time is likely to hold the trainings that an ablation takes at least."""
    return affordable(stage, seconds) >= _least(stage) * (len(ingredients.parts) + 1)


def _least(stage: Stage) -> int:
    """Where each seed trains on several folds, two seeds say enough of the spread."""
    return 2 if len(stage.material.judging) > 2 else _LEAST_SEEDS


def _eliminate(bench: Bench, gains: dict[str, Difference], deadline: float) -> list[Step]:
    """Drop the ingredient that earns least, look at the rest again, and so on until all that is left earns its place.

    Two ingredients that do the same each look useless beside the other: after one is dropped, the other earns. Where
    the time ends, the rest is dropped in the order of the last look; whether that was right shows in the proof.
    """
    left, steps, rounds = bench.ingredients.whole, [], 0
    while idle := _idle(gains):
        left = left - {idle[0]}
        steps.append(Step(idle[0], left))
        looked = _look(bench, left, deadline, rounds)
        if looked is None:
            for name in idle[1:]:
                left = left - {name}
                steps.append(Step(name, left))
            break
        gains, rounds = looked, rounds + 1
    bench.stage.plan.reached["elimination"] = [rounds]
    return steps


def _look(bench: Bench, left: Kept, deadline: float, rounds: int) -> dict[str, Difference] | None:
    """What each of the ingredients that are left earns beside the others; None where there is no time for it.

    Args:
        rounds: how often that was looked at before; a plan that is repeated looks as often as it did.
    """
    stage, rest = bench.stage, {name: left - {name} for name in sorted(left)}
    if affordable(stage, deadline - time.monotonic()) < len(rest) * len(bench.seeds):
        return None
    if stage.repeated and rounds >= sum(stage.plan.reached.get("elimination", [])):
        return None
    bench.train(rest.values(), deadline)
    found = {name: bench.difference(fewer, left) for name, fewer in rest.items()}
    gains = {name: d for name, d in found.items() if d is not None}
    return gains if len(gains) == len(found) else None


def _idle(gains: dict[str, Difference]) -> list[str]:
    """The ingredients that do not earn their place, the one that earns least first."""
    adjusted = dict(zip(gains, holm([d.p for d in gains.values()]), strict=True))
    idle = [n for n, d in gains.items() if not (d.value > 0 and adjusted[n] < LEVEL)]
    return sorted(idle, key=lambda n: (_evidence(gains[n]), n))


def _evidence(gain: Difference) -> float:
    """How many standard errors a gain is above 0."""
    return gain.value / gain.error if gain.error > 0 else math.inf * gain.value if gain.value else 0.0


@dataclasses.dataclass(frozen=True)
class Proof:
    """What the leaner recipes came to beside the whole one.

    Attributes:
        steps: what was dropped up to each of them.
        chain: each one's difference, the least lean first.
        held: how many of them, from the first on, are non-inferior.
        seeds: of each.
        why: why there is none, or empty.
    """

    steps: tuple[Step, ...] = ()
    chain: tuple[Difference, ...] = ()
    held: int = 0
    seeds: int = 0
    why: str = ""


def _prove(stage: Stage, ingredients: Ingredients, steps: list[Step], margin: float, deadline: float) -> Proof:
    """The whole recipe and what elimination left of it, step by step, from other seeds and on the proving fold."""
    if not steps:
        return Proof(why="every ingredient earned its place")
    if margin <= 0:
        return Proof(why="the recipe gains nothing over the control that a margin could be a share of")
    steps, seeds = _sized(stage, steps, affordable(stage, deadline - time.monotonic()))
    if seeds < _least(stage):
        return Proof(why="no time was left to show that the leaner recipe is as good")
    bench = Bench(stage, ingredients, stage.material.proving, fresh_seeds(stage, 103, seeds), "proof")
    bench.train([ingredients.whole, *(s.left for s in steps)], deadline)
    found = [bench.difference(ingredients.whole, s.left) for s in steps]
    chain = tuple(d for d in found if d is not None)
    if len(chain) < len(found):
        return Proof(why="too few trainings came to their end in time")
    held = furthest(chain, margin)
    return Proof(tuple(steps), chain, held, seeds, "" if held else "it was not shown to be as good")


def _sized(stage: Stage, steps: list[Step], fits: int) -> tuple[list[Step], int]:
    """As many steps of the chain, and seeds, as there is time for; as many as before where a plan is repeated."""
    before = stage.plan.reached.get("proof", [0, 1]) if stage.repeated else []

    def too_many() -> bool:
        return len(steps) > before[1] if before else fits < (len(steps) + 1) * _least(stage)

    while len(steps) > 1 and too_many():
        steps = steps[1::2] if len(steps) % 2 == 0 else steps[::2]  # the last one stays
    seeds = before[0] if before else min(_MOST_SEEDS, fits // (len(steps) + 1))
    stage.plan.reached["proof"] = [seeds, len(steps)]
    return steps, seeds


def _told(bench: Bench, gains: dict[str, Difference], steps: list[Step], margin: float, proof: Proof) -> Ablation:
    """The record's form."""
    ingredients, stage = bench.ingredients, bench.stage
    adjusted = holm([d.p for d in gains.values()])
    dropped = {s.name: place for place, s in enumerate(steps)}
    rows = [
        {
            "name": name, "label": ingredients.label(name), "gain": gain.value, "interval": _ends(gain), "p": gain.p,
            "p_adjusted": float(p), "kept": name not in dropped, "dropped": dropped.get(name),
        }
        for (name, gain), p in zip(gains.items(), adjusted, strict=True)
    ]  # fmt: skip
    rows.sort(key=lambda r: -r["gain"])
    lean = ingredients.recipe(proof.steps[proof.held - 1].left) if proof.held else None
    settings = stage.settings(ingredients.candidate.rate)
    return Ablation(
        {
            "metric": stage.metric.name, "margin": margin, "margin_share": KEPT_GAIN,
            "seeds": len(bench.common(ingredients.whole)), "rows": rows,
            "fresh": stage.material.proving != stage.material.judging,
            "lean": _lean(ingredients, proof), "why_no_lean": proof.why,
        },
        lean.replace(settings=settings) if lean is not None else None,
    )  # fmt: skip


def _lean(ingredients: Ingredients, proof: Proof) -> dict[str, Any] | None:
    """The leanest recipe that is non-inferior; where none is, the least lean one, with what was found of it."""
    if not proof.chain:
        return None
    place = max(1, proof.held) - 1
    found, left = proof.chain[place], proof.steps[place].left
    return {
        "recipe": ingredients.recipe(left).to_json(), "dropped": sorted(ingredients.whole - left),
        "difference": found.value, "interval": _ends(found), "non_inferior": proof.held > 0, "seeds": proof.seeds,
    }  # fmt: skip


def _ends(found: Difference) -> list[float]:
    interval = found.interval()
    return [interval.low, interval.high]
