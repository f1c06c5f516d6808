"""Recipes side by side: one structure for all, and one recipe whose knobs have an axis of members."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils import _pytree

from wellfit.errors import RecipeError
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer


def stack(recipes: Sequence[Recipe], like: Tensor) -> Recipe:
    """Recipes of one structure as one recipe whose knobs are (K,) tensors of the dtype and device of ``like``.

    Their settings, which are each training's own, are left out.

    Raises:
        RecipeError: where two differ in more than their knobs; ``unify`` makes them alike first.
    """
    recipes = [r.remember(settings=None) for r in recipes]
    specs = [_pytree.tree_structure(r) for r in recipes]
    if any(s != specs[0] for s in specs):
        raise RecipeError(
            "recipes of different structure do not stack.", fix="Give them one with unify().", code="WF-R06"
        )
    leaves = zip(*(_pytree.tree_leaves(r) for r in recipes), strict=True)
    stacked = [torch.stack([torch.as_tensor(v, dtype=like.dtype, device=like.device) for v in row]) for row in leaves]
    return _pytree.tree_unflatten(stacked, specs[0])


def unify(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Give recipes one structure: a part that one of them lacks is added to it at its neutral value.

    Raises:
        RecipeError: where a part without a neutral value (it changes the network) is in some recipes and not in others.
    """
    every: dict[str, Regularizer] = {}
    for recipe in recipes:
        every |= {p.name: p for p in recipe}
    filled = []
    for recipe in recipes:
        names = {p.name for p in recipe}
        missing = [p.neutral() for n, p in every.items() if n not in names]
        filled.append(recipe.replace(parts=[*recipe, *missing]))
    return filled
