"""Colors of pictures: where black and white are, what gray is, and one color matrix a picture for all parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizers.affine import check_image
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.target import Target

LUMA = (0.299, 0.587, 0.114)
"""How much red, green and blue count for gray: ITU-R BT.601."""


class ColorMap(NamedTuple):
    """A map of colors for each picture: c -> matrix @ c + offset.

    Attributes:
        matrix: (rows, channels, channels), or (rows, 1, 1): a number times the identity.
        offset: (rows, channels).
    """

    matrix: Tensor
    offset: Tensor

    @property
    def plain(self) -> bool:
        """Whether the matrix is a number times the identity."""
        return self.matrix.shape[-1] == 1

    def after(self, first: ColorMap) -> ColorMap:
        """This map of what the first one leaves."""
        multiply = torch.mul if self.plain or first.plain else torch.bmm
        return ColorMap(multiply(self.matrix, first.matrix), self.of(first.offset))

    def of(self, colors: Tensor) -> Tensor:
        """(rows, channels): a color of each picture, its mean for one, as it is after the map."""
        if self.plain:
            return self.matrix.squeeze(-1) * colors + self.offset
        return torch.bmm(self.matrix, colors.unsqueeze(-1)).squeeze(-1) + self.offset


def gray_shares(x: Tensor) -> Tensor:
    """(channels,) float64, how much each channel counts for gray: luma for three channels, else all alike."""
    channels = x.shape[1]
    shares = LUMA if channels == 3 else (1.0 / channels,) * channels
    return torch.tensor(shares, dtype=torch.float64, device=x.device)


def scaled_about(factor: Tensor, points: Tensor) -> ColorMap:
    """Every channel drawn away from a point by a factor (rows,): c -> point + factor * (c - point).

    Args:
        factor: (rows,).
        points: (channels,) or (rows, channels).
    """
    return ColorMap(factor[:, None, None], (1.0 - factor)[:, None] * points)


def away_from_gray(factor: Tensor, shares: Tensor) -> ColorMap:
    """Colors drawn away from their own gray by a factor (rows,): c -> gray(c) + factor * (c - gray(c))."""
    channels = len(shares)
    eye = torch.eye(channels, dtype=factor.dtype, device=factor.device)
    rest = (1.0 - factor)[:, None, None]
    return ColorMap(factor[:, None, None] * eye + rest * shares, factor.new_zeros(()).expand(len(factor), channels))


def recolor(x: Tensor, colors: ColorMap) -> Tensor:
    """Pictures with other colors, each by its own map; a map that is exactly the identity leaves every number.

    Args:
        x: (rows, channels, height, width), floats. Values may leave the range they had: no network minds.
    """
    exact = x if x.dtype in (torch.float32, torch.float64) else x.to(torch.float32)
    matrix, offset = colors.matrix.to(exact.dtype), colors.offset.to(exact.dtype)
    if colors.plain:
        out = exact * matrix.unsqueeze(-1) + offset[:, :, None, None]
    else:  # 1 times a number and 0 times the others is that number, unless it is rounded to half its digits
        with torch.autocast("cuda" if x.is_cuda else "cpu", enabled=False):
            out = torch.bmm(matrix, exact.flatten(2)).add_(offset.unsqueeze(-1)).view_as(exact)
    return out.to(x.dtype)


@dataclasses.dataclass(frozen=True)
class Recolor:
    """The joint of everything that changes colors: one color matrix from all parts.

    A map of colors moves the means of the channels with it, so that a later part that asks for them need not wait for
    the picture.
    """

    def __call__(self, parts: Sequence[tuple[Any, Now]], x: Tensor, target: Target) -> tuple[Tensor, Target]:
        check_image(x, parts[0][0].name)
        values = amounts_of(x, parts[0][0].name)
        means = values.mean((2, 3), dtype=torch.float64 if values.dtype == torch.float64 else torch.float32)
        means = means.to(torch.float64)
        total: ColorMap | None = None
        for part, now in parts:
            own = part.colors(x, means if total is None else total.of(means), now)
            total = own if total is None else own.after(total)
        assert total is not None
        return back_to(x, recolor(values, total)), target
