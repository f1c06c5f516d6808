"""Texts with their classes: one column of a table, or a list."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import numpy
import pandas

from wellfit.data.labeled import Samples
from wellfit.data.labels import without_halves
from wellfit.data.notes import Note, counted, shown
from wellfit.data.table import CROSS_VALIDATE_BELOW
from wellfit.data.target import class_text, missing_labels, read_target
from wellfit.errors import DataError

MIN_TEXTS = 20
LONGEST_TEXT = 100_000
"""Signs of one text that are kept: a row of megabytes is a file that was read as one cell."""


def plain_texts(x: Any) -> list[Any]:
    """The texts of a list or a series, or of an array with one column.

    Raises:
        DataError: it is something else; a single text is taken for a mistake.
    """
    if isinstance(x, (str, bytes, dict, set, frozenset)) or not hasattr(x, "__iter__"):
        raise _no_list(f"a {type(x).__name__} is no list of texts")
    if hasattr(x, "columns"):
        raise DataError(
            f"{len(x.columns)} columns have the name of the texts' column.", fix="Keep one of them.", code="WF-D08"
        )
    shape = getattr(x, "shape", (1,))
    if len(shape) == 2 and shape[1] == 1:
        x = numpy.asarray(x)[:, 0]
    elif len(shape) != 1:
        raise _no_list(f"an array of the shape {tuple(shape)} is no list of texts")
    cells = list(x)
    nested = [c for c in cells if isinstance(c, (list, tuple, dict, set, numpy.ndarray))]
    if nested:
        raise _no_list(f"one of the texts is a {type(nested[0]).__name__}")
    return cells


def _no_list(told: str) -> DataError:
    return DataError(f"{told}.", fix="Give a list with one text for each row, such as [text].", code="WF-D18")


def texts_of(cells: Any) -> tuple[numpy.ndarray, numpy.ndarray, list[Note]]:
    """(rows,) texts in composed form, whether each is there, and what was done to them.

    Cells that are no texts become their text; missing ones and ones of blanks alone are not there.
    """
    series = pandas.Series(cells, dtype=object).reset_index(drop=True)
    there = ~series.isna().to_numpy()
    found = numpy.array([_plain(c) if ok else "" for c, ok in zip(series, there, strict=True)], dtype=object)
    there &= numpy.array([bool(t.strip()) for t in found], dtype=bool)
    notes = []
    long = sum(len(t) > LONGEST_TEXT for t in found)
    if long:
        found = numpy.array([t[:LONGEST_TEXT] for t in found], dtype=object)
        notes.append(Note("WF-D98", f"{counted(long, 'text is', 'texts are')} cut to {LONGEST_TEXT:,} signs."))
    broken = sum("\ufffd" in t for t in found)
    if broken:
        told = f"{counted(broken, 'text holds', 'texts hold')} signs that could not be decoded."
        notes.append(Note("WF-D98", told))
    return found, there, notes


def read_texts(
    cells: Any, labels: pandas.Series, column: str, target: str, task: str | None, markers: bool = True
) -> Samples:
    """Texts and their classes or numbers; rows without a text or a target are left out, and that is said.

    Args:
        markers: whether labels such as "NA" and "?" count as missing.
    Raises:
        DataError: too little is left, or the target cannot be used.
    """
    found, there, notes = texts_of(cells)
    if there.any() and numpy.mean([_is_number(t) for t in found[there]]) > 0.9:
        raise DataError(
            f"the column {shown(column)} holds numbers, not texts.", fix="Name the column of texts.", code="WF-D29"
        )
    if not there.all():
        told = f"{counted(int((~there).sum()), 'row')} without a text left out."
        notes.append(Note("WF-D96", told))
    kept = numpy.flatnonzero(there)
    _require_texts(len(kept), "")
    read = read_target(labels.iloc[kept].reset_index(drop=True), target, task, markers)
    rows = kept[read.kept]
    notes = [*missing_labels(len(kept) - len(rows), target), *read.notes, *notes]
    _require_texts(len(rows), f" with a value of {shown(target)}")
    texts = found[rows]
    return Samples(
        texts, column, hashes_of(texts), read.values, read.task, [class_text(v) for v in read.class_values],
        read.class_values, notes, target, rows=rows, cross_below=CROSS_VALIDATE_BELOW,
    )  # fmt: skip


def _require_texts(count: int, which: str) -> None:
    if count < MIN_TEXTS:
        told = f"there are {counted(count, 'text')}{which}; at least {MIN_TEXTS} are needed."
        raise DataError(told, fix="Add some.", code="WF-D15")


def hashes_of(texts: numpy.ndarray) -> numpy.ndarray:
    """(rows,) uint64 of each text, letters' case and blanks left out of account: a copy is a copy."""
    plain = (" ".join(t.lower().split()).encode("utf-8", "replace") for t in texts)
    return numpy.array(
        [int.from_bytes(hashlib.blake2b(t, digest_size=8).digest(), "little") for t in plain], dtype=numpy.uint64
    )


def _plain(cell: Any) -> str:
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    return unicodedata.normalize("NFC", without_halves(text.replace("\0", " ")))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
