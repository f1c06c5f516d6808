"""``--start``: the search begins with a remedy, be it a recipe, a diagnosis or a run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from planned import planned_fit
from sklearn.datasets import load_breast_cancer

import wellfit as wf
from wellfit import L1, Dropout, EarlyStopping, LabelSmoothing, Recipe, UsageError, WeightDecay
from wellfit.diagnosis import Finding
from wellfit.diagnosis.result import Diagnosis
from wellfit.job.options import Options
from wellfit.job.start_recipe import start_recipe, within
from wellfit.searching.space import searched

X, Y = load_breast_cancer(return_X_y=True)
REMEDY = Recipe(Dropout(0.137), LabelSmoothing(0.021), settings={"learning_rate": 0.0042})


def diagnosed(cure) -> Diagnosis:
    told = Finding("too-long", "finding", "stopping helps", confirmed=True)
    return Diagnosis("overfit", "WF020", "confirmed", "trained too long", (told,), cure=cure)


@pytest.fixture(params=["recipe", "file", "diagnosis", "run"])
def start(request, tmp_path):
    """The same remedy in every form that may hold it."""
    if request.param == "recipe":
        return REMEDY
    form = diagnosed(REMEDY).to_json()
    path = tmp_path / ("run.json" if request.param == "run" else "start.json")
    if request.param == "file":
        REMEDY.save(path)
    else:
        path.write_text(json.dumps({"format": "wellfit.run", "diagnosis": form} if request.param == "run" else form))
    return tmp_path if request.param == "run" else path


def test_every_form_holds_the_remedy(start):
    found = start_recipe(Options(start=start))
    assert [p.name for p in found] == ["Dropout", "LabelSmoothing"]
    assert float(found["Dropout"].p) == 0.137


def test_the_search_tries_the_remedy_itself(monkeypatch, tmp_path):
    run = planned_fit(monkeypatch, tmp_path, X[:200], Y[:200], steps=15, start=REMEDY)
    tried = run.record["search"]["tried"]
    at = tried["knobs"]["Dropout p"].index(0.137)
    assert tried["knobs"]["LabelSmoothing epsilon"][at] == 0.021
    assert tried["rate"][at] == 0.0042
    assert tried["kind"][at] == "cocktail"
    usual = planned_fit(monkeypatch, tmp_path / "usual", X[:200], Y[:200], steps=15)
    assert 0.137 not in usual.record["search"]["tried"]["knobs"].get("Dropout p", [])


def test_what_is_not_searched_is_left_out_and_said():
    given = Recipe(Dropout(0.99), L1(1e-3), WeightDecay(1e-2), EarlyStopping(5))
    kept, told = within(given, searched("binary"))
    names = [p.name for p in kept]
    assert "EarlyStopping" not in names
    assert float(kept["Dropout"].p) == Dropout().knobs()["p"].high
    assert sum(n in ("L1", "WeightDecay", "L2", "ElasticNet") for n in names) == 1
    said = " ".join(told)
    assert "EarlyStopping" in said and "end of its range" in said
    assert np.isfinite(float(kept["Dropout"].p))


def test_two_recipes_and_a_diagnosis_without_remedy_are_refused(tmp_path):
    with pytest.raises(UsageError, match="to begin a search with") as error:
        start_recipe(Options(start=REMEDY, recipe=REMEDY))
    assert error.value.code == "WF-U18"
    path = tmp_path / "d.json"
    path.write_text(json.dumps(diagnosed(None).to_json()))
    with pytest.raises(UsageError, match="nothing to begin with"):
        start_recipe(Options(start=path))
    (tmp_path / "e.json").write_text("{")
    with pytest.raises(wf.WellfitError):
        start_recipe(Options(start=tmp_path / "e.json"))
