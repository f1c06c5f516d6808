"""What each ingredient of the recipe earned, and what a score that chose is worth: in words for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.numbers import measured, number, percent
from wellfit.report.record import find, list_at, mapping_at, number_at, text_at, texts_at

_TOLD = 5  # settings that are named: the rest decides little


def earned_words(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(topic, sentence) of the ablation and of the leaner recipe; empty where there was none."""
    facts = mapping_at(record, "ablation")
    rows = [row for row in list_at(facts, "rows") if isinstance(row, Mapping) and number_at(row, "gain") is not None]
    if not rows:
        return []
    told = ", ".join(_earned(row) for row in rows)
    return [("earned", f"{text_at(facts, 'metric', limit=60)} gained by each: {told}"), *_lean(facts)]


def _earned(row: Mapping[str, Any]) -> str:
    p, name = number_at(row, "p_adjusted"), text_at(row, "name", limit=60)
    gain = f"{name} {number_at(row, 'gain') or 0.0:+.2g}"
    if find(row, "kept") is True:
        return gain
    return f"{gain} (not significant{f', p = {p:.2g}' if p is not None else ''})"


def _lean(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What became of the leaner recipe."""
    margin = number(number_at(facts, "margin"), 2)
    lean, why = mapping_at(facts, "lean"), text_at(facts, "why_no_lean", limit=200)
    if not lean:
        return [("lean", f"no recipe.lean.json: {why}")] if why else []
    dropped, ends = ", ".join(texts_at(lean, "dropped")), find(lean, "interval")
    rows = "on fresh rows and seeds" if find(facts, "fresh") is True else "under fresh seeds"
    told = f"{number_at(lean, 'difference') or 0.0:+.2g}"
    if isinstance(ends, list | tuple) and len(ends) == 2 and all(isinstance(e, int | float) for e in ends):
        told += f" [{ends[0]:+.2g}, {ends[1]:+.2g}]"
    if find(lean, "non_inferior") is True:
        return [("lean", f"recipe.lean.json does without {dropped}: {told} {rows}, where -{margin} was allowed")]
    return [("lean", f"no recipe.lean.json: without {dropped} {told} {rows}, and -{margin} is not ruled out")]


def importance_words(record: Mapping[str, Any]) -> str:
    """What decided the losses of the search's candidates, largest share first; empty where that is unknown."""
    rows = [row for row in list_at(record, "importance") if isinstance(row, Mapping)]
    told = [f"{text_at(row, 'name', limit=40)} {percent(number_at(row, 'share'), 0)}" for row in rows[:_TOLD]]
    return f"share of what the search's candidates differed by: {', '.join(told)}" if told else ""


def curse_words(record: Mapping[str, Any]) -> str:
    """What the chosen recipe scored when it was chosen, re-scored, and on the test rows; empty where unknown."""
    facts = mapping_at(record, "curse")
    chosen, again = number_at(facts, "at_selection"), number_at(facts, "rescored")
    if again is None or (chosen is None and text_at(record, "status", limit=20) != "finished"):
        return ""  # a run that ended early has re-scored nothing
    rows = "fresh seeds and rows" if find(facts, "fresh_rows") is True else "fresh seeds"
    test = number_at(facts, "test")
    told = f"{measured(again)} under {rows}"
    if chosen is None:  # early stopping alone is a finalist without a search
        told += ", which chose it among the finalists"
    else:
        told = f"{measured(chosen)} on validation rows when it was chosen, {told}"
    return f"{told}, {measured(test)} on the test rows" if test is not None else told
