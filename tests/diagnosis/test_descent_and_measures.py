"""A second descent is told from overfitting and from noise; sharpness and margins against hand and invariance."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_model import digits, net
from torch import nn

from wellfit import diagnose
from wellfit.diagnosis import Limits
from wellfit.diagnosis.descent import second_descent
from wellfit.diagnosis.effects import paired
from wellfit.diagnosis.measures import margins, measures, sharpness, spectral_product
from wellfit.target import Target


def evidence(shape, noise=0.05, rows=300, fitted=0.001, wider=None, seed=0):
    """Curves of three seeds that follow one shape, each row and evaluation with noise of its own."""
    random = np.random.default_rng(seed)
    level = random.exponential(0.3, rows) + np.asarray(shape, dtype=float)[None, :, None]
    curves = level + noise * random.standard_normal((3, len(shape), rows))
    valid = float(curves[:, -1].mean())
    tried = {} if wider is None else {"wider": SimpleNamespace(helps=wider, relative=0.3)}
    return SimpleNamespace(
        curves=curves, limits=Limits(), fitted=fitted, guess=2.3, valid=valid, least=0.15 * valid, tried=tried,
        setting=SimpleNamespace(seed=0), effect=lambda gains: paired(gains, Limits().level),
    )  # fmt: skip


TWICE = [2.0, 1.0, 0.6, 0.5, 0.7, 1.0, 1.3, 1.4, 1.3, 1.1, 0.9, 0.7, 0.5, 0.45, 0.4, 0.4, 0.4]
ONCE = [2.0, 1.0, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.35, 1.4, 1.45, 1.5]


def test_a_rise_and_a_fall_are_found_and_width_confirms_it():
    found = second_descent(evidence(TWICE))
    assert (found.code, found.outcome, found.confirmed) == ("WF024", "finding", False)
    assert found.interval[0] > 0 and found.number == pytest.approx(1.0, abs=0.15)
    assert second_descent(evidence(TWICE, wider=True)).confirmed
    assert not second_descent(evidence(TWICE, wider=False)).confirmed


@pytest.mark.parametrize("shape", [ONCE, sorted(TWICE, reverse=True), [1.0] * 17])
def test_overfitting_falling_and_flat_curves_are_none(shape):
    assert second_descent(evidence(shape)).outcome == "healthy"


def test_noise_raises_no_alarm():
    """Peak and dip are chosen on other rows than they are compared on."""
    alarms = [second_descent(evidence([1.0] * 17, noise=2.0, rows=60, seed=s)).outcome == "finding" for s in range(40)]
    assert sum(alarms) <= 1


def test_rows_that_are_not_fitted_and_short_curves_have_none():
    assert second_descent(evidence(TWICE, fitted=0.5)).outcome == "healthy"
    assert second_descent(evidence(TWICE[:6])).outcome == "not_applicable"


def test_sharpness_of_one_weight_by_hand():
    """L = (2 w - 1)^2 at w = 3: slope 20, so the weight goes to 3 + 0.05 * 3, and L from 25 to 28.09."""
    line = nn.Linear(1, 1, bias=False)
    nn.init.constant_(line.weight, 3.0)
    target = Target(torch.tensor([[1.0]]), torch.ones(1), False)
    assert sharpness(line, torch.tensor([[2.0]]), target) == pytest.approx(5.3**2 - 25.0, rel=1e-5)


def test_sharpness_does_not_see_sizes_that_cancel():
    torch.manual_seed(0)
    one = nn.Sequential(nn.Linear(5, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False)).double()
    other = copy.deepcopy(one)
    with torch.no_grad():
        other[0].weight.mul_(7.0)
        other[2].weight.div_(7.0)
    x = torch.randn(20, 5, dtype=torch.float64)
    labels = torch.nn.functional.one_hot(torch.arange(20) % 3, 3).double()
    target = Target(labels, torch.ones(20, dtype=torch.float64), True)
    here = sharpness(one, x, target)
    assert here > 0
    assert here == pytest.approx(sharpness(other, x, target), rel=1e-9)


def test_margins_and_spectral_product_by_hand():
    outputs = torch.tensor([[3.0, 1.0, 2.5], [0.0, 4.0, -1.0]])
    assert margins(outputs, torch.tensor([0, 2])).tolist() == [0.5, -5.0]
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.diag(torch.tensor([3.0, 1.0])))
        model[2].weight.copy_(torch.diag(torch.tensor([0.5, -2.0])))
    assert spectral_product(model) == pytest.approx(6.0)
    target = Target(torch.eye(2), torch.ones(2), True)
    found = measures(model, torch.eye(2), target, torch.tensor([0, 1]))
    assert set(found["margins"]) == {"10%", "25%", "50%", "75%"}
    assert found["spectral_product"] == pytest.approx(6.0)


def test_a_diagnosis_holds_both():
    found = diagnose(model=net(16), **digits(150, 100), epochs=5, rate=3e-3, budget="10m")
    assert found.to_json()["measures"]["sharpness"] > 0
    assert found.measures["margins"]["10%"] < found.measures["margins"]["75%"]
    assert any(f.code == "WF024" for f in found.findings)
