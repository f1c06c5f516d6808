"""Numbers that are names: columns whose values tell rows apart, while their order says little of the target."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy
import pandas

from wellfit.data.codings import MOST_CATEGORIES
from wellfit.data.names import clean_name, names_of, nearest
from wellfit.data.notes import Column, Note, listed, shown
from wellfit.data.table import Table
from wellfit.errors import DataError

FEWEST = 9
"""Distinct values of a column that may be a code; it has at most as many as categories have slots of their own."""

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

MOST_ROWS = 20_000
"""Rows that are looked at, which is plenty to be that sure."""

REASON = "numbers whose order says little of the target"

_FOLDS = 5
_WHOLE = 1e-3


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
    asked = [_named(table, name, kinds) for name in names_of(category)]
    kept = [_named(table, name, kinds, "number") for name in names_of(number)]
    if both := [name for name in asked if name in kept]:
        fix = "Name it in one place only."
        raise DataError(f"column {shown(both[0])} is named as category and as number.", fix=fix, code="WF-D20")
    open_to = [name for name, kind in kinds.items() if kind == "number" and name not in (*asked, *kept)]
    found = find_codes(table, rows, open_to)
    reasons = {name: "as asked" for name in asked if kinds[name] == "number"} | dict.fromkeys(found, REASON)
    return _recast(table, reasons, [_note(found)] if found else [])


def find_codes(table: Table, rows: numpy.ndarray, names: Sequence[str]) -> list[str]:
    """The columns among these that are codes, by the rows that may be looked at."""
    if not names or not len(rows):
        return []
    sample = _sample(table, rows)
    return [name for name in names if is_code(table.frame[name].to_numpy()[sample.rows], sample)]


@dataclasses.dataclass(frozen=True)
class Sample:
    """Rows to judge columns by.

    Attributes:
        rows: (n,) which rows of the table these are.
        target: (n,) classes as int64; numbers as ranks between -0.5 and 0.5, so that no scale and no tail matters.
        classes: how many; 0 for numbers.
        weight: (n,) above 0, with a mean of 1.
        unit: (n,) rows that may be told of each other, by number: those of one group, or with equal features.
        fold: (n,) into which of five parts each goes, units whole; where rows have times, early ones into early parts.
    """

    rows: numpy.ndarray
    target: numpy.ndarray
    classes: int
    weight: numpy.ndarray
    unit: numpy.ndarray
    fold: numpy.ndarray

    def take(self, some: numpy.ndarray) -> Sample:
        arrays = {f.name: getattr(self, f.name)[some] for f in dataclasses.fields(self) if f.name != "classes"}
        return Sample(classes=self.classes, **arrays)


def _sample(table: Table, rows: numpy.ndarray) -> Sample:
    """At most `MOST_ROWS` rows that count, the same ones in whatever order the rows came."""
    weight = numpy.ones(len(table)) if table.weight is None else table.weight
    rows = rows[weight[rows] > 0]
    hashes = table.hashes()
    rows = rows[numpy.lexsort((table.target[rows], hashes[rows]))[:MOST_ROWS]]
    owner = hashes[rows] if table.group is None else table.group[rows]
    unit = numpy.unique(owner, return_inverse=True)[1]
    fold = (numpy.random.default_rng(0).permutation(int(unit.max(initial=0)) + 1) % _FOLDS)[unit]
    if table.time is not None and table.group is None:
        time = table.time[rows]
        fold = numpy.searchsorted(numpy.sort(time), time) * _FOLDS // max(1, len(time))
    target = table.target[rows]
    if table.task == "regression":
        target = (pandas.Series(target).rank().to_numpy() - 0.5) / max(1, len(target)) - 0.5
    shares = weight[rows] / max(1e-300, weight[rows].mean()) if len(rows) else weight[rows]
    return Sample(rows, target, len(table.classes), shares, unit, fold)


def is_code(values: numpy.ndarray, sample: Sample) -> bool:
    """Whether a column's values explain the target out of sample, and the values around each do not.

    Each row's target is predicted from the other folds: by the mean of the rows with the same value, and by means of
    the rows with values around it, near ones counting more. Where order says something, the values around one know
    much of what it knows itself. Codes lie whole numbers apart, also where a column was centered; standard errors
    count units, not rows.

    Args:
        values: (n,) cells of the sample's rows, NaN where missing.
    """
    known = ~numpy.isnan(values)
    levels, codes = numpy.unique(values[known], return_inverse=True)
    if not FEWEST <= len(levels) <= MOST_CATEGORIES or len(codes) < ROWS_A_LEVEL * len(levels):
        return False
    sample = sample.take(known)
    steps = levels - levels[0]
    if (abs(steps - numpy.round(steps)) > _WHOLE).any() or len(numpy.unique(sample.fold)) < 2:
        return False
    own, around, total = errors(codes, len(levels), sample)
    explained, guessed = 1 - own.sum() / total, 1 - around.sum() / total
    if explained < EXPLAINED or guessed > BY_NEIGHBORS * explained:
        return False
    gain = around - own
    by_unit = numpy.bincount(sample.unit, gain - gain.mean())
    if gain.sum() < SURE * float((by_unit**2).sum()) ** 0.5:
        return False
    return bool(numpy.bincount(codes, gain).max() <= ONE_LEVEL * gain.sum())


def errors(codes: numpy.ndarray, count: int, sample: Sample) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """Weighted squared errors of each row, (n,), by its value's mean and by the best of the means around it; and their
    sum by the mean of all, each mean out of sample and as if there were one more row, an average one.

    Args:
        codes: (n,) which of the values each row has, in their order.
        count: how many values there are.
    """
    apart = numpy.abs(numpy.subtract.outer(numpy.arange(count), numpy.arange(count)))
    kernels = [numpy.eye(count), *(numpy.where(apart, numpy.exp(-apart / reach), 0.0) for reach in REACHES)]
    found = numpy.zeros((len(kernels), len(codes)))
    total = 0.0
    for number in numpy.unique(sample.fold):
        held = sample.fold == number
        rows, sums = _sums(codes[~held], count, sample.take(~held))
        mean, rest = sums.sum(0) / rows.sum(), sample.take(held)
        for kernel, error in zip(kernels, found, strict=True):
            guess = (kernel @ sums + mean) / (kernel @ rows + 1.0)[:, None]
            error[held] = _squared(guess, codes[held], rest)
        total += float(_squared(numpy.tile(mean, (count, 1)), codes[held], rest).sum())
    best = min(found[1:], key=lambda error: float(error.sum()))
    return found[0], best, max(total, 1e-300)


def _sums(codes: numpy.ndarray, count: int, sample: Sample) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The weight of each value's rows, (count,), and the weighted sums of their targets, (count, classes or 1)."""
    rows = numpy.bincount(codes, sample.weight, count)
    if not sample.classes:
        return rows, numpy.bincount(codes, sample.weight * sample.target, count)[:, None]
    cells = numpy.bincount(codes * sample.classes + sample.target, sample.weight, count * sample.classes)
    return rows, cells.reshape(count, sample.classes)


