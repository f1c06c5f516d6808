"""What every framework's adapter does alike: its import, its refusals, and errors in the framework's own words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from wellfit.errors import MissingExtra, RecipeError, WellfitError
from wellfit.recipe import Recipe


@contextlib.contextmanager
def needs(package: str, *, extra: str) -> Iterator[None]:
    """Around the import of a framework: where it is absent, the error names the pip line.

    Raises:
        MissingExtra: the package is not installed; that one of its own packages is missing stays its own error.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MissingExtra(package, extra) from error


def refuse_stages(recipe: Recipe, reasons: Mapping[str, tuple[str, str]]) -> None:
    """Refuse a recipe at construction for the first part with a stage that a framework has no place for.

    Args:
        recipe: what is asked for; parts at their neutral value do nothing and are let through.
        reasons: by stage: why not, as what follows the part's name; and the way out.

    Raises:
        RecipeError: it names the part, why, and what to do.
    """
    for part in recipe.active():
        for stage, (reason, fix) in reasons.items():
            if stage in part.stages:
                raise RecipeError(f"{part.name} {reason}", fix=fix, code="WF-A30")


@contextlib.contextmanager
def fixes(ways: Mapping[str, str]) -> Iterator[None]:
    """While open, errors whose code is listed name the way out in this framework, not that of a bare loop."""
    try:
        yield
    except WellfitError as error:
        if error.code in ways:
            error.fix = ways[error.code]
        raise
