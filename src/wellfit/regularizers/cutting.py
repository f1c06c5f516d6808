"""Cuts: which pixels of an image lie in a box, and which columns of a table are chosen."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError


def check_form(x: Tensor, owner: str) -> None:
    """Refuse what is neither a table nor a stack of images.

    Raises:
        RecipeError: with the shape that came and the two that are allowed.
    """
    if x.ndim not in (2, 4):
        raise RecipeError(
            f"{owner} cuts (batch, columns) or (batch, channels, height, width); these inputs have {x.ndim} axes.",
            fix="Take Mixup, which blends inputs of any shape.",
            code="WF-R11",
        )


def in_box(size: tuple[int, int], sides: tuple[Tensor, Tensor], center: tuple[Tensor, Tensor]) -> Tensor:
    """Which pixels lie in boxes that begin half a side (rounded down) before their center, clipped at the borders.

    Args:
        size: (height, width) of an image.
        sides: of the boxes, whole numbers, () or (boxes,) each.
        center: row and column of the boxes' centers, whole numbers, () or (boxes,) each.

    Returns:
        (height, width) or (boxes, height, width), bool.
    """
    rows, columns = (_between(*line) for line in zip(size, sides, center, strict=True))
    return rows.unsqueeze(-1) & columns.unsqueeze(-2)


def _between(length: int, side: Tensor, center: Tensor) -> Tensor:
    places = torch.arange(length, device=center.device)
    first = (center - side // 2).unsqueeze(-1)
    return (places >= first) & (places < first + side.unsqueeze(-1))


def whole_side(length: int, share: Tensor) -> Tensor:
    """The side of a box that takes ``share`` of a length, rounded down to whole pixels, int64."""
    return torch.floor(length * _unrounded(share)).to(torch.int64)


def drawn_centers(size: tuple[int, int], boxes: tuple[int, ...], now: Now) -> tuple[Tensor, Tensor]:
    """Centers of boxes, each pixel as likely as any other: rows and columns, int64 of shape ``boxes``."""
    height, width = size
    places = now.uniform((2, *boxes), "center").to(torch.float64)
    return torch.floor(height * places[0]).to(torch.int64), torch.floor(width * places[1]).to(torch.int64)


def _unrounded(share: Tensor) -> Tensor:
    """A share, and a millionth of it more: 0.7 of 10 is 7 also where 0.7 was rounded down to float32."""
    return share.to(torch.float64) * (1.0 + 1e-6)


def columns_to_cut(columns: int, share: Tensor) -> Tensor:
    """How many columns a share of them is, to the nearest whole number (halves up), () int64."""
    return torch.floor(columns * _unrounded(share) + 0.5).to(torch.int64)


Blocks = tuple[tuple[int, int], ...]
"""(start, width) of each block of 0/1 inputs that codes one category."""


def columns_in(inputs: int, blocks: Blocks) -> int:
    """How many columns a table of so many inputs has, a block counted as one."""
    return inputs - sum(width - 1 for _, width in blocks)


def columns_of(inputs: int, blocks: Blocks) -> Tensor:
    """The column that each input belongs to, (inputs,) int64: the inputs of a block belong to one."""
    first = torch.ones(inputs, dtype=torch.int64)
    for start, width in blocks:
        first[start + 1 : start + width] = 0
    return first.cumsum(0) - 1
