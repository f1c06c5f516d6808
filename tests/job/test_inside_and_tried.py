"""What a run's record holds for the figures: layers, calibration, classes, everything tried; the page shows them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from planned import planned_fit
from sklearn.datasets import load_breast_cancer, load_diabetes
from torch import nn

import wellfit as wf
from wellfit.job.inside import _gap, layers_of
from wellfit.job.range_edge import _beyond, edge_finding
from wellfit.job.stage import Left
from wellfit.job.tried import MOST, sample, tried_record
from wellfit.knobs import Knob
from wellfit.searching.space import Candidate
from wellfit.target import Target
from wellfit.training.cohort import Member, Rows, seeded, start
from wellfit.training.optimizers import Adam
from wellfit.training.step import Trainer


@pytest.fixture
def record(monkeypatch, tmp_path):
    x, y = load_breast_cancer(return_X_y=True)
    run = planned_fit(monkeypatch, tmp_path, x[:240], np.where(y[:240] == 1, "benign", "malignant"), steps=30)
    return json.loads((run.folder / "run.json").read_text()), (run.folder / "report.html").read_text()


def test_a_real_run_writes_its_inside_and_everything_it_tried(record):
    found, page = record
    layers = found["inside"]["layers"]
    assert len(layers) >= 3
    assert all(0 < layer["gradient_ratio"] < 100 and 0 < layer["update_ratio"] < 1 for layer in layers)
    assert all(layer["norm"] > 0 and layer["first_norm"] not in (0, layer["norm"]) for layer in layers)
    assert any(layer["dead"] is not None or layer["saturated"] is not None for layer in layers)
    calibration = found["inside"]["calibration"]
    rows = sum(b["count"] for b in calibration["bins"])
    assert rows > 20 and 0 <= calibration["ece"] <= 1
    assert {c["name"] for c in found["inside"]["classes"]} == {"benign", "malignant"}
    for entry in found["inside"]["classes"]:
        assert entry["gap"] == pytest.approx(entry["train"] - entry["valid"])
        assert entry["interval"][0] <= entry["gap"] <= entry["interval"][1]
    tried = found["search"]["tried"]
    assert {"control", "single", "cocktail"} >= set(tried["kind"]) > {"control"}
    assert all(len(tried[name]) == len(tried["rate"]) for name in ("kind", "label", "loss", "step"))
    assert all(len(values) == len(tried["rate"]) for values in tried["knobs"].values())
    assert [loss for loss in tried["loss"] if loss is not None] == sorted(x for x in tried["loss"] if x is not None)
    for told in ("Learning by layer", "Weights, then and now", "Calibration.", "Gap by class", "What was tried."):
        assert told in page, told


def test_numbers_have_layers_and_no_classes(monkeypatch, tmp_path):
    x, y = load_diabetes(return_X_y=True)
    run = planned_fit(monkeypatch, tmp_path, x[:150], y[:150], steps=20)
    assert set(run.record["inside"]) == {"layers"}
    assert run.record["inside"]["layers"]


def test_newcombes_interval_of_the_paper():
    """Newcombe 1998, table II, example a: 56/70 and 48/80, method 10: 0.0524 to 0.3339."""
    train, valid = np.array([True] * 56 + [False] * 14), np.array([True] * 48 + [False] * 32)
    found = _gap(train, valid)
    assert found.gap == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_a_long_search_is_sampled_and_keeps_its_best():
    candidate = Candidate(wf.Recipe(wf.Dropout(0.2)), 1e-3, "cocktail")
    found = [Left(candidate, float(i), 10) for i in range(5000)]
    shown = sample(found[::-1])
    assert len(shown) <= MOST
    assert [one.score for one in shown[: MOST // 2]] == list(range(MOST // 2))
    assert shown[-1].score > 4900
    stage = SimpleNamespace(left=found, pool=[])
    record = tried_record(stage)
    assert record["all"] == 5000 and set(record["knobs"]) == {"Dropout p"}
    assert len(json.dumps(record)) < 60_000


def _edge(recipe, rate, given=None):
    return edge_finding(SimpleNamespace(given=given), SimpleNamespace(candidate=Candidate(recipe, rate, "cocktail")))


def test_settings_at_the_edge_of_the_search_are_named():
    facts = wf.WeightDecay().knobs()["strength"]
    inner = _edge(wf.Recipe(wf.WeightDecay((facts.low * facts.high) ** 0.5)), 2e-3)
    assert (inner.code, inner.outcome) == ("WF041", "healthy")
    high = _edge(wf.Recipe(wf.WeightDecay(0.98 * facts.high)), 2e-3)
    assert high.outcome == "finding" and "WeightDecay strength" in high.sentence and "upper" in high.sentence
    assert "learning rate" in _edge(wf.Recipe(), 3.1e-4).sentence
    drop = wf.Dropout(wf.Dropout().knobs()["p"].low)
    assert _edge(wf.Recipe(drop), 2e-3).outcome == "healthy", "beyond lies no dropout at all, which was searched"
    assert (_beyond(0.49, Knob(0.0, 0.5)), _beyond(0.0, Knob(0.0, 0.5))) == ("upper", "")
    assert _beyond(0.99, Knob(0.0, 1.0, maximum=1.0)) == "", "there is nothing beyond 1"
    assert _edge(wf.Recipe(), 3.1e-4, given=wf.Recipe()).outcome == "not_applicable"


def _trained(make):
    labels = torch.nn.functional.one_hot(torch.arange(40) % 3, 3).float()
    rows = Rows(torch.randn(40, 8), Target(labels, torch.ones(40), True), ((torch.arange(30), torch.arange(30, 40)),))
    own = Member(wf.Recipe(), 1e-2, 7)
    cohort = start(Trainer(seeded(make, 0), Adam()), make, [own], rows)
    stage = SimpleNamespace(material=SimpleNamespace(rows=rows, view=lambda fold: fold), skipped=[])
    return stage, SimpleNamespace(members=(own,), cohort=cohort)


def test_layers_of_ones_own_model_against_autograd():
    make = lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))  # noqa: E731
    stage, entrant = _trained(make)
    layers = layers_of(stage, make, entrant)["layers"]
    assert [(e["name"], e["parameters"]) for e in layers] == [("0", 128), ("2", 48)]
    net, rows = seeded(make, 7), stage.material.rows
    rows.target.take(torch.arange(30)).loss(net(rows.x[:30])).backward()
    for layer, module in zip(layers, (net[0], net[2]), strict=True):
        ratio = module.weight.grad.square().mean().sqrt() / module.weight.detach().square().mean().sqrt()
        assert layer["gradient_ratio"] == pytest.approx(float(ratio), rel=1e-5)
        assert layer["norm"] == layer["first_norm"] == pytest.approx(float(module.weight.detach().norm()))
    assert layers[0]["dead"] == pytest.approx(float((net[1](net[0](rows.x[:30])) == 0).all(0).double().mean()))


def test_a_model_that_cannot_be_looked_into_costs_the_figure_and_says_so():
    make = lambda: nn.Linear(8, 3)  # noqa: E731
    stage, entrant = _trained(make)
    entrant.cohort.best.weights.clear()
    assert layers_of(stage, make, entrant) == {}
    assert "inside the network" in stage.skipped[0]
