"""How the phases share the time that is left: an ablation that does not fit leaves its part to the others."""

from __future__ import annotations

import dataclasses
import time
import types

import pytest

from wellfit import EMA, Dropout, Recipe
from wellfit.job.clock import Clock
from wellfit.job.plan import make_plan
from wellfit.job.timetable import Timetable
from wellfit.searching.space import Candidate

COCKTAIL = types.SimpleNamespace(candidate=Candidate(Recipe(EMA(0.9), Dropout(0.1)), 1e-3, "cocktail"))
SINGLE = types.SimpleNamespace(candidate=Candidate(Recipe(EMA(0.9)), 1e-3, "single"))


@dataclasses.dataclass
class Paced:
    """A stage of one fold in two processes that makes a hundred member-steps a second."""

    plan: object
    material = types.SimpleNamespace(judging=[0], folds=1)
    engine = types.SimpleNamespace(hands=2)
    base = Recipe()
    repeated = False

    def pace(self, phase: str) -> float:
        return 100.0 if phase == "search" else 0.0


def timetable(steps: int, budget: float = 100.0, endless: bool = False) -> Timetable:
    plan = make_plan(
        rows=4000, inputs=30, valid_rows=800, folds=1, chunk=1, hands=2, mode="traced", engine="loop", rate=100.0,
        seconds=budget, budget=budget,
    )  # fmt: skip
    stage = Paced(dataclasses.replace(plan, steps=steps))
    return Timetable(stage, Clock(time.monotonic(), budget), {"plan": {"skipped": []}}, endless)


def test_where_no_ablation_fits_its_time_goes_to_rescoring():
    """Three recipes under three seeds: of 20 steps each they take seconds, of 2,000 steps minutes."""
    short, long = timetable(20), timetable(2000)
    assert short.after_search([COCKTAIL], "refit") == short.share_of_rest("rescoring", "refit", "ablation")
    assert long.after_search([COCKTAIL], "refit") == long.share_of_rest("rescoring", "refit")
    assert long.after_search([COCKTAIL]) == 1.0
    assert long.after_search([SINGLE], "refit") < long.after_search([COCKTAIL], "refit")
    assert timetable(2000, endless=True).after_search([COCKTAIL], "refit") < long.after_search([COCKTAIL], "refit")


@pytest.mark.parametrize(("budget", "reason"), [(20.0, "for a budget below 40 s"), (60.0, "more trainings than fit")])
def test_why_there_is_no_ablation_is_written_down(budget, reason):
    times = timetable(2000, budget)
    plan = times.stage.plan
    if budget > 40:
        few = tuple(dataclasses.replace(r, members=2) for r in plan.rungs)
        plan = dataclasses.replace(plan, mode="apart", rungs=few)
    times.stage.plan = plan
    assert times.ablate([]) is None
    times.weigh()
    skipped = times.record["plan"]["skipped"]
    assert reason in skipped[0] and "importance" in skipped[1]


def test_a_repeated_plan_has_an_ablation_where_it_had_one():
    times = timetable(2000, endless=True)
    assert times.ablate([]) is None
    times.stage.plan.reached["ablation"] = [3]
    with pytest.raises(ValueError, match="empty"):  # it goes on to choose among finalists, of which there are none
        times.ablate([])
