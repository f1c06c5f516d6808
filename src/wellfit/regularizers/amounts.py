"""Inputs as amounts: numbers that may be added to and blended, whether they come as floats or as 8-bit pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.errors import RecipeError


def amounts_of(x: Tensor, owner: str) -> Tensor:
    """The values to reckon with: floats as they are, 8-bit pixels as float32.

    Raises:
        RecipeError: other whole numbers, which are codes (of words, of categories) and no amounts.
    """
    if x.dtype.is_floating_point:
        return x
    if x.dtype != torch.uint8:
        raise RecipeError(
            f"{owner} changes amounts, and these inputs are of type {x.dtype}: codes, such as token numbers.",
            fix="Give it floats or 8-bit pixels, or act on hidden values: NEFTune, WordMixup, ManifoldMixup, Dropout.",
            code="WF-R11",
        )
    return x.to(torch.float32)


def back_to(x: Tensor, values: Tensor) -> Tensor:
    """``values`` in the form of ``x``: 8-bit pixels are clamped and then rounded, so that none wraps round."""
    return values.to(x.dtype) if x.dtype.is_floating_point else values.clamp(0.0, 255.0).round().to(x.dtype)
