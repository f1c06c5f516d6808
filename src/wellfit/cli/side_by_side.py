"""Several things told side by side, each in its column; one below the other where the columns would be too narrow."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from wellfit.report.plain import plain

NARROWEST = 20
"""Columns that a text needs to be read as a text."""

_TOPIC = 12
_GAP = 2


def side_by_side(names: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], width: int) -> str:
    """A topic to the left, a column for each name; topics that nobody has are left out.

    Args:
        names: the heads of the columns.
        rows: a topic, and what each name has to say of it; a line break starts a new line.
        width: columns in all.
    """
    told = [(topic, cells) for topic, cells in rows if any(cells)]
    room = (width - _TOPIC - _GAP * len(names)) // len(names)
    if room < NARROWEST:
        return "\n".join(line for topic, cells in told for line in _stacked(topic, names, cells, width))
    lines = _row("", [[name] for name in names], room)
    lines.append("-" * (_TOPIC + (room + _GAP) * len(names)))
    for topic, cells in told:
        lines += [*_row(topic, [_wrapped(cell, room) for cell in cells], room), ""]
    return "\n".join(lines[:-1])


def _row(topic: str, cells: Sequence[Sequence[str]], room: int) -> list[str]:
    return [
        (
            f"{topic if place == 0 else '':<{_TOPIC}}" + "".join(f"{' ' * _GAP}{piece:<{room}}" for piece in line)
        ).rstrip()
        for place, line in enumerate(itertools.zip_longest(*cells, fillvalue=""))
    ]


def _wrapped(cell: str, room: int) -> list[str]:
    pieces = [textwrap.wrap(plain(line), room, break_on_hyphens=False) for line in cell.split("\n")]
    return [piece for line in pieces for piece in line] or ["-"]


def _stacked(topic: str, names: Sequence[str], cells: Sequence[str], width: int) -> list[str]:
    lines = [topic]
    for name, cell in zip(names, cells, strict=True):
        for place, line in enumerate(cell.split("\n")):
            head = f"  {name}  " if place == 0 else "    "
            lines += textwrap.wrap(plain(line) or "-", width, initial_indent=head, subsequent_indent="    ")
    return lines
