"""A run in a notebook's cell: verdict, figures and the way to the page, in elements that need no style sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.html import Html, h
from wellfit.report.numbers import between, fixed, percent, signed
from wellfit.report.record import Row, metric_label, metric_name, parts, rows, score_decimals, text_at
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
