"""What an exported program is made from: a run's schema, shape, settings, recipe and split, read and checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wellfit.errors import UsageError
from wellfit.job.folder import Stored
from wellfit.job.kind import Shape
from wellfit.job.options import Options, column_kinds
from wellfit.job.prepare import data_hash
from wellfit.job.run import Run
from wellfit.job.table_source import Source
from wellfit.regularizer import REGISTRY, Regularizer

MOST_ROWS = 20_000
"""The split is written into the program up to so many rows: one character each, 200 lines of code."""

ROWS = {"table": "rows", "image": "images", "text": "texts"}
"""What a program calls its rows."""

DRAWN = "The split: validation rows are drawn anew, so that the score is of other rows (--data FILE mends it)."
SEPARATORS = "Numbers with decimal commas or thousands separators: write them plainly in the file first."
OTHER_FILES = "The split: the run had rows in files of their own; here they are drawn from the one file."
_TRAINS, _TESTS, _LEFT_OUT = "+", "t", "-"


@dataclasses.dataclass(frozen=True)
class Reading:
    """Where the data are, and how a text file of them is read.

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a program is made from; texts of the data are data here, and stay constants in the program.

    Attributes:
        task: ``binary``, ``multiclass`` or ``regression``.
        classes: the target's values in order; empty for a number.
        settings: learning rate, batch size, steps and steps between evaluations.
        parts: the recipe's regularizers by class name.
        missing: what the program does not do as the run did, one sentence each.
        reached: the validation score of the run, or None.
        seeds, among: of how many seeds it is the mean, and of how many recipes the best; 0 where that is not known.
    """

    kind: ClassVar[str]
    task: str
    target: str
    classes: tuple[Any, ...]
    shape: Shape
    settings: dict[str, float]
    parts: dict[str, Regularizer]
    reading: Reading
    missing: tuple[str, ...] = ()
    reached: float | None = None
    seeds: int = 0
    among: int = 0
    rows: int = 0

    @property
    def regression(self) -> bool:
        return self.task == "regression"

    def has(self, *names: str) -> bool:
        """Whether the recipe holds one of these."""
        return any(name in self.parts for name in names)


def require_finished(run: Run) -> None:
    """Raises UsageError where a run has no recipe."""
    if "recipe" not in run.record or "plan" not in run.record:
        raise UsageError(
            f"the run has no recipe yet: its status is {run.record.get('status')}.",
            fix="Export a run that came to its end.",
            code="WF-A40",
        )


def shared_facts(run: Run, stored: Stored, reading: Reading, missing: Sequence[str]) -> dict[str, Any]:
    """The fields of ``Facts`` that are told in the same way for every kind of data."""
    record, (parts, left_out) = run.record, _parts(run)
    return {
        "task": stored.task, "target": stored.target, "classes": tuple(stored.classes), "shape": stored.shape,
        "settings": _settings(run), "parts": parts, "reading": reading,
        "missing": (*left_out, *missing, *_unlike(record)), "reached": _reached(record),
        "seeds": int(record["plan"].get("seeds", 0)), "among": len(record.get("search", {}).get("finalists", [])),
        "rows": int(record["data"]["rows"]),
    }  # fmt: skip


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


def given_options(record: dict[str, Any]) -> Options:
    """The options of a run, as far as they decide what its rows are."""
    known = Options.__dataclass_fields__.keys() - {"recipe", "lexicon"}
    options = {k: v for k, v in record["options"].items() if k in known}
    return Options(**{**options, "drop": tuple(options.get("drop") or ()), **column_kinds(record["data"])})


def other_files(record: dict[str, Any]) -> bool:
    """Whether validation or test rows came from files of their own."""
    return bool(record["options"].get("valid") or record["options"].get("test"))


def require_same(record: dict[str, Any], source: Source) -> None:
    """Raises UsageError where a source is not what the run was trained on."""
    if data_hash(source.table) != record["data"]["hash"]:
        raise UsageError(
            f"these are not the {ROWS[source.kind.name]} that the run was trained on.",
            fix="Name those with --data, or leave --data out.",
            code="WF-A41",
        )


def split_of(source: Source, places: np.ndarray, count: int) -> tuple[str, list[str]]:
    """A character for each row of the data as they lie there, and what keeps it from being written.

    Args:
        places: (rows of the source,) where each lies.
        count: how many lie there.
    """
    if count > MOST_ROWS:
        return "", [f"The split: it is written down for at most {MOST_ROWS} rows; here rows are drawn anew."]
    letters = np.full(count, _LEFT_OUT)
    letters[places] = _TRAINS
    letters[places[source.split.test]] = _TESTS
    for number, (_, valid) in enumerate(source.split.fresh[:1] or source.split.folds):  # where the run was re-scored
        letters[places[valid]] = str(number)
    return "".join(letters), []
