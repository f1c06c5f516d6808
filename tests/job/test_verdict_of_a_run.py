"""The verdict speaks of the recipe that is handed over, and of the networks that are."""

from __future__ import annotations

import types

import pytest

from wellfit.job.metrics import make_metric
from wellfit.job.verdict import too_brief, verdict
from wellfit.report.verdict import LEVELS

METRIC = make_metric(None, "binary", ("no", "yes"))


def _row(key, score, gain=None, spread=0.01, **more):
    told = None
    if gain is not None:
        ends = [gain - spread, gain + spread]
        told = {"against": "control_best", "value": gain, "relative": gain / 0.5, "interval": ends}
    return {"key": key, "label": key, "score": score, "interval": [score - 0.02, score + 0.02], "gain": told, **more}


def _rows(**changed):
    rows = {
        "control_best": _row("control_best", 0.5), "early_stopping": _row("early_stopping", 0.5, 0.0),
        "single": _row("single", 0.48, 0.02), "cocktail": _row("cocktail", 0.45, 0.05),
    }  # fmt: skip
    return list({**rows, **changed}.values())


def test_the_verdict_is_of_the_recipe_that_was_chosen():
    """The best cocktail gains, and early stopping was chosen on validation rows: nothing is proved of that."""
    found = verdict(_rows(), METRIC, "early_stopping")
    assert (found["level"], found["about"]) == ("nothing helps", "early_stopping")
    assert "0.5 with early stopping alone: +0.0 %" in found["sentence"]
    assert "0.45" not in found["sentence"]
    found = verdict(_rows(), METRIC, "cocktail")
    assert (found["level"], found["about"]) == ("helps", "cocktail")
    assert "0.45 with the best cocktail: +10.0 % [+8.0, +12.0]" in found["sentence"]


def test_scores_in_large_units_are_written_in_full():
    rows = [{**row, "score": 1e5 * row["score"]} for row in _rows()]
    told = verdict(rows, METRIC, "cocktail")["sentence"]
    assert "50,000 without regularization, 45,000 with" in told and "e+0" not in told


def test_no_recipe_taken_is_said_with_the_one_that_was_best():
    found = verdict(_rows(), METRIC, "control")
    assert found["level"] == "nothing helps"
    assert found["sentence"].startswith("No recipe was ahead on validation rows, so none is taken")


def test_what_is_handed_over_is_told_and_an_ensemble_may_be_what_helps():
    refit, ensemble = _row("refit", 0.42, 0.08), _row("ensemble", 0.4, 0.1)
    found = verdict(_rows(cocktail=_row("cocktail", 0.5, 0.0), refit=refit, ensemble=ensemble), METRIC, "cocktail")
    assert (found["level"], found["about"]) == ("ensemble helps", "ensemble")
    assert "Handed over: 0.42 alone (+16.0 % [+14.0, +18.0]), 0.4 as the ensemble" in found["sentence"]
    vague = _row("ensemble", 0.4, 0.1, spread=0.2)
    found = verdict(_rows(cocktail=_row("cocktail", 0.5, 0.0), ensemble=vague), METRIC, "cocktail")
    assert found["level"] == "nothing helps"


def test_a_baseline_that_is_surely_ahead_is_named_with_whom_it_beats():
    boosting = _row("boosting", 0.3, 0.2, lead={"against": "cocktail", "value": 0.15, "interval": [0.1, 0.2]})
    found = verdict(_rows(boosting=boosting), METRIC, "cocktail")
    assert found["level"] == "baseline wins"
    assert "0.3 against 0.45 (cocktail)" in found["sentence"]


def test_trainings_that_were_too_short_are_no_proof_that_nothing_helps():
    found = verdict(_rows(cocktail=_row("cocktail", 0.6, -0.1)), METRIC, "cocktail", "Too short.")
    assert found["level"] == "too short"
    assert found["sentence"].endswith("Too short.")
    assert verdict(_rows(), METRIC, "cocktail", "Too short.")["level"] == "helps"
    ensemble = _row("ensemble", 0.4, 0.1)
    found = verdict(_rows(cocktail=_row("cocktail", 0.5, 0.0), ensemble=ensemble), METRIC, "cocktail", "Too short.")
    assert found["level"] == "ensemble helps"


@pytest.mark.parametrize(("steps", "brief"), [(29, True), (99, True), (100, False), (5000, False)])
def test_how_long_is_long_enough(steps, brief):
    stage = types.SimpleNamespace(
        material=types.SimpleNamespace(fewest=300), plan=types.SimpleNamespace(batch=32)
    )  # fmt: skip
    finalists = [types.SimpleNamespace(entrants=[types.SimpleNamespace(step=s)]) for s in (steps, 10)]
    assert bool(too_brief(stage, finalists)) is brief


def test_a_comparison_that_did_not_happen_is_no_verdict():
    assert verdict([], METRIC, "cocktail")["level"] == "partial"
    assert verdict([_row("control_best", 0.5)], METRIC, "control")["level"] == "partial"


def test_every_level_has_its_words():
    for level in ("helps", "ensemble helps", "nothing helps", "baseline wins", "too short", "partial"):
        assert LEVELS[level][1]


def test_one_group_of_test_rows_proves_nothing():
    found = verdict(_rows(cocktail=_row("cocktail", 0.4, 0.1, spread=float("inf"))), METRIC, "cocktail")
    assert found["level"] == "partial"
    assert "one group: nothing can be told of others" in found["sentence"]
    assert "inf" not in found["sentence"]


def test_a_recipe_without_predictions_is_not_passed_off_as_another():
    rows = [r for r in _rows() if r["key"] != "cocktail"]
    found = verdict(rows, METRIC, "cocktail")
    assert found["about"] == "single"
    assert "The best cocktail, which was chosen, has predictions that are no numbers" in found["sentence"]


def test_a_base_of_nothing_is_told_without_shares():
    rows = {"control_best": _row("control_best", 0.0), "cocktail": _row("cocktail", 0.1, -0.1)}
    assert "%" not in verdict(list(rows.values()), METRIC, "cocktail")["sentence"]
