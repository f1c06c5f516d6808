"""Bytes of a delimited text file: encoding, delimiter, and the shape of its lines, checked before pandas sees them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy

from wellfit.data.notes import Note, counted
from wellfit.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
# The csv module's own limit (131072) refuses long text cells that pandas reads without trouble.
_CELL_LIMIT = 2**31 - 1
_SAMPLE_LINES = 200
# U+001F, the unit separator, never stands alone on a line of a table.
_END = "\x1f"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class PlainText:
    """UTF-8 bytes of a delimited file that passed all checks.

    Args:
        content: the bytes without byte order mark.
        delimiter: one of ``DELIMITERS``.
        header: the cells of the first line, as written.
        notes: what was assumed on the way.
    """

    content: bytes
    delimiter: str
    header: list[str]
    notes: list[Note]


def read_plain_text(content: bytes, name: str, prefer: str = ",") -> PlainText:
    """Decode, find the delimiter and check every line.

    Raises:
        DataError: ``WF-D02`` empty, ``WF-D04`` ragged, ``WF-D05`` open quote, ``WF-D06`` binary, ``WF-D07`` encoding.
    """
    content, notes = to_utf8(content, name)
    content = content.lstrip(b"\r\n")
    if not content.strip(b"\r\n\t ,;|"):
        raise DataError(
            f"{name} is empty.", fix="Give a file with one line of column names and rows below it.", code="WF-D02"
        )
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    delimiter = find_delimiter(content, prefer)
    header = check_lines(content, delimiter, name)
    return PlainText(content, delimiter, header, notes)


def to_utf8(content: bytes, name: str) -> tuple[bytes, list[Note]]:
    """Bring text of any supported encoding to UTF-8 bytes."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode(content, encoding, name, mark), []
    _refuse_binary(content, name)
    try:
        content.decode("utf-8")
        return content, []
    except UnicodeDecodeError as error:
        if is_mostly_utf8(content):
            return _from_damaged_utf8(content, name, error.start)
        return _from_single_byte(content, name, error.start)


def is_mostly_utf8(content: bytes) -> bool:
    """Whether more of the characters beyond ASCII are UTF-8 than not."""
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd") - content.count("\ufffd".encode())
    beyond = len(text) - int((numpy.frombuffer(content, dtype=numpy.uint8) < 0x80).sum())
    return beyond - bad > bad


