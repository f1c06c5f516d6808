"""Which input columns the recipe removed, told for the page and for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.drawing import FIGURE, WIDTH, bar, data_table, figure, fitting, pair, svg, words
from wellfit.report.html import Html, h
from wellfit.report.numbers import count, percent
from wellfit.report.record import find, list_at, mapping_at, number_at, text_at, texts_at

_LISTED = 200
_TOLD, _DRAWN = 12, 16


def selection(record: Mapping[str, Any]) -> Html | None:
    """The section of the page; None where the recipe sets nothing to zero."""
    sentence = selection_words(record)
    if not sentence:
        return None
    lines = sorted(_columns(record), key=lambda c: -_share(c))
    body = [
        (text_at(c, "name", limit=80), "removed" if find(c, "removed") is True else "read", percent(_share(c), 0))
        for c in lines[:_LISTED]
    ]
    told = f"The first {_LISTED} of {len(lines):,} columns" if len(lines) > _LISTED else "Every column"
    table = data_table(("column", "in the model", "removed over trainings"), body, told)
    details = h("details", h("summary", count(len(lines), "column")), table)
    return h("section", h("h2", "Removed inputs"), h("p", sentence), pair([_share_plot(lines)]), details, id="columns")


def _share_plot(lines: list[Mapping[str, Any]]) -> Html | None:
    """In how many of the trainings each column was removed, the most often removed first."""
    shown = [c for c in lines if _share(c) > 0][:_DRAWN]
    if not shown:
        return None
    drawn: list[Any] = []
    for place, column in enumerate(shown):
        gone, told, y = find(column, "removed") is True, percent(_share(column), 0), 34.0 * place
        label = fitting(text_at(column, "name", limit=80), WIDTH - 12 - FIGURE * len(told))
        drawn += [words(1, y + 12, label, "gone" if gone else ""), words(WIDTH - 1, y + 12, told, "small", "end")]
        drawn.append(bar(1, y + 18, (WIDTH - 2) * min(_share(column), 1.0), 8, "bar" if gone else "bar faint"))
    body = [(text_at(c, "name", limit=80), percent(_share(c), 0)) for c in shown]
    more = f" The first {_DRAWN} of {len(lines):,}." if len(lines) > _DRAWN else ""
    told = f"Share of trainings that removed a column; struck out are those that are gone from the model.{more}"
    drawing = svg(34 * len(shown), "share of trainings that removed each column", drawn)
    return figure(drawing, told, data_table(("column", "removed over trainings"), body))


def selection_words(record: Mapping[str, Any]) -> str:
    """Which columns were removed by what, and in how many trainings each; empty where nothing could be."""
    facts, columns = mapping_at(record, "selection"), _columns(record)
    if not columns:
        return ""
    parts, trainings = " and ".join(texts_at(facts, "parts")[:5]), number_at(facts, "trainings") or 0
    gone = [c for c in columns if find(c, "removed") is True]
    over = f"{trainings:,.0f} trainings over seeds and folds"
    if not gone:
        none = f"{parts} removed none of {count(len(columns), 'column')}: each is read with some weight."
        return f"{none} {_averaged(facts)}"
    named = [f"{text_at(c, 'name', limit=60)} ({percent(_share(c), 0)})" for c in gone[:_TOLD]]
    more = f" and {len(gone) - _TOLD} more" if len(gone) > _TOLD else ""
    return (
        f"{parts} removed {len(gone):,} of {count(len(columns), 'column')}; in brackets, the share of {over} that "
        f"removed it too: {', '.join(named)}{more}. {_averaged(facts)}"
    )


def _averaged(facts: Mapping[str, Any]) -> str:
    if text_at(facts, "weights", limit=20) != "last step":
        return "Removed is a column of which every weight that reads it is exactly zero in the weights handed over."
    return (
        "Looked at were the trained weights of the last step: what is handed over is their moving average, in which "
        "nothing is exactly zero. Without the average these columns would be gone from the model."
    )


def _columns(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [c for c in list_at(record, "selection", "columns") if isinstance(c, Mapping)]


def _share(column: Mapping[str, Any]) -> float:
    return number_at(column, "share") or 0.0
