"""Columns that are no features: sample weights, groups and time."""

from __future__ import annotations

import numpy
import pandas

from wellfit.data.cells import date_cells, number_cells, split_text
from wellfit.data.notes import counted, shown
from wellfit.errors import DataError


def read_weight(series: pandas.Series, rows: numpy.ndarray) -> numpy.ndarray:
    """Read sample weights of the rows in use, (rows,) float64, finite, not negative, not all zero.

    Raises:
        DataError: ``WF-D17``.
    """
    values, bad = number_cells(series, "the weight")
    values, bad = values[rows], bad[rows]
    wrong = bad | ~numpy.isfinite(values) | (values < 0)
    if wrong.any():
        first = int(rows[numpy.flatnonzero(wrong)[0]])
        raise DataError(
            f"the weight is {shown(series.iloc[first])} on row {first + 1} ({counted(int(wrong.sum()), 'such row')}); "
            "weights are finite numbers of 0 or more.",
            fix="Correct the weights, or leave these rows out.",
            code="WF-D17",
        )
    if not values.any():
        raise DataError("all weights are 0.", fix="Give at least some rows a positive weight.", code="WF-D17")
    return values


def read_group(series: pandas.Series, rows: numpy.ndarray) -> numpy.ndarray:
    """Read groups of the rows in use as int64 codes that do not depend on the rows' order.

    Raises:
        DataError: ``WF-D23`` when a group is missing or all rows are in one.
    """
    codes, texts = split_text(series, "the group")
    codes = codes[rows]
    _refuse_missing(codes < 0, rows, "group")
    order = numpy.argsort(numpy.array(texts, dtype=object), kind="stable")
    rank = numpy.empty(len(texts), dtype=numpy.int64)
    rank[order] = numpy.arange(len(texts))
    result = rank[codes]
    if (result == result[0]).all():
        raise DataError("all rows are in one group.", fix="Name a column with several groups, or none.", code="WF-D23")
    return result


def read_time(series: pandas.Series, rows: numpy.ndarray) -> numpy.ndarray:
    """Read time of the rows in use as sortable numbers: as given, or seconds since 1970 for dates.

    Raises:
        DataError: ``WF-D23`` when a time is missing or is neither a number nor a year-month-day date.
    """
    cells = series.iloc[rows].reset_index(drop=True)
    if pandas.api.types.is_numeric_dtype(cells.dtype):
        values, bad = number_cells(cells, "the time")
    else:
        dates, bad = date_cells(cells, "the time")
        if bad.any():
            values, bad = number_cells(cells, "the time")
        else:
            values = numpy.where(numpy.isnat(dates), numpy.nan, dates.astype(numpy.int64).astype(numpy.float64))
    if bad.any():
        first = int(numpy.flatnonzero(bad)[0])
        raise DataError(
            f"the time is {shown(cells.iloc[first])} on row {rows[first] + 1}; numbers and dates such "
            "as 2024-01-31 are allowed.",
            fix="Write the time as year-month-day or as a number.",
            code="WF-D23",
        )
    _refuse_missing(~numpy.isfinite(values), rows, "time")
    return values


def _refuse_missing(missing: numpy.ndarray, rows: numpy.ndarray, what: str) -> None:
    if missing.any():
        first = int(rows[numpy.flatnonzero(missing)[0]]) + 1
        raise DataError(
            f"the {what} is missing on {counted(int(missing.sum()), 'row')} (first: row {first}).",
            fix=f"Fill in the {what}, or leave these rows out.",
            code="WF-D23",
        )
