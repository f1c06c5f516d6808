"""What an exported program is made from: a run's schema, shape, settings, recipe and split, read and checked."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from wellfit.data import read_table
from wellfit.data.codings import CategoryCoding
from wellfit.data.delimited import read_plain_text
from wellfit.errors import UsageError
from wellfit.job.folder import Stored
from wellfit.job.options import Options
from wellfit.job.prepare import data_hash
from wellfit.job.run import Run
from wellfit.job.table_source import from_file
from wellfit.models.mlp import Shape
from wellfit.regularizer import REGISTRY, Regularizer

MOST_ROWS = 20_000
"""The split is written into the program up to so many rows: one character each, 200 lines of code."""

_PARQUET = (".parquet", ".pq")
_ENCODINGS = ("utf-8-sig", "cp1252")
_TRAINS, _TESTS, _LEFT_OUT = "+", "t", "-"


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the table's file is read.

    Attributes:
        file: as the program names it.
        delimiter, encoding: of a text file; None for parquet.
        split: a character for each row of the file: the fold it validates, ``+`` where it trains always, ``t`` for the
            test, ``-`` where it is left out; empty where the split is not known.
    """

    file: str
    delimiter: str | None = ","
    encoding: str | None = "utf-8-sig"
    split: str = ""


@dataclasses.dataclass(frozen=True)
class Facts:
    """All that a program is made from; texts of the data are data here, and stay constants in the program.

    Attributes:
        task: ``binary``, ``multiclass`` or ``regression``.
        classes: the target's values in order; empty for a number.
        columns: (name, kind) of each column in use; kinds are ``number``, ``category`` and ``date``.
        others: whether some category column has more categories than slots.
        hours: whether some date column has times of day.
        settings: learning rate, batch size, steps and steps between evaluations.
        parts: the recipe's regularizers by class name.
        missing: what the program does not do as the run did, one sentence each.
        reached: the validation score of the run, or None.
    """

    task: str
    target: str
    classes: tuple[Any, ...]
    columns: tuple[tuple[str, str], ...]
    others: bool
    hours: bool
    shape: Shape
    settings: dict[str, float]
    parts: dict[str, Regularizer]
    reading: Reading
    missing: tuple[str, ...] = ()
    reached: float | None = None
    rows: int = 0

    @property
    def regression(self) -> bool:
        return self.task == "regression"

    def has(self, *names: str) -> bool:
        """Whether the recipe holds one of these."""
        return any(name in self.parts for name in names)

    def kinds(self) -> set[str]:
        return {kind for _, kind in self.columns}


def read_facts(run: Run, data: str | Path | None) -> Facts:
    """Read a run's folder, and its table where the file is named.

    Raises:
        RunFolderError: the folder holds no model that can be read.
        UsageError: the run is not finished, or the file is not the run's table.
    """
    record = run.record
    if "recipe" not in record or "plan" not in record:
        raise UsageError(
            f"the run has no recipe yet: its status is {record.get('status')}.",
            fix="Export a run that came to its end.",
            code="WF-A40",
        )
    stored = Stored(run.folder)
    if stored.kind.name != "table":
        raise UsageError(
            f"programs are written for tables, and this run is of {stored.kind.name}s.",
            fix="Put its recipe.json into a loop of your own: wellfit.Recipe.load(...).attach(model, optimizer).",
            code="WF-A43",
        )
    codings = stored.views[-1].encoder.codings
    parts, missing = _parts(run)
    reading, more = _reading(record, data)
    return Facts(
        task=stored.task, target=stored.target, classes=tuple(stored.classes),
        columns=tuple((c.name, c.kind) for c in codings),
        others=any(isinstance(c, CategoryCoding) and c.others for c in codings),
        hours=any(getattr(c, "hour", False) for c in codings),
        shape=stored.shape, settings=_settings(run), parts=parts, reading=reading,
        missing=(*missing, *more, *_unlike(record)), reached=_reached(record), rows=int(record["data"]["rows"]),
    )  # fmt: skip


def _settings(run: Run) -> dict[str, float]:
    held, plan = run.recipe.settings or {}, run.record["plan"]
    steps = max([*plan.get("reached", {}).get("re-scoring", []), 0]) or plan["steps"]
    return {
        "rate": float(held.get("learning_rate", 1e-3)), "batch": int(held.get("batch_size", plan["batch"])),
        "steps": int(steps), "evaluate_every": int(plan["evaluate_every"]),
    }  # fmt: skip


