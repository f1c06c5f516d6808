"""Decides how each feature column is used, and cleans its cells accordingly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy
import pandas

from wellfit.data.cells import (
    are_seasons,
    date_cells,
    number_cells,
    read_as_months,
    require_plain_cells,
    split_text,
    text_dates,
    text_error,
    text_numbers,
    weak_markers,
)
from wellfit.data.notes import Column, Note, counted, listed, shown

# A text column is a number column with slips when at most this share of its cells is text and it has many numbers.
SLIP_SHARE = 0.10
SLIP_NUMBERS = 10
# A text column holds dates when at least this share of its cells does.
DATE_SHARE = 0.95
# A text column is an identifier when it has at least this many distinct texts per filled cell.
ID_SHARE = 0.95
# Texts of so many words on average are sentences: names and addresses have fewer.
PROSE_WORDS = 5
PROSE = "holds free text, another on nearly every row"
_ID_NAME = re.compile(
    r"(?i:(.*[_\s.-])?(id|ids|uuid|guid|index|idx|key|rowid|row|rownum)|unnamed: ?\d+)|.*[a-z](Id|ID)"
)


@dataclass
class Features:
    """The cleaned feature columns: numbers float64, categories categorical texts, dates datetime64[s].

    Args:
        cells: cleaned cells by column name.
        columns: one verdict per column that came in, in order.
        notes: what was changed or left out.
    """

    cells: dict[str, pandas.Series] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_features(frame: pandas.DataFrame, rows: numpy.ndarray, find_ids: bool = True) -> Features:
    """Classify and clean every column of a frame.

    Args:
        frame: feature columns with clean names, (all rows, columns).
        rows: the rows in use, positions into the frame; row numbers in messages count from the whole frame.
        find_ids: leave out columns that only number or name the rows.
    Raises:
        DataError: ``WF-D03`` text in a number column, ``WF-D18`` cells no column can hold.
    """
    result, ids, infinite = Features(), {}, {}
    for position, name in enumerate(frame.columns):
        whole = frame.iloc[:, position]
        cells = whole if len(rows) == len(whole) else whole.iloc[rows].reset_index(drop=True)
        column, cleaned, notes = read_column(name, cells, rows)
        if column.kind == "number":
            cleaned, infinite[name] = _without_infinite(cleaned)
            column = _constant(column, cleaned)
        if find_ids and column.kind in ("number", "category") and _is_id(name, column.kind, cleaned, whole):
            ids[name] = "text" if column.kind == "category" and _is_prose(cleaned) else column.kind
        result.cells[name] = cleaned
        result.columns.append(column)
        result.notes.extend(notes)
    _drop_ids(result, ids)
    _say_infinite(result, infinite)
    _say_dropped(result)
    result.cells = {column.name: result.cells[column.name] for column in result.columns if column.kind != "dropped"}
    return result


def read_column(name: str, cells: pandas.Series, rows: numpy.ndarray) -> tuple[Column, pandas.Series, list[Note]]:
    """Decide the kind of one column and clean its cells; see ``read_features``."""
    what = f"column {shown(name)}"
    require_plain_cells(cells, what)
    kind = _kind_by_type(cells)
    if kind == "date":
        return _date(name, cells, what)
    if kind == "number":
        values, _ = number_cells(cells, what)
        column = Column(name, "dropped", "holds no value") if numpy.isnan(values).all() else Column(name, "number")
        return column, pandas.Series(values), []
    codes, texts = split_text(cells, what)
    if not texts:
        return Column(name, "dropped", "holds no value"), pandas.Series(numpy.full(len(cells), numpy.nan)), []
    return _read_texts(name, kind, codes, texts, rows, cells)


def categorical(codes: numpy.ndarray, texts: list[str]) -> pandas.Series:
    """Cells (rows,) as a categorical series of texts in alphabetical order, whatever the rows' order."""
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = numpy.empty(len(texts) + 1, dtype=numpy.int64)
    rank[order] = numpy.arange(len(texts))
    rank[-1] = -1
    categories = pandas.Index([texts[position] for position in order], dtype=object)
    return pandas.Series(pandas.Categorical.from_codes(rank[codes], categories=categories))


