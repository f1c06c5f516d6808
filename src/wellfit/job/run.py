"""A finished run: its record, and predictions from what it handed over."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wellfit.data import Note
from wellfit.errors import RecipeError, RunFolderError, UsageError
from wellfit.files import write_text
from wellfit.job.compare import averaged
from wellfit.job.folder import Stored
from wellfit.recipe import Recipe
from wellfit.recipe_json import parse_strict

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclasses.dataclass(frozen=True)
class Run:
    """What ``fit`` gives back, and ``load`` finds again.

    Attributes:
        folder: where it stands.
        record: everything that run.json holds.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def recipe(self) -> Recipe:
        return Recipe.load(self.folder / "recipe.json")

    @property
    def verdict(self) -> str:
        found = self.record.get("verdict") or {}
        return str(found.get("sentence", f"This run has no verdict: its status is {self.record.get('status')}."))

    def __repr__(self) -> str:
        from wellfit.report.record import mapping_at, parts

        names = ", ".join(part.name for part in parts(mapping_at(self.record, "recipe")))
        return f"Run({self.folder}: {self.verdict} Recipe: {names or 'no regularizer'})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from wellfit.report.notebook import cell

        return cell(self.record, str(self.folder))

    def predict_proba(self, x: Any, which: str = "ensemble") -> np.ndarray:
        """(rows, classes) calibrated class probabilities, in the order of ``classes``.

        Raises:
            UsageError: the target is a number.
            DataError: a column is missing, or holds what it did not hold in training.
        """
        stored = Stored(self.folder)
        if stored.task == "regression":
            raise UsageError(
                "this run predicts numbers; they have no class probabilities.", fix="Use predict.", code="WF-U06"
            )
        return _predicted(stored, stored.kind.new_rows(x, stored.views[0].encoder), which)

    def predict(self, x: Any, which: str = "ensemble") -> np.ndarray:
        """(rows,) classes as they stood in the data, or numbers.

        Args:
            x: a frame with the training columns, or an array with as many.
            which: ``ensemble`` or ``single``.
        """
        stored = Stored(self.folder)
        found = _predicted(stored, stored.kind.new_rows(x, stored.views[0].encoder), which)
        return found if stored.task == "regression" else np.asarray(stored.classes)[found.argmax(1)]

    @property
    def classes(self) -> list[Any]:
        return list(Stored(self.folder).classes)

    def predict_file(self, path: str | Path, out: str | Path, which: str = "ensemble") -> list[Note]:
        """Predict the rows of a file and write a CSV: the prediction, and for classes each one's probability.

        Rows that have names, as pictures in a folder do, begin with theirs.
        """
        stored = Stored(self.folder)
        new = stored.kind.read_new(path, stored.views[0].encoder)
        found = _predicted(stored, new.features, which)
        if stored.task == "regression":
            table = pd.DataFrame({stored.target: found})
        else:
            chosen = [_harmless(stored.classes[i]) for i in found.argmax(1)]
            shares = {f"p({c})": np.round(found[:, i], 6) for i, c in enumerate(stored.classes)}
            table = pd.DataFrame({stored.target: chosen, **shares})
        table.columns = [_harmless(c) for c in table.columns]
        if new.names:
            table.insert(0, "file", [_harmless(n) for n in new.names])
        write_text(Path(out), table.to_csv(index=False))
        return list(new.notes)


def load(folder: str | Path) -> Run:
    """Find a run again.

    Raises:
        RunFolderError: the folder holds no run.
    """
    place = Path(folder)
    try:
        record = parse_strict((place / "run.json").read_text("utf-8"), "run.json")
        if record.get("format") != "wellfit.run":
            raise ValueError("run.json is no record of a run")
    except (OSError, RecipeError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunFolderError(f"{place} holds no run: {reason}.", fix="Name a run folder.", code="WF-F04") from error
    return Run(place, record)


def _predicted(stored: Stored, features: Any, which: str) -> np.ndarray:
    """(rows, classes) probabilities, or (rows,) numbers."""
    if which not in stored.use:
        raise UsageError(
            f"this run holds no model called {which!r}.", fix=f"It holds {', '.join(stored.use)}.", code="WF-U05"
        )
    use = stored.use[which]
    cache: dict[int, Any] = {}

    def inputs(view: int) -> Any:
        if view not in cache:
            cache[view] = stored.kind.inputs(features, stored.views[view].encoder)
        return cache[view]

    scales = [(v.center, v.scale) for v in stored.views] if stored.task == "regression" else None
    found = [stored.groups[g].take([i]).predictions(stored.shape, inputs, scales) for g, i in use["members"]]
    return averaged(np.concatenate(found), np.array(use["weights"]), use["temperature"], scales is None)


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and len(cell) > 1 and cell.startswith(_FORMULA) else cell
