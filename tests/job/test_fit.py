"""The main job end to end, on small real tables within small real budgets."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

import wellfit as wf

BUDGET = 14.0


def _breast():
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    x = x.iloc[:, :6].copy()
    x["size"] = pd.cut(x.iloc[:, 0], 3, labels=["small", "middle", "large"]).astype(str)
    x.iloc[::17, 1] = np.nan
    return x, np.where(y == 1, "benign", "malignant")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run per task, with what it took."""
    digits = load_digits(return_X_y=True)
    diabetes = load_diabetes(return_X_y=True)
    data = {"binary": _breast(), "multiclass": (digits[0], digits[1]), "regression": diabetes}
    found = {}
    for task, (x, y) in data.items():
        begun = time.monotonic()
        run = wf.fit(x, y, budget=BUDGET, out=tmp_path_factory.mktemp(task) / "run")
        found[task] = (run, time.monotonic() - begun, x)
    return found


TASKS = ["binary", "multiclass", "regression"]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_budget_is_a_contract(runs, task):
    assert runs[task][1] <= 1.05 * BUDGET + 8.0


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_run_compares_and_reads_the_test_rows_once(runs, task):
    record = runs[task][0].record
    keys = {row["key"] for row in record["comparison"]}
    assert {"dummy", "linear", "control_last", "control_best", "early_stopping", "refit", "ensemble"} <= keys
    assert record["data"]["task"] == task
    assert record["test_reads"] == 1
    for row in record["comparison"]:
        low, high = row["interval"]
        assert low <= row["score"] <= high
    by_key = {row["key"]: row["score"] for row in record["comparison"]}
    assert by_key["ensemble"] < by_key["dummy"], "a network that knows nothing is no model"
    assert record["verdict"]["sentence"]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_controls_get_at_least_the_steps_of_the_search(runs, task):
    spent = runs[task][0].record["search"]["member_steps"]
    assert spent["controls"] >= 0.8 * spent["search"]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_folder_holds_what_was_promised_and_nothing_of_the_data(runs, task):
    folder = runs[task][0].folder
    names = {p.name for p in folder.iterdir()}
    assert {"run.json", "recipe.json", "model.safetensors", "preprocess.json", "history.npz", "report.html"} <= names
    assert not [n for n in names if n.endswith(".tmp")]
    page = (folder / "report.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["plan"]["mode"] in ("traced", "compiled")


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("which", ["ensemble", "single"])
@pytest.mark.parametrize("task", TASKS)
def test_rows_are_predicted_alike_in_any_company(runs, task, which):
    run, _, x = runs[task]
    again = wf.load(run.folder)
    part = x.iloc[[5, 3, 80]] if task == "binary" else x[[5, 3, 80]]
    predict = again.predict if task == "regression" else again.predict_proba
    whole, some = predict(x, which), predict(part, which)
    assert np.array_equal(whole[[5, 3, 80]], some)
    if task != "regression":
        assert np.allclose(whole.sum(1), 1.0)


@pytest.mark.alone
@pytest.mark.slow
def test_columns_may_come_in_any_order_and_new_categories_are_borne(runs):
    run, _, x = runs["binary"]
    mixed = x[x.columns[::-1]].assign(more=1.0)
    assert np.array_equal(run.predict_proba(x), run.predict_proba(mixed))
    unseen = x.assign(size="gigantic")
    assert np.isfinite(run.predict_proba(unseen)).all()
    with pytest.raises(wf.DataError, match="size"):
        run.predict(x.drop(columns=["size"]))
    assert set(run.predict(x)) <= {"benign", "malignant"}


@pytest.mark.alone
@pytest.mark.slow
def test_plan_repeats_a_run_byte_by_byte(runs, tmp_path):
    run, _, x = runs["regression"]
    y = load_diabetes(return_X_y=True)[1]
    again = wf.fit(x, y, budget=BUDGET, plan=run.folder / "run.json", out=tmp_path / "again")
    first, second = (r.folder / "model.safetensors" for r in (run, again))
    assert first.read_bytes() == second.read_bytes()
    assert again.recipe == run.recipe


@pytest.mark.alone
@pytest.mark.slow
def test_recipe_of_ones_own_is_trained_instead_of_searched(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    parts = (wf.BatchNorm(), wf.Dropout(0.1), wf.where(wf.L2(0.001), "*"))
    recipe = wf.Recipe(*parts, settings={"learning_rate": 0.01})
    run = wf.fit(x, y, budget=20, recipe=recipe, metric="r2", out=tmp_path / "run")
    labels = [f["label"] for f in run.record["search"]["finalists"] if f["key"] == "cocktail"]
    assert labels
    assert "BatchNorm" in labels[0]
    assert run.record["metric"] == {"name": "r2", "lower_is_better": False}


@pytest.mark.alone
def test_budget_too_small_ends_with_what_there_is(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(wf.BudgetError, match="holds no model") as caught:
        wf.fit(x, y, budget=0.5, out=tmp_path / "run")
    assert caught.value.exit_code == 5 and caught.value.run is None and caught.value.fix.startswith("Give --budget ")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "budget" and "no model" in record["verdict"]["sentence"]
    with pytest.raises(wf.RunFolderError, match="budget ended before anything was trained"):
        wf.load(tmp_path / "run").predict(x)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"metric": "no_such_metric"}, wf.UsageError),
        ({"metric": "roc_auc"}, wf.UsageError),
        ({"budget": "soon"}, wf.UsageError),
        ({"device": "tpu"}, wf.UsageError),
        ({"recipe": wf.Recipe(wf.LabelSmoothing(0.1))}, wf.RecipeError),
        ({"sample_weight": np.zeros(442)}, wf.DataError),
    ],
)
def test_what_cannot_be_done_is_refused_before_training(arguments, error, tmp_path):
    x, y = load_diabetes(return_X_y=True)
    begun = time.monotonic()
    with pytest.raises(error) as caught:
        wf.fit(x, y, **{"budget": "60s", "out": tmp_path / "run", **arguments})
    assert caught.value.fix
    assert time.monotonic() - begun < 20


def test_several_outputs_are_refused_by_name(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    with pytest.raises(wf.DataError, match=r"(?i)output|target|column"):
        wf.fit(x, np.stack([y, y], 1), budget=10, out=tmp_path / "run")
