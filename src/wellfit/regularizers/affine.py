"""Affine maps of pictures: one matrix a picture, whoever had a share in it, and one interpolation.

Coordinates are those of pixel centers, counted from the true center of the picture, which lies at ((width - 1) / 2,
(height - 1) / 2): x to the right, y down. A matrix (rows, 3, 3) maps where a pixel of the result lies to where its
value is read in the picture that came.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.regularizers.levels import levels
from wellfit.regularizers.warping import warp
from wellfit.target import Target

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
