"""Splits a table's rows into test, training and validation: fixed by content, stratified, without leakage."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy

from wellfit.data.draw import cut_by_time, draw_folds, draw_part
from wellfit.data.labeled import Labeled
from wellfit.data.notes import Note, counted
from wellfit.data.units import Units, content_hash, make_units
from wellfit.errors import DataError

FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Rows of a table, each array int64 row numbers in content order (in time order with a time column).

    Args:
        test: rows to be read once, at the end; may be empty when the caller gave none.
        folds: (training rows, validation rows), one pair or five.
        notes: what a person should know.
        how: one phrase on how the rows were split.
        fresh: further (training rows, validation rows), whose validation rows no fold validates on.
        unfresh: why there are none of those, or empty.
    """

    test: numpy.ndarray
    folds: list[tuple[numpy.ndarray, numpy.ndarray]]
    notes: list[Note]
    how: str
    fresh: list[tuple[numpy.ndarray, numpy.ndarray]] = field(default_factory=list)
    unfresh: str = ""

    @property
    def development(self) -> numpy.ndarray:
        """All rows but the test's, sorted."""
        return numpy.sort(numpy.concatenate(self.folds[0]))


def split_table(table: Labeled, *, test_fraction: float = 0.15, valid_fraction: float = 0.15, seed: int = 0) -> Split:
    """Split all rows of a table.

    The same rows give the same split in any order. Rows with equal features, or of one group, stay on one side.
    With a time column the latest rows are the test rows and the ones before them validate.

    Args:
        table: from ``make_table``.
        test_fraction: share of the rows for the test, 0 to below 1; 0 draws no test rows.
        valid_fraction: share of all rows for validation, above 0.
        seed: another seed gives another split.
    Raises:
        DataError: ``WF-D22`` when there are too few distinct rows, groups or times.
    """
    everything = numpy.arange(len(table), dtype=numpy.int64)
    test = numpy.empty(0, dtype=numpy.int64) if test_fraction == 0 else None
    return split_given(everything, test, None, table, seed, test_fraction=test_fraction, valid_fraction=valid_fraction)


def split_given(
    train_rows: numpy.ndarray,
    test_rows: numpy.ndarray | None,
    valid_rows: numpy.ndarray | None,
    table: Labeled,
    seed: int = 0,
    *,
    test_fraction: float = 0.15,
    valid_fraction: float = 0.15,
) -> Split:
    """Keep the parts that are given and draw the missing ones from the training rows.

    Args:
        train_rows: rows of the table that may be trained on.
        test_rows: rows of the test, an empty array for no test, or None to draw them.
        valid_rows: rows of the validation, or None to draw them.
        table: holds all these rows.
        seed, test_fraction, valid_fraction: as in ``split_table``; shares of ``train_rows``.
    Raises:
        DataError: ``WF-D22`` when parts overlap or too few rows are left.
    """
    _require_fractions(test_fraction, valid_fraction)
    parts = {"training": train_rows, "test": test_rows, "validation": valid_rows}
    given = {name: _row_numbers(rows, name, len(table)) for name, rows in parts.items() if rows is not None}
    _require_disjoint(given)
    if table.time is not None and table.group is not None:
        raise DataError("both a group and a time column are named.", fix="Name one of them.", code="WF-D22")
    hashes = content_hash(table)
    if table.time is not None:
        split = _split_by_time(given, table, test_fraction, valid_fraction, hashes)
    else:
        split = _split_by_content(given, table, seed, test_fraction, valid_fraction, hashes)
    return Split(split.test, split.folds, [*split.notes, *_leak_notes(split, table, hashes)], split.how)


def _split_by_content(
    given: dict[str, numpy.ndarray],
    table: Labeled,
    seed: int,
    test_fraction: float,
    valid_fraction: float,
    hashes: numpy.ndarray,
) -> Split:
    if "test" in given and "validation" in given:
        return Split(given["test"], [(given["training"], given["validation"])], [], "all parts as given")
    units = make_units(table, given["training"], seed, hashes)
    what = "distinct rows" if table.group is None else "groups"
    _require_units(units, 3 - len([name for name in given if name != "training"]), what, table)
    test, share = given.get("test"), valid_fraction
    if test is None:
        chosen = draw_part(units, test_fraction)
        test, units = units.rows_of(chosen), units.only(~chosen)
        share = valid_fraction / (1 - test_fraction)
    if "validation" in given:
        return Split(test, [(units.rows, given["validation"])], [], _phrase(given, table, test_fraction, 0, 1))
    if len(units.rows) >= table.cross_below:
        chosen = draw_part(units, share)
        folds = [(units.rows_of(~chosen), units.rows_of(chosen))]
        return Split(test, folds, [], _phrase(given, table, test_fraction, valid_fraction, 1))
    folds, notes = _cross_validate(units, what)
    return Split(test, folds, notes, _phrase(given, table, test_fraction, valid_fraction, len(folds)))


def _cross_validate(units: Units, what: str) -> tuple[list[tuple[numpy.ndarray, numpy.ndarray]], list[Note]]:
    count = min(FOLDS, len(units.size))
    fold = draw_folds(units, count)
    folds = [
        (units.rows_of(fold != number), units.rows_of(fold == number))
        for number in range(count)
        if (fold == number).any()
    ]
    if not folds:
        raise DataError(
            f"{len(units.size)} {what} cannot be split: each of them holds a class that no other has.",
            fix="Add rows, or give validation rows.",
            code="WF-D22",
        )
    few = [Note("WF-D71", f"{len(folds)} folds instead of {FOLDS}: there are only {len(units.size)} {what}.")]
    return folds, few if len(folds) < FOLDS else []


