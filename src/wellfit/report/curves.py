"""The learning curves: loss on training and validation rows, step by step, without and with regularization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wellfit.report.axis import Axis, axis_over
from wellfit.report.drawing import WIDTH, bottom_axis, data_table, figure, left_axis, line, path, svg, words
from wellfit.report.html import Html, h
from wellfit.report.numbers import number
from wellfit.report.record import find, finite, list_at

_POINTS = 150  # per line: more cannot be told apart at this width
_TOP, _BOTTOM, _LEFT = 26, 226, 50
_CUT = 0.98  # the share of values that fits the drawing; a loss that explodes would flatten all the rest


@dataclass(frozen=True)
class Curves:
    """One network's curves: steps, and one list of values for each seed."""

    title: str
    steps: list[float]
    train: list[list[float | None]]
    valid: list[list[float | None]]

    def best(self) -> tuple[float, float] | None:
        """The step with the lowest mean validation loss, and that loss."""
        middle = [(value, step) for step, value in zip(self.steps, mean(self.valid), strict=False) if value is not None]
        return (min(middle)[1], min(middle)[0]) if middle else None


def read_curves(record: Mapping[str, Any]) -> list[Curves]:
    """The curves of a record that can be drawn."""
    titles = {"control": "Without regularization", "cocktail": "With the recipe"}
    found = [_read(find(record, "curves", key), title) for key, title in titles.items()]
    return [curves for curves in found if curves is not None]


def _read(entry: Any, title: str) -> Curves | None:
    steps = [finite(step) for step in list_at(entry, "step")]
    keep = [index for index, step in enumerate(steps) if step is not None]
    keep = (
        [keep[(len(keep) - 1) * place // max(_POINTS - 1, 1)] for place in range(_POINTS)]
        if len(keep) > _POINTS
        else keep
    )
    train, valid = (_seeds(list_at(entry, name), keep, len(steps)) for name in ("train", "valid"))
    if not keep or not (train or valid):
        return None
    return Curves(title, [steps[index] or 0.0 for index in keep], train, valid)


def _seeds(values: list[Any], keep: list[int], length: int) -> list[list[float | None]]:
    """One list for each seed, of the steps that are kept; a flat list is a single seed, a transposed one is turned."""
    if values and not isinstance(values[0], list | tuple):
        values = [values]
    rows = [list(row) for row in values if isinstance(row, list | tuple)]
    if rows and len(rows) == length and any(len(row) != length for row in rows):
        rows = [list(row) for row in zip(*rows, strict=False)]
    return [[finite(row[index]) if index < len(row) else None for index in keep] for row in rows]


def mean(rows: list[list[float | None]]) -> list[float | None]:
    """The mean over seeds at each step; None where no seed has a value."""
    columns = [[value for value in column if value is not None] for column in zip(*rows, strict=False)]
    return [sum(column) / len(column) if column else None for column in columns]


def curve_plots(record: Mapping[str, Any]) -> list[Html]:
    """A figure for each network that has curves; all of them share one scale of loss."""
    found = read_curves(record)
    values = sorted(
        v for curves in found for rows in (curves.train, curves.valid) for row in rows for v in row if v is not None
    )
    if not values:
        return []
    shown = values[: max(1, int(len(values) * _CUT + 0.999))]
    axis = axis_over(shown, _BOTTOM, _TOP)
    return [_plot(curves, axis, clipped=values[-1] > axis.high) for curves in found]


def _plot(curves: Curves, y_axis: Axis, clipped: bool) -> Html:
    x_axis = Axis(min(curves.steps), max(max(curves.steps), min(curves.steps) + 1), _LEFT, WIDTH - 8)
    drawn: list[Any] = [
        *left_axis(y_axis, _LEFT, WIDTH - 8),
        *bottom_axis(x_axis, _BOTTOM, _BOTTOM, "training step"),
        words(4, 14, "loss", "small"),
        *_lines(curves.train, curves.steps, x_axis, y_axis, "train"),
        *_lines(curves.valid, curves.steps, x_axis, y_axis, "valid"),
        *_key(),
    ]
    best = curves.best()
    if best is not None:
        x, y = x_axis.at(best[0]), y_axis.at(best[1])
        drawn += [line(x, y, x, _BOTTOM, "zero"), h("circle", cx=x, cy=y, r=4, class_="mark valid")]
    caption = [h("strong", f"{curves.title}. "), _sentence(curves, best, clipped)]
    return figure(svg(_BOTTOM + 38, f"{curves.title}: loss by training step", drawn), caption, _table(curves))


def _lines(rows: list[list[float | None]], steps: list[float], x_axis: Axis, y_axis: Axis, kind: str) -> list[Html]:
    """A faint line for each seed and a strong one for their mean."""
    faint = [(row, f"seed {kind}") for row in rows[:20]] if len(rows) > 1 else []
    drawn = []
    for row, class_ in [*faint, (mean(rows), f"curve {kind}")]:
        points = [(x_axis.at(s), y_axis.at(v)) for s, v in zip(steps, row, strict=False) if v is not None]
        drawn += [path(points, class_)] if len(points) > 1 else []
    return drawn


def _key() -> list[Html]:
    """Which line is which, in words and by dashes, in the corner that curves leave free."""
    right = WIDTH - 8
    return [
        line(right - 178, 10, right - 156, 10, "curve train"),
        words(right - 151, 14, "training", "small"),
        line(right - 90, 10, right - 68, 10, "curve valid"),
        words(right - 63, 14, "validation", "small"),
    ]


def _sentence(curves: Curves, best: tuple[float, float] | None, clipped: bool) -> str:
    told = []
    if best is not None:
        told.append(f"Validation is best at step {number(best[0], 6)} (dot), with {number(best[1], 4)}.")
        last = next((value for value in reversed(mean(curves.valid)) if value is not None), None)
        told += [f"At the last step it is {number(last, 4)}."] if last is not None else []
    seeds = max(len(curves.train), len(curves.valid))
    told += [f"Strong lines are means of {seeds} seeds, faint lines the seeds."] if seeds > 1 else []
    told += ["The highest losses lie above the drawing."] if clipped else []
    return " ".join(told)


def _table(curves: Curves) -> Html:
    train, valid = mean(curves.train), mean(curves.valid)
    chosen = sorted({(len(curves.steps) - 1) * place // 19 for place in range(20)})
    body = [
        (
            number(curves.steps[index], 6),
            number(train[index] if index < len(train) else None, 4),
            number(valid[index] if index < len(valid) else None, 4),
        )
        for index in chosen
    ]
    return data_table(("step", "training", "validation"), body)
