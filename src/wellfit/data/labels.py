"""Labels however they are stored: those of several parts are one series, and one label is one class."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy
import pandas

from wellfit.data.cells import is_missing_marker
from wellfit.data.notes import Note, counted

EXACT = 2**53
"""Whole numbers up to which float64 tells each from the next."""

_HALF = re.compile("[\ud800-\udfff]")
_ENDS = re.compile("^[\\s\u200b\u200c\u200d\u2060\ufeff]+|[\\s\u200b\u200c\u200d\u2060\ufeff]+$")
_WHOLE = re.compile(r"[+-]?\d+\.0+")


def without_halves(text: str) -> str:
    """U+FFFD in place of lone surrogates: halves of characters, which no encoding can hold."""
    return _HALF.sub("\ufffd", text)


def label_text(text: str) -> str:
    """A label as it is told from others: in composed form (NFC), with nothing that is not seen at its ends."""
    return _ENDS.sub("", unicodedata.normalize("NFC", without_halves(text)))


def merged_labels(codes: numpy.ndarray, texts: list[str], markers: bool) -> tuple[numpy.ndarray, list[str]]:
    """Codes and distinct texts of labels, those that look the same as one; ``markers`` as in ``split_text``."""
    plain = [label_text(text) for text in texts]
    kept = [None if markers and is_missing_marker(text) else text for text in plain]
    remap, distinct = pandas.factorize(numpy.array([*kept, None], dtype=object), use_na_sentinel=True)
    return remap[codes], [str(text) for text in distinct]


def storable_labels(y: Any) -> Any:
    """Labels that a series can hold: texts without halves of characters; anything else as it is."""
    if not isinstance(y, (list, tuple, numpy.ndarray)) or not any(isinstance(v, str) and _HALF.search(v) for v in y):
        return y
    return pandas.Series([without_halves(v) if isinstance(v, str) else v for v in y], dtype=object)


def undecodable(texts: Sequence[str]) -> list[Note]:
    """Say how many classes hold signs that could not be decoded."""
    count = sum("\ufffd" in text for text in texts)
    told = f"{counted(count, 'class holds', 'classes hold')} signs that could not be decoded."
    return [Note("WF-D98", told)] if count else []


def joined_labels(parts: Sequence[pandas.Series]) -> pandas.Series:
    """The labels of several parts as one series; where their types differ, whole numbers are kept as whole."""
    if len({str(part.dtype) for part in parts}) > 1:
        parts = [whole_labels(part) for part in parts]
    return pandas.concat([part.rename(None) for part in parts], ignore_index=True)


def whole_labels(series: pandas.Series) -> pandas.Series:
    """Floats that are all whole as integers, since integers are stored as floats where one is missing."""
    if not pandas.api.types.is_float_dtype(series.dtype):
        return series
    values = series.dropna().to_numpy(dtype=numpy.float64)
    whole = bool((numpy.abs(values) < EXACT).all() and (values == numpy.floor(values)).all())
    return series.astype("Int64") if whole else series


def exact_labels(series: pandas.Series, values: numpy.ndarray) -> numpy.ndarray:
    """(rows,) the integers themselves where the series holds such, with 0 for missing; else ``values``, its floats."""
    if pandas.api.types.is_integer_dtype(series.dtype):
        dtype = getattr(series.dtype, "numpy_dtype", series.dtype)
        return series.fillna(0).to_numpy(dtype=dtype)
    if series.dtype == object and pandas.api.types.infer_dtype(series, skipna=True) == "integer":
        there = ~numpy.isnan(values)
        return numpy.array([int(v) if ok else 0 for v, ok in zip(series, there, strict=True)], dtype=object)
    return values


def holds_twins(texts: Sequence[str]) -> bool:
    """Whether a whole number is written both with and without a decimal point, as ``1.0`` and ``1``."""
    held = set(texts)
    return any(text[: text.index(".")] in held for text in texts if _WHOLE.fullmatch(text))
