"""What the figures share: elements of an SVG, markers that differ in shape and color, and the frame around a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wellfit.report.axis import Axis
from wellfit.report.html import Html, h

WIDTH = 400
"""Units across every drawing: letters stay readable on a phone and calm on a wide page."""

_SHAPES = {"baseline": "circle", "control": "square", "single": "diamond", "cocktail": "triangle", "ensemble": "star"}
_PATHS = {
    "square": "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "diamond": "M0 -6L6 0L0 6L-6 0Z",
    "triangle": "M0 -6L5.8 4.6H-5.8Z",
    "star": "M0 -7L1.8 -2.2L6.7 -2.2L2.8 1L4.1 5.7L0 2.9L-4.1 5.7L-2.8 1L-6.7 -2.2L-1.8 -2.2Z",
}


def svg(height: float, title: str, *children: Any) -> Html:
    """A drawing with a title that screen readers tell."""
    return h("svg", h("title", title), *children, viewBox=f"0 0 {WIDTH} {round(height)}", role="img", aria_label=title)


def marker(family: str, x: float, y: float) -> Html:
    """The mark of a family of models: its own shape and its own color."""
    shape = _SHAPES.get(family, "circle")
    place = f"translate({x} {y})"
    if shape == "circle":
        return h("circle", r="4.8", transform=place, class_=f"mark {family}")
    return h("path", d=_PATHS[shape], transform=place, class_=f"mark {family}")


def arrow(x: float, y: float, right: bool) -> Html:
    """The mark of what lies beyond the drawing's edge."""
    return h("path", d="M-3 -5L4 0L-3 5" if right else "M3 -5L-4 0L3 5", transform=f"translate({x} {y})", class_="line")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    return h("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def words(x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> Html:
    return h("text", text, x=x, y=y, class_=class_ or None, text_anchor=None if anchor == "start" else anchor)


def path(points: Sequence[tuple[float, float]], class_: str) -> Html:
    """A line through points."""
    return h("path", d="M" + "L".join(f"{x:g} {y:g}" for x, y in points), class_=class_)


def bottom_axis(axis: Axis, top: float, bottom: float, title: str) -> list[Html]:
    """Grid lines, numbers and a title below."""
    drawn: list[Html] = []
    for value, told in axis.ticks():
        x = axis.at(value)
        drawn += [line(x, top, x, bottom, "grid"), words(x, bottom + 14, told, "small", "middle")]
    return [*drawn, words((axis.start + axis.end) / 2, bottom + 31, title, "small", "middle")]


def left_axis(axis: Axis, left: float, right: float) -> list[Html]:
    """Grid lines with numbers at their left."""
    drawn: list[Html] = []
    for value, told in axis.ticks():
        y = axis.at(value)
        drawn += [line(left, y, right, y, "grid"), words(left - 5, y + 3.5, told, "small", "end")]
    return drawn


def figure(drawing: Any, caption: Any, data: Html | None = None) -> Html:
    """A drawing, what it shows in words, and its numbers as a table that opens."""
    table = h("details", h("summary", "The numbers"), data) if data is not None else None
    return h("figure", drawing, h("figcaption", caption), table)


def data_table(head: Sequence[str], body: Sequence[Sequence[Any]], caption: str = "", class_: str = "") -> Html:
    """A table whose first column is the head of each row; what follows is set like numbers."""
    top = h("thead", h("tr", [h("th", name, scope="col") for name in head]))
    lines = [h("tr", h("th", row[0], scope="row"), [h("td", cell) for cell in row[1:]]) for row in body]
    told = h("caption", caption) if caption else None
    # Wide tables scroll on their own; a keyboard reaches the scrolling part through tabindex.
    table = h("table", told, top, h("tbody", lines), class_=class_ or None)
    return h("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption or head[0])
