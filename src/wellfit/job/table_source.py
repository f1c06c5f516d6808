"""Where the rows come from: files or arrays, as one table with its split."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wellfit.data import (
    Labeled,
    Note,
    Split,
    Table,
    hold_back,
    make_table,
    read_table,
    split_given,
    split_table,
    table_from_arrays,
    with_categories,
)
from wellfit.data.arrays import target_from_array
from wellfit.data.labels import joined_labels
from wellfit.data.names import clean_name
from wellfit.errors import DataError, UsageError
from wellfit.job.kind import Kind
from wellfit.job.options import Options, column_kinds, planned_data
from wellfit.job.table_kind import TABLE


@dataclasses.dataclass(frozen=True)
class Source:
    """A table, images or texts with their split, and the name they go by.

    Attributes:
        delimiter: between the cells of a text file; None for everything else.
    """

    table: Labeled
    split: Split
    name: str
    notes: tuple[Note, ...] = ()
    kind: Kind = TABLE
    delimiter: str | None = None


def from_file(path: str | Path, options: Options) -> Source:
    """Read the data, and validation and test rows where they have files of their own.

    Raises:
        UsageError: no target was named.
        DataError: the data cannot be used; the sentence says why.
    """
    if not options.target:
        raise UsageError("which column is to be predicted?", fix="Name it with --target.", code="WF-U03")
    named = {"training": path, "valid": options.valid, "test": options.test}
    frames = {part: read_table(p) for part, p in named.items() if p is not None}
    notes = [Note(*n) for f in frames.values() for n in f.attrs.get("notes", [])]
    delimiter = frames["training"].attrs.get("delimiter")
    whole, parts = _joined(frames, clean_name(options.target))
    whole.attrs.clear()  # what reading said is said once, by the source
    table = make_table(
        whole, options.target, drop=options.drop, weight=options.weight, group=options.group, time=options.time,
        task=options.task,
    )  # fmt: skip
    split = split_parts(table, parts, options)
    return Source(_settled(table, split, options), split, Path(path).name, tuple(notes), delimiter=delimiter)


def from_arrays(
    x: Any, y: Any, options: Options, *, weight: Any, groups: Any, time: Any, valid: Any, test: Any
) -> Source:
    """The same from arrays or frames; ``valid`` and ``test`` are pairs (X, y) or None."""
    given = {"training": (x, y), "valid": valid, "test": test}
    pairs = {part: pair for part, pair in given.items() if pair is not None}
    if len(pairs) > 1 and any(v is not None for v in (weight, groups, time)):
        raise UsageError("weights, groups and times go with one table, not with separate validation or test rows.")
    frames = {part: _frame(pair[0]) for part, pair in pairs.items()}
    whole, parts = _joined(frames)
    labels = [target_from_array(pair[1], len(frames[part]))[0] for part, pair in pairs.items()]
    target = joined_labels(labels) if len(pairs) > 1 else y
    table = table_from_arrays(
        whole if len(pairs) > 1 else x, target, drop=options.drop, weight=weight, groups=groups, time=time,
        task=options.task,
    )  # fmt: skip
    split = split_parts(table, parts, options)
    return Source(_settled(table, split, options), split, "arrays")


def _settled(table: Table, split: Split, options: Options) -> Table:
    """The table with numbers that are names read as categories; the test rows have no say in which those are.

    Where a plan is repeated, columns are read as its run read them, but for those that are named now.
    """
    named = {*options.category, *options.number}
    numbers = {c.name for c in table.columns if c.kind == "number"} - {clean_name(n) for n in named}
    before = column_kinds(planned_data(options))
    more = {kind: [n for n in names if n in numbers] for kind, names in before.items()}
    return with_categories(
        table, split.development, [*options.category, *more["category"]], [*options.number, *more["number"]]
    )


def _frame(x: Any) -> pd.DataFrame:
    from wellfit.data import frame_from_arrays

    return frame_from_arrays(x)


def _joined(frames: dict[str, pd.DataFrame], target: str = "") -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """All rows in one frame, and where each part's rows stand in it."""
    first = frames["training"]
    for part, frame in frames.items():
        missing = [str(c) for c in first.columns if c not in set(frame.columns)]
        if missing:
            raise DataError(
                f"the {part} file lacks the columns {', '.join(missing[:5])}.",
                fix="Give it the columns of the training file.",
                code="WF-D24",
            )
    whole = pd.concat([f[first.columns] for f in frames.values()], ignore_index=True)
    if target in whole.columns:
        whole[target] = joined_labels([f[target] for f in frames.values()])
    parts, start = {}, 0
    for part, frame in frames.items():
        parts[part] = np.arange(start, start + len(frame))
        start += len(frame)
    return whole, parts


def split_parts(table: Labeled, parts: dict[str, np.ndarray], options: Options) -> Split:
    """Draw what is missing; rows that the table dropped (no target) are left out of the given parts."""
    if len(parts) == 1:
        return hold_back(split_table(table, seed=options.seed), table, options.seed, given=False)
    place = np.full(int(table.rows.max()) + 1, -1)
    place[table.rows] = np.arange(len(table))
    known = {part: place[rows[rows < len(place)]] for part, rows in parts.items()}
    kept = {part: rows[rows >= 0] for part, rows in known.items()}
    split = split_given(kept["training"], kept.get("test"), kept.get("valid"), table, options.seed)
    return hold_back(split, table, options.seed, given="valid" in kept)
