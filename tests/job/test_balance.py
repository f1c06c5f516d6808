"""Balancing classes: inside the training folds only, compared side by side, repeatable, and honest on probabilities."""

from __future__ import annotations

import json
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from planned import planned_fit, rare_table, write_plan
from sklearn.datasets import load_diabetes
from torch.testing import assert_close

import wellfit as wf
from wellfit.cli.entry import run as command
from wellfit.data import split_table, table_from_arrays
from wellfit.job.balance import tries_within, ways
from wellfit.job.balance_figures import calibration_error, figures
from wellfit.job.prepare import make_material
from wellfit.job.stage import Stage
from wellfit.job.variants import category_blocks, with_variants
from wellfit.recipe import Recipe
from wellfit.report.page import render
from wellfit.report.text import show
from wellfit.searching.halving import RungRecord


@pytest.fixture
def material():
    x, y = rare_table()
    table = table_from_arrays(x, y)
    return make_material(table, split_table(table), None)


def test_validation_and_test_rows_are_what_they_were(material):
    """Synthetic rows stand behind all others, and no fold validates on one."""
    grown = with_variants(material, ways(material)[0].values(), seed=0)
    n = len(material.rows.x)
    assert torch.equal(grown.rows.x[:n], material.rows.x)
    assert torch.equal(grown.rows.target.weight[:n], material.rows.target.weight)
    assert len(grown.rows.folds) == 3 * len(material.views) == 3 * len(material.rows.folds)
    for number, (train, valid) in enumerate(grown.rows.folds):
        assert torch.equal(valid, material.rows.folds[grown.view(number)][1])
        assert int(valid.max()) < n
        assert number < len(material.views) or int(train.min()) >= n


def test_synthetic_rows_have_parents_in_their_own_fold_only(material):
    """Of every fold, each number of a synthetic row lies within the range of that fold's rare training rows."""
    smote = ways(material)[0]["smote"]
    grown = with_variants(material, [smote], seed=0)
    first = grown.first_fold(smote)
    for view in range(len(material.views)):
        train = material.rows.folds[view][0]
        made = grown.rows.folds[first + view][0][len(train) :]
        rare = train[material.rows.target.values[train].argmax(1) == 1]
        low, high = (getattr(material.rows.x[rare][:, :4], end)(0).values for end in ("min", "max"))
        assert (grown.rows.x[made][:, :4] >= low - 1e-5).all()
        assert (grown.rows.x[made][:, :4] <= high + 1e-5).all()
        assert_close(grown.rows.target.values[grown.rows.folds[first + view][0]].mean(0), torch.tensor([0.5, 0.5]))
        for start, width in category_blocks(material.views[view].encoder):
            block = grown.rows.x[made][:, start : start + width]
            assert set(block.unique().tolist()) <= {0.0, 1.0}
            assert width == 1 or bool((block.sum(1) <= 1).all())


def test_gaps_and_categories_count_as_blocks(material):
    encoder = material.views[0].encoder
    blocks = {b.name: b for b in encoder.blocks}
    assert set(category_blocks(encoder)) == {
        (blocks["n3"].start + 1, 1),
        (blocks["kind"].start, blocks["kind"].width),
    }


def test_the_family_member_fits_the_table():
    x, y = rare_table()
    for columns, expected in ((["n0", "n1"], wf.SMOTE), (list(x.columns), wf.SMOTENC)):
        table = table_from_arrays(x[columns], y)
        smote = ways(make_material(table, split_table(table), None))[0]["smote"].parts[0]
        assert type(smote) is expected
        assert smote.k == 5


def test_few_rows_get_fewer_neighbors_and_say_so():
    x, y = rare_table()
    rare = np.flatnonzero(y == "yes")
    keep = np.sort(np.concatenate([np.flatnonzero(y == "no"), rare[:6]]))
    table = table_from_arrays(x.iloc[keep][["n0", "n1"]], y[keep])
    choices, note = ways(make_material(table, split_table(table), None))
    assert choices["smote"].parts[0].k < 5
    assert f"among {choices['smote'].parts[0].k} neighbors" in note


