"""Reads the target column: which rows have one, which task it is, and its values as classes or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import pandas

from wellfit.data.cells import number_cells, split_text, text_error, text_numbers, weak_markers
from wellfit.data.labels import EXACT, exact_labels, holds_twins, merged_labels, undecodable, whole_labels
from wellfit.data.notes import Note, counted, listed, shown
from wellfit.errors import DataError

TASKS = ("binary", "multiclass", "regression", "classification")
# Whole numbers are classes when there are at most 20 of them, each on at least 20 rows on average (5 % of the rows).
MAX_WHOLE_CLASSES = 20
MAX_WHOLE_SHARE = 0.05


@dataclass(frozen=True)
class Target:
    """The target of the rows that have one.

    Args:
        values: (kept rows,) int64 class codes or float64 numbers.
        task: ``"binary"``, ``"multiclass"`` or ``"regression"``.
        class_values: the distinct values as Python values; empty for regression.
        kept: (all rows,) bool, false where the target is missing.
        notes: what was assumed.
    """

    values: numpy.ndarray
    task: str
    class_values: list[object]
    kept: numpy.ndarray
    notes: list[Note]


def read_target(series: pandas.Series, name: str, task: str | None = None, markers: bool = True) -> Target:
    """Decide the task from the target's values, unless ``task`` says it.

    Args:
        series: the target, (rows,).
        name: its name for messages.
        task: one of ``TASKS`` or None.
        markers: whether texts such as "NA" and "?" count as missing.
    Raises:
        DataError: ``WF-D12``, ``WF-D13``, ``WF-D14`` or ``WF-D18``; the message says what to do.
    """
    if task is not None and task not in TASKS:
        raise DataError(
            f"the task {shown(task)} is not known; {', '.join(TASKS)} are allowed.", fix="Choose one.", code="WF-D13"
        )
    if pandas.api.types.is_datetime64_any_dtype(series.dtype):
        raise DataError(
            f"the target {shown(name)} holds dates.", fix="Turn it into a number, such as days.", code="WF-D13"
        )
    _refuse_nested(series, name)
    dtype = series.dtype
    labels = isinstance(dtype, pandas.CategoricalDtype) or pandas.api.types.is_bool_dtype(dtype)
    if not labels and _holds_numbers(series):
        return _read_numbers(series, name, task)
    return _read_labels(series, name, task, markers, free=not labels)


def class_text(value: object) -> str:
    """Write a class value as it stands in the data: whole numbers without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def missing_labels(count: int, name: str) -> list[Note]:
    """Say how many rows were left out for want of a target."""
    return [Note("WF-D61", f"{counted(count, 'row')} without a value of {shown(name)} left out.")] if count else []


def _holds_numbers(series: pandas.Series) -> bool:
    if pandas.api.types.is_numeric_dtype(series.dtype):
        return True
    kinds = ("integer", "floating", "mixed-integer-float", "decimal", "integer-na")
    return series.dtype == object and pandas.api.types.infer_dtype(series, skipna=True) in kinds


def _refuse_nested(series: pandas.Series, name: str) -> None:
    if series.dtype != object:
        return
    nested = [cell for cell in series.head(100) if isinstance(cell, (list, tuple, set, frozenset, dict, numpy.ndarray))]
    if nested:
        raise DataError(
            f"the target {shown(name)} holds {type(nested[0]).__name__}s: multi-label and "
            "multi-output targets are not supported.",
            fix="Give one target with one value per row, and train once per target.",
            code="WF-D12",
        )


def _read_numbers(series: pandas.Series, name: str, task: str | None) -> Target:
    series = whole_labels(series) if series.isna().any() else series
    values, _ = number_cells(series, f"the target {shown(name)}")
    infinite = numpy.flatnonzero(numpy.isinf(values))
    if len(infinite):
        raise DataError(
            f"the target {shown(name)} is infinite on {counted(len(infinite), 'row')} (first: row {infinite[0] + 1}).",
            fix="Correct these rows or leave them out.",
            code="WF-D13",
        )
    kept = ~numpy.isnan(values)
    distinct, codes = numpy.unique(exact_labels(series, values)[kept], return_inverse=True)
    _require_two(distinct, name, kept)
    whole = distinct.dtype.kind != "f" or bool((distinct == numpy.floor(distinct)).all())
    decided, notes = _decide(distinct, whole, int(kept.sum()), name) if task is None else (task, [])
    if decided == "regression":
        return Target(values[kept], "regression", [], kept, notes)
    if not whole and len(distinct) > MAX_WHOLE_CLASSES:
        raise DataError(
            f"Unknown label type: continuous; the target {shown(name)} holds {len(distinct):,} "
            f"numbers such as {distinct[0]:.6g}.",
            fix="Use the task regression, or turn the target into classes.",
            code="WF-D13",
        )
    if distinct.dtype.kind == "f" and numpy.abs(distinct).max() >= EXACT:
        raise DataError(
            f"the target {shown(name)} holds whole numbers above 2**53 as floats, where neighbors are the same.",
            fix="Write them as texts, with a letter before each.",
            code="WF-D13",
        )
    return _classes(codes.astype(numpy.int64), distinct.tolist(), kept, name, task, notes)


