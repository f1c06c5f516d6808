"""Decimal commas and thousands separators in number columns: converted when there is one reading only."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy
import pandas

from wellfit.data.cells import split_text, text_numbers
from wellfit.data.notes import Note, listed, shown

_DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}([. \u00a0\u202f']\d{3})+),\d+([eE][+-]?\d+)?")
_GROUPED = {
    ",": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"),
    ".": re.compile(r"[+-]?\d{1,3}(\.\d{3})+"),
    " '": re.compile(r"[+-]?\d{1,3}([ \u00a0\u202f']\d{3})+"),
}
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_PLAIN = re.compile(r"[+-]?\d+")
_SAMPLE = 1000


def convert_separators(
    frame: pandas.DataFrame, delimiter: str, texts: Sequence[str] = ()
) -> tuple[pandas.DataFrame, list[Note]]:
    """Turn text columns of numbers with separators into float64 columns and say so; ``texts`` stay what they are.

    A column such as ``1,234`` alone can be read both ways: another column of the same file decides, else it is
    kept as text and said.
    """
    decimal: dict[int, str] = {}
    thousands: dict[int, str] = {}
    unclear: dict[int, str] = {}
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        if name in texts:
            continue
        if pandas.api.types.is_string_dtype(column.dtype) or column.dtype == object:
            reading = _reading(column)
            if reading:
                {"decimal": decimal, "thousands": thousands, "unclear": unclear}[reading][position] = name
    if unclear and (decimal or delimiter == ";") and not thousands:
        decimal, unclear = {**decimal, **unclear}, {}
    elif unclear and thousands and not decimal:
        thousands, unclear = {**thousands, **unclear}, {}
    for position in decimal:
        frame = _replaced(frame, position, _plain_decimal)
    for position in thousands:
        frame = _replaced(frame, position, _plain_thousands)
    return frame, _notes(decimal, thousands, unclear)


def _reading(column: pandas.Series) -> str:
    """``decimal``, ``thousands``, ``unclear`` or empty; a sample turns most text columns away at once."""
    head = [str(cell).strip() for cell in column.dropna().head(_SAMPLE)]
    if not head or not all(any(letter.isdigit() for letter in cell) for cell in head[:20]):
        return ""
    _, texts = split_text(column)
    odd = [text for text in texts if not _PLAIN.fullmatch(text)]
    if not odd or numpy.isfinite(text_numbers(texts)).all():
        return ""
    if all(_EITHER.fullmatch(text) for text in odd):
        return "unclear"
    if all(_DECIMAL_COMMA.fullmatch(text) for text in odd):
        return "decimal"
    for mark, pattern in _GROUPED.items():
        wrong = [text for text in odd if not pattern.fullmatch(text)]
        if all(mark == "," and re.fullmatch(r"[+-]?\d+\.\d+", text) for text in wrong):
            return "thousands"
    return ""


def _plain_decimal(text: str) -> str:
    return re.sub(r"[. \u00a0\u202f']", "", text).replace(",", ".")


def _plain_thousands(text: str) -> str:
    if text.count(".") > 1 or ("." in text and _GROUPED["."].fullmatch(text) and "," not in text):
        text = text.replace(".", "")
    return re.sub(r"[, \u00a0\u202f']", "", text)


def _replaced(frame: pandas.DataFrame, position: int, plain: Callable[[str], str]) -> pandas.DataFrame:
    codes, texts = split_text(frame.iloc[:, position])
    numbers = numpy.append(text_numbers([plain(text) for text in texts]), numpy.nan)
    result = frame.copy(deep=False)
    result[result.columns[position]] = numbers[codes]
    return result


def _notes(decimal: dict[int, str], thousands: dict[int, str], unclear: dict[int, str]) -> list[Note]:
    notes = []
    if decimal:
        notes.append(Note("WF-D51", f"read with a decimal comma: {listed(list(decimal.values()))}."))
    if thousands:
        notes.append(Note("WF-D51", f"read with thousands separators: {listed(list(thousands.values()))}."))
    for name in unclear.values():
        sentence = (
            f"column {shown(name)} holds values such as 1,234 that can be read in two ways: kept as text; "
            "write 1234 or 1.234."
        )
        notes.append(Note("WF-D51", sentence))
    return notes
