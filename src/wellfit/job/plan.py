"""The plan: a budget in seconds turned into steps, by a short probe. It can be stored and repeated exactly."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from wellfit.errors import RunFolderError
from wellfit.search.halving import Rung

SHARES = {"controls": 0.40, "search": 0.40, "rescoring": 0.15, "refit": 0.05}
"""How the time for training is divided; the controls get what the search gets."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a study trains.

    Attributes:
        width, depth: of the network.
        batch: rows a step.
        steps: length of a full training.
        evaluate_every: steps between evaluations.
        chunk: members in one stack.
        mode: how steps run: eager, traced or compiled.
        engine: ``stack``, ``loop`` or ``processes``.
        hands: processes, or 1.
        rungs: (candidates, until) of each rung of one generation; controls and search alike.
        generations: how many times the ladder is climbed.
        seeds: of each finalist's re-scoring.
        finalists: cocktails that are re-scored.
        rate: member-steps a second that the probe measured.
        budget: seconds.
        cuts: what was made smaller for want of time.
        reached: per rung the step it really reached, where time ran out on it; filled in as the run goes.
    """

    width: int
    depth: int
    batch: int
    steps: int
    evaluate_every: int
    chunk: int
    mode: str
    engine: str
    hands: int
    rungs: tuple[Rung, ...]
    generations: int
    seeds: int
    finalists: int
    rate: float
    budget: float
    cuts: tuple[str, ...] = ()
    long: bool = False

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Plan:
        """Read a stored plan; raises RunFolderError where it is none."""
        try:
            rungs = tuple(Rung(int(r["members"]), int(r["until"])) for r in data["rungs"])
            return cls(**{**data, "rungs": rungs, "cuts": tuple(data["cuts"])})
        except (TypeError, KeyError, ValueError) as error:
            raise RunFolderError(f"the plan is malformed: {error}.", fix="Plan anew, without --plan.") from error


def size_network(rows: int, inputs: int) -> tuple[int, int]:
    """Width and depth for so many training rows and encoded columns."""
    if rows < 500:
        return 64, 2
    if rows < 8000 and inputs < 400:
        return 128, 2
    return 128, 3


def size_batch(rows: int) -> int:
    """Rows a step: small data want more steps an epoch, large data full processors."""
    for limit, batch in ((600, 32), (3000, 64), (30000, 128)):
        if rows < limit:
            return min(batch, max(1, rows))
    return 256


def full_steps(rows: int, batch: int) -> tuple[int, int]:
    """(least, most) steps of a full training worth the name: 8 to 60 epochs, within 300 to 6000 steps."""
    epoch = max(1, rows // batch)
    return max(300, min(1500, 8 * epoch)), max(800, min(6000, 60 * epoch))


def make_plan(
    *, rows: int, inputs: int, valid_rows: int, folds: int, chunk: int, hands: int, mode: str, engine: str, rate: float,
    seconds: float, budget: float,
) -> Plan:  # fmt: skip
    """Divide the seconds left for training into rungs.

    Args:
        rows: training rows of the smallest fold.
        inputs: encoded columns.
        valid_rows: validation rows of a fold.
        folds: members of each candidate.
        chunk: members in one stack, ``hands`` of which run side by side.
        rate: member-steps a second of all of them together.
        seconds: what is left for training.
        budget: what the person gave.
    """
    width, depth = size_network(rows, inputs)
    batch = size_batch(rows)
    least, most = full_steps(rows, batch)
    wave = max(1, chunk // folds) * hands  # candidates that train side by side
    turns = rate / (chunk * hands) * seconds  # steps that a wave can take in all
    for waves, generations, cuts in _ladders(turns * SHARES["search"], most):
        ladder = _cost(waves) * generations
        steps = int(min(most, turns * SHARES["search"] / ladder))
        if steps >= least or waves == (1,):
            break
    notes = [cuts] if cuts else []
    if steps < least:
        notes.append(f"full trainings have {steps} steps, where {least} would be worth the name")
    steps = max(10, steps)
    shares = (0.25, 1.0) if len(waves) == 2 else (1.0,)
    rungs = tuple(Rung(w * wave, max(5, int(steps * s))) for w, s in zip(waves, shares, strict=True))
    seeds = 4 if folds == 1 else 2
    fits = turns * (SHARES["rescoring"] + SHARES["refit"]) / steps * wave / (seeds if folds == 1 else seeds)
    finalists = max(1, min(5, int(fits) - 3))
    evaluate = max(5, rows // batch, math.ceil(valid_rows / (0.3 * batch) * 0.5), math.ceil(steps / 60))
    return Plan(
        width, depth, batch, steps, min(evaluate, steps), chunk, mode, engine, hands, rungs, generations, seeds,
        finalists, rate, budget, tuple(notes), budget >= 300,
    )  # fmt: skip


def _cost(waves: tuple[int, ...]) -> float:
    """Full trainings of one wave that a ladder costs."""
    return waves[0] * 0.25 + waves[1] * 0.75 if len(waves) == 2 else float(waves[0])


def _ladders(turns: float, most: int) -> list[tuple[tuple[int, ...], int, str]]:
    """Ladders from generous to bare: waves per rung, generations, and what was cut."""
    many = max(1, min(8, int(turns / (_cost((4, 1)) * most))))
    return [
        ((4, 1), many, ""),
        ((2, 1), 1, "half as many candidates as usual"),
        ((1,), 1, "no halving: every candidate trains to the end, and few do"),
    ]
