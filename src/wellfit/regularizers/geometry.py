"""Pictures in other places: turned, zoomed, moved, sheared, mirrored, cropped; all of it in one interpolation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.affine import (
    INTERPOLATIONS,
    Affine,
    Entry,
    Warp,
    check_choice,
    mirrored,
    moved,
    sheared,
    symmetric,
    turned,
    zoomed,
)
from wellfit.regularizers.cutting import whole_side
from wellfit.regularizers.warping import FILLS
from wellfit.target import Target

AXES = ("horizontal", "vertical", "both")
_SURVEY = "Shorten & Khoshgoftaar, A Survey on Image Data Augmentation for Deep Learning, J. of Big Data 6:60, 2019"


class Geometric(Regularizer, abstract=True):
    """What moves the pixels of a picture. A leaf says by which matrix, in ``affine``; its neighbors' are multiplied in.

    Parts of one fill and one interpolation act together: the product of their matrices is applied once. They act in
    the order of their names, as everything of one rank does: crop, flip, rotation, shear, shift, zoom.
    """

    grade = "A"
    standard = frozenset({"image"})
    inputs = "image"
    rank = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        for field, allowed in (("fill", tuple(FILLS)), ("interpolation", INTERPOLATIONS), ("axis", AXES)):
            check_choice(self.name, field, getattr(self, field, allowed[0]), allowed)

    def joint(self) -> Warp:
        return Warp(self.fill, self.interpolation)  # type: ignore[attr-defined] - every leaf has both, behind its knob

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return self.joint()([(self, now)], x, target)

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        """From places in the result to places in the picture, in pixels from its center; (rows,) float64 each entry."""
        raise NotImplementedError


def _along(axis: str, place: str, drawn: Callable[[], Tensor]) -> Entry:
    """What is drawn where a part acts along this axis, else 0."""
    return drawn() if axis in (place, "both") else 0.0


class Rotation(Geometric):
    """Turn each picture by an angle of its own: uniform between -degrees and degrees, about its true center.

    The center is ((width - 1) / 2, (height - 1) / 2) in pixels, so that a half turn of a picture of even size loses no
    row and no column. Positive angles turn counterclockwise.

    Args:
        degrees: the largest angle, 0 (neutral) to 180; 15 to 20 is usual.
        fill: what comes in beyond the borders: ``reflect`` (the picture, mirrored), ``edge`` or ``constant`` (black,
            0 where that is not known). With ``constant``, 12 % of a picture turned by 20 degrees are black.
        interpolation: ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill or interpolation.

    Example:
        >>> import torch
        >>> x = torch.ones(8, 3, 32, 32)
        >>> torch.allclose(Rotation(20.0).batch(x, None, Now.at(0))[0], x)
        True

    Source:
        Shorten & Khoshgoftaar, A Survey on Image Data Augmentation for Deep Learning, Journal of Big Data 6:60, 2019.
    """

    formula = "x at R(a) q about the center, a ~ Uniform(-degrees, degrees)"
    source = _SURVEY
    use_when = "pictures that may stand at a slant: photographs, handwriting, scans"
    avoid_when = "an angle changes the class: 6 and 9, arrows; or everything stands upright in use"
    degrees: float = knob(15.0, low=2.0, high=30.0, neutral=0.0, maximum=180.0)
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        return turned(symmetric(self.degrees, rows, "angle", now))


class Zoom(Geometric):
    """Show each picture larger or smaller: by a factor uniform between 1 - share and 1 + share, about its center.

    Args:
        share: how far the factor goes from 1, 0 (neutral) to 0.9; 0.15 to 0.2 is usual.
        fill: what comes in beyond the borders: ``reflect``, ``edge`` or ``constant``.
        interpolation: ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill or interpolation.

    Example:
        >>> Zoom(0.15)
        Zoom(share=0.15, fill='reflect', interpolation='bilinear')

    Source:
        Shorten & Khoshgoftaar, A Survey on Image Data Augmentation for Deep Learning, Journal of Big Data 6:60, 2019.
    """

    formula = "x at q / f about the center, f ~ Uniform(1 - share, 1 + share)"
    source = _SURVEY
    use_when = "things that come near or far, letters of several sizes"
    avoid_when = "size tells the class, or fine structure would be lost"
    share: float = knob(0.2, low=0.02, high=0.4, neutral=0.0, maximum=0.9)
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        return zoomed(1.0 + symmetric(self.share, rows, "factor", now))


class Shift(Geometric):
    """Move each picture: by up to ``share`` of its sides, uniform in both directions, between pixels too.

    Args:
        share: the largest move as a share of the side, 0 (neutral) to 1; 0.1 to 0.2 is usual.
        axis: ``both``, ``horizontal`` or ``vertical``.
        fill: what comes in beyond the borders: ``reflect``, ``edge`` or ``constant``.
        interpolation: ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown axis, fill or interpolation.

    Example:
        >>> Shift(0.2).axis
        'both'

    Source:
        Simard, Steinkraus & Platt, Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis, ICDAR 2003.
    """

    formula = "x at q - (u * width, v * height), u, v ~ Uniform(-share, share)"
    source = "Simard, Steinkraus & Platt, Best Practices for Convolutional Neural Networks, ICDAR 2003"
    use_when = "things that are not always in the middle"
    avoid_when = "the place tells the class, or every picture was centered by a program that runs in use too"
    share: float = knob(0.1, low=0.02, high=0.3, neutral=0.0, maximum=1.0)
    axis: str = static("both")
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        right = _along(self.axis, "horizontal", lambda: width * symmetric(self.share, rows, "right", now))
        down = _along(self.axis, "vertical", lambda: height * symmetric(self.share, rows, "down", now))
        return moved(right, down)


class Shear(Geometric):
    """Slant each picture: rows move sideways by a factor times their height over the center, as italics do.

    Args:
        factor: the largest move of a row per pixel of height, 0 (neutral) to 1; 0.1 to 0.3 is usual. A factor of 0.2 is
            an angle of 11 degrees.
        axis: ``horizontal`` (rows move), ``vertical`` (columns move) or ``both``.
        fill: what comes in beyond the borders: ``reflect``, ``edge`` or ``constant``.
        interpolation: ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown axis, fill or interpolation.

    Example:
        >>> Shear().factor
        0.2

    Source:
        Simard, Steinkraus & Platt, Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis, ICDAR 2003.
    """

    formula = "x at (q_x + s * q_y, q_y), s ~ Uniform(-factor, factor)"
    source = "Simard, Steinkraus & Platt, Best Practices for Convolutional Neural Networks, ICDAR 2003"
    use_when = "handwriting, signs and objects seen from the side"
    avoid_when = "right angles tell the class"
    factor: float = knob(0.2, low=0.02, high=0.5, neutral=0.0, maximum=1.0)
    axis: str = static("horizontal")
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        across = _along(self.axis, "horizontal", lambda: symmetric(self.factor, rows, "across", now))
        down = _along(self.axis, "vertical", lambda: symmetric(self.factor, rows, "down", now))
        return sheared(across, down)


class Flip(Geometric):
    """Show a mirror image of some pictures: each with probability p, left for right.

    Args:
        p: probability, 0 (neutral) to 1; 0.5 is usual.
        axis: ``horizontal`` (left for right), ``vertical`` (upside down) or ``both`` (each by itself).
        fill: of the interpolation that it shares with other parts; a mirror image alone leaves nothing to fill.
        interpolation: likewise, ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown axis, fill or interpolation.

    Example:
        >>> import torch
        >>> x = torch.arange(4.0).view(1, 1, 1, 4)
        >>> Flip(1.0).batch(x, None, Now.at(0))[0].round().flatten().tolist()
        [3.0, 2.0, 1.0, 0.0]

    Source:
        Krizhevsky, Sutskever & Hinton, ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012.
    """

    formula = "x at (-q_x, q_y) with probability p"
    source = "Krizhevsky, Sutskever & Hinton, ImageNet Classification with Deep Networks, NIPS 2012"
    use_when = "scenes and objects whose mirror image could be a photograph, too"
    avoid_when = "letters, digits, hands, anything with a left and a right"
    p: float = knob(0.5, low=0.1, high=0.5, neutral=0.0, maximum=1.0)
    axis: str = static("horizontal")
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        across = _along(self.axis, "horizontal", lambda: now.chance(self.p, (rows,), "across").to(torch.float64))
        down = _along(self.axis, "vertical", lambda: now.chance(self.p, (rows,), "down").to(torch.float64))
        return mirrored(across, down)


class Crop(Geometric):
    """Cut each picture out of its padded self: padded by ``share`` of its sides all round, at a random whole pixel.

    What 4 pixels of padding are to pictures of 32: a move by whole pixels, each as likely as any other.

    Args:
        share: the padding as a share of the side, rounded down to whole pixels, 0 (neutral) to 1; 0.125 is usual.
        fill: what the padding holds: ``reflect``, ``edge`` or ``constant``.
        interpolation: of the pass that it shares with other parts, ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill or interpolation.

    Example:
        >>> Crop().share
        0.125

    Source:
        He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385 (4 pixels of
        padding on CIFAR-10).
    """

    formula = "x at q - (i, j), i and j whole, uniform on -share * side ... share * side"
    source = "He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385"
    use_when = "small pictures, almost always"
    avoid_when = "Shift is there already, or what matters stands at the border"
    share: float = knob(0.125, low=0.05, high=0.25, neutral=0.0, maximum=1.0)
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def affine(self, rows: int, height: int, width: int, now: Now) -> Affine:
        right, down = (self._whole(side, rows, name, now) for side, name in ((width, "right"), (height, "down")))
        return moved(right, down)

    def _whole(self, side: int, rows: int, name: str, now: Now) -> Tensor:
        share = torch.as_tensor(self.share, dtype=torch.float64, device=now.key.device)
        padding = whole_side(side, share).to(torch.float64)
        return torch.floor(now.uniform((rows,), name).to(torch.float64) * (2.0 * padding + 1.0)) - padding
