"""The run folder: what a run leaves behind, written whole or not at all, and read back with care."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from wellfit.errors import RecipeError, RunFolderError
from wellfit.files import write_bytes, write_text
from wellfit.job.kind import Kind, Shape
from wellfit.job.kinds import kind_named
from wellfit.job.nets import Nets
from wellfit.job.prepare import View
from wellfit.recipe import Recipe
from wellfit.recipe_json import parse_strict, recipe_from_json, recipe_to_json

_LONGEST = 64


def slug(text: str) -> str:
    """A harmless file name: lower case letters, digits, dots and dashes, at most 64 of them."""
    plain = re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip(".-")
    return plain[:_LONGEST].strip(".-") or "run"


def make_folder(asked: str | Path | None, name: str, short_hash: str) -> Path:
    """Create the run's folder: the one that was asked for, or a new one under ``runs``.

    Raises:
        RunFolderError: it cannot be made.
    """
    try:
        if asked is not None:
            folder = Path(asked)
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / "run.json", "{}\n")  # a folder that cannot be written is found out before training
            return folder
        for number in range(1, 10_000):
            tail = "" if number == 1 else f"-{number}"
            folder = Path("runs") / f"{slug(name)}-{short_hash[:4]}{tail}"
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                continue
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunFolderError(
            f"the run folder {asked or 'runs'} cannot be made: {reason}.",
            fix="Name another one with --out.",
            code="WF-F02",
        ) from error
    raise RunFolderError(
        "there are too many runs of this data under runs/.", fix="Name a folder with --out.", code="WF-F02"
    )


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(plain(content), indent=1, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """The same with nothing but what JSON has: numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, np.ndarray | torch.Tensor):
        return plain(value.tolist())
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return str(value)


def write_lean(folder: Path, lean: Recipe | None) -> None:
    """Write recipe.lean.json; where there is none, one of an earlier run in the same folder goes."""
    if lean is not None:
        lean.save(folder / "recipe.lean.json")
    else:
        (folder / "recipe.lean.json").unlink(missing_ok=True)


def write_model(path: Path, groups: Mapping[str, Nets]) -> None:
    """Write networks as safetensors: numbers, and their names."""
    tensors = {f"{g}/{n}": w.contiguous() for g, nets in groups.items() for n, w in nets.weights.items()}
    write_bytes(path, save_tensors(tensors))


def preprocess_json(
    kind: Kind, views: tuple[View, ...], shape: Shape, classes: list[Any], target: str, task: str,
    groups: Mapping[str, Nets], use: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Everything that prediction needs beside the weights."""
    return {
        "format": "wellfit.preprocess", "version": 1, "task": task, "target": target, "classes": classes,
        "kind": kind.name, "shape": kind.shape_to_json(shape),
        "views": [{"encoder": v.encoder.to_json(), "center": v.center, "scale": v.scale} for v in views],
        "groups": {
            g: {"structure": recipe_to_json(n.structure), "views": list(n.views), "temperatures": list(n.temperatures),
                "widths": list(n.widths)}
            for g, n in groups.items()
        },
        "use": use,
    }  # fmt: skip


_OWN_MODEL = (
    "It is a run of a model of your own: build one, and load_state_dict(safetensors.torch.load_file("
    "'model.safetensors')); its recipe is wellfit.Recipe.load('recipe.json')."
)


_NO_MODEL = {
    "budget": "its budget ended before anything was trained",
    "interrupted": "it was stopped before anything was trained",
    "failed": "it failed",
    "running": "it is still going, or was cut off",
}
"""Why a run has no model, by its status."""


def _no_model(folder: Path) -> RunFolderError:
    """The error of a folder that lacks what predictions need."""
    try:
        record = parse_strict((folder / "run.json").read_text("utf-8"), "run.json")
        status, kind = str(record["status"]), record.get("kind")
    except (OSError, RecipeError, KeyError, TypeError, ValueError, AttributeError):
        status, kind = "", None
    trained = (folder / "model.safetensors").is_file()
    if trained and kind == "model":
        return RunFolderError(f"{folder} holds no model that can be built here.", fix=_OWN_MODEL, code="WF-F03")
    why = "preprocess.json is missing" if trained else _NO_MODEL.get(status, "a file of it is missing")
    longer = " with a longer budget" if status == "budget" and not trained else ""
    fix = f"Name the folder of a finished run, or fit again{longer}."
    return RunFolderError(f"{folder} holds no model: {why}.", fix=fix, code="WF-F03")


class Stored:
    """What a run folder holds for prediction, read and checked.

    Raises:
        RunFolderError: a file is missing, or is not what wellfit wrote.
    """

    def __init__(self, folder: Path) -> None:
        try:
            form = parse_strict((folder / "preprocess.json").read_text("utf-8"), "preprocess.json")
            tensors = load_tensors((folder / "model.safetensors").read_bytes())
            self._read(form, tensors)
        except FileNotFoundError as error:
            raise _no_model(folder) from error
        except (OSError, SafetensorError, RecipeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunFolderError(
                f"{folder} holds no model that can be read: {type(error).__name__}: {error}",
                fix="Name the folder of a finished run, or fit again.",
                code="WF-F03",
            ) from error

    def _read(self, form: Any, tensors: dict[str, torch.Tensor]) -> None:
        if form["format"] != "wellfit.preprocess" or form["version"] != 1:
            raise ValueError("preprocess.json is of another version")
        self.kind = kind_named(form.get("kind", "table"))  # runs written before there were others say nothing
        self.shape = self.kind.shape_from_json(form["shape"])
        self.task, self.target, self.classes = form["task"], form["target"], form["classes"]
        self.views = tuple(
            View(self.kind.encoder_from_json(v["encoder"]), float(v["center"]), float(v["scale"]))
            for v in form["views"]
        )
        self.groups = {g: self._nets(g, f, tensors) for g, f in form["groups"].items()}
        self.use = form["use"]

    def _nets(self, group: str, form: Any, tensors: dict[str, torch.Tensor]) -> Nets:
        weights = {n.partition("/")[2]: w for n, w in tensors.items() if n.partition("/")[0] == group}
        structure: Recipe = recipe_from_json(form["structure"])
        rest = tuple(form["views"]), tuple(form["temperatures"]), tuple(form.get("widths", ()))
        return Nets(structure, weights, *rest)