def _decide(distinct: numpy.ndarray, whole: bool, rows: int, name: str) -> tuple[str, list[Note]]:
    """Classes or amounts; a close call is said."""
    count = len(distinct)
    if not whole:
        if count > 2:
            return "regression", []
        return "regression", [
            Note(
                "WF-D64",
                f"the target {shown(name)} holds two numbers only; read as amounts: say task=binary for classes.",
            )
        ]
    consecutive = bool((numpy.diff(distinct) == 1).all())
    few = count == 2 or (count <= MAX_WHOLE_CLASSES and count <= max(MAX_WHOLE_SHARE * rows, 3 * consecutive))
    if few:
        if count == 2 or (consecutive and distinct[0] in (0, 1)):
            return "classification", []
        sentence = (
            f"the target {shown(name)} holds {count} distinct whole numbers; read as classes: say "
            "task=regression if they are amounts."
        )
        return "classification", [Note("WF-D64", sentence)]
    if count > 2 * MAX_WHOLE_CLASSES:
        return "regression", []
    sentence = (
        f"the target {shown(name)} holds {count} distinct whole numbers; read as amounts: say "
        "task=multiclass if they are classes."
    )
    return "regression", [Note("WF-D64", sentence)]


def _read_labels(series: pandas.Series, name: str, task: str | None, markers: bool, free: bool) -> Target:
    what = f"the target {shown(name)}"
    raw_codes, texts = split_text(series, what, markers, whole=False)
    if holds_twins(texts):
        raw_codes, texts = split_text(series, what, markers)
    raw_codes, texts = merged_labels(raw_codes, texts, markers)
    kept = raw_codes >= 0
    _require_two(texts, name, kept)
    numbers = text_numbers(texts) if free else numpy.full(len(texts), numpy.nan)
    weak = weak_markers(texts) & markers
    if weak.any() and not weak.all() and not numpy.isnan(numbers[~weak]).any():
        return _read_numbers(pandas.Series(numpy.append(numbers, numpy.nan)[raw_codes]), name, task)
    _judge_texts(name, texts, numbers, raw_codes, task)
    if task == "regression" or (
        free and len(texts) > MAX_WHOLE_CLASSES and not numpy.isnan(numbers).any() and task is None
    ):
        return _read_numbers(pandas.Series(numpy.append(numbers, numpy.nan)[raw_codes]), name, "regression")
    order, values = _ordered(series, texts)
    rank = numpy.empty(len(texts), dtype=numpy.int64)
    rank[order] = numpy.arange(len(texts))
    return _classes(rank[raw_codes[kept]], values, kept, name, task, undecodable(texts))


def _judge_texts(name: str, texts: list[str], numbers: numpy.ndarray, codes: numpy.ndarray, task: str | None) -> None:
    """Refuse numbers with slips, and texts that differ on nearly every row."""
    counts = numpy.bincount(codes[codes >= 0], minlength=len(texts))
    good = int(counts[~numpy.isnan(numbers)].sum())
    slips = (
        task is None
        and 0 < counts.sum() - good <= 0.1 * counts.sum()
        and (~numpy.isnan(numbers)).sum() > MAX_WHOLE_CLASSES
    )
    if slips or (task == "regression" and numpy.isnan(numbers).any()):
        first = int(numpy.flatnonzero(numpy.append(numpy.isnan(numbers), False)[codes])[0])
        raise text_error(name, texts[codes[first]], first + 1, good)
    if numpy.isnan(numbers).any() and len(texts) > max(20, 0.5 * counts.sum()):
        raise DataError(
            f"the target {shown(name)} has {len(texts):,} distinct texts on {int(counts.sum()):,} "
            "rows, so hardly any class repeats.",
            fix="Name another target; this one looks like free text or an identifier.",
            code="WF-D13",
        )


def _ordered(series: pandas.Series, texts: list[str]) -> tuple[list[int], list[object]]:
    """Alphabetical order of the classes (numerical for numeric categories), and their Python values."""
    by_text: dict[str, object] = {}
    raw = series.cat.categories if isinstance(series.dtype, pandas.CategoricalDtype) else pandas.unique(series.dropna())
    for value in raw:
        plain = value.item() if isinstance(value, numpy.generic) else value
        for text in (str(plain), class_text(plain)):
            by_text.setdefault(text.strip(), plain)
    values = [by_text.get(text, text) for text in texts]
    values = [value.strip() if isinstance(value, str) else value if isinstance(value, (bool, int, float)) else text
              for value, text in zip(values, texts, strict=True)]  # fmt: skip
    keys: list[Any] = values if all(isinstance(value, (bool, int, float)) for value in values) else texts
    order = sorted(range(len(texts)), key=keys.__getitem__)
    return order, [values[position] for position in order]


def _require_two(distinct: Sequence[object] | numpy.ndarray, name: str, kept: numpy.ndarray) -> None:
    if len(distinct) == 0:
        raise DataError(f"the target {shown(name)} is missing on every row.", fix="Name another target.", code="WF-D13")
    if len(distinct) == 1:
        raise DataError(
            f"the target {shown(name)} is {shown(class_text(distinct[0]))} on all "
            f"{counted(int(kept.sum()), 'row')}: one class only.",
            fix="Add rows of another class, or name another target.",
            code="WF-D14",
        )


def _classes(
    codes: numpy.ndarray, values: list[object], kept: numpy.ndarray, name: str, task: str | None, notes: list[Note]
) -> Target:
    count = len(values)
    if task == "binary" and count != 2:
        raise DataError(
            f"the task binary needs 2 classes; the target {shown(name)} has {count}.",
            fix="Use the task multiclass.",
            code="WF-D13",
        )
    single = [class_text(values[code]) for code in numpy.flatnonzero(numpy.bincount(codes, minlength=count) == 1)]
    if single:
        sentence = (
            f"{counted(len(single), 'class', 'classes')} with a single row ({listed(single)}): kept in "
            "training, never tested."
        )
        notes = [*notes, Note("WF-D62", sentence)]
    return Target(codes, "binary" if count == 2 else "multiclass", values, kept, notes)
