"""What the figures share: elements of an SVG, markers that differ in shape and color, and the frame around a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wellfit.report.axis import Axis
from wellfit.report.html import Html, h
from wellfit.report.plain import shortened

WIDTH = 360
"""Units across a drawing: letters stay readable on a phone and calm beside the text of a wide page."""

LETTER, FIGURE = 7.6, 6.9  # the widths of a letter of a label and of a smaller number, as large as a phone shows them

_SHAPES = {
    "baseline": "circle", "control": "square", "single": "diamond", "cocktail": "triangle", "ensemble": "star",
    "onset": "diamond", "stop": "frame",
}  # fmt: skip
_PATHS = {
    "square": "M-4.3 -4.3H4.3V4.3H-4.3Z",
    "frame": "M-7 -7H7V7H-7Z",
    "diamond": "M0 -5.8L5.8 0L0 5.8L-5.8 0Z",
    "triangle": "M0 -5.8L5.6 4.4H-5.6Z",
    "star": "M0 -7L1.8 -2.2L6.7 -2.2L2.8 1L4.1 5.7L0 2.9L-4.1 5.7L-2.8 1L-6.7 -2.2L-1.8 -2.2Z",
}


def svg(height: float, title: str, *children: Any, width: int = WIDTH) -> Html:
    """A drawing with a title that screen readers tell."""
    return h("svg", h("title", title), *children, viewBox=f"0 0 {width} {round(height)}", role="img", aria_label=title)


def marker(family: str, x: float, y: float, told: str = "") -> Html:
    """The mark of a family of models: its own shape and its own color; ``told`` shows where a pointer rests on it."""
    shape = _SHAPES.get(family, "circle")
    title = h("title", told) if told else None
    place = f"translate({x} {y})"
    if shape == "circle":
        return h("circle", title, r="4.6", transform=place, class_=f"mark {family}")
    return h("path", title, d=_PATHS[shape], transform=place, class_=f"mark {family}")


def swatch(family: str) -> Html:
    """A family's mark for a line of text."""
    return h("svg", marker(family, 8, 8), viewBox="0 0 16 16", class_="swatch", aria_hidden="true")


def arrow(x: float, y: float, right: bool) -> Html:
    """The mark of what lies beyond the drawing's edge."""
    return h("path", d="M-3 -5L4 0L-3 5" if right else "M3 -5L-4 0L3 5", transform=f"translate({x} {y})", class_="line")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    return h("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def bar(x: float, y: float, width: float, height: float, class_: str = "bar") -> Html:
    return h("rect", x=x, y=y, width=round(max(width, 0.0), 1), height=height, class_=class_)


def words(x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> Html:
    return h("text", text, x=x, y=y, class_=class_ or None, text_anchor=None if anchor == "start" else anchor)


def fitting(text: str, room: float, letter: float = LETTER) -> str:
    """A text cut to the letters that a room of so many units holds."""
    return shortened(text, max(int(room / letter), 4))


def path(points: Sequence[tuple[float, float]], class_: str, closed: bool = False) -> Html:
    """A line through points, or the area that they enclose."""
    return h("path", d="M" + "L".join(f"{x:g} {y:g}" for x, y in points) + ("Z" if closed else ""), class_=class_)


def bottom_axis(axis: Axis, top: float, bottom: float, title: str) -> list[Html]:
    """Grid lines, numbers and a title below."""
    drawn: list[Html] = []
    for value, told in axis.ticks():
        x = axis.at(value)
        drawn += [line(x, top, x, bottom, "grid"), words(x, bottom + 15, told, "small", "middle")]
    return [*drawn, words((axis.start + axis.end) / 2, bottom + 32, title, "small", "middle")]


def left_axis(axis: Axis, left: float, right: float) -> list[Html]:
    """Grid lines with numbers at their left."""
    drawn: list[Html] = []
    for value, told in axis.ticks():
        y = axis.at(value)
        drawn += [line(left, y, right, y, "grid"), words(left - 5, y + 3.5, told, "small", "end")]
    return drawn


def figure(drawing: Any, caption: Any, data: Html | None = None, class_: str = "") -> Html:
    """A drawing, what it shows in words, and its numbers as a table that opens."""
    table = h("details", h("summary", "The numbers"), data) if data is not None else None
    return h("figure", drawing, h("figcaption", caption), table, class_=class_ or None)


def data_table(head: Sequence[str], body: Sequence[Sequence[Any]], caption: str = "", class_: str = "") -> Html:
    """A table whose first column is the head of each row; what follows is set like numbers."""
    top = h("thead", h("tr", [h("th", name, scope="col") for name in head]))
    lines = [h("tr", h("th", row[0], scope="row"), [h("td", cell) for cell in row[1:]]) for row in body]
    told = h("caption", caption) if caption else None
    return scrolling(h("table", told, top, h("tbody", lines), class_=class_ or None), caption or head[0])


def scrolling(content: Html, label: str) -> Html:
    """What may be wider than the page scrolls on its own; a keyboard reaches it through tabindex."""
    return h("div", content, class_="scroll", tabindex="0", role="region", aria_label=label or "table")


def pair(figures: Sequence[Html | None]) -> Html | None:
    """Figures side by side where the page is wide enough; None where there are none."""
    shown = [one for one in figures if one is not None]
    return h("div", shown, class_="pair") if shown else None
