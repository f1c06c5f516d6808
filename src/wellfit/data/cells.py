"""Cells into numbers, texts and dates: the one place that decides what a cell means, in training and at prediction."""

from __future__ import annotations

import re

import numpy
import pandas

from wellfit.data.notes import shown
from wellfit.errors import DataError

MISSING_MARKERS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "?"})
# Missing among numbers and dates, but a value of its own among texts: classes are called "none", "+" and "-".
WEAK_MARKERS = frozenset({"none", "-"})

_WHOLE_NUMBER = re.compile(r"[+-]?\d+\.0+")
_DATE = re.compile(r"\d{4}([-/])\d{2}\1\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?( ?(Z|[+-]\d{2}:?\d{2}))?")
# Bounded, because part numbers and lines of addresses have this form too.
_MONTH = re.compile(r"(1[89]\d{2}|2[01]\d{2}|2200)-\d{2}")


def is_missing_marker(text: str) -> bool:
    """Tell whether a stripped text stands for a missing cell."""
    return text.casefold() in MISSING_MARKERS


def weak_markers(texts: list[str]) -> numpy.ndarray:
    """Tell for each distinct text whether it is missing if the column holds numbers or dates, (texts,) bool."""
    return numpy.array([text.casefold() in WEAK_MARKERS for text in texts], dtype=bool)


def require_plain_cells(series: pandas.Series, what: str) -> None:
    """Refuse types that no table column can hold.

    Raises:
        DataError: ``WF-D18`` for complex numbers and records.
    """
    if series.dtype.kind in "cV" and isinstance(series.dtype, numpy.dtype):
        held = "complex numbers" if series.dtype.kind == "c" else "records"
        raise DataError(
            f"{what} holds {held} (dtype {series.dtype}); numbers, texts, booleans and dates are allowed.",
            fix="Convert it to plain numbers, for example the real part and the imaginary part as two columns.",
            code="WF-D18",
        )


def split_text(
    series: pandas.Series, what: str = "a column", markers: bool = True, whole: bool = True
) -> tuple[numpy.ndarray, list[str]]:
    """Read cells as stripped texts: codes into the sorted-by-appearance list of distinct texts.

    Args:
        series: the cells, (rows,).
        what: the column, for messages.
        markers: whether texts such as "NA" and "?" count as missing.
        whole: whether whole numbers with a decimal point count as the integer, so that ``1.0`` equals ``1``.
    Returns:
        codes (rows,), -1 for missing; the distinct texts.
    Raises:
        DataError: ``WF-D18`` when a cell holds a list, a dict or another unhashable value.
    """
    codes, raw = _factorize(series, what)
    texts = [_text(value, markers, whole) for value in raw]
    remap, distinct = pandas.factorize(numpy.array([*texts, None], dtype=object), use_na_sentinel=True)
    return remap[codes], [str(text) for text in distinct]


def number_cells(series: pandas.Series, what: str = "a column") -> tuple[numpy.ndarray, numpy.ndarray]:
    """Read cells as numbers.

    Returns:
        values (rows,) float64 with NaN for missing and for text; bad (rows,) bool, true where a cell holds text.
    """
    require_plain_cells(series, what)
    if pandas.api.types.is_timedelta64_dtype(series.dtype):
        return series.dt.total_seconds().to_numpy(dtype=numpy.float64), numpy.zeros(len(series), dtype=bool)
    if pandas.api.types.is_numeric_dtype(series.dtype) and series.dtype.kind != "c":
        return series.to_numpy(dtype=numpy.float64, na_value=numpy.nan), numpy.zeros(len(series), dtype=bool)
    codes, texts = split_text(series, what)
    numbers = text_numbers(texts)
    bad = numpy.isnan(numbers) & ~weak_markers(texts)
    return numpy.append(numbers, numpy.nan)[codes], numpy.append(bad, False)[codes]


