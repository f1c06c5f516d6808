"""The claims of the sources: the page says what the script measures, and the rule for verdicts is what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "claims.md"
sys.path.append(str(ROOT / "benchmarks"))  # its scripts are no package

import claims  # noqa: E402
import claims_setup  # noqa: E402

VERDICTS = {"held", "held in part", "did not hold"}
CLAIMS = {claim.name: claim for family in claims.FAMILIES for claim in claims.claims_of(family)}
QUICK = ("inverse-c", "sgd-classifier", "lambda-limits", "strength-zero", "polynomial")
"""Solved to the end within a second: what came out once comes out again."""


def rows() -> dict[str, list[str]]:
    """The cells of the page's table of what was measured, by the claim's name."""
    lines = PAGE.read_text().split(claims.HEAD.splitlines()[1])[1].splitlines()
    found = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[1:]]
    table = found[: found.index([""])]
    return {cells[0]: cells for cells in table}


def test_the_page_has_every_claim_that_is_measured_and_no_other():
    assert set(rows()) == set(CLAIMS)
    assert sum(len(claims.claims_of(family)) for family in claims.FAMILIES) == len(CLAIMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_row_says_what_its_claim_says(name):
    _, sources, says, how, figure, verdict = rows()[name]
    assert (sources, says, how) == (CLAIMS[name].sources, CLAIMS[name].says, CLAIMS[name].how)
    assert verdict.strip("*") in VERDICTS
    assert any(c.isdigit() for c in figure)


def test_the_page_counts_its_verdicts():
    found = [cells[-1].strip("*") for cells in rows().values()]
    counts = ", ".join(f"{found.count(v)} {v}" for v in ("held", "held in part", "did not hold"))
    assert f"{len(found)} measured: {counts}" in " ".join(PAGE.read_text().split())


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_claim_comes_out_as_the_page_says(name):
    assert CLAIMS[name].measure().verdict == rows()[name][-1].strip("*")


def test_an_interval_is_students():
    values = np.random.default_rng(0).normal(size=10)
    expected = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert claims_setup.interval(values) == pytest.approx((values.mean(), expected.low, expected.high))


@given(st.floats(0.01, 10.0), st.floats(0.01, 10.0))
def test_percent_is_how_much_less(plain, share):
    arm = np.full(5, plain * share) * np.array([0.99, 1.01, 1.0, 0.99, 1.01])
    shown = float(claims_setup.percent(claims_setup.gain(arm, np.full(5, plain))).split("%")[0])
    assert shown == pytest.approx(100 * (1 - share * np.exp(np.log([0.99, 1.01, 1.0, 0.99, 1.01]).mean())), abs=0.06)


@given(st.floats(0.05, 2.0), st.integers(0, 100))
def test_a_verdict_turns_round_with_its_sign(size, seed):
    noise = np.random.default_rng(seed).normal(0.0, 0.001, (2, 10))
    better = {"one": size + noise[0], "two": size + noise[1]}
    assert claims_setup.verdict(better) == "held"
    assert claims_setup.verdict({n: -g for n, g in better.items()}) == "did not hold"


def test_a_table_that_loses_makes_it_part():
    noise = np.linspace(-0.01, 0.01, 10)
    assert claims_setup.verdict({"one": 0.5 + noise, "two": -0.1 + noise}) == "held in part"
    assert claims_setup.verdict({"one": 0.1 + noise, "two": -0.5 + noise}) == "held in part"
    assert claims_setup.verdict({"one": 10 * noise, "two": -10 * noise}) == "did not hold"


def test_strengths_are_chosen_on_validation_rows_alone():
    def outcome(valid: list[float], test: list[float], late: list[float]) -> claims_setup.Outcome:
        last = (10, np.zeros(2), np.array(late))
        zeros = np.zeros(2)
        return claims_setup.Outcome(
            np.array(valid), np.array(test), np.array(test) + 100, zeros, zeros, zeros, zeros, zeros, (last,), {}
        )

    found = {"a": outcome([1.0, 3.0], [5.0, 1.0], [9.0, np.nan]), "b": outcome([2.0, 2.0], [1.0, 7.0], [8.0, 2.0])}
    assert claims_setup.chosen(found, ["a", "b"]).tolist() == [5.0, 7.0]
    assert claims_setup.chosen(found, ["a", "b"], "last").tolist() == [101.0, 107.0]


def test_splits_are_apart_and_synthetic_rows_stay_in_their_fold():
    import claims_more
    from wellfit import Recipe
    from wellfit.regularizers import SMOTE

    for train, valid, test in claims_setup.split_rows(100, 30, 20):
        assert sorted(torch_rows := [*train.tolist(), *valid.tolist(), *test.tolist()]) == list(range(100))
        assert len(torch_rows) == 100
    task = claims_more.rare()["digit 8"]
    grown = claims_more.resampled(task, Recipe(SMOTE(1.0)))
    for (train, valid, test), (old, old_valid, old_test) in zip(grown.splits, task.splits, strict=True):
        labels = grown.target.values[train].argmax(1)
        assert int(labels.sum()) * 2 == len(labels)
        assert valid.equal(old_valid)
        assert test.equal(old_test)
        assert grown.x[train][: len(old)].equal(task.x[old])
