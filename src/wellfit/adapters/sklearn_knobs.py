"""Knobs of a recipe as parameters of a scikit-learn estimator: ``recipe__Dropout__p`` in a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator

from wellfit.errors import RecipeError
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizer import Regularizer
from wellfit.regularizers import WeightDecay
from wellfit.wrappers import Wrapper

PREFIX = "recipe__"
DEFAULT = Recipe(WeightDecay(0.3))
"""What is fitted where no recipe is given: a part that draws nothing, so that a row of weight 2 is two rows."""


class RecipeKnobs(BaseEstimator):
    """An estimator whose ``recipe`` shows the knobs of its parts as ``recipe__<part>__<knob>``.

    What a recipe is made of is not changed by setting a knob: the estimator gets a new recipe.
    """

    recipe: Recipe | Regularizer | None

    def resolved_recipe(self) -> Recipe:
        """The recipe that a fit takes: the one given, or the default.

        Raises:
            RecipeError: ``recipe`` is none.
        """
        return DEFAULT if self.recipe is None else Recipe(self.recipe)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; ``deep`` adds the knobs of the recipe's parts."""
        params = super().get_params(deep=False)
        if deep and (self.recipe is None or isinstance(self.recipe, Regularizer)):
            params |= {f"{PREFIX}{name}": value for name, value in _knobs(self.resolved_recipe()).items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, the recipe itself before its knobs.

        Raises:
            ValueError: a parameter is unknown.
            RecipeError: a knob is unknown, or its value out of range.
        """
        super().set_params(**{n: v for n, v in params.items() if not n.startswith(PREFIX)})
        knobs = {n.removeprefix(PREFIX): v for n, v in params.items() if n.startswith(PREFIX)}
        if knobs:
            self.recipe = with_knobs(self.resolved_recipe(), knobs)
        return self


def with_knobs(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """A recipe with some knobs set anew, named ``<part>__<knob>``.

    Raises:
        RecipeError: there is no such knob, or its value is out of range.

    Example:
        >>> from wellfit import Dropout, Recipe
        >>> with_knobs(Recipe(Dropout(0.1)), {"Dropout__p": 0.4})
        Recipe(Dropout(p=0.4))
    """
    known = _knobs(recipe)
    for name in values:
        if name not in known:
            raise RecipeError(
                f"the recipe has no knob {PREFIX}{name}.",
                fix=f"It has {', '.join(PREFIX + k for k in known) or 'none'}.",
                code="WF-A75",
            )
    parts = [_turned(part, values) for part in recipe]
    return recipe.replace(parts=parts)


def _knobs(recipe: Recipe) -> dict[str, Any]:
    return {f"{part.name}__{knob}": getattr(leaf_of(part), knob) for part in recipe for knob in part.knobs()}


def _turned(part: Regularizer, values: Mapping[str, Any]) -> Regularizer:
    mine = {k: values[f"{part.name}__{k}"] for k in part.knobs() if f"{part.name}__{k}" in values}
    return _rebuilt(part, mine) if mine else part


def _rebuilt(part: Regularizer, knobs: Mapping[str, Any]) -> Regularizer:
    if isinstance(part, Wrapper):
        return part.replace(inner=_rebuilt(part.inner, knobs))
    return part.replace(**knobs)
