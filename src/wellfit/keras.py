"""Keras 3 on the torch backend: ``model.fit(x, y, callbacks=[wellfit.keras.RecipeCallback(recipe)])``."""

from __future__ import annotations

from wellfit.adapters.keras_callback import RecipeCallback

__all__ = ["RecipeCallback"]
