"""Histories that other tools wrote: CSV, Keras JSON, Lightning's CSVLogger, TensorBoard event files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from wellfit.diagnosis.history import History, make_history, recognized
from wellfit.errors import DataError

_MOST = 50 * 2**20  # bytes of a history; a run's curves have a thousandth of that


def read_history(path: str | Path) -> History:
    """The curves of a file: ``.csv`` and ``.tsv``, ``.json`` (Keras), or TensorBoard's ``events.out.tfevents...``.

    Rows of one epoch are merged, and steps that hold no value of a curve are left out, as CSVLogger writes them.

    Raises:
        DataError: the file is missing, empty, of another kind, or holds no curve.
    """
    path = Path(path)
    if "tfevents" in path.name or (path.is_dir() and any(path.rglob("*tfevents*"))):
        from wellfit.diagnosis.event_curves import read_events

        return read_events(path)
    text = _text(path)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "["):
        return make_history(_json(text, path.name), path.name)
    return make_history(_table(text, path.name), path.name)


def looks_like_history(path: str | Path) -> bool:
    """Whether a file holds curves and not a table of rows: told from its kind and its column names."""
    path = Path(path)
    if "tfevents" in path.name or path.is_dir() or path.suffix.lower() == ".json":
        return True
    if path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
        return False
    with open(path, encoding="utf-8", errors="replace") as handle:
        head = handle.readline(2**16)
    names = next(csv.reader([head], delimiter=_delimiter(head)), [])
    found = recognized(names).keys()
    return bool({"train_loss", "val_loss"} & found) or {"train_metric", "val_metric"} <= found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise DataError(f"{path.name} has more than 50 MB.", fix="Give the curves only.", code="WF-G08")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be read: {error.strerror or type(error).__name__}.", fix="Check the path.",
            code="WF-G08",
        ) from error  # fmt: skip
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is no text in UTF-8.", fix="Save it as UTF-8.", code="WF-G08") from error
    if "\0" in text:
        raise DataError(f"{path.name} is binary.", fix="Give a CSV or JSON file.", code="WF-G08")
    if not text.strip():
        raise DataError(f"{path.name} is empty.", fix="Give a file with curves.", code="WF-G02")
    return text


def _json(text: str, name: str) -> Any:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{name} is no JSON: {str(error)[:80]}.", fix="Write json.dump(history.history, file).",
                        code="WF-G08") from error  # fmt: skip
    if isinstance(found, dict) and isinstance(found.get("history"), dict):
        found = found["history"]
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        keys = list(dict.fromkeys(k for row in found for k in row))
        found = {k: [row.get(k) for row in found] for k in keys}  # one record an epoch
    return found


def _delimiter(head: str) -> str:
    return max((",", ";", "\t"), key=head.count)


def _table(text: str, name: str) -> dict[str, list[Any]]:
    lines = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text.partition("\n")[0])))
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    header = [cell.strip() for cell in lines[0]]
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header):
            raise DataError(
                f"line {number} of {name} has {len(line)} cells, the header {len(header)}.",
                fix="Give every line one cell for each column.",
                code="WF-G04",
            )
    columns = {key: [line[i].strip() for line in lines[1:]] for i, key in enumerate(header) if key}
    return _merged(columns, name)


def _merged(columns: dict[str, list[Any]], name: str) -> dict[str, list[Any]]:
    """One row an epoch: where several rows have the same epoch, each curve's last value in it counts."""
    found = recognized(columns)
    key = found.get("epoch")
    kept = {role: column for role, column in found.items() if role != "epoch"}
    if key is None or not kept or len(set(columns[key])) == len(columns[key]):
        return _without_gaps(columns, kept)
    rows: dict[str, dict[str, Any]] = {}
    for place, epoch in enumerate(columns[key]):
        for column in kept.values():
            if columns[column][place] != "":
                rows.setdefault(epoch, {})[column] = columns[column][place]
    merged = {key: list(rows), **{c: [row.get(c, "") for row in rows.values()] for c in kept.values()}}
    return _without_gaps(merged, kept)


def _without_gaps(columns: dict[str, list[Any]], kept: dict[str, str]) -> dict[str, list[Any]]:
    """Without rows that hold none of the losses: those of other loggers, or of a validation before training."""
    curves = [columns[c] for role, c in kept.items() if role != "rate"]
    filled = np.array([any(c[i] != "" for c in curves) for i in range(len(curves[0]))]) if curves else np.array([])
    if not curves or filled.all():
        return columns
    return {k: [v for v, keep in zip(values, filled, strict=True) if keep] for k, values in columns.items()}
