"""Rules by effect: empty inputs, saturated units, rare classes, near copies, and no training that decides nothing."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_model import digits, net
from torch import nn

from wellfit import Recipe, WeightDecay, diagnose
from wellfit.diagnosis import Limits
from wellfit.diagnosis.class_gap import class_gaps, classes, rare_classes
from wellfit.diagnosis.copies import near_copies
from wellfit.diagnosis.result import Tried
from wellfit.diagnosis.rounds import _weighted
from wellfit.diagnosis.setting import make_setting
from wellfit.diagnosis.variants import BASE


def plane(rows, columns=8, signal=0.0, seed=0):
    """Rows of noise, and two classes that the first column tells apart as far as ``signal`` says."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, columns)).astype(np.float32)
    y = (random.random(rows) < 1 / (1 + np.exp(-signal * x[:, 0]))).astype(int)
    return x, y


def narrow(inputs=8, outputs=2, width=64):
    def make():
        return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                             nn.Linear(width, outputs))  # fmt: skip

    return make


def by_name(found, name):
    return next(f for f in found.findings if f.name == name)


def test_a_change_that_helps_nothing_is_not_said_to_lower_the_loss():
    label, share = "stopping at epoch 8 of 14", (-0.76, 0.74)
    change = Tried("early_stopping", label, -0.1, (-0.7, 0.7), -0.09, share, 0.0, 3, False)
    told = "stopping at epoch 8 of 14 does not lower the validation loss: it rises 9% [-74%, 76%]"
    assert change.told() == told
    assert "lowers the validation loss 12% [" in dataclasses.replace(change, relative=0.12).told()


def test_labels_without_any_tie_to_the_inputs():
    x, y = plane(2400, signal=0.0)
    found = diagnose(model=narrow(), train=(x[:400], y[:400]), val=(x[400:], y[400:]), epochs=10, budget="10m")
    assert (found.code, found.confidence) == ("WF014", "confirmed"), str(found)
    low, high = found.found()[0].interval
    assert low < 0 < high < 0.15, "the interval of what the best model gains over guessing"


def test_a_weak_signal_that_is_overfitted_is_no_empty_input():
    """At its end the network is far worse than guessing, and the least loss of all changes is hardly below that."""
    x, y = plane(900, columns=20, signal=1.0, seed=3)
    found = diagnose(model=narrow(20), train=(x[:300], y[:300]), val=(x[300:], y[300:]), epochs=60, rate=3e-3,
                     budget="10m")  # fmt: skip
    assert found.verdict == "overfit", str(found)
    assert by_name(found, "features").outcome == "healthy"
    assert by_name(found, "features").interval[0] > 0


def test_a_target_that_is_hard_to_tell_is_not_called_mislabeled():
    """Three quarters can be told at best; the surest rows err, but far less than all."""
    x, y = plane(1600, columns=10, signal=1.8, seed=5)
    found = diagnose(model=narrow(10), train=(x[:800], y[:800]), val=(x[800:], y[800:]), epochs=40, rate=3e-3,
                     budget="10m")  # fmt: skip
    assert found.code in ("WF020", "WF021"), str(found)
    noise = by_name(found, "label-noise")
    assert noise.outcome == "healthy" and noise.interval[0] > 0.005


def test_saturated_units_are_not_called_overfitting():
    """Fitted all the same, with a gap that restraint narrows; unsaturated units gain more."""

    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
            with torch.no_grad():
                for layer in self.layers[:4:2]:
                    layer.weight.mul_(40.0)

        def forward(self, x):
            return self.layers(x)

    found = diagnose(model=Wide, **digits(200), epochs=40, rate=3e-3, batch=20, budget="10m")
    assert found.code == "WF005", str(found)
    assert "saturated" in found.sentence
    gains = {v.name: v.gain for v in found.variants}
    assert max(gains.get("norm", 0.0), gains.get("rate_down", 0.0)) > max(gains["more"], gains["early_stopping"])


def test_a_rare_class_that_weights_serve():
    random = np.random.default_rng(1)
    y = (random.random(3000) < 0.06).astype(int)
    x = (random.standard_normal((3000, 8)) + 0.9 * y[:, None] * np.array([1, 1, 0, 0, 0, 0, 0, 0])).astype(np.float32)
    found = diagnose(model=narrow(width=16), train=(x[:1200], y[:1200]), val=(x[1200:], y[1200:]), epochs=20,
                     batch=100, rate=2e-3, recipe=Recipe(WeightDecay(1e-3)), budget="10m")  # fmt: skip
    assert (found.code, found.confidence) == ("WF031", "confirmed"), str(found)
    assert next(v for v in found.variants if v.name == "weighted").helps


