"""The plan: a budget in seconds turned into steps, by a short probe. It can be stored and repeated exactly."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from wellfit.data.notes import counted
from wellfit.errors import RunFolderError
from wellfit.job.shares import time_shares
from wellfit.searching.halving import Rung

_SURE = 0.75
"""Share of the probed rate that is planned with: evaluations, transport and other programs take the rest."""

_SURE_APART = 0.9
"""The same where members train one by one: steps are long there, and the probe's recipe carries more than most do."""

LONG_BUDGET = 300.0
"""Seconds from which regularizers that double the cost of a step are searched."""

FIXED_COST = 0.25
"""Share of a full stack's step that a stack of any size takes."""

FEW = 4
"""Candidates up to which re-scoring, of four finalists under two or three seeds, takes more than the search."""

_FEWEST = 10
"""Steps of a full training at least, however little time there is."""

_JUDGED_SEEDS = 3
"""Seeds of four finalists that the length of trainings leaves time for, where a plan has so many: an interval from two
seeds says nothing. Where training turns out slower, re-scoring makes do with two."""


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
        rungs: (candidates, until) of each rung of one generation of the controls, and of the search too unless
            ``search_rungs`` says otherwise.
        generations: how many times the ladder is climbed.
        seeds: of each finalist's re-scoring.
        finalists: cocktails that are re-scored.
        rate: member-steps a second that the probe measured, with every regularizer of the search.
        bare: how many times as fast the controls' steps are, which carry none.
        budget: seconds.
        cuts: what was made smaller for want of time.
        long: whether regularizers that double the cost of a step are searched.
        search_rungs: what the search's rungs came to, once the controls had shown the real pace.
        reached: per rung the steps its stacks really reached, filled in as the run goes: a repetition stops there too.
        precision: of the passes of a step, ``float32`` or ``bfloat16``.
        again: whether time is kept for training the ensemble's members once more on all rows.
        tries: learning rates at which each way to balance classes was tried; 0 where none was asked for.
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
    search_rungs: tuple[Rung, ...] = ()
    reached: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    tries: int = 0
    bare: float = 1.0
    precision: str = "float32"
    again: bool = False

    def shares(self) -> dict[str, float]:
        """How the time for training is divided."""
        few = self.mode == "apart" and self.rungs[0].members <= FEW
        return time_shares(self.bare, self.budget, few, self.again)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Plan:
        """Read a stored plan; raises RunFolderError where it is none."""
        try:
            return cls(
                **{
                    **data, "rungs": _rungs(data["rungs"]), "search_rungs": _rungs(data["search_rungs"]),
                    "cuts": tuple(str(c) for c in data["cuts"]),
                    "reached": {str(k): [int(s) for s in v] for k, v in data["reached"].items()},
                }
            )  # fmt: skip
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise RunFolderError(
                f"the plan is malformed: {error}.", fix="Plan anew, without --plan.", code="WF-F05"
            ) from error


def _rungs(data: Any) -> tuple[Rung, ...]:
    return tuple(Rung(int(r["members"]), int(r["until"])) for r in data)


