"""Where black and white are in the channels of pictures: as a training says, or as numbers of that kind have it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wellfit.draws import Now, Pixels
from wellfit.errors import RecipeError, UsageError


def levels(x: Tensor, now: Now) -> tuple[Tensor, Tensor]:
    """The values of black and of white in each channel, (channels,) float64 each.

    Where a training does not know them (``Now.pixels``), they are 0 and 1, for 8-bit pixels 0 and 255. One value holds
    for all channels.

    Raises:
        RecipeError: they are said of another number of channels.
    """
    channels = x.shape[1]
    ends = now.pixels or ((0.0,), (255.0 if x.dtype == torch.uint8 else 1.0,))
    if len(ends[0]) not in (1, channels):
        raise RecipeError(
            f"pixels= says black and white of {len(ends[0])} channels, and these pictures have {channels}.",
            fix="Say one value for each channel, or one for all.", code="WF-A45",
        )  # fmt: skip
    black, white = (torch.tensor(end, dtype=torch.float64, device=x.device).expand(channels) for end in ends)
    return black, white


def check_pixels(pixels: Pixels | None) -> Pixels | None:
    """Black and white as a person says them, as they are.

    Raises:
        UsageError: they are no pair of equally many finite numbers, or black is not below white.
    """
    if pixels is None:
        return None
    try:
        black, white = (tuple(float(v) for v in end) for end in pixels)
        fits = len(black) == len(white) > 0 and all(map(math.isfinite, (*black, *white)))
        fits = fits and all(b < w for b, w in zip(black, white, strict=True))
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise UsageError(
            f"pixels={pixels!r} does not say what black and white are.",
            fix="Give (black, white), a number for each channel in both: ((0.0,), (1.0,)).", code="WF-A45",
        )  # fmt: skip
    return black, white
