"""The plan: seconds become steps, and the plan survives a file."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellfit.errors import RunFolderError
from wellfit.job.plan import Plan, at_pace, make_plan, rescored
from wellfit.job.shares import SHARES
from wellfit.searching.halving import Rung


def _plan(rows=4000, folds=1, chunk=16, hands=2, rate=5000.0, seconds=40.0):
    return make_plan(
        rows=rows, inputs=30, valid_rows=max(20, rows // 5), folds=folds, chunk=chunk, hands=hands, mode="traced",
        engine="processes", rate=rate, seconds=seconds, budget=seconds,
    )  # fmt: skip


def _cost(rungs, folds):
    before, total = 0, 0
    for rung in rungs:
        total += rung.members * folds * (rung.until - before)
        before = rung.until
    return total


@given(
    st.integers(20, 200_000), st.sampled_from([1, 5]), st.integers(1, 8), st.floats(50, 1e5), st.floats(1, 3600)
)  # fmt: skip
def test_search_fits_into_its_share(rows, folds, hands, rate, seconds):
    plan = _plan(rows, folds, 15 if folds == 5 else 16, hands, rate, seconds)
    cost = _cost(plan.rungs, folds) * plan.generations
    allowed = rate * seconds * SHARES["search"]
    least = plan.rungs[0].members * folds * 10
    assert cost <= max(allowed * 1.1, least * 1.01)
    assert plan.evaluate_every <= plan.steps
    assert all(r.members >= 1 for r in plan.rungs)


@given(st.just(0.0) | st.floats(10, 1e6), st.floats(0.1, 1000))
def test_slower_pace_means_fewer_candidates_never_more(pace, seconds):
    plan = _plan()
    real = at_pace(plan, pace, seconds, 1)
    assert real.search_rungs[0].members <= plan.rungs[0].members
    assert [r.until for r in real.search_rungs] == [r.until for r in plan.rungs]
    again = rescored(real, pace, seconds, 1)
    assert 2 <= again.seeds <= plan.seeds
    assert 1 <= again.finalists <= 5


def test_a_cut_that_cuts_nothing_is_not_told():
    plan = dataclasses.replace(_plan(), rungs=(Rung(1, 100),), chunk=1)
    assert at_pace(plan, 1e-6, 1.0, 1).search_rungs == plan.rungs
    assert at_pace(plan, 1e-6, 1.0, 1).cuts == plan.cuts


def test_a_note_names_the_steps_of_the_plan():
    plan = _plan(rate=1.0, seconds=2.0)
    (told,) = [cut for cut in plan.cuts if "full trainings" in cut]
    assert f"have {plan.steps} steps" in told and plan.rungs[-1].until == plan.steps


def test_plan_survives_json():
    plan = at_pace(_plan(), 100.0, 5.0, 1)
    plan.reached["controls/0/0"] = [3, 4]
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize("broken", [{}, {"rungs": 3}, {"rungs": [{"members": "many"}]}])
def test_malformed_plans_are_refused(broken):
    with pytest.raises(RunFolderError):
        Plan.from_json(broken)


def _one_by_one(rate, seconds=40.0, chunk=8):
    return make_plan(
        rows=700, inputs=0, valid_rows=150, folds=1, chunk=chunk, hands=2, mode="apart", engine="loop", rate=rate,
        seconds=seconds, budget=seconds, size=(16, 0), bare=1.5,
    )  # fmt: skip


@given(st.floats(5, 2000), st.floats(5, 600))
def test_one_by_one_candidates_are_cut_before_steps(rate, seconds):
    """No training is short of what it takes as long as more than one candidate a processor is compared."""
    plan = _one_by_one(rate, seconds)
    assert plan.steps >= 200 or plan.rungs[0].members == 2
    search = rate * seconds * plan.shares()["search"]
    assert _cost(plan.rungs, 1) * plan.generations <= max(search, 2 * 10) * 1.01


def test_a_slow_machine_trains_few_candidates_long():
    """60 s and 100 member-steps/s: four candidates of over 200 steps, and as long trainings of the finalists."""
    plan = _one_by_one(100.0, 60.0)
    assert plan.rungs[0].members == 4
    assert plan.steps >= 200
    assert 100.0 * 60.0 * plan.shares()["rescoring"] >= 3 * (2 + 2 / 1.5) * plan.steps
    assert plan.shares()["ablation"] == 0.0  # which takes more trainings than re-scoring


@given(st.floats(5, 500), st.floats(20, 600), st.floats(1, 3))
def test_rescoring_fits_into_its_time(pace, seconds, faster):
    """Two of four finalists carry no regularizer, and train as many times faster."""
    plan = _one_by_one(pace, seconds)
    again = rescored(plan, pace, seconds, 1, faster * pace)
    bare = 3 if again.finalists >= 3 else 2
    takes = again.seeds * plan.steps * (bare / (faster * pace) + (again.finalists + 3 - bare) / pace)
    assert takes <= seconds or (again.seeds, again.finalists) == (2, 1)
    slower = rescored(plan, pace, seconds, 1, pace)
    assert (slower.seeds, slower.finalists) <= (again.seeds, again.finalists)


@pytest.mark.parametrize("rate", [50.0, 1e5])
def test_shares_are_all_of_the_time(rate):
    assert sum(_one_by_one(rate).shares().values()) == pytest.approx(1.0)
