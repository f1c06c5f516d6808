"""What a figure of the gallery is: a picture, the finding it states, its description in words, and its numbers."""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float


@dataclasses.dataclass(frozen=True)
class Table:
    """The numbers of a figure.

    Attributes:
        columns: their names; the first column names the row.
        rows: one cell for each column: words or numbers.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
        """A table of plain numbers and words, whatever library they come from."""
        return cls(tuple(columns), tuple(tuple(_plain(cell) for cell in row) for row in rows))

    def column(self, name: str) -> list[Cell]:
        return [row[self.columns.index(name)] for row in self.rows]

    def row(self, name: Cell) -> dict[str, Cell]:
        """The first row of that name, by column."""
        return next(dict(zip(self.columns, row, strict=True)) for row in self.rows if row[0] == name)

    def to_csv(self) -> str:
        """As CSV (UTF-8, a header, full precision)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([repr(cell) if isinstance(cell, float) else cell for cell in row] for row in self.rows)
        return text.getvalue()

    def to_json(self) -> list[dict[str, Cell | None]]:
        """One object for each row; what JSON lacks, infinity and NaN, becomes null."""
        return [{name: _finite(cell) for name, cell in zip(self.columns, row, strict=True)} for row in self.rows]


@dataclasses.dataclass(frozen=True)
class Plate:
    """A figure with its numbers; unpacks to the two: ``figure, table = dashboard()``.

    Attributes:
        figure: a matplotlib figure that belongs to no window and to no global state.
        table: its numbers.
        finding: what it shows, in a sentence; its title.
        alt: what there is to see, for those who cannot.
        note: how it was made.
    """

    figure: Figure
    table: Table
    finding: str
    alt: str
    note: str

    def __iter__(self) -> Iterator[Any]:
        return iter((self.figure, self.table))

    @property
    def axes(self) -> list[Any]:
        return list(self.figure.axes)

    @property
    def names(self) -> list[Cell]:
        """The rows of the table by name."""
        return [row[0] for row in self.table.rows]

    def to_json(self) -> str:
        told: Mapping[str, Any] = {"finding": self.finding, "alt": self.alt, "note": self.note}
        return json.dumps({**told, "rows": self.table.to_json()}, indent=1, allow_nan=False) + "\n"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A figure of the gallery by its name, with what draws it from a seed."""

    name: str
    title: str
    draw: Callable[..., Plate]


FIGURES: dict[str, Entry] = {}
"""Every figure by name, in the order of the page; the modules of ``wellfit.gallery`` fill it."""


def figure(name: str, title: str) -> Callable[[Callable[..., Plate]], Callable[..., Plate]]:
    """Register a function of a seed as a figure; it is drawn in the gallery's look."""

    def registered(draw: Callable[..., Plate]) -> Callable[..., Plate]:
        @functools.wraps(draw)
        def styled(*arguments: Any, **options: Any) -> Plate:
            from wellfit.gallery.look import look

            with look():
                return draw(*arguments, **options)

        FIGURES[name] = Entry(name, title, styled)
        return styled

    return registered


def _plain(value: Any) -> Cell:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str | int | float) else str(value)


def _finite(cell: Cell) -> Cell | None:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