def _squared(guess: numpy.ndarray, codes: numpy.ndarray, sample: Sample) -> numpy.ndarray:
    """(n,) weighted squared errors of a guess for each value, (count, classes or 1); of classes, as 0 and 1, summed."""
    if not sample.classes:
        return sample.weight * (sample.target - guess[codes, 0]) ** 2
    return sample.weight * (1 - 2 * guess[codes, sample.target] + (guess**2).sum(1)[codes])


def _recast(table: Table, reasons: dict[str, str], notes: list[Note]) -> Table:
    columns = [Column(c.name, "category", reasons[c.name]) if c.name in reasons else c for c in table.columns]
    return dataclasses.replace(table, columns=columns, notes=[*table.notes, *notes])


def _note(names: list[str]) -> Note:
    one = len(names) == 1
    what = f"column {shown(names[0])} holds" if one else f"{len(names)} columns ({listed(names)}) hold"
    told = f"{what} {REASON}: read as {'a category' if one else 'categories'}."
    column = shown(names[0]) if one else "COLUMN"
    return Note("WF-D76", f"{told} --number {column} (in Python: number=) keeps {'it' if one else 'one'} a number.")


def _named(table: Table, name: str, kinds: dict[str, str], role: str = "category") -> str:
    clean = clean_name(name)
    kind = kinds.get(clean)
    why = {"date": "holds dates", "dropped": "is not in use", None: "is not among the columns in use"}.get(kind, "")
    if role == "number" and kind == "category":
        why = "holds no numbers"
    if why:
        fix = nearest(clean, table.feature_names) if kind is None else f"Leave --{role} out."
        raise DataError(f"column {shown(clean)}, named as {role}, {why}.", fix=fix, code="WF-D20")
    return clean
