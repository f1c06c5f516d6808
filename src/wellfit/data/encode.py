"""The numeric encoding of a table: fitted on training rows, one dense float32 matrix, no pickle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import pandas

from wellfit.data.cells import number_cells, text_error
from wellfit.data.codings import MOST_CATEGORIES, CategoryCoding, Coding, DateCoding, NumberCoding
from wellfit.data.names import clean_frame, close_names
from wellfit.data.notes import Column, Note, counted, listed, shown
from wellfit.data.strict import corrupt, fields_of
from wellfit.data.table import Table
from wellfit.errors import DataError

_VERSION = 1
_CODINGS: dict[str, type[Coding]] = {coding.kind: coding for coding in (NumberCoding, DateCoding, CategoryCoding)}


@dataclass(frozen=True)
class Block:
    """Consecutive columns of the encoded matrix that belong together.

    Args:
        name: the column's name, or the name of its frequency.
        kind: ``"number"`` (dates too) or ``"category"``, whose cells are one-hot (0/1 when the width is 1).
        start: the first column.
        width: how many columns.
    """

    name: str
    kind: str
    start: int
    width: int


class Encoder:
    """Turns frames into matrices; make one with ``Encoder.fit`` or ``Encoder.from_json``.

    Args:
        codings: one per column in use.
        padded: width of every block by name, in order, at least as wide as the codings need; None for just that.
    """

    def __init__(self, codings: Sequence[Coding], padded: dict[str, tuple[str, int]] | None = None) -> None:
        self._codings = tuple(codings)
        own = {part.name: (part.kind, part.width) for coding in self._codings for part in coding.parts}
        self._layout = dict(padded if padded is not None else own)
        self.blocks: list[Block] = []
        start = 0
        for name, (kind, width) in self._layout.items():
            self.blocks.append(Block(name, kind, start, width))
            start += width
        self.width = start

    @classmethod
    def fit(
        cls,
        table: Table | pandas.DataFrame,
        columns: Sequence[Column] | None = None,
        rows: numpy.ndarray | None = None,
        max_categories: int = MOST_CATEGORIES,
    ) -> Encoder:
        """Fit on training rows only.

        Args:
            table: the cells, in a table or a frame.
            columns: verdicts per column; the table's own if None.
            rows: the training rows, all if None.
            max_categories: categories with a slot of their own, most frequent first.
        """
        if columns is None:
            if not isinstance(table, Table):
                raise DataError("a frame came without columns.", fix="Pass the columns of the table.", code="WF-D21")
            columns = table.columns
        frame = table.frame if isinstance(table, Table) else clean_frame(table)[0]
        used = [column for column in columns if column.kind != "dropped"]
        taken = {column.name for column in used}
        return cls([_fit_column(column, frame, rows, max_categories, taken) for column in used])

    @property
    def names(self) -> list[str]:
        """The columns that a frame must have."""
        return [coding.name for coding in self._codings]

    @property
    def widths(self) -> dict[str, int]:
        """Width of every block by name."""
        return {block.name: block.width for block in self.blocks}

    @property
    def codings(self) -> tuple[Coding, ...]:
        """How each column is encoded, for reports and exports."""
        return self._codings

    def transform(self, frame: pandas.DataFrame) -> numpy.ndarray:
        """Encode rows, (rows, columns) in any order of columns to (rows, width) float32; always finite.

        A row's result depends on that row only. Unknown columns are ignored; missing cells and categories not seen
        in training are no error.

        Raises:
            DataError: ``WF-D21`` for a column that is absent, ``WF-D03`` for text in a number column.
        """
        frame = _clean_subset(frame, self.names)
        require_columns(frame, self.names)
        result = numpy.zeros((len(frame), self.width), dtype=numpy.float32)
        views = {block.name: result[:, block.start : block.start + block.width] for block in self.blocks}
        for coding in self._codings:
            coding.fill(frame[coding.name], views)
        return result

    def pad_to(self, widths: dict[str, int]) -> Encoder:
        """Return an encoder with the given block widths; what it does not fill stays 0. See ``shared_widths``.

        Raises:
            ValueError: a block would shrink or vanish.
        """
        own = {part.name: (part.kind, part.width) for coding in self._codings for part in coding.parts}
        small = [name for name, (_, width) in own.items() if widths.get(name, 0) < width]
        if small:
            raise ValueError(
                f"blocks cannot shrink: {listed(small)} need at least {[own[name][1] for name in small[:5]]} columns"
            )
        return Encoder(
            self._codings, {name: (own.get(name, ("number", 0))[0], width) for name, width in widths.items()}
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        layout = [{"name": name, "kind": kind, "width": width} for name, (kind, width) in self._layout.items()]
        return {"version": _VERSION, "columns": [coding.to_json() for coding in self._codings], "layout": layout}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Encoder:
        """Rebuild an encoder from ``to_json``.

        Raises:
            RunFolderError: ``WF-F01`` for anything that ``to_json`` could not have written.
        """
        found = fields_of(data, "the encoder", version=(_VERSION,), columns=list, layout=list)
        codings = [_coding(entry) for entry in found["columns"]]
        layout = [
            fields_of(entry, "the layout", name=str, kind=("number", "category"), width=int)
            for entry in found["layout"]
        ]
        padded = {entry["name"]: (entry["kind"], entry["width"]) for entry in layout}
        parts = [part for coding in codings for part in coding.parts]
        if len(padded) < len(layout) or len({part.name for part in parts}) < len(parts):
            raise corrupt("the layout", "a name stands twice")
        for part in parts:
            if part.name not in padded or padded[part.name][0] != part.kind or padded[part.name][1] < part.width:
                raise corrupt("the layout", f"the block {shown(part.name)} does not fit its column")
        if any(not 0 < entry["width"] <= 1_000_000 for entry in layout):
            raise corrupt("the layout", "a width is out of range")
        return cls(codings, padded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Encoder) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Encoder({len(self._codings)} columns -> {self.width})"


def shared_widths(encoders: Iterable[Encoder]) -> dict[str, int]:
    """The widths, in a common order, that all encoders can be padded to: the layout that the folds share."""
    encoders = list(encoders)
    order: dict[str, int] = {}
    for name in [name for encoder in encoders for name in encoder.names]:
        order.setdefault(name, len(order))
    widest: dict[tuple[int, int, str], int] = {}
    for encoder in encoders:
        for coding in encoder.codings:
            for position, part in enumerate(coding.parts):
                key = (order[coding.name], position, part.name)
                widest[key] = max(widest.get(key, 0), encoder.widths[part.name])
    return {name: widest[column, position, name] for column, position, name in sorted(widest)}


def check_columns(frame: pandas.DataFrame, encoder: Encoder) -> list[Note]:
    """Compare a new frame with the columns seen in training; order does not matter.

    Returns:
        a note on columns that are ignored.
    Raises:
        DataError: ``WF-D21`` for a column that is absent, ``WF-D03`` for text in a number column.
    """
    clean, notes = clean_frame(frame)
    require_columns(clean, encoder.names)
    for coding in encoder.codings:
        if isinstance(coding, NumberCoding) or (isinstance(coding, CategoryCoding) and coding.numbers):
            _require_numbers(clean[coding.name], coding.name)
    return [*notes, *unused_columns(clean, encoder.names)]


def unused_columns(frame: pandas.DataFrame, names: Sequence[str]) -> list[Note]:
    """A note on the columns of a new frame that training did not use, where there are any."""
    extra = [str(name) for name in frame.columns if name not in set(names)]
    if not extra:
        return []
    verb = "was" if len(extra) == 1 else "were"
    told = f"{counted(len(extra), 'column')} that training did not use {verb} ignored: {listed(extra)}."
    return [Note("WF-D70", told)]


def _fit_column(
    column: Column, frame: pandas.DataFrame, rows: numpy.ndarray | None, max_categories: int, taken: set[str]
) -> Coding:
    cells = frame[column.name] if rows is None else frame[column.name].iloc[rows]
    if column.kind == "number":
        return NumberCoding.fit(column.name, cells)
    if column.kind == "date":
        return DateCoding.fit(column.name, cells)
    frequency_name = f"{column.name} (frequency)"
    while frequency_name in taken:
        frequency_name += "'"
    return CategoryCoding.fit(column.name, cells, max_categories, frequency_name)


def _coding(entry: object) -> Coding:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str) or kind not in _CODINGS:
        raise corrupt("a column", f"the kind {shown(kind)} is not known")
    return _CODINGS[kind].from_json(entry)


def _clean_subset(frame: pandas.DataFrame, names: list[str]) -> pandas.DataFrame:
    """Skip the cleaning of names when the wanted ones are there once each, as in a table's own frame."""
    if frame.columns.is_unique and set(names) <= set(frame.columns):
        return frame
    return clean_frame(frame)[0]


def require_columns(frame: pandas.DataFrame, names: list[str]) -> None:
    """Refuse a frame that lacks a column; the way out is the name that was mistyped, or all that are wanted.

    Raises:
        DataError: ``WF-D21``.
    """
    absent = [name for name in names if name not in frame.columns]
    if not absent:
        return
    mistyped = close_names(absent[0], [name for name in frame.columns if name not in set(names)])
    wanted = "The column that is wanted is" if len(names) == 1 else "The columns that are wanted are"
    fix = mistyped or f"{wanted} {listed(names, 8)}."
    raise DataError(
        f"{counted(len(absent), 'column')} that training used {'is' if len(absent) == 1 else 'are'} "
        f"absent: {listed(absent)}.",
        fix=f"Add {'it' if len(absent) == 1 else 'them'} (empty cells are allowed). {fix}",
        code="WF-D21",
    )


def _require_numbers(cells: pandas.Series, name: str) -> None:
    values, bad = number_cells(cells, name)
    if bad.any():
        first = int(numpy.flatnonzero(bad)[0])
        raise text_error(name, cells.iloc[first], first + 1, int((~numpy.isnan(values)).sum()))
