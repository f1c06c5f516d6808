"""Lines for a terminal: at most 100 columns, no control characters, numbers that line up."""

from __future__ import annotations

import pytest
from sample_record import PAYLOADS, poisoned, record

from wellfit.report import numbers
from wellfit.report.before_after import _how
from wellfit.report.earned import curse_words
from wellfit.report.plain import plain
from wellfit.report.text import comparison, show, told


def test_a_run_is_told_in_lines_of_a_hundred_columns():
    lines = show(record()).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("wellfit 0.1.0  run adult-7f3a  finished")
    assert any(line.startswith("result     Regularization helps.") for line in lines)
    assert any("+0.0611" in line for line in lines)
    assert lines[-1] == "command    wellfit fit adult.csv --target income --budget 60s --seed 0"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_bring_no_control_characters(payload):
    shown = show(poisoned(record(), payload))
    assert not [letter for letter in shown if letter in "\x1b\x07\r\t\u202e"]
    assert len(shown.splitlines()) < 80


@pytest.mark.parametrize("missing", sorted(record()))
def test_a_record_may_lack_any_key(missing):
    assert show({key: value for key, value in record().items() if key != missing})


def test_a_verdict_is_not_told_twice():
    twice = record()
    twice["verdict"]["sentence"] = "Regularization helps: RMSE 52.2 without, 49.1 with."
    assert "result     Regularization helps. RMSE 52.2 without, 49.1 with." in show(twice)


def test_a_recipe_that_was_not_searched_has_a_score_too():
    facts = {"curse": {"at_selection": None, "rescored": 0.44, "test": 0.45, "fresh_rows": True}}
    assert curse_words({**facts, "status": "budget"}) == ""
    told = curse_words({**facts, "status": "finished"})
    assert "0.440 under fresh seeds and rows" in told and told.endswith("0.450 on the test rows")


def test_a_model_that_was_not_fitted_again_is_not_said_to_be():
    again = "the model that is handed over were fitted on all rows"
    assert again in _how({"plan": {"skipped": []}})
    assert again not in _how({"plan": {"skipped": ["refit on all rows"]}})


def test_an_empty_record_is_told():
    assert show({}).startswith("wellfit  run ?")


@pytest.mark.parametrize("width", [20, 40, 60, 100, 200])
def test_a_table_drops_columns_before_it_grows_too_wide(width):
    lines = comparison(record(), width).splitlines()
    assert len(lines) == 11
    assert len({len(line) for line in lines[3:4]}) == 1
    assert max(map(len, lines)) <= max(width, 2 + 40 + 10)


def test_an_error_in_large_units_has_no_needless_decimals():
    large = record()
    for row, score in zip(large["comparison"], range(10), strict=True):
        row.update(score=14_000.0 + 100 * score, interval=[13_700.0 + 100 * score, 14_300.0 + 100 * score], gain=None)
    assert "14,100  [13,800, 14,400]" in comparison(large)


@pytest.mark.parametrize("width", [20, 30, 44, 100])
def test_a_sentence_wraps_at_the_width(width):
    lines = told("check", "a sentence of some length that does not fit on one line of a terminal", width).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("check ")


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;file:///etc\x1b\\b", "ab"),
        ("a\u009b31mb", "ab"),
        ("line\nbreak\ttab\r", "line break tab"),
        ("a\u202eb\u2066c\ufeff", "abc"),
        ("\x1bPpayload\x1b\\x", "x"),
        ("नि\u200dक", "नि\u200dक"),
        ("\x00a\x7f", "a"),
        (None, "None"),
    ],
)
def test_plain_text_has_no_escapes(dirty, clean):
    assert plain(dirty) == clean


def test_plain_text_is_cut():
    assert plain("abcdefghij", 8) == "abcde..."


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (float("nan"), "-"), (float("inf"), "infinite"), (12_400, "12,400"), (0.00012, "0.00012"),
     (0.5, "0.5"), (123456.7, "123,457"), (0, "0"), (-0.25, "-0.25")],
)  # fmt: skip
def test_numbers(value, text):
    assert numbers.number(value) == text


def test_differences_and_times():
    assert numbers.signed(0.0001, 2) == "0.00"
    assert numbers.signed(-0.25, 2) == "-0.25"
    assert [numbers.clock(value) for value in (0, 59.6, 3_661)] == ["0:00", "1:00", "1:01:01"]
    assert [numbers.duration(value) for value in (0.42, 58.61, 725, None)] == ["0.42 s", "58.6 s", "12 min 5 s", "-"]
