"""The gallery's page: every figure with its numbers, one file beside the pictures, no request to any host."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence

from wellfit.gallery.plate import Cell, Entry, Plate
from wellfit.report.drawing import data_table
from wellfit.report.html import Html, h, style_sheet
from wellfit.report.numbers import number
from wellfit.report.style import STYLE

_OWN = """
main section{margin-top:2.6rem}main h2{margin:0 0 .5rem}
figure>img{display:block;width:100%;height:auto;border-radius:.3rem}
figcaption{max-width:46rem}
""".strip()
_STYLE = f"{STYLE}\n{_OWN}"
_LONGEST = 400
"""Rows of a table on the page; the CSV beside it has all."""


def render(plates: Sequence[tuple[Entry, Plate]], seed: int) -> str:
    """One HTML page; pictures and tables lie beside it and are named by relative addresses."""
    links = [h("li", h("a", entry.title, href=f"#{entry.name}")) for entry, _ in plates]
    header = h(
        "header",
        h("h1", "wellfit gallery"),
        h("p", f"{len(plates)} figures about regularization, drawn by wellfit's own code. Seed {seed}."),
        h("nav", h("ul", links), aria_label="Figures"),
    )
    sections = [_section(entry, plate) for entry, plate in plates]
    footer = h("footer", h("p", "Made by wellfit. This page loads nothing but the pictures beside it."))
    body = h("body", header, h("main", sections), footer)
    return f"<!DOCTYPE html>\n{h('html', _head(), body, lang='en')}\n"


def _head() -> Html:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    allowed = f"default-src 'none'; img-src 'self' file:; style-src 'sha256-{digest}'"
    policy = f"{allowed}; base-uri 'none'; form-action 'none'"
    return h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=policy),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="referrer", content="no-referrer"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", "wellfit gallery"),
        style_sheet(_STYLE),
    )


def _section(entry: Entry, plate: Plate) -> Html:
    table = plate.table
    rows = [[_told(cell) for cell in row] for row in table.rows[:_LONGEST]]
    shown = data_table(table.columns, rows, f"{entry.title}: the numbers", "wordy" if _wordy(plate) else "")
    drawing = h("figure", _picture(entry, plate), h("figcaption", h("strong", plate.finding), ". ", plate.note))
    files = h("p", *_links(entry), class_="quiet")
    numbers = h("details", h("summary", f"The numbers ({len(table.rows)} rows)"), shown, files)
    return h("section", h("h2", entry.title), drawing, numbers, id=entry.name)


def _picture(entry: Entry, plate: Plate) -> Html:
    """The one element that names a file beside the page: names of figures are ours, and hold no markup."""
    width, height = (round(96 * inches) for inches in plate.figure.get_size_inches())
    alt = html.escape(f"{plate.finding}. {plate.alt}")
    return Html(f'<img src="{entry.name}.svg" alt="{alt}" width="{width}" height="{height}" loading="lazy">')


def _links(entry: Entry) -> list[Html]:
    return [Html(f'<a href="{entry.name}.{ending}">{entry.name}.{ending}</a> ') for ending in ("svg", "csv", "json")]


def _told(cell: Cell) -> str:
    return number(float(cell), 4) if isinstance(cell, float) else str(cell)


def _wordy(plate: Plate) -> bool:
    return any(isinstance(cell, str) for cell in plate.table.rows[0][1:])
