"""wellfit finds, applies and proves the regularization a model needs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wellfit.errors import (
    BudgetError,
    DataError,
    MissingExtra,
    RecipeError,
    RunFolderError,
    TrainingError,
    UsageError,
    WellfitError,
)
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer, knob, memory, static
from wellfit.regularizers import *  # noqa: F403
from wellfit.regularizers import __all__ as _leaves
from wellfit.wrappers import after, fade, ramp, schedule, where

if TYPE_CHECKING:
    from wellfit.job import Run, fit, load

__version__ = "0.1.0"

_LATER = {"fit": "wellfit.job", "load": "wellfit.job", "Run": "wellfit.job"}
"""What needs pandas, scikit-learn and Optuna is imported when it is used: ``import wellfit`` costs torch and 0.1 s."""

__all__ = sorted(  # noqa: PLE0605
    [
        *_leaves, *_LATER, "BudgetError", "DataError", "MissingExtra", "Recipe", "RecipeError", "Regularizer",
        "RunFolderError", "TrainingError", "UsageError", "WellfitError", "after", "fade", "knob", "memory", "ramp",
        "schedule", "static", "where",
    ]
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'wellfit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
