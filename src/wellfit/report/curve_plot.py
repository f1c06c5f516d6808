"""The drawings of learning curves: bands over seeds, means as lines, and the steps that matter as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wellfit.report.axis import Axis, axis_over
from wellfit.report.curves import Curves, band, mean, read_curves
from wellfit.report.drawing import (
    WIDTH,
    bottom_axis,
    data_table,
    figure,
    left_axis,
    line,
    marker,
    path,
    svg,
    words,
)
from wellfit.report.html import Html, h
from wellfit.report.numbers import number

_TOP, _BOTTOM, _LEFT = 30, 226, 46
_CUT = 0.98  # the share of values that fits the drawing; a loss that explodes would flatten all the rest
_LOG = 30.0  # a loss that falls by this factor is drawn on a log scale: its end would else lie on the axis

Mark = tuple[str, str, float, float]
"""A marked step: name, family of the marker, step, loss."""


def curve_plots(record: Mapping[str, Any]) -> list[Html]:
    """A figure for each network that has curves; all of them share one scale of loss."""
    found = [curves for curves in read_curves(record) if len(curves.steps) > 1]
    values = sorted(
        v for curves in found for rows in (curves.train, curves.valid) for r in rows for v in r if v is not None
    )
    if not values:
        return []
    shown = values[: max(1, int(len(values) * _CUT + 0.999))]
    log = shown[0] > 0 and shown[-1] / shown[0] > _LOG
    axis = axis_over(shown, _BOTTOM, _TOP, log=log)
    return [_plot(curves, axis, clipped=values[-1] > axis.high) for curves in found]


def _plot(curves: Curves, y_axis: Axis, clipped: bool) -> Html:
    x_axis = Axis(min(curves.steps), max(max(curves.steps), min(curves.steps) + 1), _LEFT, WIDTH - 8)
    marks = marks_of(curves)
    drawn: list[Any] = [
        *left_axis(y_axis, _LEFT, WIDTH - 8),
        *bottom_axis(x_axis, _BOTTOM, _BOTTOM, "epoch" if curves.unit == "epoch" else "training step"),
        words(1, 13, "loss, log scale" if y_axis.log else "loss", "small"),
        *_lines(curves.train, curves.steps, x_axis, y_axis, "train"),
        *_lines(curves.valid, curves.steps, x_axis, y_axis, "valid"),
        *_key(),
        *[one for mark in reversed(marks) for one in _mark(mark, curves.unit, x_axis, y_axis)],
        *_mark_key(marks),
    ]
    caption = [h("strong", f"{curves.title}. "), _sentence(curves, marks, clipped)]
    return figure(svg(_BOTTOM + 60, f"{curves.title}: loss by {curves.unit}", drawn), caption, _table(curves))


def marks_of(curves: Curves) -> list[Mark]:
    """The steps that matter: best validation, begin of overfitting, and what is handed over."""
    best, onset = curves.best(), curves.onset()
    marks = [("best", "valid", *best)] if best else []
    marks += [("onset", "onset", *onset)] if onset else []
    value = curves.value_at(curves.stop) if curves.stop is not None else None
    return [*marks, *([("stop", "stop", curves.stop, value)] if curves.stop is not None and value is not None else [])]


def _mark(mark: Mark, unit: str, x_axis: Axis, y_axis: Axis) -> list[Html]:
    name, family, step, value = mark
    x, y = x_axis.at(step), y_axis.at(value)
    told = f"{name}: {unit} {number(step, 6)}, {number(value, 4)}"
    return [line(x, y, x, _BOTTOM, "drop"), marker(family, x, y, told)]


def _mark_key(marks: Sequence[Mark]) -> list[Html]:
    """What each mark is, below the axis, where they cannot run into each other."""
    drawn, x = [], float(_LEFT)
    for name, family, step, _ in marks:
        told = f"{name} {number(step, 6)}"
        drawn += [marker(family, x + 5, _BOTTOM + 49), words(x + 16, _BOTTOM + 53, told, "small")]
        x += 28 + 6.4 * len(told)
    return drawn


def _lines(rows: list[list[float | None]], steps: list[float], x_axis: Axis, y_axis: Axis, kind: str) -> list[Html]:
    """The range of the seeds as a band, their mean as a line."""
    drawn = []
    if len(rows) > 1:
        ends = [(x_axis.at(s), b) for s, b in zip(steps, band(rows), strict=False) if b is not None]
        around = [(x, y_axis.at(b[0])) for x, b in ends] + [(x, y_axis.at(b[1])) for x, b in reversed(ends)]
        drawn += [path(around, f"band {kind}", closed=True)] if len(ends) > 1 else []
    points = [(x_axis.at(s), y_axis.at(v)) for s, v in zip(steps, mean(rows), strict=False) if v is not None]
    return drawn + ([path(points, f"curve {kind}")] if len(points) > 1 else [])


def _key() -> list[Html]:
    """Which line is which, in words and by dashes, in the corner that curves leave free."""
    right = WIDTH - 8
    return [
        line(right - 170, 9, right - 150, 9, "curve train"),
        words(right - 145, 13, "training", "small"),
        line(right - 86, 9, right - 66, 9, "curve valid"),
        words(right - 61, 13, "validation", "small"),
    ]


def _sentence(curves: Curves, marks: Sequence[Mark], clipped: bool) -> str:
    told = [_best_words(curves, marks)]
    onset = next((mark for mark in marks if mark[0] == "onset"), None)
    if onset is not None:
        told.append(
            f"From {curves.unit} {number(onset[2], 6)} on (diamond) validation stays above its best by more than twice "
            "the standard error over seeds: overfitting sets in."
        )
    elif len(curves.valid) >= 3:
        told.append("Validation never rises surely above its best: no onset of overfitting.")
    stop = next((mark for mark in marks if mark[0] == "stop"), None)
    told += [f"The frame is {curves.unit} {number(stop[2], 6)}, where the trainings were taken."] if stop else []
    seeds = max(len(curves.train), len(curves.valid))
    told += [f"Lines are means of {seeds} trainings, bands their full range."] if seeds > 1 else []
    told += ["The highest losses lie above the drawing."] if clipped else []
    return " ".join(part for part in told if part)


def _best_words(curves: Curves, marks: Sequence[Mark]) -> str:
    best = next((mark for mark in marks if mark[0] == "best"), None)
    last = next((value for value in reversed(mean(curves.valid)) if value is not None), None)
    if best is None:
        return ""
    told = f"Validation is best at {curves.unit} {number(best[2], 6)} (circle), with {number(best[3], 4)}"
    return f"{told}; at the last {curves.unit} it is {number(last, 4)}." if last is not None else f"{told}."


def _table(curves: Curves) -> Html:
    train, valid, spread = mean(curves.train), mean(curves.valid), band(curves.valid)
    chosen = sorted({(len(curves.steps) - 1) * place // 19 for place in range(20)})

    def at(values: Sequence[Any], index: int) -> Any:
        return values[index] if index < len(values) else None

    body = [
        (
            number(curves.steps[index], 6),
            number(at(train, index), 4),
            number(at(valid, index), 4),
            " to ".join(number(end, 4) for end in at(spread, index) or ()),
        )
        for index in chosen
    ]
    return data_table((curves.unit, "training", "validation", "range over seeds"), body)


def curves(record: Mapping[str, Any]) -> Html | None:
    """Training and validation loss with and without the recipe: the section of the page."""
    figures = curve_plots(record)
    if not figures and not read_curves(record):
        return None
    if not figures:
        told = h("p", "The trainings were so short that they were evaluated once only: there is no curve to draw.")
        return h("section", h("h2", "Learning curves"), told, id="curves")
    told = (
        "Where the validation line rises while the training line falls, the network learns its rows by heart. Training "
        "loss is as trained, with noise and mixing switched on: with a recipe it may lie above validation."
    )
    return h("section", h("h2", "Learning curves"), h("p", told), h("div", figures, class_="pair"), id="curves")
