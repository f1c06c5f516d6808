"""What the bank showed of the order of verdicts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from wellfit.diagnosis import Finding, Limits, Tried, rules
from wellfit.diagnosis.checks import CHECKS
from wellfit.diagnosis.verdict import primary


@pytest.mark.parametrize("name", ["class-gap", "shift", "label-noise"])
def test_what_is_so_in_nearly_all_data_is_no_illness_by_itself(name):
    seen = Finding(name, "finding", "accuracy on class 3 lies 0.20 below that on the other classes")
    assert primary([seen]).name == "healthy" and CHECKS[seen.name].title in primary([seen]).sentence
    gap = Finding("benign-gap", "finding", "a gap that no change lowers", confirmed=True)
    assert primary([seen, gap]) is gap
    sure = Finding(name, "finding", "something that mends it helps", confirmed=True)
    assert primary([sure, gap]) is sure


def _tried(name: str, gain: float) -> Tried:
    return Tried(name, name, gain, (0.9 * gain, 1.1 * gain), gain, (0.9 * gain, 1.1 * gain), gain, 3, True)


@pytest.mark.parametrize("rule", ["_dead", "_vanishing"])
@pytest.mark.parametrize(("free", "ill"), [(0.57, False), (0.10, True)])
def test_weights_that_regularization_shrank_are_not_called_dead(monkeypatch, rule, free, ill):
    """Of a collapsed network all units are dead, and batch norm helps somewhat; leaving the decay out helps more."""
    monkeypatch.setattr(rules, "unfitted", lambda evidence: True)
    tried = {"none": _tried("none", free), "norm": _tried("norm", 0.36)}
    evidence = SimpleNamespace(tried=tried, limits=Limits(), fitted=1.0, guess=1.1)
    layers = [
        {"name": "0", "dead": 0.9, "saturated": None, "gradient_ratio": 1e-6, "gradient_ratio_end": 1e-6},
        {"name": "2", "dead": 0.9, "saturated": None, "gradient_ratio": 1.0, "gradient_ratio_end": 1.0},
    ]
    assert (getattr(rules, rule)(evidence, layers).outcome == "finding") == ill
