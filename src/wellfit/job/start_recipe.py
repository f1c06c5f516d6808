"""A recipe that the search begins with: from a recipe's file, a diagnosis, or a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wellfit.errors import UsageError
from wellfit.job.options import Options
from wellfit.knobs import Knob
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.searching.space import SHRINKERS


def start_recipe(options: Options) -> Recipe | None:
    """The recipe that ``--start`` names: a recipe.json, what ``wellfit diagnose --json`` printed, or a run.

    Raises:
        UsageError: a recipe to train with is given, too, or the file holds no remedy.
        RecipeError, FileError: the recipe in it is malformed.
    """
    if options.start is None or isinstance(options.start, Recipe):
        found = options.start
    else:
        path = Path(options.start)
        found = _read(path / "run.json" if path.is_dir() else path)
    if found is not None and options.recipe is not None:
        raise UsageError(
            "a recipe to train with and a recipe to begin a search with are given.",
            fix="Leave one of --recipe and --start out.",
            code="WF-U18",
        )
    return found


def _read(path: Path) -> Recipe:
    try:
        form = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Recipe.load(path)  # its errors say what is wrong with a file
    remedy = _remedy(form) if isinstance(form, dict) else None
    if remedy is None:
        return Recipe.load(path)
    return Recipe.from_json(remedy)


def _remedy(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The recipe of a diagnosis, alone or as a part of a run."""
    diagnosis = form.get("diagnosis", form)
    if not isinstance(diagnosis, Mapping) or "verdict" not in diagnosis:
        return None
    remedy = diagnosis.get("recipe")
    if not isinstance(remedy, Mapping):
        raise UsageError(
            "the diagnosis has no recipe as its remedy: there is nothing to begin with.",
            fix=f"Its verdict is {diagnosis.get('verdict')}; leave --start out.",
            code="WF-U18",
        )
    return remedy


def within(recipe: Recipe, parts: Mapping[str, type[Regularizer]]) -> tuple[Recipe, list[str]]:
    """What of a recipe the search can begin with, strengths moved into their ranges; and what was changed.

    Of several parts that shrink the same weights the first stays: a candidate has one.
    """
    kept: list[Regularizer] = []
    told: list[str] = []
    for part in recipe.active():
        if part.name not in parts or type(part) is not parts[part.name]:
            told.append(f"{part.name} is not searched here")
        elif part.name in SHRINKERS and any(p.name in SHRINKERS for p in kept):
            told.append(f"{part.name} shrinks the same weights as another part")
        else:
            inside = {name: _clipped(float(getattr(part, name)), facts) for name, facts in part.knobs().items()}
            moved = [n for n, v in inside.items() if v != float(getattr(part, n))]
            told += [f"{part.name} {n} is brought to {inside[n]:.3g}, the end of its range" for n in moved]
            kept.append(part.replace(**inside) if moved else part)
    return Recipe(*kept, settings=recipe.settings), told


def _clipped(value: float, facts: Knob) -> float:
    return min(max(value, facts.low), facts.high)