def text_numbers(texts: list[str]) -> numpy.ndarray:
    """Read distinct texts as float64 numbers, NaN where a text is not a number; true and false count as 1 and 0."""
    words = {"true": "1", "false": "0"}
    plain = pandas.Series([words.get(text.casefold(), text) for text in texts], dtype=object)
    return pandas.to_numeric(plain, errors="coerce").to_numpy(dtype=numpy.float64)


def date_cells(series: pandas.Series, what: str = "a column") -> tuple[numpy.ndarray, numpy.ndarray]:
    """Read cells as dates in UTC.

    Returns:
        values (rows,) datetime64[s], NaT for missing and unreadable; bad (rows,) bool, true where a cell is no date.
    """
    if isinstance(series.dtype, pandas.PeriodDtype):
        series = series.dt.to_timestamp()
    if pandas.api.types.is_datetime64_any_dtype(series.dtype):
        return _seconds(series), numpy.zeros(len(series), dtype=bool)
    codes, texts = split_text(series, what)
    dates = text_dates(texts)
    bad = numpy.isnat(dates) & ~weak_markers(texts)
    return numpy.append(dates, numpy.datetime64("NaT", "s"))[codes], numpy.append(bad, False)[codes]


def text_dates(texts: list[str]) -> numpy.ndarray:
    """Read distinct texts as datetime64[s]: year-month-day, and year-month in the years from 1800 to 2200.

    Which of day and month comes first is never guessed. A year-month may be a season: see ``read_as_months``.
    """
    forms = [text.replace("/", "-") if _DATE.fullmatch(text) or _MONTH.fullmatch(text) else None for text in texts]
    parsed = pandas.to_datetime(pandas.Series(forms, dtype=object), format="ISO8601", errors="coerce", utc=True)
    return _seconds(parsed)


def read_as_months(texts: list[str]) -> list[str]:
    """The texts that ``text_dates`` takes for a month of a year."""
    return [text for text in texts if _MONTH.fullmatch(text)]


def are_seasons(texts: list[str]) -> bool:
    """Tell whether all dates among texts are seasons: 2010-11 is a year and the last two digits of the next."""
    dates = [text for text in texts if _DATE.fullmatch(text) or _MONTH.fullmatch(text)]
    return bool(dates) and all(len(d) == 7 and int(d[5:]) == (int(d[:4]) + 1) % 100 for d in dates)


def text_error(name: str, value: object, row: int, numbers: int) -> DataError:
    """The error for a text in a number column; ``row`` counts from 1 without the header."""
    return DataError(
        f"column {shown(name)} row {row} holds {shown(value)} but the other {numbers} values are numbers.",
        fix=f"Clean the cell (leave it empty if unknown), or leave the column out with --drop {shown(name)}.",
        code="WF-D03",
    )


def _seconds(series: pandas.Series) -> numpy.ndarray:
    if getattr(series.dt, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return series.to_numpy().astype("datetime64[s]")


def _factorize(series: pandas.Series, what: str) -> tuple[numpy.ndarray, list[object]]:
    require_plain_cells(series, what)
    if isinstance(series.dtype, pandas.CategoricalDtype):
        return series.cat.codes.to_numpy(dtype=numpy.int64), list(series.cat.categories)
    try:
        codes, raw = pandas.factorize(series, use_na_sentinel=True)
    except TypeError as error:
        position, cell = _first_unhashable(series)
        raise DataError(
            f"{what} row {position + 1} holds a {type(cell).__name__}; a cell must be a number, a "
            "text, a boolean or a date.",
            fix="Spread such cells over several columns, or leave the column out with --drop.",
            code="WF-D18",
        ) from error
    return codes, list(raw)


def _first_unhashable(series: pandas.Series) -> tuple[int, object]:
    for position, cell in enumerate(series):
        try:
            hash(cell)
        except TypeError:
            return position, cell
    return 0, None


def _text(value: object, markers: bool, whole: bool) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = str(value).strip()
    if markers and is_missing_marker(text):
        return None
    return text[: text.index(".")] if whole and _WHOLE_NUMBER.fullmatch(text) else text
