"""Every regularizer there is, held against every contract; and liars, which the contracts must catch."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import worlds

import wellfit
from wellfit.regularizer import REGISTRY, Regularizer, knob
from wellfit.testing import CHECKS, ContractBroken, behavior, check_regularizer, facts


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("cls", worlds.LEAVES, ids=lambda c: c.__name__)
def test_contract(cls, check):
    check(cls)


def test_every_registered_leaf_is_public_and_checked():
    ours = {name for name, cls in REGISTRY.items() if cls.__module__.startswith("wellfit.")}
    assert ours == set(wellfit.regularizers.__all__) == {cls.__name__ for cls in worlds.LEAVES}
    assert ours <= set(wellfit.__all__)


def test_exemptions_are_few_and_say_why(capsys):
    notes = [f"{cls.__name__}: {cls.exempt}" for cls in worlds.LEAVES if cls.exempt]
    print("without a neutral value:", *notes, sep="\n  ")
    assert all(len(note.split(": ")[1]) > 20 for note in notes)
    assert all("rewrite" in cls.stages for cls in worlds.LEAVES if cls.exempt), "only another structure is exempt"


@pytest.fixture
def define():
    """Register a class for one test only."""
    before = dict(REGISTRY)
    yield lambda stage, **more: type("Liar", (Regularizer,), _body(stage, more))
    REGISTRY.clear()
    REGISTRY.update(before)


def _body(stage, more):
    body = {
        "__annotations__": {"strength": float}, "strength": knob(0.1, low=0.01, high=1.0, log=True, neutral=0.0),
        "__module__": "liars", "formula": "h", "source": "Nobody, Nowhere, 2020", "use_when": "never",
        "avoid_when": "always", "grade": "C", "site_kinds": frozenset({"hidden"}), stage.__name__: stage,
    }  # fmt: skip
    return body | more


def _broken_by(cls):
    broken = []
    for check in (
        *(c for c in CHECKS if c.__module__ != "wellfit.testing.facts"),
        facts.check_knobs,
        facts.check_facts,
    ):
        try:
            check(cls)
        except Exception:  # a liar may end in any way but silence
            broken.append(check.__name__)
    return broken


def test_an_honest_one_breaks_nothing(define):
    def activation(self, h, site, params, now):
        return h + self.strength * now.normal(tuple(h.shape), site.name).to(h.dtype)

    assert _broken_by(define(activation)) == []


def test_a_neutral_that_is_not_the_identity_is_caught(define):
    def activation(self, h, site, params, now):
        return h + (self.strength + 1e-16) * h.abs()

    assert "check_neutral" in _broken_by(define(activation))


def test_writing_into_the_input_is_caught(define):
    def activation(self, h, site, params, now):
        return h.mul_(1.0 + self.strength)

    assert "check_purity" in _broken_by(define(activation))


@pytest.mark.parametrize(
    "draw",
    [lambda: torch.rand(()).item(), lambda: float(np.random.rand()), random.random],
    ids=["torch", "numpy", "random"],
)
def test_a_global_generator_is_caught(define, draw):
    def activation(self, h, site, params, now):
        return h + self.strength * draw()

    assert "check_purity" in _broken_by(define(activation))


def test_a_branch_on_a_knob_is_caught(define):
    def activation(self, h, site, params, now):
        return h * (1.0 + self.strength) if float(self.strength) > 0.5 else h

    broken = _broken_by(define(activation))
    assert {"check_knob_forms", "check_stack_training"} <= set(broken)


def test_a_change_of_dtype_is_caught(define):
    def activation(self, h, site, params, now):
        return h.float() * (1.0 + self.strength)

    assert "check_dtype_and_device" in _broken_by(define(activation))


def test_a_tensor_made_on_another_device_is_caught(define):
    def activation(self, h, site, params, now):
        return h + self.strength * torch.ones(h.shape, dtype=h.dtype, device="cpu")

    assert "check_dtype_and_device" in _broken_by(define(activation))


def test_a_wrong_closed_form_is_caught(define):
    def penalty_gradient(self, params, now):
        return {n: self.strength * w for n, w in params.items()}  # 2 is missing

    def penalty(self, params, now):
        return self.strength * sum((w * w).sum() for w in params.values())

    assert _broken_by(define(penalty, penalty_gradient=penalty_gradient)) == ["check_penalty_gradient"]


def test_strength_that_weakens_is_caught(define):
    def activation(self, h, site, params, now):
        knob_value = torch.as_tensor(self.strength, dtype=torch.float64)
        return h * (1.0 + knob_value * (1.0 - knob_value).abs()).to(h.dtype)

    assert _broken_by(define(activation)) == ["check_strength"]


def test_missing_facts_and_examples_are_caught(define):
    def activation(self, h, site, params, now):
        return h * (1.0 + self.strength)

    for fact in ("formula", "source", "use_when", "avoid_when", "grade"):
        with pytest.raises(ContractBroken, match=fact):
            facts.check_facts(define(activation, **{fact: ""}))
    with pytest.raises(ContractBroken, match="line one"):
        facts.check_documentation(define(activation))
    with pytest.raises(ContractBroken, match="Example"):
        facts.check_documentation(define(activation, __doc__="It makes hidden values larger.\n\nSource:\n  Me, 2020."))


def test_a_default_outside_its_range_is_caught(define):
    def activation(self, h, site, params, now):
        return h * (1.0 + self.strength)

    with pytest.raises(ContractBroken, match="lies outside"):
        facts.check_knobs(define(activation, strength=knob(5.0, low=0.01, high=1.0, neutral=0.0)))
    with pytest.raises(ContractBroken, match="neutral value"):
        facts.check_knobs(define(activation, strength=knob(0.1, low=0.01, high=1.0)))


def test_strengths_go_away_from_neutral():
    for cls in worlds.LEAVES:
        for facts_of_knob in cls.knobs().values():
            if facts_of_knob.neutral is not None:
                course = behavior.strengths(facts_of_knob)
                assert course[0] == facts_of_knob.neutral
                rising = course[1:] == sorted(course[1:], reverse=facts_of_knob.neutral > course[1])
                assert rising


def test_check_regularizer_returns_the_exemptions():
    assert check_regularizer(wellfit.L2) == []
    assert len(check_regularizer(wellfit.BatchNorm)) == 1
