"""A recipe in two: what acts on the rows before training, and what acts while a network trains."""

from __future__ import annotations

from wellfit.recipe import Recipe


def data_level(recipe: Recipe) -> Recipe:
    """The parts that resample the training rows: they decide which fold a member trains on."""
    return Recipe(*(p for p in recipe if "resample" in p.stages))


def training_level(recipe: Recipe) -> Recipe:
    """The parts with something to do in a step; what only resamples has done its work before, and stacks with all."""
    return Recipe(*(p for p in recipe if p.stages != {"resample"}))
