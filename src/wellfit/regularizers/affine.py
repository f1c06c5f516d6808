"""Affine maps of pictures: one matrix a picture, whoever had a share in it, and one interpolation.

Coordinates are those of pixel centers, counted from the true center of the picture, which lies at ((width - 1) / 2,
(height - 1) / 2): x to the right, y down. A matrix (rows, 3, 3) maps where a pixel of the result lies to where its
value is read in the picture that came. Until then it is an ``Affine``, its entries one by one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

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
    wide = limit.to(torch.float64) if isinstance(limit, Tensor) else float(limit)
    return (now.uniform((rows,), name) - 0.5).to(torch.float64) * (2.0 * wide)


Entry = Tensor | float
"""One number of each picture's matrix, (rows,) float64, or a plain 0 or 1 where it is that in all of them."""


class Affine(NamedTuple):
    """Where each picture is read: x_in = xx * x_out + xy * y_out + x, and y_in likewise.

    Entries that are plainly 0 or 1 take no operation of torch: a move multiplied by a turn costs what it costs by hand.
    """

    xx: Entry = 1.0
    xy: Entry = 0.0
    x: Entry = 0.0
    yx: Entry = 0.0
    yy: Entry = 1.0
    y: Entry = 0.0

    def __matmul__(self, other: Affine) -> Affine:
        """The product of the matrices: a pixel's place goes through the other map and then through this one."""
        (xx, xy, x, yx, yy, y), o = self, other
        return Affine(
            _plus(_times(xx, o.xx), _times(xy, o.yx)), _plus(_times(xx, o.xy), _times(xy, o.yy)),
            _plus(_plus(_times(xx, o.x), _times(xy, o.y)), x),
            _plus(_times(yx, o.xx), _times(yy, o.yx)), _plus(_times(yx, o.xy), _times(yy, o.yy)),
            _plus(_plus(_times(yx, o.x), _times(yy, o.y)), y),
        )  # fmt: skip

    def matrix(self) -> Tensor:
        """(rows, 3, 3); one entry at least has to be a tensor."""
        like = next(entry for entry in self if isinstance(entry, Tensor))
        entries = (*self, 0.0, 0.0, 1.0)
        filled = {e: torch.full_like(like, e) for e in entries if not isinstance(e, Tensor)}
        full = [e if isinstance(e, Tensor) else filled[e] for e in entries]
        return torch.stack(full, dim=-1).unflatten(-1, (3, 3))


def _times(a: Entry, b: Entry) -> Entry:
    for one, other in ((a, b), (b, a)):
        if not isinstance(one, Tensor) and one in (0.0, 1.0):
            return other if one else 0.0
    return a * b


def _plus(a: Entry, b: Entry) -> Entry:
    for one, other in ((a, b), (b, a)):
        if not isinstance(one, Tensor) and one == 0.0:
            return other
    return a + b


def turned(degrees: Tensor) -> Affine:
    """The picture turned counterclockwise by an angle (rows,), as it is seen: y points down."""
    angle = degrees * (math.pi / 180.0)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return Affine(xx=cosine, xy=-sine, yx=sine, yy=cosine)


def zoomed(factor: Tensor) -> Affine:
    """The picture ``factor`` (rows,) times as large."""
    share = 1.0 / factor
    return Affine(xx=share, yy=share)


def moved(right: Entry, down: Entry) -> Affine:
    """The picture moved by so many pixels, (rows,) each."""
    return Affine(x=-right, y=-down)


def sheared(across: Entry, down: Entry) -> Affine:
    """The picture sheared: a row one pixel lower is read ``across`` (rows,) further right, a column ``down`` lower."""
    return Affine(xy=across, yx=down)


def mirrored(across: Entry, down: Entry) -> Affine:
    """The picture's mirror image where 1 and as it is where 0, (rows,) float: left to right, and top to bottom."""
    return Affine(xx=1.0 - 2.0 * across, yy=1.0 - 2.0 * down)


@dataclasses.dataclass(frozen=True)
class Warp:
    """The joint of everything that moves pixels: one matrix from all parts, and one interpolation."""

    fill: str
    interpolation: str

    def __call__(self, parts: Sequence[tuple[Any, Now]], x: Tensor, target: Target) -> tuple[Tensor, Target]:
        check_image(x, parts[0][0].name)
        total = Affine()
        for part, now in parts:
            total = total @ part.affine(x.shape[0], x.shape[2], x.shape[3], now)
        values, black = amounts_of(x, parts[0][0].name), None
        if self.fill == "constant" and parts[0][1].pixels is not None:
            black = levels(x, parts[0][1])[0].to(values.dtype)[:, None, None]
        return back_to(x, warp(values, total.matrix(), self.fill, self.interpolation, black)), target
