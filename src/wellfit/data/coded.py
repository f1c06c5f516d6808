"""Numbers that are names: columns whose values tell rows apart, while their order says little of the target."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy

from wellfit.data.names import clean_name, nearest
from wellfit.data.notes import Column, Note, listed, shown
from wellfit.data.table import Table
from wellfit.errors import DataError

LEVELS = (9, 63)
"""Distinct values of a column that may be a code: fewer are told apart as they are, more have no slots of their own."""

ROWS_A_LEVEL = 20
"""Rows that each of them has on average, or their means say nothing."""

EXPLAINED = 0.02
"""Share of the target's variance that the values have to explain."""

BY_NEIGHBORS = 0.25
"""At most so much of that share is explained by the values around each: more, and order does say something."""

SURE = 10.0
"""Standard errors by which each value has to say more than those around it."""

REACHES = (0.5, 1.0, 3.0)
"""How far around a value others count: a value k places away has the weight exp(-k / reach)."""

ONE_LEVEL = 0.35
"""At most so much of that comes from a single value: one that sticks out is a marker among numbers."""

_FOLDS = 5
REASON = "numbers whose order says little of the target"


def with_categories(
    table: Table, rows: numpy.ndarray, category: Sequence[str] = (), number: Sequence[str] = ()
) -> Table:
    """The table with number columns read as categories: those that are named, and those that are codes.

    Their cells stay numbers; what changes is how they are encoded.

    Args:
        rows: the rows that may be looked at, which are not the test's.
        category: columns to be read as categories, whatever they hold.
        number: columns that stay numbers.
    Raises:
        DataError: ``WF-D20`` a named column is not in use, holds dates, or is named as both.
    """
    kinds = {c.name: c.kind for c in table.columns}
    asked = [_named(table, name, kinds) for name in category]
    kept = [_named(table, name, kinds, "number") for name in number]
    if both := [name for name in asked if name in kept]:
        fix = "Name it in one place only."
        raise DataError(f"column {shown(both[0])} is named as category and as number.", fix=fix, code="WF-D20")
    open_to = [name for name, kind in kinds.items() if kind == "number" and name not in (*asked, *kept)]
    folds = deal_folds(table, rows) if open_to else rows
    found = [name for name in open_to if is_code(table, name, rows, folds)]
    reasons = {name: "as asked" for name in asked if kinds[name] == "number"} | dict.fromkeys(found, REASON)
    return _recast(table, reasons, [_note(found)] if found else [])


def is_code(table: Table, name: str, rows: numpy.ndarray, folds: numpy.ndarray) -> bool:
    """Whether a column's values explain the target out of sample, and the values around each do not.

    Each row's target is predicted from the other folds: by the mean of the rows with the same value, and by means of
    the rows with values around it, near ones counting more. Where order says something, the values around one know
    much of what it knows itself.

    Args:
        folds: (rows,) as `deal_folds` deals them.
    """
    values = table.frame[name].to_numpy()[rows]
    known = ~numpy.isnan(values)
    levels, codes = numpy.unique(values[known], return_inverse=True)
    if not LEVELS[0] <= len(levels) <= LEVELS[1] or len(codes) < ROWS_A_LEVEL * len(levels):
        return False
    own, around, total = _errors(codes, len(levels), _outputs(table, rows[known]), folds[known])
    explained, guessed = 1 - own.sum() / total, 1 - around.sum() / total
    if explained < EXPLAINED or guessed > BY_NEIGHBORS * explained:
        return False
    gain = around - own
    if gain.mean() < SURE * gain.std() / len(gain) ** 0.5:
        return False
    return bool(numpy.bincount(codes, weights=gain).max() <= ONE_LEVEL * gain.sum())


def deal_folds(table: Table, rows: numpy.ndarray) -> numpy.ndarray:
    """(rows,) the fold of each, the same however the rows are ordered.

    Rows of one group share one, since a new group's rows are what is to be predicted.
    """
    if table.group is not None:
        groups = numpy.unique(table.group[rows], return_inverse=True)[1]
    else:
        groups = numpy.empty(len(rows), dtype=numpy.int64)
        groups[numpy.lexsort((table.target[rows], table.hashes()[rows]))] = numpy.arange(len(rows))
    return (numpy.random.default_rng(0).permutation(int(groups.max()) + 1) % _FOLDS)[groups]


def _errors(
    codes: numpy.ndarray, count: int, target: numpy.ndarray, fold: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """Squared errors of each row, (rows,), by its value's mean and by the best of the means around it; and their sum by
    the mean of all."""
    errors = numpy.zeros((1 + len(REACHES), len(codes)))
    apart = numpy.abs(numpy.subtract.outer(numpy.arange(count), numpy.arange(count)))
    kernels = [numpy.eye(count), *(numpy.where(apart, numpy.exp(-apart / reach), 0.0) for reach in REACHES)]
    total = 0.0
    for number in range(_FOLDS):
        train, held = fold != number, fold == number
        mean = target[train].mean(0)
        rows = numpy.bincount(codes[train], minlength=count).astype(float)
        sums = numpy.stack([numpy.bincount(codes[train], t, count) for t in target[train].T], axis=1)
        for kernel, error in zip(kernels, errors, strict=True):  # as if there were one more row, an average one
            guess = (kernel @ sums + mean) / (kernel @ rows + 1.0)[:, None]
            error[held] = ((target[held] - guess[codes[held]]) ** 2).sum(1)
        total += float(((target[held] - mean) ** 2).sum())
    best = min(errors[1:], key=lambda error: float(error.sum()))
    return errors[0], best, max(total, 1e-300)


def _outputs(table: Table, rows: numpy.ndarray) -> numpy.ndarray:
    """(rows, 1) numbers, or (rows, classes) of 0 and 1."""
    if table.task == "regression":
        return table.target[rows][:, None]
    return numpy.eye(len(table.classes))[table.target[rows]]


def _recast(table: Table, reasons: dict[str, str], notes: list[Note]) -> Table:
    columns = [Column(c.name, "category", reasons[c.name]) if c.name in reasons else c for c in table.columns]
    return dataclasses.replace(table, columns=columns, notes=[*table.notes, *notes])


def _note(names: list[str]) -> Note:
    one = len(names) == 1
    what = f"column {shown(names[0])} holds" if one else f"{len(names)} columns ({listed(names)}) hold"
    told = f"{what} {REASON}: read as {'a category' if one else 'categories'}."
    return Note("WF-D76", f"{told} --number {shown(names[0])} keeps {'it' if one else 'the first'} a number.")


def _named(table: Table, name: str, kinds: dict[str, str], role: str = "category") -> str:
    clean = clean_name(name)
    if kinds.get(clean) not in ("number", "category"):
        why = "holds dates" if kinds.get(clean) == "date" else "is not among the columns in use"
        fix = nearest(clean, table.feature_names)
        raise DataError(f"column {shown(clean)}, named as {role}, {why}.", fix=fix, code="WF-D20")
    if role == "number" and kinds[clean] == "category":
        raise DataError(
            f"column {shown(clean)}, named as number, holds texts.", fix="Leave --number out.", code="WF-D20"
        )
    return clean