def test_weights_reach_training_rows_only(material):
    weights = Recipe(wf.ClassWeights(1.0))
    grown = with_variants(material, [weights], seed=0)
    train = grown.rows.folds[grown.first_fold(weights)][0]
    target = grown.rows.target.take(train)
    totals = (target.values * target.weight[:, None]).sum(0)
    assert_close(totals[0], totals[1])
    assert_close(grown.rows.target.take(grown.rows.folds[0][1]).weight, torch.ones(len(grown.rows.folds[0][1])))


@pytest.mark.slow
def test_search_compares_all_three_and_goes_on_with_the_best(monkeypatch, tmp_path):
    x, y = rare_table()
    run = planned_fit(monkeypatch, tmp_path, x, y, balance="search")
    found = run.record["balance"]
    by_name = {line["name"]: line for line in found["rows"]}
    assert list(by_name) == ["none", "weights", "smote"]
    assert len({line["steps"] for line in found["rows"]}) == 1, "equal steps"
    assert found["chosen"] == min(by_name, key=lambda n: by_name[n]["score"])
    assert found["rare"] == "yes"
    for line in found["rows"]:
        for part in ("valid", "test"):
            assert {"recall", "auc", "log_loss", "calibration_error", "predicted"} <= set(line[part])
    assert by_name["none"]["train_share"] < 0.2
    assert by_name["smote"]["train_share"] == pytest.approx(0.5, abs=0.01)
    assert by_name["weights"]["train_share"] == pytest.approx(0.5, abs=0.01)
    plain, moved = by_name["none"]["valid"], by_name["smote"]["valid"]
    assert moved["predicted"] > plain["predicted"], "synthetic rows shift probabilities, temperature or not"
    told = show(run.record)
    assert "balancing, test rows" in told
    assert "SMOTENC" in told
    assert max(map(len, told.splitlines())) <= 100
    page = render(run.record)
    assert "Balance of classes" in page
    assert "calibration error" in page


def test_time_decides_how_often_each_way_is_tried():
    """Three ways on five folds of 100 steps cost 1500 member-steps a try; at most four tries, at least one."""

    def stage(pace):
        rungs = [RungRecord("controls", 1, 100, 100, 0.5, 1.0, 1, 0.0)]
        spent, folds = {"controls": pace}, SimpleNamespace(folds=5)
        found = SimpleNamespace(records=rungs, spent=spent, material=folds, plan=SimpleNamespace(steps=100))
        found.pace = partial(Stage.pace, found)
        return found

    soon = time.monotonic() + 10.0
    assert [tries_within(stage(pace), 3, soon) for pace in (10, 400, 100_000)] == [1, 2, 4]
    assert tries_within(stage(400), 3, time.monotonic() - 1.0) == 1


def test_none_compares_and_leaves_the_rows_alone(monkeypatch, tmp_path):
    x, y = rare_table()
    options = {"valid": (x[:60], y[:60]), "test": (x[60:120], y[60:120])}
    run = planned_fit(monkeypatch, tmp_path, x[120:], y[120:], balance="none", **options)
    assert run.record["balance"]["chosen"] == "none"
    assert len(run.record["balance"]["rows"]) == 3
    labels = [f["label"] for f in run.record["search"]["finalists"]]
    assert not any("SMOTE" in label or "ClassWeights" in label for label in labels)


@pytest.mark.slow
def test_smote_is_in_the_recipe_and_predict_ignores_it(monkeypatch, tmp_path):
    """The run carries the part, ``fit --recipe`` trains with it, and the plan repeats the run byte by byte."""
    x, y = rare_table()
    run = planned_fit(monkeypatch, tmp_path / "a", x, y, balance="smote")
    assert run.record["balance"]["chosen"] == "smote"
    form = json.loads((run.folder / "recipe.json").read_text())
    assert {"SMOTENC": {"ratio": 1.0, "k": 5.0, "grow": "all"}} in form["regularizers"]
    assert run.predict_proba(x).shape == (len(x), 2), "as many rows as are asked for"
    again = planned_fit(monkeypatch, tmp_path / "b", x, y, balance="smote", plan=run.folder / "run.json")
    files = [(r.folder / "model.safetensors").read_bytes() for r in (run, again)]
    assert files[0] == files[1]
    assert again.record["balance"]["rows"] == run.record["balance"]["rows"]
    given = planned_fit(monkeypatch, tmp_path / "c", x, y, recipe=run.folder / "recipe.json")
    labels = [f["label"] for f in given.record["search"]["finalists"]]
    assert any("SMOTENC" in label for label in labels)
    assert not any("SMOTENC" in f["label"] for f in given.record["search"]["finalists"] if f["key"] == "control")


