"""Planted illnesses on digits and made numbers: each is named, and by an experiment."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_friedman1
from torch import nn

from wellfit import Dropout, Recipe, UsageError, diagnose

X, Y = load_digits(return_X_y=True)
X = (X / 16.0).astype(np.float32)


def net(width=64, depth=2, act=nn.ReLU, bias=0.0):
    def make():
        layers, size = [], 64
        for _ in range(depth):
            linear = nn.Linear(size, width)
            if bias:
                nn.init.constant_(linear.bias, bias)
            layers += [linear, act()]
            size = width
        return nn.Sequential(*layers, nn.Linear(size, 10))

    return make


def digits(rows=400, valid=300, noise=0.0, seed=0):
    order = np.random.default_rng(seed).permutation(len(X))
    y, random = Y.copy(), np.random.default_rng(seed + 5)
    wrong = random.random(len(y)) < noise
    y[wrong] = (y[wrong] + random.integers(1, 10, wrong.sum())) % 10
    a, b = order[:rows], order[rows : rows + valid]
    return {"train": (X[a], y[a]), "val": (X[b], y[b])}


PLANTED = {
    "healthy": ({"WF000", "WF023"}, {"model": net(), **digits(800), "epochs": 20, "rate": 2e-3}),
    "noise": ({"WF022"}, {"model": net(128), **digits(noise=0.3), "epochs": 40, "rate": 3e-3}),
    "small": ({"WF020", "WF021"}, {"model": net(), **digits(50), "epochs": 200, "batch": 10}),
    "slow": ({"WF010"}, {"model": net(), **digits(), "epochs": 10, "rate": 1e-4}),
    "dropped": ({"WF007", "WF012"}, {"model": net(), **digits(), "epochs": 15, "recipe": Recipe(Dropout(0.9))}),
    "sigmoid": ({"WF006"}, {"model": net(32, 6, nn.Sigmoid), **digits(), "epochs": 10}),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in ("small", "slow") else pytest.mark.slow) for n in PLANTED]
)
def test_planted_illness(name):
    codes, setting = PLANTED[name]
    found = diagnose(**setting, budget="10m")
    assert found.code in codes, str(found)
    assert found.confidence == "confirmed", str(found)
    form = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert "early_stopping" in {v["name"] for v in form["variants"]}
    assert all(v["seeds"] == 3 for v in form["variants"])
    assert form["layers"] and form["calibration"]["bins"]
    assert form["cost"]["trainings"] <= 13, "once the verdict stands nothing more is trained"


def test_hopeless_data_are_told_at_once():
    rows = digits(100, 50)
    found = diagnose(model=net(), train=(rows["train"][0], np.zeros(100, dtype=int)),
                     val=(rows["val"][0], np.zeros(50, dtype=int)))  # fmt: skip
    assert (found.code, found.confidence) == ("WF001", "confirmed")
    assert found.verdict == "broken"


def test_copies_on_both_sides_are_a_leak():
    rows = digits(200, 150)
    x, y = (v.copy() for v in rows["val"])
    x[:30], y[:30] = rows["train"][0][:30], rows["train"][1][:30]
    found = diagnose(model=net(), train=rows["train"], val=(x, y), epochs=15, rate=3e-3, batch=20, budget="10m")
    assert found.code == "WF002"
    finding = found.found()[0]
    assert finding.number == pytest.approx(0.2)
    assert finding.interval[0] < 0.2 < finding.interval[1]


def test_a_training_that_the_budget_ends_is_undecided():
    found = diagnose(model=net(), **digits(200, 100), epochs=4000, budget=0.5)
    assert found.verdict == "undecided"
    assert "budget ended the training" in found.sentence


def test_few_rows_certify_no_health():
    rows = digits(400, 30)
    found = diagnose(model=net(), **rows, epochs=15, rate=3e-3, budget="10m")
    assert found.code not in ("WF000", "WF023")
    assert any(f.name == "undecided" and f.number > 0 for f in found.found())


def test_numbers_as_targets_and_the_same_seed_gives_the_same():
    x, y = make_friedman1(300, noise=1.0, random_state=0)
    x, y = x.astype(np.float32), ((y - y.mean()) / y.std()).astype(np.float32)[:, None]

    def make():
        return nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    one, two = (
        diagnose(model=make, train=(x[:60], y[:60]), val=(x[60:], y[60:]), epochs=120, batch=20, budget="10m")
        for _ in range(2)
    )
    assert one.verdict == "overfit"
    assert one.calibration is None
    assert [v.gain for v in one.variants] == [v.gain for v in two.variants]


@pytest.mark.parametrize("wrong", [{"seeds": 2}, {"epochs": 1}, {"rate": 0.0}, {"optimizer": "lion"}, {"batch": 0},
                                   {"studies": ("horoscope",)}])  # fmt: skip
def test_settings_that_no_training_has(wrong):
    with pytest.raises(UsageError):
        diagnose(model=net(), **digits(40, 20), **wrong)
