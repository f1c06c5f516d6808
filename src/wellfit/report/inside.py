"""Inside the network: how each layer learns, what is dead in it, how far its weights came, how honest it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wellfit.report.axis import axis_over
from wellfit.report.calibration_plot import reliability_plot
from wellfit.report.drawing import (
    FIGURE,
    WIDTH,
    bottom_axis,
    data_table,
    figure,
    fitting,
    line,
    marker,
    pair,
    svg,
    words,
)
from wellfit.report.html import Html, h
from wellfit.report.numbers import number, percent
from wellfit.report.record import mappings_at, number_at, text_at

_LAYERS = 24
_STRIP, _NORM = 30, 38  # units of height of a layer in the strip and in the plot of norms
_LEVELS = 5  # shades on each side of the middle


@dataclass(frozen=True)
class Column:
    """One column of the heat strip.

    Attributes:
        shade: from a value to -1 (far too little) over 0 (as it should be) to 1 (far too much).
    """

    key: str
    title: str
    told: Callable[[float], str]
    shade: Callable[[float], float]


def _update(value: float) -> float:
    """Around a thousandth of the weights a step is usual; a hundred times more or less is not."""
    return (math.log10(value) + 3.0) / 2.0 if value > 0 else -1.0


def _gradient(value: float) -> float:
    """Nothing is too small by itself down to a thousandth of the weights; below, learning dies out."""
    return min(0.0, (math.log10(value) + 2.0) / 3.0) if value > 0 else -1.0


_COLUMNS = (
    Column("update_ratio", "update", lambda v: number(v, 2), _update),
    Column("gradient_ratio", "gradient", lambda v: number(v, 2), _gradient),
    Column("dead", "dead", lambda v: percent(v, 0), lambda v: v / 0.8),  # 40 % dead is the middle of the shades
    Column("saturated", "saturated", lambda v: percent(v, 0), lambda v: v / 0.8),
)


def inside(record: Mapping[str, Any]) -> Html | None:
    """The layers and the calibration; None where neither was looked at."""
    layers = _layers(record)
    figures = [_heat_strip(layers), _norm_plot(layers), reliability_plot(record)]
    drawn = pair(figures)
    if drawn is None:
        return None
    missing = []
    if figures[0] is None:
        missing.append("gradients, updates and dead units of each layer (wellfit diagnose looks at them)")
    if figures[1] is None:
        missing.append("weight norms")
    if figures[2] is None and text_at(record, "data", "task", limit=20) != "regression":
        missing.append("calibration")
    told = h("p", f"Not looked at in this run: {'; '.join(missing)}.", class_="quiet") if missing else None
    return h("section", h("h2", "Inside the network"), drawn, told, id="inside")


def _layers(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers of the diagnosis where there was one; what the run itself saw fills their gaps."""
    own = {text_at(e, "name", limit=80): e for e in mappings_at(record, "inside", "layers")}
    told = mappings_at(record, "diagnosis", "layers")
    return [{**own.get(text_at(e, "name", limit=80), {}), **e} for e in told] or list(own.values())


def _heat_strip(layers: Sequence[Mapping[str, Any]]) -> Html | None:
    """One row a layer: shades for what is too little or too much, the number in each."""
    columns = [c for c in _COLUMNS if any(number_at(layer, c.key) is not None for layer in layers)]
    if not columns:
        return None
    shown = layers[:_LAYERS]
    left = 124.0
    wide = (WIDTH - left) / len(columns)
    drawn: list[Any] = [
        words(left + wide * (place + 0.5), 13, column.title, "small", "middle") for place, column in enumerate(columns)
    ]
    for row, layer in enumerate(shown):
        y = 22 + _STRIP * row
        drawn.append(words(1, y + 17, fitting(text_at(layer, "name", limit=60), left - 8), "small"))
        drawn += [
            one
            for place, column in enumerate(columns)
            for one in _cell(column, number_at(layer, column.key), left + wide * place, y, wide)
        ]
    caption = [
        h("strong", "Learning by layer. "),
        "Update: how far a step moves the weights, as a share of them; about a thousandth is usual. Gradient: its size "
        "against the weights. Dead: units that are zero on every row. Saturated: units stuck at their limits. ",
        "Blue is too little, orange too much. ",
        f"The first {_LAYERS} of {len(layers)} layers." if len(layers) > _LAYERS else "",
    ]
    body = [
        (text_at(layer, "name", limit=80), *[_told(column, number_at(layer, column.key)) for column in columns])
        for layer in shown
    ]
    drawing = svg(26 + _STRIP * len(shown), "learning by layer", drawn)
    return figure(drawing, caption, data_table(("layer", *(c.title for c in columns)), body))


def _cell(column: Column, value: float | None, x: float, y: float, wide: float) -> list[Html]:
    shade = 0.0 if value is None else max(-1.0, min(1.0, column.shade(value)))
    level = round(abs(shade) * _LEVELS)
    tone = "none" if value is None else f"{'low' if shade < 0 else 'high'}-{level}"
    box = h("rect", x=round(x + 1, 1), y=y, width=round(wide - 2, 1), height=_STRIP - 3, rx=3, class_=f"heat {tone}")
    return [box, words(round(x + wide / 2, 1), y + 18, _told(column, value), "cell", "middle")]


def _told(column: Column, value: float | None) -> str:
    return "-" if value is None else column.told(value)


def _norm_plot(layers: Sequence[Mapping[str, Any]]) -> Html | None:
    """Weight norms at the start and now, layer by layer, on a log scale."""
    shown = [e for e in layers if (number_at(e, "norm") or 0) > 0 and (number_at(e, "first_norm") or 0) > 0][:_LAYERS]
    if not shown:
        return None
    pairs = [(number_at(e, "first_norm") or 1.0, number_at(e, "norm") or 1.0) for e in shown]
    axis = axis_over([value for ends in pairs for value in ends], 10, WIDTH - 10, log=True)
    bottom = _NORM * len(shown) + 6
    drawn: list[Any] = bottom_axis(axis, bottom, bottom, "norm of the weights, log scale")
    for place, (layer, (first, last)) in enumerate(zip(shown, pairs, strict=True)):
        top = _NORM * place
        drawn += [line(axis.at(v), top + 18, axis.at(v), top + 36, "grid") for v, _ in axis.ticks()]
        drawn += _norm(text_at(layer, "name", limit=60), axis.at(first), axis.at(last), last / first, top)
    caption = [
        h("strong", "Weights, then and now. "),
        "Circle: at the start; triangle: as handed over. A layer far below its start was shrunk away by the penalties, "
        "one far above grew without a rein.",
    ]
    body = [
        (text_at(e, "name", limit=80), number(first), number(last), f"x {number(last / first, 2)}", _size(e))
        for e, (first, last) in zip(shown, pairs, strict=True)
    ]
    head = ("layer", "at the start", "handed over", "ratio", "parameters")
    return figure(svg(bottom + 38, "weights then and now", drawn), caption, data_table(head, body))


def _size(layer: Mapping[str, Any]) -> str:
    size = number_at(layer, "parameters")
    return "" if size is None else number(size, 9)


def _norm(name: str, first: float, last: float, ratio: float, top: float) -> list[Html]:
    told = f"x {number(ratio, 2)}"
    y = top + 27
    return [
        words(1, top + 15, fitting(name, WIDTH - 12 - FIGURE * len(told)), "small"),
        words(WIDTH - 1, top + 15, told, "small", "end"),
        line(first, y, last, y, "interval cocktail"),
        marker("baseline", first, y),
        marker("cocktail", last, y),
    ]