@pytest.mark.slow
def test_other_data_level_parts_train_in_a_recipe(monkeypatch, tmp_path):
    """Rows that are dropped shorten the fold; numbers can be filtered too."""
    x, y = load_diabetes(return_X_y=True)
    recipe = wf.Recipe(wf.OutlierFilter(0.1), wf.Dropout(0.1), settings={"learning_rate": 0.005})
    run = planned_fit(monkeypatch, tmp_path / "a", x, y, recipe=recipe)
    assert any("OutlierFilter" in f["label"] for f in run.record["search"]["finalists"])
    x, y = rare_table()
    under = planned_fit(monkeypatch, tmp_path / "b", x, y, recipe=wf.Recipe(wf.UnderSample(1.0)))
    assert under.record["status"] == "finished"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"balance": "more"}, "WF-U15"),
        ({"balance": "smote", "class_weight": "balanced"}, "WF-U15"),
        ({"balance": "smote", "recipe": wf.Recipe(wf.SMOTE(1.0))}, "WF-U15"),
        ({"recipe": wf.Recipe(wf.SMOTE(1.0, k=200))}, "WF-D80"),
    ],
)
def test_what_cannot_be_is_refused_before_training(monkeypatch, tmp_path, options, code):
    x, y = rare_table()
    with pytest.raises(wf.WellfitError) as caught:
        planned_fit(monkeypatch, tmp_path, x, y, **options)
    assert caught.value.code == code
    assert caught.value.fix


def test_numbers_have_no_classes_to_balance(monkeypatch, tmp_path):
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(wf.UsageError, match="target is a number"):
        planned_fit(monkeypatch, tmp_path, x, y, balance="weights")


def test_calibration_error_is_the_mean_distance_by_bins():
    """By hand: bin 0.1-0.2 says 0.15 and sees 0.5, bin 0.8-0.9 says 0.85 and sees 1; two rows each."""
    happened = np.array([0, 1, 1, 1])
    said = np.array([0.15, 0.15, 0.85, 0.85])
    assert calibration_error(happened, said, np.ones(4)) == pytest.approx((0.35 + 0.15) / 2)
    assert calibration_error(happened, happened.astype(float), np.ones(4)) == 0.0
    heavy = np.array([1.0, 1.0, 3.0, 3.0])
    assert calibration_error(happened, said, heavy) == pytest.approx((2 * 0.35 + 6 * 0.15) / 8)


def test_the_prior_is_put_back_exactly_where_only_the_prior_moved():
    """Bayes: probabilities under equal classes, times true over trained shares, are those under the true shares."""
    draw = np.random.default_rng(0)
    truth = (draw.random(20_000) < 0.1).astype(int)
    x = draw.normal(size=20_000) + 2.0 * truth
    ratio = np.exp(2.0 * x - 2.0)  # of the two densities
    even = ratio / (1 + ratio)
    exact = 0.1 * ratio / (0.9 + 0.1 * ratio)
    back = np.array([0.9, 0.1]) / 0.5
    found = figures(truth, np.stack([1 - even, even], 1), np.ones(20_000), 1, back)
    expected = -np.mean(np.where(truth == 1, np.log(exact), np.log(1 - exact)))
    assert found["log_loss_restored"] == pytest.approx(expected)
    assert found["predicted"] > 0.2
    assert found["observed"] == pytest.approx(0.1, abs=0.01)
    assert found["recall"] > found["recall_restored"]


def test_the_command_line_hands_it_on(monkeypatch, tmp_path, capsys):
    x, y = rare_table()
    x.assign(target=y).to_csv(tmp_path / "t.csv", index=False)
    plan = write_plan(tmp_path)
    words = ["fit", str(tmp_path / "t.csv"), "--target", "target", "--plan", str(plan), "--balance", "most"]
    assert command([*words, "--out", str(tmp_path / "run")], 0.0) == 2
    assert "Choose none, weights, smote, search." in capsys.readouterr().err
