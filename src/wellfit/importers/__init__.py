"""Recipes from what other tools call regularization: Keras, torch, scikit-learn, image generators."""

from wellfit.importers.imported import Imported
from wellfit.importers.reading import import_recipe

__all__ = ["Imported", "import_recipe"]
