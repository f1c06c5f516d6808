"""What the budget was spent on: the candidates of the search, and the seconds of each phase."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wellfit.report.axis import Axis, axis_over
from wellfit.report.drawing import WIDTH, bar, bottom_axis, data_table, figure, left_axis, marker, svg, words
from wellfit.report.html import Html, h
from wellfit.report.numbers import count, duration, number, percent
from wellfit.report.record import list_at, mapping_at, number_at, text_at
from wellfit.report.tried import Tried, read_tried, sampled

_DOTS = 400  # more cannot be told apart, and a page stays small
_LISTED = 30
_LOSSES = 0.9  # the worst tenth of the candidates lies above the drawing: they diverged or nearly so


def candidate_plot(record: Mapping[str, Any]) -> Html | None:
    """Learning rate against validation loss for the candidates of the search; None where there are none."""
    found = [one for one in read_tried(record) if one.loss is not None]
    if not found:
        return None
    shown = sampled(found, _DOTS)
    losses = sorted(one.loss or 0.0 for one in found)
    x_axis = axis_over([one.rate for one in shown], 46, WIDTH - 8, log=True)
    y_axis = axis_over(losses[: max(2, math.ceil(len(losses) * _LOSSES))], 226, 26)
    drawn: list[Any] = [*left_axis(y_axis, 46, WIDTH - 8), *bottom_axis(x_axis, 26, 226, "learning rate")]
    drawn += [words(1, 13, "validation loss", "small")]
    drawn += [_dot(x_axis.at(one.rate), y_axis.at(one.loss or 0.0), one) for one in shown]
    drawn.append(marker("cocktail", x_axis.at(shown[0].rate), y_axis.at(shown[0].loss or 0.0)))
    told = f"{count(len(found), 'candidate')} of the search; the triangle is the best at its last evaluation. "
    told += "Squares are networks without regularization. " if any(one.kind == "control" for one in shown) else ""
    told += f"A sample of {len(shown)} is drawn. " if len(shown) < len(found) else ""
    told += "Losses above the drawing stand at its upper edge." if losses[-1] > y_axis.high else ""
    return figure(svg(264, "candidates of the search", drawn), told, _candidate_table(shown, len(found)))


def _dot(x: float, y: float, one: Tried) -> Html:
    """A candidate's small mark: a square for a control, else a dot."""
    if one.kind == "control":
        return h("rect", x=round(x - 2.2, 1), y=round(y - 2.2, 1), width="4.4", height="4.4", class_="dot control")
    return h("circle", cx=x, cy=y, r="2.4", class_="dot")


def _candidate_table(shown: Sequence[Tried], total: int) -> Html:
    body = [
        (one.label or one.kind, number(one.rate), number(one.loss, 4), number(one.step, 6)) for one in shown[:_LISTED]
    ]
    return data_table(("candidate", "learning rate", "loss", "step"), body, f"The best {len(body)} of {total:,}")


def phase_plot(record: Mapping[str, Any]) -> Html | None:
    """The seconds that each phase took, as bars; None where no phase is known."""
    phases = [
        (text_at(entry, "name", limit=40), number_at(entry, "seconds") or 0.0, number_at(entry, "member_steps"))
        for entry in list_at(record, "phases")
        if isinstance(entry, Mapping)
    ][:12]
    if not phases:
        return None
    axis = Axis(0.0, max(max(seconds for _, seconds, _ in phases), 1e-9), 2, WIDTH - 1)
    drawn: list[Any] = []
    for place, (name, seconds, _) in enumerate(phases):
        y = 34 * place + 13
        drawn += [words(1, y, name), words(WIDTH - 1, y, duration(seconds), "small", "end")]
        drawn.append(bar(1, y + 7, max(axis.at(seconds) - 2, 1), 8))
    body = [(name, duration(seconds), "" if steps is None else f"{steps:,.0f}") for name, seconds, steps in phases]
    drawing = svg(34 * len(phases), "seconds of each phase", drawn)
    return figure(drawing, _spent(record), data_table(("phase", "time", "member-steps"), body))


def _spent(record: Mapping[str, Any]) -> str:
    seconds, asked = number_at(record, "seconds"), text_at(record, "options", "budget", limit=40)
    told = f"{duration(seconds)} from process start" if seconds is not None else "Time of each phase"
    return f"{told}{f', of a budget of {asked}' if asked and seconds is not None else ''}."


def rung_table(record: Mapping[str, Any]) -> Html | None:
    """The rungs of the search: how many went in, how far, what came out."""
    body = [
        (
            f"{text_at(entry, 'name', limit=40)} {place}",
            number(number_at(entry, "members"), 6),
            number(_reached(entry), 6),
            number(number_at(entry, "kept"), 6),
            number(number_at(entry, "best"), 4),
            duration(number_at(entry, "seconds")),
        )
        for place, entry in enumerate(list_at(record, "search", "rungs")[:40], start=1)
        if isinstance(entry, Mapping)
    ]
    head = ("rung", "members", "to step", "kept", "best loss", "time")
    return data_table(head, body, "Rungs: the better part of the members trains on") if body else None


def _reached(entry: Mapping[str, Any]) -> float | None:
    """The step a rung came to, which time may have cut short of its goal."""
    reached = number_at(entry, "reached")
    return number_at(entry, "until") if reached is None else reached


def effort_words(record: Mapping[str, Any]) -> str:
    """How many members and member-steps the search and the controls got."""
    told = [count(number_at(record, "search", "members"), "candidate recipe")]
    told.append(_diverged(record))
    steps = mapping_at(record, "search", "member_steps")
    search, controls = number_at(steps, "search"), number_at(steps, "controls")
    told += [f"{search:,.0f} member-steps for the search"] if search is not None else []
    told += [f"{controls:,.0f} for the controls"] if controls is not None else []
    share = controls / search if controls is not None and search else None
    told += [f"so the controls got {percent(share, 0)} of what the recipes got"] if share is not None else []
    return ", ".join(part for part in told if part)


def _diverged(record: Mapping[str, Any]) -> str:
    diverged = number_at(record, "search", "diverged")
    return f"{diverged:,.0f} of them diverged" if diverged else ""
