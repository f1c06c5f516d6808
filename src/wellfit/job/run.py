"""A finished run: its record, and predictions from what it handed over."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wellfit.data import Note, check_columns, frame_from_arrays, read_table
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
        return _predicted(stored, frame_from_arrays(x), which)

    def predict(self, x: Any, which: str = "ensemble") -> np.ndarray:
        """(rows,) classes as they stood in the data, or numbers.

        Args:
            x: a frame with the training columns, or an array with as many.
            which: ``ensemble`` or ``single``.
        """
        stored = Stored(self.folder)
        found = _predicted(stored, frame_from_arrays(x), which)
        return found if stored.task == "regression" else np.asarray(stored.classes)[found.argmax(1)]

    @property
    def classes(self) -> list[Any]:
        return list(Stored(self.folder).classes)

    def predict_file(self, path: str | Path, out: str | Path, which: str = "ensemble") -> list[Note]:
        """Predict the rows of a file and write a CSV: the prediction, and for classes each one's probability."""
        stored = Stored(self.folder)
        frame = read_table(path)
        encoder = stored.views[0].encoder
        notes = [Note(*n) for n in frame.attrs.get("notes", [])] + check_columns(frame, encoder)
        found = _predicted(stored, frame, which)
        if stored.task == "regression":
            table = pd.DataFrame({stored.target: found})
        else:
            chosen = [_harmless(stored.classes[i]) for i in found.argmax(1)]
            shares = {f"p({c})": np.round(found[:, i], 6) for i, c in enumerate(stored.classes)}
            table = pd.DataFrame({stored.target: chosen, **shares})
        table.columns = [_harmless(c) for c in table.columns]
        write_text(Path(out), table.to_csv(index=False))
        return notes


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


def _predicted(stored: Stored, frame: pd.DataFrame, which: str) -> np.ndarray:
    """(rows, classes) probabilities, or (rows,) numbers."""
    if which not in stored.use:
        raise UsageError(
            f"this run holds no model called {which!r}.", fix=f"It holds {', '.join(stored.use)}.", code="WF-U05"
        )
    check_columns(frame, stored.views[0].encoder)
    use = stored.use[which]
    cache: dict[int, Any] = {}

    def inputs(view: int) -> Any:
        import torch

        if view not in cache:
            cache[view] = torch.from_numpy(stored.views[view].encoder.transform(frame))
        return cache[view]

    scales = [(v.center, v.scale) for v in stored.views] if stored.task == "regression" else None
    found = [stored.groups[g].take([i]).predictions(stored.shape, inputs, scales) for g, i in use["members"]]
    return averaged(np.concatenate(found), np.array(use["weights"]), use["temperature"], scales is None)


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and len(cell) > 1 and cell.startswith(_FORMULA) else cell