def _split_by_time(
    given: dict[str, numpy.ndarray], table: Labeled, test_fraction: float, valid_fraction: float, hashes: numpy.ndarray
) -> Split:
    train, time = given["training"], numpy.asarray(table.time)
    train = train[numpy.lexsort((hashes[train], time[train]))]
    missing = [name for name in ("test", "validation") if name not in given]
    moments = len(numpy.unique(time[train]))
    if moments < len(missing) + 1:
        raise DataError(
            f"the time column has {moments} distinct values on the rows to split; {len(missing) + 1} are needed.",
            fix="Name a finer time column, or none.",
            code="WF-D22",
        )
    test, share = given.get("test"), valid_fraction
    if test is None:
        late = cut_by_time(time[train], test_fraction, len(missing))
        test, train = train[late], train[~late]
        share = valid_fraction / (1 - test_fraction)
    valid = given.get("validation")
    if valid is None:
        late = cut_by_time(time[train], share, 1)
        valid, train = train[late], train[~late]
    how = _phrase(given, table, test_fraction, valid_fraction, 1)
    return Split(test, [(train, valid)], _time_notes(time, train, valid, test), how)


def _time_notes(time: numpy.ndarray, train: numpy.ndarray, valid: numpy.ndarray, test: numpy.ndarray) -> list[Note]:
    last = time[train].max()
    late = sum(int((time[part] <= last).sum()) for part in (valid, test))
    if not late:
        return []
    sentence = (
        f"{counted(late, 'validation or test row')} as given are not later than the last training row: "
        "scores may be too good."
    )
    return [Note("WF-D71", sentence)]


def _phrase(
    given: dict[str, numpy.ndarray], table: Labeled, test_fraction: float, valid_fraction: float, folds: int
) -> str:
    """Say how the rows were split, for example ``70/15/15 stratified, fixed by content hash``."""
    test = 0 if "test" in given else round(100 * test_fraction)
    valid = 0 if "validation" in given else round(100 * valid_fraction)
    if folds > 1:
        shares = f"{folds} folds of the training rows" if not test else f"{test} % test, {folds} folds of the rest"
    else:
        shares = "/".join(str(share) for share in (100 - test - valid, valid, test) if share)
    told = ", ".join(f"{name} as given" for name in ("validation", "test") if name in given and len(given[name]))
    way = "latest rows last" if table.time is not None else "by group, fixed by hash" if table.group is not None else ""
    return f"{shares} {way or 'stratified, fixed by content hash'}{', ' + told if told else ''}"


def _leak_notes(split: Split, table: Labeled, hashes: numpy.ndarray) -> list[Note]:
    """Say how many rows are exact duplicates, and whether any stand on two sides."""
    train, valid = split.folds[0]
    side = numpy.full(len(hashes), -1)
    for number, part in enumerate((numpy.concatenate([train, valid]), split.test)):
        side[part] = number
    in_test = numpy.isin(hashes[side == 0], hashes[side == 1])
    across = int(in_test.sum()) + (int(numpy.isin(hashes[valid], hashes[train]).sum()) if len(split.folds) == 1 else 0)
    if across:
        verb = "stands" if across == 1 else "stand"
        return [
            Note(
                "WF002",
                f"{counted(across, 'row')} {verb} with the same features on another side of the split "
                "too: scores may be too good.",
            )
        ]
    _, counts = numpy.unique(hashes[side >= 0], return_counts=True)
    repeated = int((counts - 1).sum())
    if not repeated:
        return []
    return [Note("WF-D73", f"{counted(repeated, 'exact duplicate row')} kept together on one side of the split.")]


def _require_units(units: Units, needed: int, what: str, table: Labeled) -> None:
    if len(units.size) >= needed:
        return
    why, fix = table.unsplit() if table.group is None else ("", "Add rows of other groups, or name no group.")
    count = len(units.size)
    told = f"there {'is' if count == 1 else 'are'} {counted(count, what.removesuffix('s'))}; a split needs {needed}"
    raise DataError(f"{told}{': ' if why else ''}{why}.", fix=fix or "Add rows that differ.", code="WF-D22")


def _require_fractions(test_fraction: float, valid_fraction: float) -> None:
    if 0 <= test_fraction < 1 and 0 < valid_fraction < 1 and test_fraction + valid_fraction < 1:
        return
    raise DataError(
        f"test_fraction {test_fraction} and valid_fraction {valid_fraction} leave no training rows or "
        "are out of range.",
        fix="Choose shares between 0 and 1 that sum to less than 1, such as 0.15 and 0.15.",
        code="WF-D22",
    )


def _row_numbers(rows: object, name: str, count: int) -> numpy.ndarray:
    array = numpy.asarray(rows)
    array = numpy.flatnonzero(array) if array.dtype == bool else array
    if array.ndim != 1 or (array.size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= count)):
        raise DataError(
            f"the {name} rows are not row numbers from 0 to {count - 1}.",
            fix="Pass positions in the table.",
            code="WF-D22",
        )
    if len(numpy.unique(array)) < len(array) or (not len(array) and name != "test"):
        raise DataError(f"the {name} rows are empty or repeat a row.", fix="Name every row once.", code="WF-D22")
    return array.astype(numpy.int64)


def _require_disjoint(given: dict[str, numpy.ndarray]) -> None:
    names = list(given)
    for position, name in enumerate(names):
        for other in names[position + 1 :]:
            common = numpy.intersect1d(given[name], given[other])
            if len(common):
                raise DataError(
                    f"{counted(len(common), 'row')} (first: {common[0]}) are in the {name} rows and "
                    f"in the {other} rows.",
                    fix="Every row belongs to one part.",
                    code="WF-D22",
                )
