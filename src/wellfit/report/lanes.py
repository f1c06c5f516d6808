"""Forest plots: one lane for each thing that is compared, with its value and its interval, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wellfit.report.axis import Axis, axis_over
from wellfit.report.drawing import FIGURE, WIDTH, arrow, bottom_axis, fitting, line, marker, svg, words
from wellfit.report.html import Html

_ROW = 42  # units of height: a line of words and the interval below it


@dataclass(frozen=True)
class Lane:
    """One lane.

    Attributes:
        told: the value as it is written.
        family: gives the marker's shape and color.
        bold, gone: whether its words are strong, or struck out.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    told: str
    family: str = "single"
    bold: bool = False
    gone: bool = False

    @property
    def ends(self) -> list[float]:
        """Every number that the axis has to hold."""
        return [end for end in (self.value, self.low, self.high) if end is not None]


def lanes_axis(lanes: Sequence[Lane], *more: float) -> Axis:
    """An axis over all lanes, and over further values."""
    return axis_over([*more, *(end for lane in lanes for end in lane.ends)], 10, WIDTH - 10)


def forest(lanes: Sequence[Lane], axis: Axis, title: str, axis_title: str, zero: float | None = None) -> Html:
    """The drawing of all lanes; ``zero`` gets a dashed line."""
    bottom = _ROW * len(lanes) + 6
    drawn: list[Any] = bottom_axis(axis, bottom, bottom, axis_title)
    for place, lane in enumerate(lanes):
        drawn += _grid(axis, place, zero)
        drawn += _entry(axis, lane, place)
    return svg(bottom + 38, title, drawn)


def _grid(axis: Axis, place: int, zero: float | None) -> list[Html]:
    """Grid lines beside one interval; the words above it stay free of them."""
    top, bottom = _ROW * place + 22, _ROW * place + 41
    drawn = [line(axis.at(value), top, axis.at(value), bottom, "grid") for value, _ in axis.ticks()]
    if zero is not None:
        drawn.append(line(axis.at(zero), top, axis.at(zero), bottom, "zero"))
    return drawn


def _entry(axis: Axis, lane: Lane, place: int) -> list[Html]:
    top = _ROW * place + 17
    y = top + 14
    style = " ".join(name for name, wanted in (("strong", lane.bold), ("gone", lane.gone)) if wanted)
    label = fitting(lane.label, WIDTH - 12 - FIGURE * len(lane.told))
    drawn = [words(1, top, label, style), words(WIDTH - 1, top, lane.told, "small", "end")]
    low, high = lane.low, lane.high
    if low is not None and high is not None and (axis.holds(low) or axis.holds(high)):
        left, right = axis.at(low), axis.at(high)
        drawn.append(line(left, y, right, y, f"interval {lane.family}"))
        drawn += [line(end, y - 4, end, y + 4, f"interval {lane.family}") for end in (left, right)]
    if axis.holds(lane.value):
        return [*drawn, marker(lane.family, axis.at(lane.value), y, f"{lane.label}: {lane.told}")]
    return [*drawn, arrow(axis.at(lane.value), y, right=lane.value > axis.high)]