def _parts(run: Run) -> tuple[dict[str, Regularizer], list[str]]:
    """The regularizers that act everywhere and always; a wrapped one is named as missing."""
    parts: dict[str, Regularizer] = {}
    missing = []
    for part in run.recipe.active():
        kind = type(part).__name__
        if kind in REGISTRY and all(math.isfinite(float(getattr(part, n))) for n in part.knobs()):
            parts[kind] = part
        else:
            missing.append(f"{kind}: a part that acts on a selection or by a schedule is left out.")
    return parts, missing


def _unlike(record: dict[str, Any]) -> list[str]:
    """What else of the run a program does not repeat."""
    options, found = record.get("options", {}), []
    if options.get("metric"):
        found.append("The metric: the run chose by another one; here it is the log loss, or the RMSE of a number.")
    if options.get("weight") or options.get("class_weight") or options.get("balance") not in (None, "none"):
        found.append("Row weights and balanced classes: every row counts the same here.")
    if record["plan"].get("precision", "float32") != "float32":
        found.append("bfloat16: everything is float32 here.")
    return found


def _reached(record: dict[str, Any]) -> float | None:
    chosen = [f["score"] for f in record.get("search", {}).get("finalists", []) if f.get("chosen")]
    return float(chosen[0]) if chosen and not record.get("options", {}).get("metric") else None


def _reading(record: dict[str, Any], data: str | Path | None) -> tuple[Reading, list[str]]:
    if data is None:
        return _reading_unseen(str(record["data"]["file"]))
    path, frame = Path(data), read_table(data)
    missing = []
    if any(code == "WF-D51" for code, _ in frame.attrs.get("notes", [])):
        missing.append("Numbers with decimal commas or thousands separators: write them plainly in the file first.")
    delimiter, encoding = _form(path)
    options = {k: v for k, v in record["options"].items() if k in Options.__dataclass_fields__ and k != "recipe"}
    if options.get("valid") or options.get("test"):
        missing.append("The split: the run had rows in files of their own; here they are drawn from the one file.")
        return Reading(str(data), delimiter, encoding), missing
    source = from_file(path, Options(**{**options, "drop": tuple(options.get("drop") or ())}))
    if data_hash(source.table) != record["data"]["hash"]:
        raise UsageError(
            "the file is not the table that the run was trained on.",
            fix="Name that one with --data, or leave --data out.",
            code="WF-A41",
        )
    if len(frame) > MOST_ROWS:
        missing.append(f"The split: it is written down for at most {MOST_ROWS} rows; here rows are drawn anew.")
        return Reading(str(data), delimiter, encoding), missing
    return Reading(str(data), delimiter, encoding, _split(source, len(frame))), missing


def _reading_unseen(file: str) -> tuple[Reading, list[str]]:
    """How a file is read that nobody has named: as its ending says, and most files are."""
    missing = ["The split: validation rows are drawn anew, so that the score is of other rows (--data FILE mends it)."]
    if Path(file).suffix.lower() in _PARQUET:
        return Reading(file, None, None), missing
    missing.append("The form of the file: DELIMITER and ENCODING are those of most files (--data FILE mends it).")
    return Reading(file, "\t" if ".tsv" in Path(file).suffixes else ","), missing


def _split(source: Any, count: int) -> str:
    letters = np.full(count, _LEFT_OUT)
    letters[source.table.rows] = _TRAINS
    letters[source.table.rows[source.split.test]] = _TESTS
    for number, (_, valid) in enumerate(source.split.fresh[:1] or source.split.folds):  # where the run was re-scored
        letters[source.table.rows[valid]] = str(number)
    return "".join(letters)


def _form(path: Path) -> tuple[str | None, str | None]:
    """Delimiter and encoding of a text file."""
    if path.suffix.lower() in _PARQUET:
        return None, None
    if path.suffix.lower() in (".gz", ".zip"):
        import pandas

        content = pandas.read_csv(path, sep="\x1f", header=None, nrows=200, encoding="latin-1", engine="c")
        lines = "\n".join(str(v) for v in content.iloc[:, 0]).encode("latin-1")
    else:
        lines = path.read_bytes()
    delimiter = read_plain_text(lines, path.name, "\t" if ".tsv" in path.suffixes else ",").delimiter
    if lines[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return delimiter, "utf-16"
    return delimiter, next((e for e in _ENCODINGS if _decodes(lines, e)), "latin-1")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
