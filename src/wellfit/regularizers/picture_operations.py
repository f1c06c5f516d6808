"""One change a picture, chosen from a list: what policies of augmentation are made of, and how strong each change is.

A layer of a policy is a number of an operation and an amount for each picture, tensors both, so that a batch is
computed at once: all geometry of a layer is one interpolation, all its colors one matrix, what is neither acts alone.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizers.affine import Affine
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.regularizers.colors import ColorMap, away_from_gray, gray_shares, recolor, scaled_about
from wellfit.regularizers.levels import levels
from wellfit.regularizers.tones import LEVELS, equalized, posterized, sharpened, solarized, stretch
from wellfit.regularizers.warping import warp

OPERATIONS = (
    "Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
    "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert",
)  # fmt: skip
"""Every operation by its name in the papers; its number is its place here."""

PLACE = {name: number for number, name in enumerate(OPERATIONS)}
_ENHANCED = ("Brightness", "Color", "Contrast", "Sharpness")


class Space(NamedTuple):
    """How strong the operations of a policy are at most.

    Attributes:
        shear: pixels sideways per pixel of height.
        share: of the side, that a picture is moved by.
        degrees: of a turn.
        factor: away from 1, for brightness, color, contrast and sharpness.
        bits: that posterizing takes away.
        pixels: that a picture is moved by, where it is no share of the side.
        kept: bits that posterizing leaves at the least strength.
    """

    shear: float
    share: float
    degrees: float
    factor: float
    bits: float
    pixels: float | None = None
    kept: float = 8.0


AUTOAUGMENT = Space(0.3, 150.0 / 331.0, 30.0, 0.9, 4.0)
"""Cubuk et al. 2019, table 6 (arXiv 1805.09501); moves of 150 pixels are of pictures of 331. RandAugment's too."""
WIDE = Space(0.99, 1.0, 135.0, 0.99, 6.0, 32.0)
"""Mueller & Hutter 2021, table 1 (arXiv 2103.10158), "wide"."""
AUGMIX = Space(0.3, 1.0 / 3.0, 30.0, 0.9, 4.0, kept=4.0)
"""Hendrycks et al. 2020 (arXiv 1912.02781), the authors' program, at severity 10."""


class Layer(NamedTuple):
    """An operation and its amount for each picture, (rows,) each: int64 and float64."""

    operation: Tensor
    amount: Tensor


def amounts(operation: Tensor, share: Tensor, sign: Tensor, space: Space, size: tuple[int, int]) -> Tensor:
    """How much of its operation each picture gets, (rows,) float64, in the operation's own unit.

    Shear in pixels per pixel, moves in pixels, turns in degrees, enhancements by their factor, posterizing by the bits
    that stay (whole), solarizing by its threshold in levels; operations without a strength get 0.

    Args:
        share: of the largest amount, 0 to 1, (rows,) float64.
        sign: 1 or -1, (rows,) float64; posterizing and solarizing have none.
        size: height and width.
    """
    height, width = size
    moves = (space.pixels or space.share * width, space.pixels or space.share * height)
    signed = sign * share
    table = {
        "ShearX": space.shear * signed, "ShearY": space.shear * signed,
        "TranslateX": torch.trunc(moves[0] * signed), "TranslateY": torch.trunc(moves[1] * signed),
        "Rotate": space.degrees * signed, **dict.fromkeys(_ENHANCED, 1.0 + space.factor * signed),
        "Posterize": space.kept - torch.round(space.bits * share), "Solarize": LEVELS * (1.0 - share),
    }  # fmt: skip
    found = torch.zeros_like(share)
    for name, values in table.items():
        found = torch.where(operation == PLACE[name], values, found)
    return found


@dataclasses.dataclass(frozen=True)
class Canvas:
    """Pictures on their way through a policy: from 0, black, to 1, white.

    Attributes:
        like: the pictures as they came, (rows, channels, height, width).
        u: the same from 0 to 1, in float32, or float64 where they came so.
        black, white: (channels, 1, 1), what 0 and 1 are in the pictures that came.
    """

    like: Tensor
    u: Tensor
    black: Tensor
    white: Tensor

    @classmethod
    def of(cls, x: Tensor, owner: str, now: Now) -> Canvas:
        values = amounts_of(x, owner)
        values = values if values.dtype in (torch.float32, torch.float64) else values.to(torch.float32)
        black, white = (end.to(values.dtype)[:, None, None] for end in levels(x, now))
        return cls(x, (values - black) / (white - black), black, white)

    def back(self, u: Tensor, changed: Tensor) -> Tensor:
        """Pictures as they came where they are not changed, bit for bit, and these where they are; changed (rows,)."""
        values = self.black + u * (self.white - self.black)
        return torch.where(changed[:, None, None, None], back_to(self.like, values), self.like)


def applied(u: Tensor, layer: Layer, fill: str, interpolation: str) -> Tensor:
    """Pictures after one layer; values stay between black and white, as with 8-bit pixels."""
    operation, amount = layer
    u = warp(u, _maps(operation, amount), fill, interpolation)
    colors = _colors(u, operation, amount)
    colored = (operation >= PLACE["Brightness"])[:, None, None, None]
    u = torch.where(colored, recolor(u, colors).clamp(0.0, 1.0), u)
    tones = {
        "Sharpness": lambda: sharpened(u, amount), "Posterize": lambda: posterized(u, amount),
        "Solarize": lambda: solarized(u, amount), "Equalize": lambda: equalized(u),
    }  # fmt: skip
    for name, changed in tones.items():
        u = torch.where((operation == PLACE[name])[:, None, None, None], changed(), u)
    return u


def _maps(operation: Tensor, amount: Tensor) -> Tensor:
    """(rows, 3, 3) where the pixels of each picture are read; no change for what is no geometry."""

    def of(name: str) -> Tensor:
        return torch.where(operation == PLACE[name], amount, 0.0)

    angle = torch.deg2rad(of("Rotate"))
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return Affine(
        xx=cosine, xy=of("ShearX") - sine, x=-of("TranslateX"), yx=of("ShearY") + sine, yy=cosine, y=-of("TranslateY")
    ).matrix()


def _colors(u: Tensor, operation: Tensor, amount: Tensor) -> ColorMap:
    """The color map of each picture; the identity for what no color map makes."""
    shares, channels = gray_shares(u), u.shape[1]
    means = u.mean((2, 3)).to(torch.float64)
    gray = (means * shares).sum(1, keepdim=True).expand(-1, channels)
    black = torch.zeros_like(shares)

    def factor(name: str) -> Tensor:
        return torch.where(operation == PLACE[name], amount, 1.0)

    inverting = torch.where(operation == PLACE["Invert"], -1.0, 1.0).to(torch.float64)
    own = [
        scaled_about(factor("Brightness"), black), away_from_gray(factor("Color"), shares),
        scaled_about(factor("Contrast"), gray), scaled_about(inverting, black + 0.5),
    ]  # fmt: skip
    stretched, chosen = stretch(u), operation == PLACE["AutoContrast"]
    brightened = own[0].matrix * torch.eye(channels, dtype=shares.dtype, device=u.device)
    total = ColorMap(
        torch.where(chosen[:, None, None], stretched.matrix, brightened),
        torch.where(chosen[:, None], stretched.offset, own[0].offset),
    )
    for colors in own[1:]:
        total = colors.after(total)
    return total
