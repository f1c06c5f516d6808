"""Parallel coordinates: each candidate of the search as a line through its learning rate, strengths and loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wellfit.report.axis import Axis
from wellfit.report.drawing import data_table, figure, fitting, line, path, scrolling, svg, words
from wellfit.report.html import Html, h
from wellfit.report.numbers import number
from wellfit.report.tried import Tried, knob_names, read_tried, sampled

_WIDE, _LEFT, _RIGHT = 740, 46, 46
_TOP, _BOTTOM, _OFF = 58, 250, 276  # the axes' ends, and the height at which a part stands that a candidate lacks
_LINES, _BEST = 220, 24
_AXES = 7  # strengths beside learning rate and loss: more labels would run into each other
_CUT = 0.9  # the worst tenth of losses stands at the upper end of its axis

Picture = tuple[str, Axis]
"""An axis: its title and its scale."""


def parallel_plot(record: Mapping[str, Any]) -> Html | None:
    """The drawing; None where no candidate has a strength to draw."""
    found = [one for one in read_tried(record) if one.loss is not None and one.kind != "control"]
    names = knob_names(found)[:_AXES]
    if len(found) < 3 or not names:
        return None
    shown = sampled(found, _LINES, _BEST)
    axes = _axes(found, names)
    places = [_LEFT + (_WIDE - _LEFT - _RIGHT) * k / (len(axes) - 1) for k in range(len(axes))]
    drawn: list[Any] = [line(8, _OFF, _WIDE - 8, _OFF, "grid"), words(4, _OFF - 5, "off", "small")]
    drawn += [
        path(_points(one, names, axes, places), f"thread{_tone(k)}") for k, one in reversed(list(enumerate(shown)))
    ]
    for place, (title, axis) in zip(places, axes, strict=True):
        drawn += _axis(title, axis, round(place, 1), places)
    drawing = svg(_OFF + 10, "parallel coordinates of the search", drawn, width=_WIDE)
    return figure(
        scrolling(h("div", drawing, class_="broad"), "Parallel coordinates"),
        _caption(found, shown, names),
        _table(shown, names),
    )


def _axes(found: Sequence[Tried], names: Sequence[str]) -> list[Picture]:
    losses = sorted(one.loss for one in found if one.loss is not None)
    cut = losses[: max(2, math.ceil(len(losses) * _CUT))]
    return [
        ("learning rate", _whole([one.rate for one in found], log=True)),
        *[(name, _knob_axis([one.knobs[name] for one in found if name in one.knobs])) for name in names],
        ("loss", _whole(cut)),
    ]


def _knob_axis(values: Sequence[float]) -> Axis:
    log = min(values) > 0 and max(values) / min(values) > 30
    return _whole(values, log=log)


def _whole(values: Sequence[float], log: bool = False) -> Axis:
    """From the lowest to the highest value, without room around them: both are written at the ends."""
    return Axis(min(values), max(values), _BOTTOM, _TOP, log)


def _axis(title: str, axis: Axis, x: float, places: Sequence[float]) -> list[Html]:
    """The line with both ends written, and its title on two lines: the regularizer, then its knob."""
    room = (places[1] - places[0]) - 4
    head, _, tail = title.partition(" ")
    return [
        line(x, _TOP, x, _BOTTOM, "axis"),
        words(x, 16, fitting(head, room, 6.4), "small ink", "middle"),
        words(x, 30, fitting(tail, room, 6.4), "small", "middle"),
        words(x, _TOP - 7, number(axis.high, 2), "small", "middle"),
        words(x, _BOTTOM + 14, number(axis.low, 2), "small", "middle"),
    ]


def _points(
    one: Tried, names: Sequence[str], axes: Sequence[Picture], places: Sequence[float]
) -> list[tuple[float, float]]:
    values = [one.rate, *[one.knobs.get(name) for name in names], one.loss]
    return [
        (round(x, 1), float(_OFF) if value is None else axis.at(value))
        for value, (_, axis), x in zip(values, axes, places, strict=True)
    ]


def _tone(place: int) -> str:
    """The best few stand out by color, width and by being drawn last."""
    return " first" if place == 0 else " good" if place < _BEST else ""


def _caption(found: Sequence[Tried], shown: Sequence[Tried], names: Sequence[str]) -> list[Any]:
    told = f"A line is a candidate; the {min(_BEST, len(shown))} best are strong, the best is thick. "
    told += "Lines at the foot lack that part. The worst losses stand at the upper end of the last axis. "
    told += (
        f"Drawn are {len(shown):,} of {len(found):,}: the best and an even sample. " if len(shown) < len(found) else ""
    )
    every = len(knob_names(found))
    told += f"The {len(names)} strengths that were tried most often, of {every}." if every > len(names) else ""
    return [h("strong", "What was tried. "), told]


def _table(shown: Sequence[Tried], names: Sequence[str]) -> Html:
    body = [
        (number(one.loss, 4), number(one.rate), *[number(one.knobs[n]) if n in one.knobs else "off" for n in names])
        for one in shown[:_BEST]
    ]
    return data_table(("loss", "learning rate", *names), body, f"The best {len(body)}")