def _kind_by_type(cells: pandas.Series) -> str:
    """``number``, ``date``, ``category`` when the type alone decides, else ``text`` or ``mixed``."""
    dtype = cells.dtype
    if isinstance(dtype, pandas.CategoricalDtype) or pandas.api.types.is_bool_dtype(dtype):
        return "category"
    if pandas.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pandas.PeriodDtype):
        return "date"
    if pandas.api.types.is_numeric_dtype(dtype) or pandas.api.types.is_timedelta64_dtype(dtype):
        return "number"
    if not pandas.api.types.is_object_dtype(dtype):
        return "text"
    inferred = pandas.api.types.infer_dtype(cells, skipna=True)
    return {"boolean": "category", "datetime": "date", "datetime64": "date", "date": "text"}.get(inferred, "text")


def _date(name: str, cells: pandas.Series, what: str) -> tuple[Column, pandas.Series, list[Note]]:
    if cells.dtype == object:
        cells = pandas.to_datetime(cells, utc=True, errors="coerce")
    values, _ = date_cells(cells, what)
    filled = values[~numpy.isnat(values)]
    if not len(filled):
        return Column(name, "dropped", "holds no value"), pandas.Series(values), []
    return Column(name, "date"), pandas.Series(values), []


def _read_texts(
    name: str, kind: str, codes: numpy.ndarray, texts: list[str], rows: numpy.ndarray, cells: pandas.Series
) -> tuple[Column, pandas.Series, list[Note]]:
    counts = numpy.bincount(codes[codes >= 0], minlength=len(texts))
    notes: list[Note] = []
    if kind != "category":
        numbers = text_numbers(texts)
        weak = weak_markers(texts)
        if not (numpy.isnan(numbers) & ~weak).any() and not weak.all():
            return Column(name, "number"), pandas.Series(numpy.append(numbers, numpy.nan)[codes]), notes
        notes = _judge_mixture(name, codes, texts, numbers, counts, rows)
        dates, months = text_dates(texts), read_as_months(texts)
        if are_seasons(texts):
            dates[:] = numpy.datetime64("NaT", "s")
        bad = int(counts[numpy.isnat(dates) & ~weak].sum())
        if bad <= (1 - DATE_SHARE) * counts[~weak].sum() and not weak.all():
            column = Column(name, "date"), pandas.Series(numpy.append(dates, numpy.datetime64("NaT", "s"))[codes])
            return *column, [*_months(name, months), *_bad_dates(name, bad)]
    if len(texts) == 1 and (codes >= 0).all():
        return Column(name, "dropped", "holds a single value"), categorical(codes, texts), notes
    return Column(name, "category"), categorical(codes, texts), notes


def _judge_mixture(
    name: str,
    codes: numpy.ndarray,
    texts: list[str],
    numbers: numpy.ndarray,
    counts: numpy.ndarray,
    rows: numpy.ndarray,
) -> list[Note]:
    """Refuse a number column with slips; say when a column is half numbers, half text."""
    text = numpy.isnan(numbers) & ~weak_markers(texts)
    bad, good = int(counts[text].sum()), int(counts[~numpy.isnan(numbers)].sum())
    if bad <= SLIP_SHARE * (bad + good) and (~numpy.isnan(numbers)).sum() >= SLIP_NUMBERS:
        first = int(numpy.flatnonzero(numpy.append(text, False)[codes])[0])
        raise text_error(name, texts[codes[first]], int(rows[first]) + 1, good)
    if good * 2 < bad + good or (~text).sum() < SLIP_NUMBERS:
        return []
    return [Note("WF-D66", f"column {shown(name)} holds {good:,} numbers and {bad:,} texts: treated as a category.")]


