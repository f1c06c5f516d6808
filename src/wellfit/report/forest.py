"""The forest plots: each model's score with its interval, and what it gains over the control."""

from __future__ import annotations

from typing import Any

from wellfit.report.axis import Axis, axis_over
from wellfit.report.drawing import WIDTH, arrow, bottom_axis, data_table, figure, line, marker, svg, words
from wellfit.report.html import Html
from wellfit.report.numbers import between, fixed, percent, signed
from wellfit.report.plain import shortened
from wellfit.report.record import REFERENCE, Row, score_decimals

_ROW = 44  # units of height: a line of words and the interval below it
_LETTER, _FIGURE = 7.2, 6.6  # the usual width of a letter of a label, and of one of the smaller numbers beside it
_FAR = 2.0  # a majority class this many spans away from all others is drawn as an arrow at the edge


def score_plot(lines: list[Row], metric: str, lower_is_better: bool) -> Html | None:
    """Every model's score with its 95 % interval; None where no score is known."""
    shown = [row for row in lines if row.score is not None]
    if not shown:
        return None
    axis = _score_axis(shown)
    decimals = score_decimals(lines)
    bottom = _ROW * len(shown) + 8
    drawn: list[Any] = bottom_axis(
        axis, bottom, bottom, f"{metric}, {'lower' if lower_is_better else 'higher'} is better"
    )
    reference = next((row.score for row in shown if row.key == REFERENCE), None)
    for place, row in enumerate(shown):
        drawn += _lane(axis, place, reference)
        drawn += _entry(axis, row, place, (row.score or 0.0, row.low, row.high), fixed(row.score, decimals))
    caption = (
        f"{metric.capitalize()} on the test rows with 95 % intervals over rows and seeds. "
        "The dashed line is the same network without regularization, at its best validation epoch."
    )
    return figure(svg(bottom + 38, f"{metric} of every model", drawn), caption, _score_table(shown, metric, decimals))


def gain_plot(lines: list[Row], metric: str) -> Html | None:
    """What each model gains over the control; None where no gain is known."""
    shown = [row for row in lines if row.gain is not None and row.key != "dummy"]
    if not shown:
        return None
    gains = [row.gain for row in shown if row.gain is not None]
    values = [end for gain in gains for end in (gain.value, gain.low, gain.high) if end is not None]
    axis = axis_over([0.0, *values], 12, WIDTH - 12)
    decimals = score_decimals(lines)
    bottom = _ROW * len(shown) + 8
    drawn: list[Any] = bottom_axis(axis, bottom, bottom, f"gain in {metric}, right of the dashed line is better")
    for place, (row, gain) in enumerate(zip(shown, gains, strict=True)):
        drawn += _lane(axis, place, 0.0)
        drawn += _entry(axis, row, place, (gain.value, gain.low, gain.high), signed(gain.value, decimals))
    caption = (
        "Gain over the same network without regularization, paired row by row, with 95 % intervals. "
        "An interval that crosses the dashed line is no proof of a difference."
    )
    return figure(svg(bottom + 38, f"gain in {metric}", drawn), caption, _gain_table(shown, decimals))


def _score_axis(shown: list[Row]) -> Axis:
    """Hold every model; leave a majority class outside that would press all the others together."""
    ends = [end for row in shown if row.key != "dummy" for end in (row.score, row.low, row.high) if end is not None]
    dummy = next((row.score for row in shown if row.key == "dummy"), None)
    if dummy is not None and ends:
        span = max(ends) - min(ends)
        near = min(ends) - _FAR * span <= dummy <= max(ends) + _FAR * span
        ends += [dummy] if near else []
    return axis_over(ends or [dummy or 0.0], 12, WIDTH - 12)


def _lane(axis: Axis, place: int, reference: float | None) -> list[Html]:
    """Grid lines beside one row's interval; the words above it stay free of them."""
    top, bottom = _ROW * place + 24, _ROW * place + 43
    drawn = [line(axis.at(value), top, axis.at(value), bottom, "grid") for value, _ in axis.ticks()]
    if reference is not None:
        drawn.append(line(axis.at(reference), top, axis.at(reference), bottom, "zero"))
    return drawn


def _entry(axis: Axis, row: Row, place: int, ends: tuple[float, float | None, float | None], told: str) -> list[Html]:
    value, low, high = ends
    top = _ROW * place + 19
    y = top + 14
    bold = "strong" if row.family in ("cocktail", "ensemble") else ""
    label = shortened(row.label, int((WIDTH - 10 - _FIGURE * len(told)) / _LETTER))
    drawn = [words(2, top, label, bold), words(WIDTH - 2, top, told, "small", "end")]
    if low is not None and high is not None and (axis.holds(low) or axis.holds(high)):
        left, right = axis.at(low), axis.at(high)
        drawn.append(line(left, y, right, y, f"interval {row.family}"))
        drawn += [line(end, y - 4, end, y + 4, f"interval {row.family}") for end in (left, right)]
    if axis.holds(value):
        return [*drawn, marker(row.family, axis.at(value), y)]
    return [*drawn, arrow(axis.at(value), y, right=value > axis.high)]


def _score_table(shown: list[Row], metric: str, decimals: int) -> Html:
    body = [(row.label, fixed(row.score, decimals), between(row.low, row.high, decimals)) for row in shown]
    return data_table(("model", metric, "95 % interval"), body)


def _gain_table(shown: list[Row], decimals: int) -> Html:
    body = [
        (
            row.label,
            signed(row.gain.value, decimals),
            between(row.gain.low, row.gain.high, decimals, sign=True),
            percent(row.gain.relative) if row.gain.relative is not None else "",
        )
        for row in shown
        if row.gain is not None
    ]
    return data_table(("model", "gain", "95 % interval", "relative"), body)
