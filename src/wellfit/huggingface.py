"""Hugging Face transformers: ``Trainer(..., callbacks=[wellfit.huggingface.RecipeCallback(recipe)])``."""

from __future__ import annotations

from wellfit.adapters.huggingface_callback import RecipeCallback

__all__ = ["RecipeCallback"]
