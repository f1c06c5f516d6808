"""The forest plots of the comparison: each model's score, and what it gains over the control."""

from __future__ import annotations

from wellfit.report.axis import Axis, axis_over
from wellfit.report.drawing import WIDTH, data_table, figure
from wellfit.report.html import Html
from wellfit.report.lanes import Lane, forest, lanes_axis
from wellfit.report.numbers import between, fixed, percent, signed
from wellfit.report.record import REFERENCE, Row, score_decimals

_FAR = 2.0  # a majority class this many spans away from all others is drawn as an arrow at the edge


def score_plot(lines: list[Row], metric: str, lower_is_better: bool) -> Html | None:
    """Every model's score with its 95 % interval; None where no score is known."""
    shown = [row for row in lines if row.score is not None]
    if not shown:
        return None
    decimals = score_decimals(lines)
    reference = next((row.score for row in shown if row.key == REFERENCE), None)
    lanes = [_lane(row, row.score or 0.0, row.low, row.high, fixed(row.score, decimals)) for row in shown]
    better = f"{metric}, {'lower' if lower_is_better else 'higher'} is better"
    drawing = forest(lanes, _score_axis(shown), f"{metric} of every model", better, reference)
    caption = f"{metric[:1].upper()}{metric[1:]} with 95 % intervals over rows and seeds."
    if reference is not None:
        caption += " The dashed line is the same network without regularization, at its best validation epoch."
    return figure(drawing, caption, _score_table(shown, metric, decimals))


def gain_plot(lines: list[Row], metric: str) -> Html | None:
    """What each model gains over the control; None where no gain is known."""
    shown = [row for row in lines if row.gain is not None and row.key != "dummy"]
    gains = [row.gain for row in shown if row.gain is not None]
    if not gains:
        return None
    decimals = score_decimals(lines)
    told = [signed(gain.value, decimals) for gain in gains]
    lanes = [_lane(row, g.value, g.low, g.high, t) for row, g, t in zip(shown, gains, told, strict=True)]
    title = f"gain in {metric}, right of the dashed line is better"
    drawing = forest(lanes, lanes_axis(lanes, 0.0), f"gain in {metric}", title, 0.0)
    caption = (
        "Gain over the same network without regularization, paired row by row, with 95 % intervals. "
        "An interval that crosses the dashed line is no proof of a difference."
    )
    return figure(drawing, caption, _gain_table(shown, decimals))


def _lane(row: Row, value: float, low: float | None, high: float | None, told: str) -> Lane:
    return Lane(row.label, value, low, high, told, row.family, bold=row.family in ("cocktail", "ensemble"))


def _score_axis(shown: list[Row]) -> Axis:
    """Hold every model; leave a majority class outside that would press all the others together."""
    ends = [end for row in shown if row.key != "dummy" for end in (row.score, row.low, row.high) if end is not None]
    dummy = next((row.score for row in shown if row.key == "dummy"), None)
    if dummy is not None and ends:
        span = max(ends) - min(ends)
        near = min(ends) - _FAR * span <= dummy <= max(ends) + _FAR * span
        ends += [dummy] if near else []
    return axis_over(ends or [dummy or 0.0], 10, WIDTH - 10)


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