def at_pace(plan: Plan, pace: float, seconds: float, folds: int) -> Plan:
    """The search's rungs as the real pace allows them: fewer candidates where it is slower than the probe said.

    Args:
        pace: member-steps a second that the controls really made, steps of their own kind.
        seconds: what the search has.
        folds: members of a candidate.
    """
    before, cost = 0, 0.0
    for rung in plan.rungs:
        cost += rung.members * folds * (rung.until - before) * plan.generations
        before = rung.until
    share = pace / plan.bare * seconds * 0.92 / max(1.0, cost)
    if share >= 1.0:
        return dataclasses.replace(plan, search_rungs=plan.rungs)
    per_stack = max(1, plan.chunk // folds)
    rungs = tuple(Rung(max(per_stack, int(r.members * share / per_stack) * per_stack), r.until) for r in plan.rungs)
    if rungs[0].members == plan.rungs[0].members:  # fewer cannot be trained at once
        return dataclasses.replace(plan, search_rungs=rungs)
    held = f"{counted(rungs[0].members, 'candidate')} instead of {plan.rungs[0].members:,}"
    cut = f"the search has {held}: training is slower than probed"
    return dataclasses.replace(plan, search_rungs=rungs, cuts=(*plan.cuts, cut))


def rescored(plan: Plan, pace: float, seconds: float, folds: int, bare: float | None = None) -> Plan:
    """How many finalists, under how many seeds, the time for re-scoring holds; four and two at least.

    Args:
        pace: member-steps a second.
        bare: the same of finalists that carry no regularizer, where each trains by itself.
    """

    pace = pace or plan.rate  # 0 where the search trained nothing

    def takes(seeds: int, cocktails: int) -> float:
        without = 3 if cocktails >= 3 else 2  # the control, a second one where cocktails have one, early stopping
        return seeds * plan.steps * folds * (without / (bare or pace) + (cocktails + 3 - without) / pace)

    fits = 0.92 * seconds
    seeds = next((n for n in range(plan.seeds, 2, -1) if takes(n, 1) <= fits), 2)
    cocktails = next((n for n in range(5, 1, -1) if takes(seeds, n) <= fits), 1)
    return dataclasses.replace(plan, seeds=seeds, finalists=cocktails)


def size_network(rows: int, inputs: int, budget: float) -> tuple[int, int]:
    """Width and depth for so many training rows and columns; a short budget buys a narrow network, well trained."""
    if rows < 500 or budget < 30:
        return 64, 2
    return (256, 3) if rows >= 4000 and budget >= 600 else (128, 2)


def size_batch(rows: int) -> int:
    """Rows a step: small data want more steps an epoch, large data full processors."""
    for limit, batch in ((600, 32), (3000, 64), (8000, 128)):
        if rows < limit:
            return min(batch, max(1, rows))
    return 256


def full_steps(rows: int, batch: int) -> tuple[int, int, int]:
    """(least, comfortable, most) steps of a full training: 8, 25 and 80 epochs, bounded for tiny and huge data."""
    epoch = max(1, rows // batch)
    return max(200, min(1000, 8 * epoch)), max(500, min(2500, 25 * epoch)), max(1000, min(8000, 80 * epoch))


@dataclasses.dataclass(frozen=True)
class Ladder:
    """How candidates are thinned out: waves of side-by-side candidates per rung, in stacks of a share of the whole."""

    waves: tuple[int, ...]
    stack_share: float
    generations: int
    cut: str

    def cost(self) -> float:
        """Full trainings of one wave that all generations cost."""
        once = self.waves[0] * 0.25 + self.waves[1] * 0.75 if len(self.waves) == 2 else float(self.waves[0])
        return once * self.generations


def _ladders(turns: float, enough: int, mode: str) -> list[Ladder]:
    """From generous to bare; ``turns`` are steps of a wave in full stacks.

    Stacks are never smaller than the one that was compiled; where members train one by one, a candidate left out is
    time for the others, so that in the end each processor trains a single one.
    """
    many = max(1, min(8, int(turns / (Ladder((4, 1), 1.0, 1, "").cost() * enough))))
    generous = [Ladder((4, 1), 1.0, many, ""), Ladder((2, 1), 1.0, 1, "half as many candidates as usual")]
    if mode == "compiled":
        return [*generous, Ladder((1,), 1.0, 1, "a quarter of the usual candidates, and no halving")]
    found = [
        *generous,
        Ladder((2, 1), 0.5, 1, "a quarter of the usual candidates"),
        Ladder((1,), 0.5, 1, "an eighth of the usual candidates, and no halving"),
        Ladder((1,), 0.25, 1, "a sixteenth of the usual candidates, and no halving"),
    ]
    return [*found, Ladder((1,), 0.125, 1, "one candidate a processor, and no halving")] if mode == "apart" else found


def make_plan(
    *, rows: int, inputs: int, valid_rows: int, folds: int, chunk: int, hands: int, mode: str, engine: str, rate: float,
    seconds: float, budget: float, bare: float = 1.0, precision: str = "float32", batch: int | None = None,
    size: tuple[int, int] | None = None, again: bool = False,
) -> Plan:  # fmt: skip
    """Divide the seconds left for training into rungs.

    A full training comes first: there are as many candidates as can be trained long enough.

    Args:
        rows: training rows of the smallest fold.
        inputs: encoded columns.
        valid_rows: validation rows of a fold.
        folds: members of each candidate.
        chunk: members in one stack, ``hands`` of which run side by side.
        rate: member-steps a second of all of them together.
        seconds: what is left for training.
        budget: what the person gave.
        bare: how many times as fast steps without regularizers are.
        batch: rows a step, where they are given and not to be sized here.
        size: width and depth of the network, where they are given too.
        again: whether the ensemble's members train again on all rows.
    """
    width, depth = size or size_network(rows, inputs, budget)
    batch = batch or size_batch(rows)
    least, enough, most = full_steps(rows, batch)
    sure = _SURE_APART if mode == "apart" else _SURE
    turns = sure * rate / (chunk * hands) * seconds  # steps that a full wave can take in all
    fixed = 0.0 if mode == "apart" else FIXED_COST
    if mode == "apart":  # no longer than the finalists can be trained, or what is chosen is chosen for another length
        # two of four finalists carry no regularizer
        trainings = (_JUDGED_SEEDS if folds == 1 else 2) * (2 + 2 / bare)
        judged = int(sure * rate * seconds * time_shares(bare, budget, True, again)["rescoring"] / (trainings * folds))
        enough, most = min(enough, max(least, judged)), min(most, max(least, judged))
    for ladder in _ladders(turns * time_shares(bare, budget)["search"], enough, mode):
        stack = max(1, round(chunk // folds * ladder.stack_share)) * folds
        few = mode == "apart" and ladder.waves[0] * stack // folds * hands <= FEW
        turns_here = turns / (fixed + (1.0 - fixed) * stack / chunk)  # a smaller stack saves less than that
        steps = int(min(most, turns_here * time_shares(bare, budget, few)["search"] / ladder.cost()))
        if steps >= enough:
            break
    notes = [ladder.cut] if ladder.cut else []
    hurried, steps = steps < _FEWEST, max(_FEWEST, steps)
    if steps < least:
        more = ", and time may end before them" if hurried else ""
        notes.append(f"full trainings have {steps:,} steps, where {least:,} would be worth the name{more}")
    wave = stack // folds * hands
    shares = (0.25, 1.0) if len(ladder.waves) == 2 else (1.0,)
    rungs = tuple(Rung(w * wave, max(5, int(steps * s))) for w, s in zip(ladder.waves, shares, strict=True))
    seeds = 4 if folds == 1 else 2
    dear = math.ceil(valid_rows / (0.3 * batch))  # so that evaluations take a tenth of the time
    evaluate = max(5, min(rows // batch, steps // 25), min(dear, steps // 15), math.ceil(steps / 60))
    return Plan(
        width, depth, batch, steps, min(evaluate, steps), stack, mode, engine, hands, rungs, ladder.generations, seeds,
        5, rate, budget, tuple(notes), budget >= LONG_BUDGET, bare=bare, precision=precision,
        again=again,
    )  # fmt: skip