def always_no():
    """What a model shows that calls every row No, where half of the rows are Yes."""
    x, y = plane(200)
    setting = dataclasses.replace(make_setting(narrow(), (x[:100], y[:100]), (x[100:], y[100:])), classes=("No", "Yes"))
    base = SimpleNamespace(outputs=np.eye(2)[np.zeros(100, int)][None])
    return SimpleNamespace(setting=setting, base=base, own=slice(None), limits=Limits(), tried={}, skipped=[])


def test_a_class_that_is_left_behind_is_called_by_its_name():
    assert "accuracy on class Yes lies 1.00 below" in classes(always_no()).finding.sentence


def test_weights_are_tried_for_a_class_that_is_not_rare_where_that_is_asked_for():
    evidence, asked = always_no(), []
    trial = SimpleNamespace(
        evidence=evidence, thorough=False, late=lambda label: False, variants={BASE: SimpleNamespace(recipe=Recipe())},
        elsewhere=lambda other, variant, noted: asked.append(variant.name),
    )  # fmt: skip
    _weighted(trial)
    assert not asked and "weights of classes" in evidence.skipped[0]
    trial.thorough = True
    _weighted(trial)
    assert asked == ["weighted"]


def test_gaps_of_classes_against_fisher_by_hand():
    labels, right = np.array([0] * 6 + [1] * 6), np.array([1.0] * 6 + [0.0] * 5 + [1.0])
    (_, low0, p0), (_, low1, p1) = class_gaps(labels, right)
    assert low1 == pytest.approx(5 / 6) == -low0
    assert p1 == pytest.approx(2 * 7 / 924 * 6 / 6, rel=1e-6)  # hypergeometric: C(6,1) C(6,6) + ... over C(12,7)
    assert p0 == 1.0


def test_rare_is_a_share_of_an_even_part():
    labels = torch.tensor([0] * 81 + [1] * 19)
    assert rare_classes(labels, 0.4) == {1}
    assert rare_classes(torch.tensor([0] * 79 + [1] * 21), 0.4) == set()


def test_near_copies_are_a_leak_and_neighbors_are_not():
    rows = digits(200, 150)
    x, y = (v.copy() for v in rows["val"])
    assert not near_copies(make_setting(net(), rows["train"], (x, y)), Limits())[0].any()
    x[:30] = rows["train"][0][:30] + np.random.default_rng(0).normal(0, 1e-4, (30, 64)).astype(np.float32)
    y[:30] = rows["train"][1][:30]
    near, among = near_copies(make_setting(net(), rows["train"], (x, y)), Limits())
    assert near[:30].all() and not near[30:].any() and not among.any()
    found = diagnose(model=net(), train=rows["train"], val=(x, y), epochs=15, rate=3e-3, budget="10m")
    assert found.code == "WF002", str(found)
    assert found.found()[0].number == pytest.approx(0.2)
    assert "but for a trace" in found.sentence


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_values_that_are_not_finite_are_a_finding(hole):
    rows = digits(100, 50)
    rows["train"][0][3, 5] = hole
    found = diagnose(model=net(), **rows)
    assert (found.code, found.confidence) == ("WF001", "confirmed")
    assert "not finite" in found.sentence


@pytest.mark.parametrize("y", [np.zeros(100, dtype=int), np.full((100, 1), 0.3, dtype=np.float32)])
def test_one_label_for_all_rows_is_a_finding(y):
    x = digits(100, 50)["train"][0]
    make = narrow(64, 1 if y.ndim == 2 else 2)
    found = diagnose(model=make, train=(x, y), val=(x[:50], y[:50]))
    assert (found.code, found.confidence) == ("WF001", "confirmed")
    assert "nothing to learn" in found.sentence


def test_thorough_tries_what_the_verdict_does_not_need():
    setting = {"model": net(16), **digits(120, 100), "epochs": 4, "rate": 1e-4, "batch": 20, "budget": "10m"}
    short, whole = diagnose(**setting), diagnose(**setting, thorough=True)
    names = [{v.name for v in d.variants} for d in (short, whole)]
    assert names[0] < names[1]
    assert {"more", "much_more", "half", "rate_up", "rate_down", "norm"} <= names[1]
    assert short.code == whole.code
    assert any("not needed for the verdict" in told for told in short.not_checked)
