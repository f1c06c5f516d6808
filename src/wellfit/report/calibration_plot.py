"""The reliability curve: how often the network is right where it says that it is so sure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from wellfit.report.axis import Axis
from wellfit.report.drawing import (
    WIDTH,
    bar,
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
from wellfit.report.numbers import count, number, percent
from wellfit.report.record import ends_of, find, mapping_at, mappings_at, number_at

_TOP, _BOTTOM, _LEFT = 24, 214, 46
_COUNTS = 36.0  # units of height of the bars that say how many rows stand behind a point

Bin = tuple[float, float, float]
"""Confidence, share that was right, rows."""


def reliability_plot(record: Mapping[str, Any]) -> Html | None:
    """The curve of the diagnosis, or of the run itself; None where neither looked."""
    facts = mapping_at(record, "diagnosis", "calibration")
    facts = facts if _bins(facts) else mapping_at(record, "inside", "calibration")
    bins = _bins(facts)
    if not bins:
        return None
    x_axis, y_axis = Axis(0.0, 1.0, _LEFT, WIDTH - 10), Axis(0.0, 1.0, _BOTTOM, _TOP)
    points = [(x_axis.at(sure), y_axis.at(right)) for sure, right, _ in bins]
    drawn: list[Any] = [
        *left_axis(y_axis, _LEFT, WIDTH - 10),
        *bottom_axis(x_axis, _BOTTOM, _BOTTOM, "how sure the network is"),
        words(1, 13, "share that is right", "small"),
        *_counts(bins, x_axis),
        line(x_axis.at(0), y_axis.at(0), x_axis.at(1), y_axis.at(1), "zero"),
        path(points, "curve valid"),
        *[
            marker("valid", x, y, f"{percent(b[1])} of {count(b[2], 'row')}")
            for (x, y), b in zip(points, bins, strict=True)
        ],
    ]
    body = [(percent(sure), percent(right), number(rows, 9)) for sure, right, rows in bins]
    drawing = svg(_BOTTOM + 38, "reliability of the probabilities", drawn)
    return figure(drawing, _caption(facts, bins), data_table(("said", "was right", "rows"), body))


def _bins(facts: Mapping[str, Any]) -> list[Bin]:
    found = [
        tuple(number_at(b, key) for key in ("confidence", "accuracy", "count")) for b in mappings_at(facts, "bins")
    ]
    return [b for b in found[:60] if None not in b and b[2]]  # type: ignore[misc]


def _counts(bins: Sequence[Bin], x_axis: Axis) -> list[Html]:
    """Bars at the foot: the more rows, the higher."""
    most, places = max(rows for _, _, rows in bins), sorted(x_axis.at(sure) for sure, _, _ in bins)
    wide = max(2.0, 0.7 * min([24.0, *(b - a for a, b in itertools.pairwise(places))]))
    return [
        bar(round(x_axis.at(sure) - wide / 2, 1), round(_BOTTOM - _COUNTS * rows / most, 1), wide,
            round(_COUNTS * rows / most, 1), "count")
        for sure, _, rows in bins
    ]  # fmt: skip


def _caption(facts: Mapping[str, Any], bins: Sequence[Bin]) -> list[Any]:
    error, temperature = number_at(facts, "ece"), number_at(facts, "temperature")
    low, high = ends_of(find(facts, "interval"))
    ends = f" [{number(low)}, {number(high)}]" if low is not None and high is not None else ""
    rows = sum(rows for _, _, rows in bins)
    told = f"On {count(rows, 'validation row')}: the nearer to the dashed line, the more honest. Bars count rows. "
    told += (
        f"Expected calibration error {percent(error)}{'' if temperature is not None else ends}. "
        if error is not None
        else ""
    )
    if temperature is not None:
        way = "too sure of itself" if temperature > 1.02 else "not sure enough" if temperature < 0.98 else "about right"
        told += f"A temperature of {number(temperature)}{ends} would be needed to set it right: it is {way}."
    return [h("strong", "Calibration. "), told]
