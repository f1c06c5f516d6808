"""wellfit finds, applies and proves the regularization a model needs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wellfit.errors import (
    BudgetError,
    DataError,
    IllnessError,
    MissingExtra,
    RecipeError,
    RecipeWarning,
    RunFolderError,
    TrainingError,
    UsageError,
    WellfitError,
)

if TYPE_CHECKING:
    from wellfit.diagnosis import Diagnosis, diagnose
    from wellfit.dials import after, fade, ramp
    from wellfit.exporter import Exported, export
    from wellfit.importers import Imported, import_recipe
    from wellfit.job import Run, fit, load
    from wellfit.job.ablate import ablate
    from wellfit.lint import Finding
    from wellfit.models.cnn import RegularizedCNN
    from wellfit.models.recurrent import RegularizedLSTM
    from wellfit.models.transformer import RegularizedTransformer
    from wellfit.own import Found, search
    from wellfit.recipe import Recipe
    from wellfit.regularizer import Regularizer, knob, memory, static
    from wellfit.regularizers import *
    from wellfit.translator import Translation, translate
    from wellfit.wrappers import schedule, where

__version__ = "0.1.0"

_HOMES = {
    "wellfit.diagnosis": ("Diagnosis", "diagnose"),
    "wellfit.dials": ("after", "fade", "ramp"),
    "wellfit.exporter": ("Exported", "export"),
    "wellfit.importers": ("Imported", "import_recipe"),
    "wellfit.job": ("Run", "fit", "load"),
    "wellfit.job.ablate": ("ablate",),
    "wellfit.lint": ("Finding",),
    "wellfit.models.cnn": ("RegularizedCNN",),
    "wellfit.models.recurrent": ("RegularizedLSTM",),
    "wellfit.models.transformer": ("RegularizedTransformer",),
    "wellfit.own": ("Found", "search"),
    "wellfit.recipe": ("Recipe",),
    "wellfit.regularizer": ("Regularizer", "knob", "memory", "static"),
    "wellfit.translator": ("Translation", "translate"),
    "wellfit.wrappers": ("schedule", "where"),
    "wellfit.errors": (
        "BudgetError", "DataError", "IllnessError", "MissingExtra", "RecipeError", "RecipeWarning", "RunFolderError",
        "TrainingError", "UsageError", "WellfitError",
    ),
}  # fmt: skip
"""Where the public names live; they are imported when they are used, so that ``wellfit --help`` needs no torch."""


def _public() -> dict[str, str]:
    """Every public name with its module: those above, and every regularizer."""
    homes = {name: module for module, names in _HOMES.items() for name in names}
    leaves = importlib.import_module("wellfit.regularizers").__all__
    return dict(sorted({**homes, **dict.fromkeys(leaves, "wellfit.regularizers")}.items()))


_FACES = ("gallery", "huggingface", "keras", "lightning", "sklearn")
"""Modules that are imported when they are asked for: for other frameworks, and the figures."""


def __getattr__(name: str) -> Any:
    if name in _FACES:
        return importlib.import_module(f"wellfit.{name}")
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    if name == "__all__":
        return list(_public())
    if not name.startswith("_"):
        leaves = importlib.import_module("wellfit.regularizers")
        if name in leaves.__all__:
            return getattr(leaves, name)
    raise AttributeError(f"module 'wellfit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_public(), "__version__"]
