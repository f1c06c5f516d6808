"""A run in a notebook's cell: verdict, figures and the way to the page, in elements that need no style sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.html import Html, h
from wellfit.report.numbers import between, fixed, percent, signed
from wellfit.report.record import (
    Row,
    ends_of,
    find,
    mappings_at,
    metric_label,
    metric_name,
    number_at,
    parts,
    rows,
    score_decimals,
    text_at,
    texts_at,
)
from wellfit.report.verdict import diagnosis_title, verdict_words
from wellfit.report.worth import settings_told

_MOST = 60  # lines and parts: a cell stays a few KB


def cell(record: Mapping[str, Any], folder: str) -> str:
    """The HTML of a notebook's cell.

    A style sheet would change the whole notebook, and notebooks that are not trusted drop it: there is none.

    Args:
        record: the content of run.json.
        folder: where report.html stands, as it is told.
    """
    title, sentence = verdict_words(record)
    lines, found = rows(record)[:_MOST], parts(record.get("recipe"))[:_MOST]
    told = ", ".join(settings_told(part) for part in found)
    diagnosed = diagnosis_title(record.get("diagnosis") or {})
    body = [
        h("p", h("strong", f"{title}. "), sentence),
        h("p", h("strong", "Diagnosis: "), diagnosed) if diagnosed else None,
        h("p", h("strong", "Recipe: "), told) if told else None,
        _table(lines, metric_name(record)) if lines else None,
        h("p", "The whole report: ", h("code", f"{folder}/report.html")),
    ]
    name = text_at(record, "name", limit=80)
    return h("div", h("p", h("small", f"wellfit run {name}".strip())), body)


def diagnosis_cell(found: Mapping[str, Any]) -> str:
    """The HTML of a notebook's cell for a diagnosis: its verdict, what was tried, what to do."""
    tried = [entry for entry in mappings_at(found, "variants") if number_at(entry, "gain") is not None][:_MOST]
    remedies = texts_at(found, "remedies")
    body = [
        h("p", h("strong", diagnosis_title(found)), f" ({text_at(found, 'code', limit=20)})"),
        h("p", text_at(found, "sentence", limit=1000)),
        _changes(tried) if tried else None,
        h("p", h("strong", "What to do: "), "; ".join(remedies)) if remedies else None,
        h("p", "The whole page: ", h("code", 'save_page("diagnosis.html")')),
    ]
    return h("div", h("p", h("small", "wellfit diagnosis")), body)


def _changes(tried: list[Mapping[str, Any]]) -> Html:
    head = [h("th", name, scope="col") for name in ("change", "gain in validation loss", "interval", "")]
    body = []
    for entry in tried:
        low, high = ends_of(find(entry, "interval"))
        cells = (signed(number_at(entry, "gain"), 4), between(low, high, 4, sign=True))
        told = "helps" if entry.get("helps") is True else ""
        label = text_at(entry, "label", limit=80) or text_at(entry, "name", limit=80)
        body.append(h("tr", h("th", label, scope="row"), [h("td", value) for value in (*cells, told)]))
    return h("table", h("thead", h("tr", head)), h("tbody", body))


def _table(lines: list[Row], metric: str) -> Html:
    decimals = score_decimals(lines)
    head = [h("th", name, scope="col") for name in ("model", metric_label(metric), "95 % interval", "gain over before")]
    body = [_line(row, decimals) for row in lines]
    return h("table", h("thead", h("tr", head)), h("tbody", body))


def _line(row: Row, decimals: int) -> Html:
    gain = row.gain
    share = f" ({percent(gain.relative)})" if gain is not None and gain.relative is not None else ""
    told = f"{signed(gain.value, decimals)}{share}" if gain is not None else ""
    cells = (fixed(row.score, decimals), between(row.low, row.high, decimals), told)
    return h("tr", h("th", row.label, scope="row"), [h("td", value) for value in cells])
