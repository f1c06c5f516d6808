"""Random erasing: pictures with a rectangle of noise, of black or of their mean color in a random place."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.affine import check_choice, check_image
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.regularizers.levels import levels
from wellfit.target import Target

FILLINGS = ("noise", "constant", "mean")
_SMALLEST = 0.02
"""Share of a picture that a rectangle takes at least, as in the paper; less where the largest is smaller still."""


class RandomErasing(Regularizer):
    """Cover a rectangle of some pictures: each with probability p, in any place that holds it whole.

    Its area is uniform between 2 % of the picture (or ``area``, where that is smaller) and ``area``; its height over
    its width is uniform on a logarithmic scale between 1 / aspect and aspect, as far as the picture holds such
    rectangles. Sides are rounded to whole pixels. Where no rectangle of these proportions fits a long picture, the
    nearest is taken. The paper draws area and proportions again until the rectangle fits, which makes large ones rarer.

    Args:
        p: probability, 0 (neutral) to 1; 0.25 to 0.5 is usual.
        area: the largest rectangle as a share of the picture, 0 (neutral) to 1; 0.33 is usual.
        aspect: the most slender rectangle's longer side over its shorter one, 1 (squares) and up; 3.3 is usual.
        fill: ``noise`` (every pixel and channel uniform between black and white), ``constant`` (black) or ``mean`` (of
            the picture itself, channel by channel). Black and white are 0 and 1 where a training knows no better, for
            8-bit pixels 0 and 255.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill.

    Example:
        >>> import torch
        >>> x = torch.ones(200, 1, 10, 10)
        >>> black = RandomErasing(1.0, fill="constant").batch(x, None, Now.at(0))[0] == 0
        >>> bool(0.1 < black.double().mean() < 0.25)
        True

    Source:
        Zhong, Zheng, Kang, Li & Yang, Random Erasing Data Augmentation, AAAI 2020, arXiv 1708.04896.
    """

    formula = "noise inside a rectangle of share a of the picture, a ~ Uniform(0.02, area), with probability p"
    source = "Zhong, Zheng, Kang, Li & Yang, Random Erasing Data Augmentation, AAAI 2020, arXiv 1708.04896"
    use_when = "images in which objects are often half hidden"
    avoid_when = "the class hangs on one small spot, or Cutout or CutMix is in the recipe"
    grade = "A"
    standard = frozenset({"image"})
    inputs = "image"
    rank = 24
    p: float = knob(0.25, low=0.1, high=0.75, neutral=0.0, maximum=1.0)
    area: float = knob(0.33, low=0.05, high=0.5, neutral=0.0, maximum=1.0)
    aspect: float = knob(3.3, low=1.0, high=5.0, log=True, minimum=1.0)
    fill: str = static("noise")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.name, "fill", self.fill, FILLINGS)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        check_image(x, self.name)
        values = amounts_of(x, self.name)
        erased = self._rectangles(x, now).unsqueeze(1)
        return torch.where(erased, back_to(x, self._filling(x, values, now)), x), target

    def _rectangles(self, x: Tensor, now: Now) -> Tensor:
        """Which pixels are covered, (batch, height, width) bool: none where a picture is left as it is."""
        rows, _, height, width = x.shape
        share, slender, *place = now.uniform((4, rows), "box").to(torch.float64)
        largest = torch.as_tensor(self.area, dtype=torch.float64, device=x.device)
        smallest = largest.clamp(max=_SMALLEST)
        pixels = (smallest + share * (largest - smallest)) * (height * width)
        sides = _sides(pixels, torch.as_tensor(self.aspect, dtype=torch.float64, device=x.device), slender, x)
        hit = now.chance(self.p, (rows,), "hit") & (largest > 0)
        inside = [_inside(length, side, u) for length, side, u in zip((height, width), sides, place, strict=True)]
        return hit[:, None, None] & inside[0].unsqueeze(-1) & inside[1].unsqueeze(-2)

    def _filling(self, x: Tensor, values: Tensor, now: Now) -> Tensor:
        if self.fill == "mean":
            return values.mean((2, 3), keepdim=True).expand(values.shape)
        black, white = (end.to(values.dtype)[:, None, None] for end in levels(x, now))
        if self.fill == "constant":
            return black.expand(values.shape)
        return black + (white - black) * now.uniform(tuple(x.shape), "noise").to(values.dtype)


def _sides(pixels: Tensor, aspect: Tensor, slender: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Height and width of rectangles of an area in pixels, (rows,) each, whole numbers of at least 1, as float64.

    Height over width is uniform on a logarithmic scale, ``slender`` on [0, 1), between what the aspect allows and what
    the picture holds.
    """
    height, width = x.shape[2:]
    pixels = pixels.clamp(min=1e-9)
    low = torch.maximum(1.0 / aspect, pixels / width**2)
    high = torch.minimum(aspect, height**2 / pixels)
    ratio = torch.exp(torch.log(low) + slender * (torch.log(high) - torch.log(low)))
    return (
        torch.sqrt(pixels * ratio).round().clamp(1, height),
        torch.sqrt(pixels / ratio).round().clamp(1, width),
    )


def _inside(length: int, side: Tensor, u: Tensor) -> Tensor:
    """Which places of a line lie in a stretch of it, (rows, length) bool: all stretches are equally likely."""
    places = torch.arange(length, dtype=side.dtype, device=side.device)
    first = torch.floor(u * (length - side + 1.0)).unsqueeze(-1)
    return (places >= first) & (places < first + side.unsqueeze(-1))
