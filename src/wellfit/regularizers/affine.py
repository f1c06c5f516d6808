"""Affine maps of pictures: one matrix a picture, whoever had a share in it, and one interpolation.

Coordinates are those of pixel centers, counted from the true center of the picture, which lies at ((width - 1) / 2,
(height - 1) / 2): x to the right, y down. A matrix (rows, 3, 3) maps where a pixel of the result lies to where its
value is read in the picture that came.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.regularizers.levels import levels
from wellfit.target import Target

FILLS = {"reflect": "reflection", "edge": "border", "constant": "zeros"}
"""What stands beyond the borders, with torch's word for it."""
INTERPOLATIONS = ("bilinear", "nearest")


def check_image(x: Tensor, owner: str) -> None:
    """Refuse what is no stack of pictures.

    Raises:
        RecipeError: with the shape that came and the one that is allowed.
    """
    if x.ndim != 4:
        raise RecipeError(
            f"{owner} changes pictures (batch, channels, height, width); these inputs have {x.ndim} axes.",
            fix="Give each picture its axis of channels, or take the part out of the recipe.",
            code="WF-R11",
        )


def check_choice(owner: str, field: str, value: Any, allowed: Sequence[str]) -> None:
    """Raises RecipeError where a field is none of the names that it may be."""
    if value not in allowed:
        names = ", ".join(map(repr, allowed))
        raise RecipeError(f"{owner}.{field} is {shortened(value)}; allowed is {names}.", fix="Take one.", code="WF-R03")


def symmetric(limit: Tensor | float, rows: int, name: str, now: Now) -> Tensor:
    """One number a row, uniform between -limit and limit, (rows,) float64; 0 for a limit of 0."""
    wide = torch.as_tensor(limit, dtype=torch.float64, device=now.key.device)
    return wide * (2.0 * now.uniform((rows,), name).to(torch.float64) - 1.0)


def matrix(
    xx: Tensor | float = 1.0, xy: Tensor | float = 0.0, x: Tensor | float = 0.0, yx: Tensor | float = 0.0,
    yy: Tensor | float = 1.0, y: Tensor | float = 0.0,
) -> Tensor:  # fmt: skip
    """(rows, 3, 3) from its entries, (rows,) or plain numbers: x_in = xx * x_out + xy * y_out + x, y_in likewise."""
    like = next(v for v in (xx, xy, x, yx, yy, y) if isinstance(v, Tensor))
    entries = (xx, xy, x, yx, yy, y, 0.0, 0.0, 1.0)
    filled = [v if isinstance(v, Tensor) else torch.full_like(like, v) for v in entries]
    return torch.stack(filled, dim=-1).unflatten(-1, (3, 3))


def turned(degrees: Tensor) -> Tensor:
    """The picture turned counterclockwise by an angle (rows,), as it is seen: y points down."""
    angle = degrees * (math.pi / 180.0)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return matrix(xx=cosine, xy=-sine, yx=sine, yy=cosine)


def zoomed(factor: Tensor) -> Tensor:
    """The picture ``factor`` (rows,) times as large."""
    return matrix(xx=1.0 / factor, yy=1.0 / factor)


def moved(right: Tensor, down: Tensor) -> Tensor:
    """The picture moved by so many pixels, (rows,) each."""
    return matrix(x=-right, y=-down)


def sheared(across: Tensor, down: Tensor) -> Tensor:
    """The picture sheared: a row one pixel lower is read ``across`` (rows,) further right, a column ``down`` lower."""
    return matrix(xy=across, yx=down)


def mirrored(across: Tensor, down: Tensor) -> Tensor:
    """The picture's mirror image where 1 and as it is where 0, (rows,) float: left to right, and top to bottom."""
    return matrix(xx=1.0 - 2.0 * across, yy=1.0 - 2.0 * down)


def warp(
    x: Tensor, maps: Tensor, fill: str = "reflect", interpolation: str = "bilinear", black: Tensor | None = None
) -> Tensor:
    """Pictures read at other places, each by its own matrix, in one interpolation.

    Pictures whose matrix is exactly the identity come back bit for bit.

    Args:
        x: (rows, channels, height, width), floats.
        maps: (rows, 3, 3).
        fill: beyond the borders ``reflect`` mirrors the picture at the centers of its outermost pixels, ``edge`` goes
            on with them, ``constant`` is ``black``.
        interpolation: ``bilinear`` or ``nearest``.
        black: (channels, 1, 1), what ``constant`` fills with; 0 by default.
    """
    exact = x if x.dtype in (torch.float32, torch.float64) else x.to(torch.float32)
    places = _places(maps, x.shape[2], x.shape[3], exact.dtype)
    moved = functools.partial(
        functional.grid_sample, grid=places, mode=interpolation, padding_mode=FILLS[fill], align_corners=True
    )
    out = moved(exact) if black is None or fill != "constant" else moved(exact - black) + black
    still = (maps == torch.eye(3, dtype=maps.dtype, device=maps.device)).flatten(1).all(1)
    # at 0 and at 1 lerp is the one or the other, bit for bit, in less time than where takes
    return torch.lerp(out, exact, still.to(exact.dtype)[:, None, None, None]).to(x.dtype)


def _places(maps: Tensor, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """Where each pixel is read, (rows, height, width, 2) in ``grid_sample``'s units: -1 and 1 are the outer centers."""
    units = torch.tensor([2.0 / max(1, width - 1), 2.0 / max(1, height - 1)], dtype=maps.dtype, device=maps.device)
    across = torch.arange(width, dtype=maps.dtype, device=maps.device) - (width - 1) / 2
    down = torch.arange(height, dtype=maps.dtype, device=maps.device) - (height - 1) / 2
    by_column = (units * maps[:, :2, 0])[:, None] * across[:, None]
    by_row = units * (maps[:, None, :2, 1] * down[:, None] + maps[:, None, :2, 2])
    # The two coordinates of a place as one complex number: a sum over an axis of two is ten times as slow on CPU.
    # float32 holds a place to a hundred-thousandth of a pixel.
    columns, rows = (torch.view_as_complex(part.to(dtype).contiguous()) for part in (by_column, by_row))
    return torch.view_as_real(columns[:, None] + rows[:, :, None])


@dataclasses.dataclass(frozen=True)
class Warp:
    """The joint of everything that moves pixels: one matrix from all parts, and one interpolation."""

    fill: str
    interpolation: str

    def __call__(self, parts: Sequence[tuple[Any, Now]], x: Tensor, target: Target) -> tuple[Tensor, Target]:
        check_image(x, parts[0][0].name)
        total: Tensor | None = None
        for part, now in parts:
            own = part.affine(x.shape[0], x.shape[2], x.shape[3], now)
            total = own if total is None else total @ own
        values, black = amounts_of(x, parts[0][0].name), None
        if self.fill == "constant" and parts[0][1].pixels is not None:
            black = levels(x, parts[0][1])[0].to(values.dtype)[:, None, None]
        return back_to(x, warp(values, total, self.fill, self.interpolation, black)), target  # type: ignore[arg-type]
