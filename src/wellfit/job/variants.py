"""Data-level recipes applied: the training rows of every fold once more, as a recipe makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wellfit.data import Encoder
from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold
from wellfit.hashes import hash_integers
from wellfit.recipe import Recipe
from wellfit.searching.space import describe
from wellfit.training.cohort import Rows

if TYPE_CHECKING:
    from wellfit.job.prepare import Material


RowsOf = Callable[["Material", int, Tensor], Any]
"""A material, a view and row numbers of its stacked views to the rows as a data-level part takes them."""


def encoded_rows(material: Material, view: int, rows: Tensor) -> Tensor:
    """The rows as they are encoded already: what parts of tables take."""
    return material.rows.x[rows]


def with_variants(
    material: Material,
    recipes: Sequence[Recipe],
    seed: int,
    rows_of: RowsOf = encoded_rows,
    encode: Callable[[Any, Any], Tensor] = lambda x, _encoder: x,
    resources: Mapping[str, Any] | None = None,
) -> Material:
    """The material with a further set of folds for each data-level recipe that changes the rows.

    Each fold's training rows are resampled by themselves, so that no synthetic row has a parent among validation or
    test rows; the results stand behind the rows there are. Validation rows, weights and views stay what they were.

    Args:
        rows_of: what the parts are handed of a fold.
        encode: (what they make of it, the view's encoder) -> inputs.
        resources: what the parts are given by name, as a lexicon.

    Raises:
        DataError: a recipe cannot work on a fold, or leaves nothing of it.
    """
    variants, told, rows = list(material.variants), list(material.told), material.rows
    base = rows.folds[: len(material.views)]
    for recipe in recipes:
        if recipe in variants:
            continue
        variants.append(recipe)
        folds, counts = [], []
        for view, (train, valid) in enumerate(base):
            now = Now.at(0, hash_integers(seed, 55, view) % 2**31)
            now = dataclasses.replace(now, resources={**now.resources, **(resources or {})})
            made = recipe.resample(_fold(material, view, train, rows_of), now)
            made = dataclasses.replace(made, x=encode(made.x, material.views[view].encoder))
            _require_rows(recipe, made, view)
            counts.append((len(train), len(made)))
            place = len(rows.x)
            rows = _behind(rows, made)
            folds.append((torch.arange(place, place + len(made)), valid))
        rows = dataclasses.replace(rows, folds=(*rows.folds, *folds), own=len(base))
        told.append(_told(recipe, *counts[0]))
    return dataclasses.replace(material, rows=rows, variants=tuple(variants), told=tuple(told))


def _told(recipe: Recipe, before: int, after: int) -> str:
    made = f"become {after:,}" if after != before else "stay as many, and count or read otherwise"
    return f"{', '.join(describe(p) for p in recipe)}: {before:,} training rows of the first fold {made}"


def refuse_new_rows(recipe: Recipe, what: str) -> None:
    """Raises RecipeError where a recipe makes training rows anew, which nothing does for this kind of data."""
    for part in recipe:
        if "resample" in part.stages:
            raise RecipeError(
                f"{part.name} makes training rows anew, which is not done for {what}.",
                fix="Drop it from the recipe; --class-weight balanced counts every class the same.",
                code="WF-R14",
            )


def _fold(material: Material, view: int, train: Tensor, rows_of: RowsOf) -> Fold:
    target, classes = material.rows.target, len(material.table.classes)
    values = target.values[train]
    labels = values.argmax(1) if classes else values[:, 0]
    blocks = material.kind.blocks(material.views[view].encoder)
    return Fold(rows_of(material, view, train), labels, target.weight[train], classes, blocks)


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
