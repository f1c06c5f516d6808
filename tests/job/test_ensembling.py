"""The greedy ensemble, and its members once more on all rows: rows they saw, what they weigh, what is repeated."""

from __future__ import annotations

import json
import math
import types

import numpy as np
import pytest
from planned import planned_fit, rare_table, write_plan

from wellfit.job.ensembling import Ensemble, _affordable
from wellfit.job.folder import Stored
from wellfit.job.shares import time_shares

ROWS = 1300  # one slice validates


def member(members: int = 1):
    return types.SimpleNamespace(members=(None,) * members)


def again(folder, entered, done=None):
    """A plan whose run trained the members at these places, and had time to finish some of them."""
    path = write_plan(folder, steps=20)
    content = json.loads(path.read_text())
    content["plan"]["reached"] = {"ensemble": entered if done is None else done, "ensemble entered": entered}
    path.write_text(json.dumps(content))
    return path


def stage_of(*, hands=1, chunk=1, mode="apart", pace=100.0, reached=None):
    """Where full trainings have 300 steps."""
    plan = types.SimpleNamespace(steps=300, chunk=chunk, mode=mode, rate=1.0, reached=reached or {})
    return types.SimpleNamespace(
        repeated=reached is not None, pace=lambda phase: pace if phase == "re-scoring" else 0.0, plan=plan,
        engine=types.SimpleNamespace(hands=hands), material=types.SimpleNamespace(judging=(2,)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("members", "trained", "told"),
    [
        ([1], 0, ""),
        ([1], 1, "2 networks, 1 of them trained on all rows"),
        ([5, 5], 0, "10 networks"),
        ([1, 1, 1], 2, "5 networks, 2 of them trained on all rows"),
    ],
)
def test_how_many_networks_there_are_is_told(members, trained, told):
    entrants = tuple(member(m) for m in members)
    shares = (1.0 / len(members),) * len(members)
    assert Ensemble(entrants, shares, 1.0, dict.fromkeys(range(trained), member())).told == told


@pytest.mark.parametrize(
    ("stage", "steps", "seconds", "expected"),
    [
        (stage_of(), [300, 300, 300], 8.1, [0, 1]),  # a hundred steps a second, 85 of them counted on
        (stage_of(), [300, 300, 300], 3.0, []),
        (stage_of(), [300], -1.0, []),
        (stage_of(), [300, 300], math.inf, [0, 1]),
        (stage_of(), [3000, 300, 300], 8.1, [1, 2]),  # what is too long is passed over
        (stage_of(hands=2), [300], 4.1, []),  # one of two processes makes fifty a second
        (stage_of(hands=2), [300, 300, 300], 8.1, [0, 1]),
        (stage_of(hands=2, chunk=4, mode="compiled"), [300, 300], 28.0, []),  # a stack is filled up with copies
        (stage_of(hands=2, chunk=4, mode="compiled"), [300, 300], 29.0, [0, 1]),
    ],
)
def test_members_train_again_as_far_as_there_is_time(monkeypatch, stage, steps, seconds, expected):
    monkeypatch.setattr("wellfit.job.ensembling.time", types.SimpleNamespace(monotonic=lambda: 50.0))
    assert _affordable(stage, steps, 50.0 + seconds) == (expected, expected)


def test_a_repeated_plan_takes_those_of_then_and_nothing_else():
    stage = stage_of(reached={"ensemble entered": [0, 2, 2, 7, -1], "ensemble": [2, -1]})
    assert _affordable(stage, [300, 300, 300], math.inf) == ([0, 2], [2])
    assert _affordable(stage_of(reached={"refit": [5]}), [300], math.inf) == ([], [])


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("budget", [20.0, 60.0])
def test_its_time_comes_out_of_rescoring_and_the_refit(budget, few):
    without, within = (time_shares(1.5, budget, few, again) for again in (False, True))
    assert sum(within.values()) == pytest.approx(1.0)
    assert all(within[name] == without[name] for name in ("controls", "search", "ablation"))
    assert (within["ensemble"] > 0.0) == (budget >= 40.0)
    assert without["ensemble"] == 0.0
    assert within["rescoring"] / within["refit"] == pytest.approx(without["rescoring"] / without["refit"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run without and with its members on all rows."""
    folder, (x, y) = tmp_path_factory.mktemp("again"), rare_table(ROWS)
    with pytest.MonkeyPatch.context() as patch:
        bare = planned_fit(patch, folder / "bare", x, y, plan=again(folder, []))
        both = planned_fit(patch, folder / "both", x, y, plan=again(folder, [0]))
        repeated = planned_fit(patch, folder / "repeated", x, y, plan=both.folder / "run.json")
    return x, bare, both, repeated


def test_both_trainings_of_a_member_share_its_weight(runs):
    _, bare, both, _ = runs
    was, now = (json.loads((r.folder / "preprocess.json").read_text())["use"]["ensemble"] for r in (bare, both))
    assert len(now["members"]) == len(was["members"]) + 1
    assert math.isclose(sum(now["weights"]), 1.0)
    halves = [was["weights"][0] / 2] * 2
    assert now["weights"][:2] == pytest.approx(halves)
    assert now["weights"][2:] == pytest.approx(was["weights"][1:])
    row = next(r for r in both.record["comparison"] if r["key"] == "ensemble")
    assert row["detail"].endswith("1 of them trained on all rows")


def test_the_second_training_reads_rows_as_all_of_them_are_read(runs):
    """Its numbers are scaled by all rows but the test's, and it is another network than the one that was validated."""
    _, _, both, _ = runs
    stored = Stored(both.folder)
    (first, validated), (second, whole) = stored.use["ensemble"]["members"][:2]
    assert stored.groups[first].views[validated] == 0
    assert stored.groups[second].views[whole] == stored.groups["single"].views[0] == 1
    weights = [{n: w[i] for n, w in stored.groups[g].weights.items()} for g, i in ((first, validated), (second, whole))]
    assert any(not np.array_equal(weights[0][n], weights[1][n]) for n in weights[0])
    assert stored.groups[second].temperatures[whole] == stored.groups[first].temperatures[validated]


def test_predictions_are_the_average_of_both(runs):
    """With one member, the ensemble's predictions lie between those of its two networks, before its temperature."""
    x, bare, both, _ = runs
    stored = Stored(both.folder)
    use = stored.use["ensemble"]
    features = stored.kind.new_rows(x, stored.views[0].encoder)

    def inputs(view):
        return stored.kind.inputs(features, stored.views[view].encoder)

    each = [stored.groups[g].take([i]).predictions(stored.shape, inputs, None)[0] for g, i in use["members"]]
    mean = np.tensordot(use["weights"], each, axes=1)
    sharp = mean ** (1.0 / use["temperature"])
    assert both.predict_proba(x) == pytest.approx(sharp / sharp.sum(1, keepdims=True), abs=1e-9)
    assert not np.allclose(both.predict_proba(x), bare.predict_proba(x))


def test_a_repeated_plan_trains_the_same_members_again(runs):
    _, _, both, repeated = runs
    assert (both.folder / "model.safetensors").read_bytes() == (repeated.folder / "model.safetensors").read_bytes()
    assert repeated.record["plan"]["reached"]["ensemble"] == [0]


def test_a_member_that_was_cut_off_trains_beside_the_others_and_does_not_count(monkeypatch, tmp_path):
    """Where it ends, the others are looked at too."""
    x, y = rare_table(ROWS)
    first = planned_fit(monkeypatch, tmp_path / "a", x, y, plan=again(tmp_path, [0, 1], [0]))
    second = planned_fit(monkeypatch, tmp_path / "b", x, y, plan=first.folder / "run.json")
    assert first.record["plan"]["reached"]["ensemble"] == [0]
    assert first.record["plan"]["reached"]["ensemble entered"] == [0, 1]
    assert (first.folder / "model.safetensors").read_bytes() == (second.folder / "model.safetensors").read_bytes()


def test_what_there_was_no_time_for_is_said(runs):
    _, bare, both, _ = runs
    members = json.loads((bare.folder / "preprocess.json").read_text())["use"]["ensemble"]["members"]
    assert len(members) > 1
    assert "the ensemble's members on all rows" in bare.record["plan"]["skipped"]
    left = [note for note in both.record["plan"]["skipped"] if "the ensemble's" in note]
    assert left == [f"the ensemble's members on all rows, but for 1 of {len(members)}"]


def test_the_page_says_so_where_it_was_done(runs):
    _, bare, both, _ = runs
    told = "trained both ways"
    assert told in (both.folder / "report.html").read_text()
    assert told not in (bare.folder / "report.html").read_text()


def test_five_folds_are_left_as_they_are(monkeypatch, tmp_path):
    """Together the networks of a member have seen all rows."""
    x, y = rare_table(260)
    run = planned_fit(monkeypatch, tmp_path, x, y, plan=again(tmp_path, [0]))
    assert "ensemble" not in {phase["name"] for phase in run.record["phases"]}
    row = next(r for r in run.record["comparison"] if r["key"] == "ensemble")
    assert "all rows" not in row["detail"]
    assert not [note for note in run.record["plan"]["skipped"] if "the ensemble's" in note]
