"""The report page: one file that needs nothing else, asks no host for anything and runs no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from wellfit.report.balance import balance
from wellfit.report.before_after import before_after
from wellfit.report.columns import selection
from wellfit.report.curve_plot import curves
from wellfit.report.data_notes import data
from wellfit.report.glossary import glossary
from wellfit.report.html import Html, h, style_sheet
from wellfit.report.inside import inside
from wellfit.report.record import number_at, text_at
from wellfit.report.reproduce import reproduce
from wellfit.report.search import search
from wellfit.report.style import STYLE
from wellfit.report.verdict import verdict
from wellfit.report.why import why
from wellfit.report.worth import earned

TITLES = {
    "verdict": "Verdict",
    "comparison": "Before and after",
    "balance": "Balance of classes",
    "curves": "Learning curves",
    "why": "Why",
    "recipe": "What earned its place",
    "inside": "Inside the network",
    "columns": "Removed inputs",
    "data": "Data",
    "search": "Search and budget",
    "reproduce": "Reproduce",
    "glossary": "Glossary",
}


def render(record: Mapping[str, Any], *, live: Html | None = None, refresh: int = 0) -> str:
    """Turn a run's record into one HTML page.

    Args:
        record: the content of run.json; whatever an interrupted run lacks is left out.
        live: how far a run has come that is still going.
        refresh: seconds after which a browser reads the file again; 0 is never.

    Returns:
        A whole document, a few hundred KB at most, whose security policy allows its own style sheet and nothing else.
    """
    return document(record, sections(record), TITLES, live=live, refresh=refresh)


def document(
    record: Mapping[str, Any], found: Mapping[str, Html | None], titles: Mapping[str, str], *,
    kicker: str = "wellfit report", live: Html | None = None, refresh: int = 0,
) -> str:  # fmt: skip
    """A whole page of sections; those that are None are left out, of the list of links too."""
    shown = {name: section for name, section in found.items() if section is not None}
    links = [h("li", h("a", titles[name], href=f"#{name}")) for name in shown]
    body = h(
        "body", h("a", "To the verdict", href="#verdict", class_="skip"), _header(record, links, kicker),
        h("main", live, list(shown.values())), _footer(record),
        class_="wellfit",
    )  # fmt: skip
    return f"<!DOCTYPE html>\n{h('html', _head(record, refresh, kicker), body, lang='en')}\n"


def sections(record: Mapping[str, Any]) -> dict[str, Html | None]:
    """The page's sections in their order; None where a record has nothing for one."""
    return {
        "verdict": verdict(record),
        "comparison": before_after(record),
        "balance": balance(record),
        "curves": curves(record),
        "why": why(record),
        "recipe": earned(record),
        "inside": inside(record),
        "columns": selection(record),
        "data": data(record),
        "search": search(record),
        "reproduce": reproduce(record),
        "glossary": glossary(record),
    }


def _head(record: Mapping[str, Any], refresh: int, kicker: str) -> Html:
    return h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=policy()),
        h("meta", http_equiv="refresh", content=refresh) if refresh else None,
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="referrer", content="no-referrer"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", f"{_name(record)} - {kicker}"),
        style_sheet(STYLE),
    )


def policy() -> str:
    """Nothing may be loaded or run; the page's own style sheet is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _name(record: Mapping[str, Any]) -> str:
    return text_at(record, "name", limit=80) or "run"


def _header(record: Mapping[str, Any], links: list[Html], kicker: str) -> Html:
    told = [text_at(record, "data", "file", limit=120), _target(record), _status(record)]
    line = " \N{MIDDLE DOT} ".join(part for part in told if part)
    return h(
        "header",
        h("p", kicker, class_="kicker"),
        h("h1", _name(record)),
        h("p", line) if line else None,
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