def find_delimiter(content: bytes, prefer: str = ",") -> str:
    """Choose the delimiter whose count in the header is repeated by most of the first lines."""
    lines = content[:1_000_000].decode("utf-8", errors="ignore").splitlines()[:_SAMPLE_LINES]
    best, best_score = prefer, (0.0, 0)
    for delimiter in (prefer, *(other for other in DELIMITERS if other != prefer)):
        widths = [len(row) for row in _rows(lines, delimiter) if row]
        if not widths or widths[0] < 2:
            continue
        agree = sum(width == widths[0] for width in widths) / len(widths)
        score = (round(agree, 2), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def check_lines(content: bytes, delimiter: str, name: str) -> list[str]:
    """Return the header's cells after making sure that every line has as many cells as the header."""
    head = io.StringIO(content[:4_000_000].decode("utf-8", errors="ignore"), newline="")
    first: list[str] = next(_rows(head, delimiter), [])
    if not _looks_regular(content, delimiter, len(first)):
        _check_each_line(content, delimiter, name)
    return first


def _looks_regular(content: bytes, delimiter: str, width: int) -> bool:
    """Count cells per line in one vectorized pass; false means look closer, not that something is wrong."""
    letters = numpy.frombuffer(content, dtype=numpy.uint8)
    marks = letters[(letters == ord(delimiter)) | (letters == 10) | (letters == 34)]
    # uint8 wraps around at 256, an even number, so the parity of the count of quotes survives.
    inside = numpy.cumsum(marks == 34, dtype=numpy.uint8) & 1
    if len(inside) and inside[-1]:
        return False
    marks = marks[(inside == 0) & (marks != 34)]
    ends = numpy.flatnonzero(marks == 10)
    if not len(ends):
        return False
    widths = numpy.diff(ends, prepend=-1)
    last = content[content.rfind(b"\n") + 1 :]
    tail = len(marks) - ends[-1]
    return (
        bool((widths == width).all())
        and (not last.strip() or tail == width)
        and b"\n\n" not in content
        and b"\n\r\n" not in content
    )


def _check_each_line(content: bytes, delimiter: str, name: str) -> None:
    # A line of its own at the end: if it is swallowed by a cell, a quotation mark was left open.
    reader = _rows(io.StringIO(content.decode("utf-8").rstrip("\r\n") + f"\n{_END}", newline=""), delimiter)
    width, start, row = 0, 1, []
    for row in reader:
        if row and row != [_END] and width and len(row) != width:
            _refuse_ragged(name, start, row, width, reader.line_num)
        width = width or len(row)
        start, last = reader.line_num + 1, start
    if row != [_END]:
        raise _quote_error(name, last)


def _refuse_ragged(name: str, start: int, row: list[str], width: int, end: int) -> None:
    cells = len(row)
    if row[-1].endswith(_END) or (end - start > 50 and cells < width):
        raise _quote_error(name, start)
    raise DataError(
        f"{name} line {start} has {counted(cells, 'cell')}, but the header has {width}.",
        fix='Repair the line, or put cells that hold the delimiter in quotation marks, such as "a,b".',
        code="WF-D04",
    )


def _quote_error(name: str, line: int) -> DataError:
    return DataError(
        f"{name} line {line} opens a quotation mark that is never closed.",
        fix='Close it, or write a quotation mark inside a cell as two: "".',
        code="WF-D05",
    )


def _rows(lines: Iterable[str], delimiter: str) -> Any:
    csv.field_size_limit(_CELL_LIMIT)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=False)


def _refuse_binary(content: bytes, name: str) -> None:
    position = content.find(b"\x00")
    if position < 0:
        return
    line = content.count(b"\n", 0, position) + 1
    raise DataError(
        f"{name} line {line} holds a NUL byte, so it is a binary file or UTF-16 without a mark.",
        fix="Give a text file in UTF-8, or a .parquet file.",
        code="WF-D06",
    )


def _decode(content: bytes, encoding: str, name: str, mark: bytes) -> bytes:
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} begins with the mark of {encoding.upper()} ({mark.hex()}) but byte {error.start} does not fit it.",
            fix="Save the file again as UTF-8.",
            code="WF-D07",
        ) from error
    result = text.encode("utf-8")
    _refuse_binary(result, name)
    return result


def _from_damaged_utf8(content: bytes, name: str, position: int) -> tuple[bytes, list[Note]]:
    line = content.count(b"\n", 0, position) + 1
    sentence = f"{name} holds bytes that are not UTF-8, first on line {line}: they were read as \ufffd."
    return content.decode("utf-8", "replace").encode("utf-8"), [Note("WF-D50", sentence)]


def _from_single_byte(content: bytes, name: str, position: int) -> tuple[bytes, list[Note]]:
    letters = numpy.frombuffer(content, dtype=numpy.uint8)
    controls = (letters < 32) & ~numpy.isin(letters, (9, 10, 12, 13))
    windows = bool(((letters >= 0x80) & (letters < 0xA0)).any())
    encoding = "cp1252" if windows else "latin-1"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = None
    if text is None or controls.any():
        raise DataError(
            f"{name} is neither UTF-8, UTF-16 with a mark nor Latin-1 (byte {position} is {content[position]:#04x}).",
            fix="Save the file again as UTF-8.",
            code="WF-D07",
        )
    line = content.count(b"\n", 0, position) + 1
    sentence = f"{name} is not UTF-8; it was read as {encoding}: check the accents, for example on line {line}."
    return text.encode("utf-8"), [Note("WF-D50", sentence)]