def _months(name: str, months: list[str]) -> list[Note]:
    if not months:
        return []
    told = f"column {shown(name)} holds texts such as {shown(months[0])}: read as a year and a month."
    return [Note("WF-D75", told)]


def _bad_dates(name: str, bad: int) -> list[Note]:
    if not bad:
        return []
    return [
        Note(
            "WF-D67",
            f"column {shown(name)} holds dates, but {counted(bad, 'cell')} could not be read as one: "
            "treated as missing.",
        )
    ]


def _without_infinite(cells: pandas.Series) -> tuple[pandas.Series, int]:
    values = cells.to_numpy()
    infinite = numpy.isinf(values)
    count = int(infinite.sum())
    return (pandas.Series(numpy.where(infinite, numpy.nan, values)), count) if count else (cells, 0)


def _constant(column: Column, cells: pandas.Series) -> Column:
    values = cells.to_numpy()
    missing = numpy.isnan(values)
    if missing.all():
        return Column(column.name, "dropped", "holds no value")
    if not missing.any() and (values == values[0]).all():
        return Column(column.name, "dropped", "holds a single value")
    return column


def _is_id(name: str, kind: str, cells: pandas.Series, whole: pandas.Series) -> bool:
    """Row numbers and row names; whole numbers are judged on all rows, so that dropped rows leave no gap."""
    if kind == "category":
        filled = int(cells.notna().sum())
        return filled * 2 > len(cells) and len(cells.cat.categories) >= max(ID_SHARE * filled, 2)
    values, _ = number_cells(whole)
    head = values[:100]
    if numpy.isnan(head).any() or (head != numpy.floor(head)).any() or len(set(head)) < len(head):
        return False
    ordered = numpy.sort(values)
    steps = numpy.diff(ordered)
    if numpy.isnan(steps).any() or not (steps > 0).all() or (values != numpy.floor(values)).any():
        return False
    return bool((steps == steps[0]).all()) or bool(_ID_NAME.fullmatch(name))


def _is_prose(cells: pandas.Series) -> bool:
    """Whether distinct texts are sentences, not names or codes."""
    return bool(numpy.mean([len(str(text).split()) for text in cells.cat.categories[:1000]]) >= PROSE_WORDS)


def _drop_ids(result: Features, ids: dict[str, str]) -> None:
    others = [column for column in result.columns if column.kind != "dropped" and column.name not in ids]
    rows = [name for name, kind in ids.items() if kind != "text"]
    if rows and not others:
        result.notes.append(Note("WF-D60", f"{listed(rows)} looks like a row number, but nothing else is left: kept."))
        ids = {name: kind for name, kind in ids.items() if kind == "text"}
    reasons = {"number": "numbers the rows", "category": "has another text on nearly every row", "text": PROSE}
    result.columns = [
        Column(column.name, "dropped", reasons[ids[column.name]]) if column.name in ids else column
        for column in result.columns
    ]


def _say_infinite(result: Features, infinite: dict[str, int]) -> None:
    names = [name for name, count in infinite.items() if count]
    if names:
        cells = counted(sum(infinite.values()), "infinite cell")
        result.notes.append(Note("WF-D63", f"{cells} in {listed(names)} treated as missing."))


def _say_dropped(result: Features) -> None:
    by_reason: dict[str, list[str]] = {}
    for column in result.columns:
        if column.kind == "dropped":
            by_reason.setdefault(column.reason, []).append(column.name)
    for reason, names in by_reason.items():
        sentence = f"left out {counted(len(names), 'column')} ({listed(names)}): it {reason}."
        sentence = sentence if len(names) == 1 else sentence.replace("): it ", "): each ")
        hint = f" To learn from such a text, name it as the text: --text {shown(names[0])}." if reason == PROSE else ""
        result.notes.append(Note("WF-D60", sentence + hint))
