"""The report page: one file that needs nothing else, asks no host for anything and runs no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from wellfit.report import background, sections
from wellfit.report.balance import balance
from wellfit.report.columns import selection
from wellfit.report.html import Html, h, style_sheet
from wellfit.report.record import number_at, text_at
from wellfit.report.style import STYLE

_TITLES = {
    "verdict": "Verdict",
    "comparison": "Comparison",
    "balance": "Balance of classes",
    "curves": "Learning curves",
    "recipe": "Recipe",
    "columns": "Columns",
    "data": "Data",
    "search": "Search and budget",
    "reproduce": "Reproduce",
    "glossary": "Glossary",
}


def render(record: Mapping[str, Any]) -> str:
    """Turn a run's record into one HTML page.

    Args:
        record: the content of run.json; whatever an interrupted run lacks is left out.

    Returns:
        A whole document, at most 400 KB, whose security policy allows its own style sheet and nothing else.
    """
    made = {
        "verdict": sections.verdict(record),
        "comparison": sections.comparison(record),
        "balance": balance(record),
        "curves": sections.curves(record),
        "recipe": sections.recipe(record),
        "columns": selection(record),
        "data": background.data(record),
        "search": background.search(record),
        "reproduce": background.reproduce(record),
        "glossary": background.glossary(),
    }
    shown = {name: section for name, section in made.items() if section is not None}
    body = h("body", _header(record, list(shown)), h("main", list(shown.values())), _footer(record))
    return f"<!DOCTYPE html>\n{h('html', _head(record), body, lang='en')}\n"


def _head(record: Mapping[str, Any]) -> Html:
    return h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=policy()),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="referrer", content="no-referrer"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", f"{_name(record)} - wellfit report"),
        style_sheet(STYLE),
    )


def policy() -> str:
    """Nothing may be loaded or run; the page's own style sheet is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _name(record: Mapping[str, Any]) -> str:
    return text_at(record, "name", limit=80) or "run"


def _header(record: Mapping[str, Any], shown: list[str]) -> Html:
    links = [h("li", h("a", _TITLES[name], href=f"#{name}")) for name in shown if name != "verdict"]
    told = [text_at(record, "data", "file", limit=120), _target(record), _status(record)]
    line = " \N{MIDDLE DOT} ".join(part for part in told if part)
    return h(
        "header",
        h("h1", f"wellfit report: {_name(record)}"),
        h("p", line),
        h("nav", h("ul", links), aria_label="Sections"),
    )


def _target(record: Mapping[str, Any]) -> str:
    target = text_at(record, "data", "target", limit=120)
    return f"target {target}" if target else ""


def _status(record: Mapping[str, Any]) -> str:
    status = text_at(record, "status", limit=30)
    return "" if status in ("", "finished") else f"status: {status}"


def _footer(record: Mapping[str, Any]) -> Html:
    version = text_at(record, "wellfit", limit=40)
    reads = number_at(record, "test_reads")
    told = f"Made by wellfit {version}. " if version else "Made by wellfit. "
    told += "This page holds no row of the data and loads nothing from anywhere."
    told += f" Test rows were read {reads:,.0f} time{'' if reads == 1 else 's'}." if reads is not None else ""
    return h("footer", h("p", told))
