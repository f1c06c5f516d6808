"""What a person may ask of the main job, and how a budget is read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wellfit.errors import RecipeError, UsageError
from wellfit.recipe import Recipe
from wellfit.recipe_json import parse_strict

_ROLES = ("group", "time", "weight", "drop", "category", "number", "text")
"""Options that name a column of a table."""

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


@dataclasses.dataclass(frozen=True)
class Options:
    """The main job's options; the command line's flags have the same names.

    Attributes:
        target: the column to predict.
        budget: wall time from the start of the process: ``60s``, ``10m``, ``1h`` or seconds.
        seed: of splits, networks and proposals; the same seed on the same data splits the same.
        metric: what decides: None (log loss or RMSE), a scikit-learn scorer's name, or a callable (y_true, predicted)
            for which more is better; predicted are class probabilities (rows, classes), or numbers.
        device: ``auto``, ``cpu`` or ``cuda``.
        out: the run folder; by default ``runs/NAME-HASH``.
        valid, test: files with validation and test rows; what is missing is drawn from the data.
        group, time, weight: columns with a special part; they are no features.
        drop: columns to leave out.
        category: columns of numbers that are names, to be read as categories; others are where it is sure.
        number: columns of numbers that stay numbers, whatever is found.
        class_weight: ``balanced`` counts every class the same, in training, validation and test.
        balance: what is done to the training rows of rare classes: ``weights`` lets every class count the same,
            ``smote`` makes synthetic rows, ``search`` takes what validates best, ``none`` leaves the rows as they are.
            All four compare the three side by side; None, the default, compares nothing.
        recipe: a recipe to train with instead of searching.
        start: a recipe, a diagnosis or a run whose remedy the search begins with.
        allow: codes of the lint that this recipe may break though they are errors.
        plan: a run.json whose plan is repeated exactly.
        task: ``binary``, ``multiclass`` or ``regression`` where the guess is wrong.
        text: the column of texts, where those are to be told apart and not the columns of a table.
        size: pixels of the longer side that images are resized to.
        lexicon: of texts: where synonyms come from, a WordNet folder or a file of groups; found where not given.
        network: of texts: ``ngrams``, ``bag``, ``cnn`` or ``transformer``; ``auto`` chooses by how many there are.
    """

    target: str | None = None
    budget: str | float = "60s"
    seed: int = 0
    metric: str | Callable[..., float] | None = None
    device: str = "auto"
    out: str | Path | None = None
    valid: str | Path | None = None
    test: str | Path | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    drop: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    class_weight: str | None = None
    balance: str | None = None
    recipe: str | Path | Recipe | None = None
    start: str | Path | Recipe | None = None
    allow: tuple[str, ...] = ()
    plan: str | Path | None = None
    task: str | None = None
    text: str | None = None
    size: int | None = None
    network: str = "auto"
    lexicon: str | Path | None = None

    def seconds(self) -> float:
        """The budget in seconds; raises UsageError where it is no time."""
        return read_budget(self.budget)

    def to_json(self) -> dict[str, Any]:
        """Names and numbers only: file names without their folders."""
        form: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("out", "plan"):
                continue
            if isinstance(value, Recipe):
                value = "given"
            elif field.name in ("valid", "test", "recipe", "start", "lexicon") and value is not None:
                value = Path(value).name
            elif callable(value):
                value = getattr(value, "__name__", type(value).__name__)
            form[field.name] = list(value) if isinstance(value, tuple) else value
        return form


def column_kinds(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """``category`` and ``number`` such that columns are read as a run read them, whose record says this of its data."""
    columns = [c for c in data.get("columns", []) if isinstance(c, Mapping)]
    return {k: tuple(str(c.get("name")) for c in columns if c.get("kind") == k) for k in ("category", "number")}


def planned_data(options: Options) -> dict[str, Any]:
    """What the record beside the plan that is repeated says of its data; nothing where there is a plan alone, or none.

    That a plan cannot be read is told where it is planned with.
    """
    if options.plan is None:
        return {}
    try:
        about = parse_strict(Path(options.plan).read_text("utf-8"), "the plan").get("data")
    except (OSError, RecipeError, ValueError, AttributeError):
        return {}
    return about if isinstance(about, dict) else {}


def read_budget(text: str | float) -> float:
    """Seconds of ``60s``, ``10m``, ``1h`` or a plain number.

    Raises:
        UsageError: it is no time, or not above 0.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        seconds = float(text)
    else:
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*", str(text))
        if not match:
            raise UsageError(f"the budget {text!r} is no time.", fix="Write 60s, 10m or 1h.", code="WF-U01")
        seconds = float(match[1]) * _UNITS[match[2] or "s"]
    if not 0 < seconds < float("inf"):
        raise UsageError(f"the budget {text!r} is not above 0.", fix="Write 60s, 10m or 1h.", code="WF-U01")
    return seconds


def refuse_roles(options: Options, what: str, allowed: tuple[str, ...] = ()) -> None:
    """Raises UsageError where an option names a column, and there are none."""
    for name in _ROLES:
        if getattr(options, name) and name not in allowed:
            raise UsageError(
                f"--{name} names a column of a table, and these are {what}.", fix=f"Leave --{name} out.", code="WF-U16"
            )
