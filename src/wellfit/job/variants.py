"""Data-level recipes applied: the training rows of every fold once more, as a recipe makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from wellfit.data import Encoder
from wellfit.draws import Now, hash_integers
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold
from wellfit.recipe import Recipe
from wellfit.training.cohort import Rows

if TYPE_CHECKING:
    from wellfit.job.prepare import Material


def with_variants(material: Material, recipes: Sequence[Recipe], seed: int) -> Material:
    """The material with a further set of folds for each data-level recipe that changes the rows.

    Each fold's training rows are resampled by themselves, so that no synthetic row has a parent among validation or
    test rows; the results stand behind the rows there are. Validation rows, weights and views stay what they were.

    Raises:
        DataError: a recipe cannot work on a fold, or leaves nothing of it.
    """
    variants, rows, base = list(material.variants), material.rows, material.rows.folds[: len(material.views)]
    for recipe in recipes:
        if recipe in variants:
            continue
        variants.append(recipe)
        folds = []
        for view, (train, valid) in enumerate(base):
            now = Now.at(0, hash_integers(seed, 55, view) % 2**31)
            made = recipe.resample(_fold(material, view, train), now)
            _require_rows(recipe, made, view)
            place = len(rows.x)
            rows = _behind(rows, made)
            folds.append((torch.arange(place, place + len(made)), valid))
        rows = dataclasses.replace(rows, folds=(*rows.folds, *folds), own=len(base))
    return dataclasses.replace(material, rows=rows, variants=tuple(variants))


def refuse_new_rows(recipe: Recipe, what: str) -> None:
    """Raises RecipeError where a recipe makes training rows anew, which nothing does for this kind of data."""
    for part in recipe:
        if "resample" in part.stages:
            raise RecipeError(
                f"{part.name} makes training rows anew, which is not done for {what}.",
                fix="Drop it from the recipe; --class-weight balanced counts every class the same.",
                code="WF-R14",
            )


def _fold(material: Material, view: int, train: Tensor) -> Fold:
    target, classes = material.rows.target, len(material.table.classes)
    values = target.values[train]
    labels = values.argmax(1) if classes else values[:, 0]
    blocks = material.kind.blocks(material.views[view].encoder)
    return Fold(material.rows.x[train], labels, target.weight[train], classes, blocks)


def category_blocks(encoder: Encoder) -> tuple[tuple[int, int], ...]:
    """(start, width) of each block of 0/1 columns: categories, and what says that a number or a date was missing."""
    starts = {b.name: b.start for b in encoder.blocks}
    flags = [
        (starts[c.name] + c.parts[0].width - 1, 1)
        for c in encoder.codings
        if c.kind != "category" and c.indicator  # type: ignore[union-attr]
    ]
    return tuple(sorted([(b.start, b.width) for b in encoder.blocks if b.kind == "category"] + flags))


def _behind(rows: Rows, fold: Fold) -> Rows:
    """The rows with those of a fold behind them."""
    target = rows.target
    if fold.classes:
        values = torch.nn.functional.one_hot(fold.labels.long(), fold.classes).to(target.values.dtype)
    else:
        values = fold.labels.unsqueeze(1).to(target.values.dtype)
    joined = torch.cat([target.values, values]), torch.cat([target.weight, fold.weight.to(target.weight.dtype)])
    return dataclasses.replace(
        rows, x=torch.cat([rows.x, fold.x]), target=dataclasses.replace(target, values=joined[0], weight=joined[1])
    )


def _require_rows(recipe: Recipe, fold: Fold, view: int) -> None:
    names = ", ".join(p.name for p in recipe)
    if not len(fold) or not float(fold.weight.sum()) > 0:
        raise DataError(f"{names} leaves no training row in fold {view + 1}.", fix="Make it milder.", code="WF-D82")
    if not torch.isfinite(fold.x).all():
        raise DataError(f"{names} makes values that are no numbers.", fix="Leave it out.", code="WF-D82")
