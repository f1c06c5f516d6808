"""Changes of tone that no color matrix makes: sharper, posterized, solarized, equalized; and a stretch, which is one.

Pictures here are (rows, channels, height, width) floats from 0, black, to 1, white, and each function does what
Pillow's of that name does to 8-bit pixels, without the rounding to 8 bits where it is not the point of it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from wellfit.regularizers.colors import ColorMap

LEVELS = 256


def by_row(numbers: Tensor, like: Tensor) -> Tensor:
    """(rows,) numbers so that they act on pictures (rows, channels, height, width), in the type of these."""
    return numbers.to(like.dtype)[:, None, None, None]


def sharpened(u: Tensor, factor: Tensor) -> Tensor:
    """Drawn away from its smoothed self by a factor (rows,): 1 leaves it, below 1 blurs. Border pixels stay.

    The smoothing is Pillow's: over 3 by 3 pixels, the middle one 5 times; the result is kept between black and white.
    """
    channels, height, width = u.shape[1:]
    if min(height, width) < 3:
        return u
    kernel = u.new_ones(channels, 1, 3, 3)
    kernel = (kernel + 4.0 * functional.pad(u.new_ones(channels, 1, 1, 1), (1, 1, 1, 1))) / 13.0
    smooth = functional.conv2d(u, kernel, groups=channels)
    inner = u[:, :, 1:-1, 1:-1]
    moved = (smooth + by_row(factor, u) * (inner - smooth)).clamp(0.0, 1.0)
    middle = functional.pad(u.new_ones(1, 1, height - 2, width - 2), (1, 1, 1, 1)) > 0
    return torch.where(middle, functional.pad(moved, (1, 1, 1, 1)), u)


def levels_of(u: Tensor) -> Tensor:
    """The nearest of 256 levels, 0 to 255, as floats."""
    return (u * (LEVELS - 1)).round().clamp(0, LEVELS - 1)


def posterized(u: Tensor, bits: Tensor) -> Tensor:
    """Only the ``bits`` (rows,) highest bits of each level are kept; 8 rounds to levels."""
    step = by_row(torch.exp2(8.0 - bits), u)
    return torch.floor(levels_of(u) / step) * step / (LEVELS - 1)


def solarized(u: Tensor, threshold: Tensor) -> Tensor:
    """Levels from a threshold (rows,), 0 to 256, on are inverted."""
    # a thousandth of a level, so that a level is itself after any rounding
    return torch.where(u * (LEVELS - 1) >= by_row(threshold - 1e-3, u), 1.0 - u, u)


def stretch(u: Tensor) -> ColorMap:
    """The map that makes the darkest value of each channel black and the lightest white; flat channels stay."""
    low, high = (end.to(torch.float64) for end in (u.amin((2, 3)), u.amax((2, 3))))
    flat = high <= low
    factor = torch.where(flat, 1.0, 1.0 / torch.where(flat, 1.0, high - low))
    return ColorMap(torch.diag_embed(factor), torch.where(flat, 0.0, -low * factor))


def equalized(u: Tensor) -> Tensor:
    """Levels moved so that their histogram is as flat as it can be, channel by channel, by Pillow's whole-number rule.

    With h the histogram of N pixels and last the count of the lightest level there is, step = (N - last) // 255, and
    level i becomes (h[0] + ... + h[i - 1] + step // 2) // step; a channel with a step of 0 stays.
    """
    level = levels_of(u).to(torch.int64).flatten(2)
    counted = torch.zeros((*level.shape[:2], LEVELS), dtype=torch.int64, device=u.device)
    counts = counted.scatter_add(2, level, torch.ones_like(level))
    every = torch.arange(LEVELS, device=u.device)
    lightest = torch.where(counts > 0, every, 0).amax(2, keepdim=True)
    step = (counts.sum(2, keepdim=True) - counts.gather(2, lightest)) // (LEVELS - 1)
    divided = (counts.cumsum(2) - counts + step // 2) // step.clamp(min=1)
    moved = divided.clamp(max=LEVELS - 1).gather(2, level).to(u.dtype) / (LEVELS - 1)
    return torch.where((step > 0).unsqueeze(-1), moved.view_as(u), u)
