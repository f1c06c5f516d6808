"""Lightning: ``Trainer(callbacks=[wellfit.lightning.RecipeCallback(recipe)])``."""

from __future__ import annotations

from wellfit.adapters.lightning_callback import RecipeCallback, loss

__all__ = ["RecipeCallback", "loss"]
