"""The page of a diagnosis by itself: verdict, remedy, curves, changes and checks, layers, studies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wellfit.report.codes import code
from wellfit.report.curve_plot import curve_plots
from wellfit.report.data_notes import pairs, studied
from wellfit.report.glossary import glossary
from wellfit.report.html import Html, h, preformatted
from wellfit.report.inside import inside
from wellfit.report.numbers import duration, number
from wellfit.report.page import document
from wellfit.report.record import mapping_at, number_at, text_at, texts_at
from wellfit.report.verdict import LEVELS, answer_box, diagnosis_title
from wellfit.report.why import why

TITLES = {
    "verdict": "Verdict", "curves": "Learning curve", "why": "Why", "inside": "Inside the network",
    "studies": "Studies", "remedy": "Remedy", "cost": "Cost", "glossary": "Glossary",
}  # fmt: skip

_TONES = {"healthy": "helps", "undecided": "partial"}
"""Verdicts that are no illness, and the level of a run whose color and sign they share."""


def render(found: Mapping[str, Any], name: str) -> str:
    """Turn a diagnosis into one HTML page.

    Args:
        found: its JSON form.
        name: what was diagnosed.

    Returns:
        A whole document that loads nothing and runs nothing.
    """
    from wellfit import __version__

    record = {
        "name": name, "wellfit": __version__, "status": "finished", "diagnosis": found,
        "curves": {"own": mapping_at(found, "curves")},
    }  # fmt: skip
    shown = {
        "verdict": _verdict(found),
        "curves": _curves(record),
        "why": why(record),
        "inside": inside(record) if mapping_at(found, "cost") else None,
        "studies": studied(record),
        "remedy": _remedy(found),
        "cost": _cost(found),
        "glossary": glossary(record),
    }
    return document(record, shown, TITLES, kicker="wellfit diagnosis")


def _verdict(found: Mapping[str, Any]) -> Html:
    word, sure = text_at(found, "verdict", limit=60), text_at(found, "confidence", limit=30)
    level = _TONES.get(word, "baseline wins" if sure == "confirmed" else "partial")
    name = text_at(found, "code", limit=20)
    tone, _, sign = LEVELS[level]
    title = [diagnosis_title(found), " ", code(name) if name else None]
    remedies, sentence = texts_at(found, "remedies"), text_at(found, "sentence", limit=1000)
    told = h("p", h("strong", "What to do: "), "; ".join(remedies[:3])) if remedies else None
    return h("section", answer_box(tone, sign, title, sentence[:1].upper() + sentence[1:]), told, id="verdict")


def _curves(record: Mapping[str, Any]) -> Html | None:
    figures = curve_plots(record)
    if not figures:
        return None
    told = "Where the validation line rises while the training line falls, the network learns its rows by heart. "
    told += "A look at curves is no proof"
    told += ": the changes further below are." if mapping_at(record, "diagnosis", "cost") else "."
    return h("section", h("h2", "Learning curve"), h("p", told), figures, id="curves")


def _remedy(found: Mapping[str, Any]) -> Html | None:
    """All that may be done, and the remedy as a recipe to train or to begin a search with."""
    remedies, recipe = texts_at(found, "remedies"), mapping_at(found, "recipe")
    if not remedies and not recipe:
        return None
    body: list[Any] = [h("ol", [h("li", told) for told in remedies])] if remedies else []
    if recipe:
        told = "As a recipe: keep it as recipe.json, and wellfit fit --start recipe.json begins its search with it."
        body += [h("p", told), preformatted(json.dumps(recipe, indent=2, default=str), class_="whole")]
    return h("section", h("h2", "Remedy"), body, id="remedy")


def _cost(found: Mapping[str, Any]) -> Html | None:
    facts = mapping_at(found, "cost")
    if not facts:
        return None
    lines = [
        ("trainings side by side", number(number_at(facts, "trainings"), 3)),
        ("their steps took", duration(number_at(facts, "training_seconds"))),
        ("times one plain training", number(number_at(facts, "times_one_training"), 3)),
        ("in all", duration(number_at(facts, "seconds"))),
    ]
    return h("section", h("h2", "Cost"), pairs(lines), id="cost")
