"""The table that training works on: clean feature columns, one target, and what was decided on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy
import pandas

from wellfit.data.arrays import frame_from_arrays, target_from_array
from wellfit.data.columns import PROSE, read_features
from wellfit.data.leaks import find_leaks
from wellfit.data.names import clean_frame, clean_name, names_of, nearest
from wellfit.data.notes import Column, Note, counted, listed, shown
from wellfit.data.roles import read_group, read_time, read_weight
from wellfit.data.target import class_text, missing_labels, read_target
from wellfit.errors import DataError

MIN_ROWS = 20
# Below this many rows one validation slice is too noisy to choose by; five folds use every row once.
CROSS_VALIDATE_BELOW = 1000

__all__ = ["MIN_ROWS", "Column", "Note", "Table", "make_table", "table_from_arrays"]


@dataclass
class Table:
    """Rows with a known target and clean features.

    Args:
        frame: (rows, features) numbers float64, categories as categorical texts, or as the numbers that are their
            names, dates datetime64[s].
        target: (rows,) int64 class codes, or float64 for regression.
        task: ``"binary"``, ``"multiclass"`` or ``"regression"``.
        classes: the classes as written in the data, by code; empty for regression.
        class_values: the classes as Python values, by code.
        weight: (rows,) float64, or None.
        group: (rows,) int64 codes of the groups, or None.
        time: (rows,) sortable numbers, or None.
        columns: one verdict per column that came in.
        notes: what a person should know.
        target_name: the target's clean name.
        rows: (rows,) positions of the kept rows in the data as given.
    """

    frame: pandas.DataFrame
    target: numpy.ndarray
    task: str
    classes: list[str]
    class_values: list[object]
    weight: numpy.ndarray | None
    group: numpy.ndarray | None
    time: numpy.ndarray | None
    columns: list[Column]
    notes: list[Note]
    target_name: str
    rows: numpy.ndarray = field(default_factory=lambda: numpy.arange(0))

    @property
    def cross_below(self) -> int:
        return CROSS_VALIDATE_BELOW

    def unsplit(self) -> tuple[str, str]:
        """Why rows that look alike may be so few, and what to do: a column of texts that was left out."""
        fix = _text_fix(self.columns)
        return ("the column of texts was left out, and without it rows look alike" if fix else ""), fix

    @property
    def feature_names(self) -> list[str]:
        return [str(name) for name in self.frame.columns]

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: numpy.ndarray) -> pandas.DataFrame:
        """The features of these rows."""
        return self.frame.iloc[rows]

    def hashes(self) -> numpy.ndarray:
        """Hash the features of every row, (rows,) uint64: equal features, equal hash, in any row order."""
        # + 0.0 turns -0.0 into 0.0, which is equal but has other bits.
        cells = {
            position: column + 0.0 if column.dtype == numpy.float64 else column
            for position, (_, column) in enumerate(self.frame.items())
        }
        return pandas.util.hash_pandas_object(pandas.DataFrame(cells), index=False, categorize=True).to_numpy()


@dataclass(frozen=True)
class _Roles:
    """Series that are not features, (all rows,) each."""

    weight: pandas.Series | None = None
    group: pandas.Series | None = None
    time: pandas.Series | None = None


def make_table(
    frame: pandas.DataFrame,
    target: str,
    *,
    drop: Sequence[str] = (),
    weight: str | None = None,
    group: str | None = None,
    time: str | None = None,
    task: str | None = None,
    minimum_rows: int = MIN_ROWS,
) -> Table:
    """Turn a frame into a table.

    Args:
        frame: as read by ``read_table``, or any frame.
        target, drop, weight, group, time: column names.
        task: overrides what the target's values say.
        minimum_rows: fewer usable rows are refused.
    Raises:
        DataError: the sentence names the column, the row and the way out.
    """
    said = [Note(*note) for note in frame.attrs.get("notes", [])]
    frame, notes = clean_frame(frame)
    _require_rows(len(frame), minimum_rows)
    target = _target_name(target, list(frame.columns))
    names = {"weight": weight, "group": group, "time": time}
    chosen = {
        role: _role_name(role, name, target, list(frame.columns)) for role, name in names.items() if name is not None
    }
    dropped = _dropped(drop, target, frame)
    _refuse_double(chosen, dropped)
    roles = _Roles(**{role: frame[name] for role, name in chosen.items()})
    features = frame.drop(columns=[target, *chosen.values(), *dropped])
    used = [Column(name, "dropped", f"used as the {role}") for role, name in chosen.items()]
    used += _left_out(dropped)
    table = _build(features, frame[target], target, roles, task, minimum_rows)
    table.notes[:0] = said + notes
    table.columns += used
    return table


def table_from_arrays(
    X: object,
    y: object,
    *,
    drop: str | Sequence[str] = (),
    weight: object = None,
    groups: object = None,
    time: object = None,
    task: str | None = None,
    feature_names: Sequence[str] | None = None,
    minimum_rows: int = MIN_ROWS,
) -> Table:
    """Turn arrays, lists or a frame and a target into a table.

    Args:
        X: (rows, features) array, nested list, sparse matrix of moderate size, or frame.
        y: (rows,) or (rows, 1).
        drop: names of columns of X to leave out.
        weight, groups, time: (rows,) or None.
        feature_names: names for the columns of an array.
    Raises:
        DataError: shapes that do not fit, cells that a table cannot hold, and all that ``make_table`` refuses.
    """
    frame = frame_from_arrays(X, feature_names)
    target, name = target_from_array(y, len(frame))
    _require_rows(len(frame), minimum_rows)
    given = {"weight": weight, "group": groups, "time": time}
    roles = _Roles(
        **{role: target_from_array(value, len(frame), role)[0] for role, value in given.items() if value is not None}
    )
    named, dropped = isinstance(X, pandas.DataFrame), _dropped(drop, "", frame)
    features = frame.drop(columns=dropped)
    table = _build(features, target, name, roles, task, minimum_rows, markers=False, find_ids=named)
    table.columns += _left_out(dropped)
    return table


def _dropped(names: str | Sequence[str], target: str, frame: pandas.DataFrame) -> list[str]:
    """The columns that are to be left out, as the frame calls them."""
    return [_role_name("drop", name, target, list(frame.columns)) for name in names_of(names)]


def _left_out(names: Sequence[str]) -> list[Column]:
    return [Column(name, "dropped", "left out as asked") for name in dict.fromkeys(names)]


def _build(
    features: pandas.DataFrame,
    target: pandas.Series,
    target_name: str,
    roles: _Roles,
    task: str | None,
    minimum_rows: int,
    markers: bool = True,
    find_ids: bool = True,
) -> Table:
    read = read_target(target, target_name, task, markers)
    rows = numpy.flatnonzero(read.kept)
    notes = missing_labels(len(target) - len(rows), target_name)
    _require_rows(len(rows), minimum_rows)
    found = read_features(features, rows, find_ids)
    if not found.cells:
        raise DataError(
            f"no usable feature column is left of {features.shape[1]}{_why(found.columns)}.",
            fix=_text_fix(found.columns) or "Add columns that vary and say something about the target.",
            code="WF-D16",
        )
    notes += [*read.notes, *found.notes, *find_leaks(found.cells, read.values, read.task, target_name)]
    return Table(
        frame=pandas.DataFrame(found.cells, columns=pandas.Index(list(found.cells), dtype=object)),
        target=read.values,
        task=read.task,
        classes=[class_text(value) for value in read.class_values],
        class_values=read.class_values,
        weight=None if roles.weight is None else read_weight(roles.weight, rows),
        group=None if roles.group is None else read_group(roles.group, rows),
        time=None if roles.time is None else read_time(roles.time, rows),
        columns=found.columns,
        notes=notes,
        target_name=target_name,
        rows=rows,
    )


def _require_rows(count: int, minimum: int) -> None:
    if count < minimum:
        raise DataError(
            f"the data has {counted(count, 'usable row')}; at least {minimum} are needed.",
            fix="Add rows with a known target.",
            code="WF-D15",
        )


def _text_fix(columns: list[Column]) -> str:
    """What to do where a column of texts was left out; empty where none was."""
    texts = [column.name for column in columns if column.reason == PROSE]
    return f"Learn from the texts: --text {shown(texts[0])} (in Python: text=)." if texts else ""


def _why(columns: list[Column]) -> str:
    """The reasons behind the first dropped columns, for example ``: "a" holds a single value``."""
    reasons = "; ".join(f"{shown(column.name)} {column.reason}" for column in columns[:3])
    return f": {reasons}{'; ...' if len(columns) > 3 else ''}" if reasons else ""


def _target_name(target: object, names: list[str]) -> str:
    if isinstance(target, (list, tuple)):
        if len(target) != 1:
            raise _several_targets([str(name) for name in target])
        target = target[0]
    name = clean_name(target)
    if name in names:
        return name
    parts = [clean_name(part) for part in name.split(",")]
    if len(parts) > 1 and all(part in names for part in parts):
        raise _several_targets(parts)
    raise DataError(f"there is no column {shown(name)} to use as the target.", fix=nearest(name, names), code="WF-D11")


def _several_targets(names: list[str]) -> DataError:
    return DataError(
        f"{len(names)} targets were named ({listed(names)}): multi-output is not supported.",
        fix="Name one target, and train once per target.",
        code="WF-D12",
    )


def _role_name(role: str, name: object, target: str, names: list[str]) -> str:
    clean = clean_name(name)
    if clean == target:
        raise DataError(
            f"{shown(clean)} is the target and cannot be used as {role}.", fix="Name another column.", code="WF-D20"
        )
    if clean not in names:
        raise DataError(
            f"there is no column {shown(clean)} (named as {role}).", fix=nearest(clean, names), code="WF-D20"
        )
    return clean


def _refuse_double(chosen: dict[str, str], dropped: list[str]) -> None:
    seen: dict[str, str] = {}
    for role, name in [*chosen.items(), *(("drop", name) for name in dict.fromkeys(dropped))]:
        if name in seen:
            raise DataError(
                f"column {shown(name)} is named as {seen[name]} and as {role}.",
                fix="Name it in one place only.",
                code="WF-D20",
            )
        seen[name] = role
