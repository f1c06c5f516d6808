"""The search and its budget: everything that was tried, rung by rung, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.data_notes import pairs
from wellfit.report.drawing import pair
from wellfit.report.effort import candidate_plot, effort_words, phase_plot, rung_table
from wellfit.report.html import Html, h
from wellfit.report.numbers import number
from wellfit.report.parallel import parallel_plot
from wellfit.report.plain import plain
from wellfit.report.record import finite, mapping_at, text_at, texts_at

_LINES = 60


def search(record: Mapping[str, Any]) -> Html | None:
    """What was tried, what the budget went into, and what was left out for time."""
    told = effort_words(record)
    left_out = [
        *listed("Cut to fit the budget", texts_at(record, "plan", "cuts")),
        *listed("Skipped", texts_at(record, "plan", "skipped")),
    ]
    body = [
        h("p", f"{told}.") if told else None,
        pair([candidate_plot(record), phase_plot(record)]),
        parallel_plot(record),
        rung_table(record),
        left_out,
        _plan(record),
    ]
    if not any(body):
        return None
    return h("section", h("h2", "Search and budget"), body, id="search")


def listed(title: str, entries: list[str]) -> list[Html]:
    if not entries:
        return []
    told = [h("li", entry) for entry in entries[:_LINES]]
    rest = [h("li", f"and {len(entries) - _LINES} more")] if len(entries) > _LINES else []
    return [h("h3", title), h("ul", told, rest, class_="plain")]


def _plan(record: Mapping[str, Any]) -> Html | None:
    plan, shape = mapping_at(record, "plan"), mapping_at(record, "plan", "shape")
    if not plan:
        return None
    network = ", ".join(
        f"{key} {text_at(shape, key, limit=20)}"
        for key in ("inputs", "outputs", "width", "depth", "residual")
        if key in shape
    )
    lines = [("network", network)]
    for name, value in list(plan.items())[:_LINES]:
        amount = finite(value)
        lines.append(
            (plain(name, 40).replace("_", " "), text_at(plan, name, limit=80) if amount is None else number(amount, 4))
        )
    return h("details", h("summary", "The plan in steps"), pairs(lines))
