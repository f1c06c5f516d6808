"""Pictures in other light: brighter, flatter, paler; all of it in one color matrix a picture."""

from __future__ import annotations

from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob
from wellfit.regularizers.affine import symmetric
from wellfit.regularizers.colors import ColorMap, Recolor, away_from_gray, gray_shares, scaled_about
from wellfit.regularizers.levels import levels
from wellfit.target import Target

_SOURCE = "Howard, Some Improvements on Deep Convolutional Neural Network Based Image Classification, 2013"


class Colored(Regularizer, abstract=True):
    """What changes the colors of a picture. A leaf says by which map, in ``colors``; its neighbors' are multiplied in.

    They act in the order of their names: brightness, contrast, saturation.
    """

    grade = "A"
    standard = frozenset({"image"})
    inputs = "image"
    rank = 22

    def joint(self) -> Recolor:
        return Recolor()

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return self.joint()([(self, now)], x, target)

    def colors(self, x: Tensor, means: Tensor, now: Now) -> ColorMap:
        """The map for each picture; ``means`` (rows, channels) float64 are those of the pictures as they come to it."""
        raise NotImplementedError


class Brightness(Colored):
    """Show each picture in more or less light: its distance from black times a factor between 1 - share and 1 + share.

    Black is known where wellfit has scaled the pictures; elsewhere it is 0. 8-bit pixels are clamped to 0 ... 255;
    floats are not clamped.

    Args:
        share: how far the factor goes from 1, 0 (neutral) to 1; 0.2 is usual.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures.

    Example:
        >>> import torch
        >>> x = torch.full((4, 3, 2, 2), 0.5)
        >>> light = Brightness(0.2).batch(x, None, Now.at(0))[0]
        >>> bool((light >= 0.4).all() and (light <= 0.6).all())
        True

    Source:
        Howard, Some Improvements on Deep Convolutional Neural Network Based Image Classification, 2013, arXiv
        1312.5402.
    """

    formula = "black + f * (x - black), f ~ Uniform(1 - share, 1 + share)"
    source = f"{_SOURCE}, arXiv 1312.5402"
    use_when = "photographs taken in any light"
    avoid_when = "how bright it is tells the class, or batches are normalized picture by picture"
    share: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=1.0)

    def colors(self, x: Tensor, means: Tensor, now: Now) -> ColorMap:
        return scaled_about(1.0 + symmetric(self.share, x.shape[0], "factor", now), levels(x, now)[0])


class Contrast(Colored):
    """Make each picture flatter or harsher: its distance from its own mean gray times a factor about 1.

    The mean gray of a picture is one number, the same for all channels: 0.299 red + 0.587 green + 0.114 blue, averaged
    over all pixels; where there are not three channels, all count alike.

    Args:
        share: how far the factor goes from 1, 0 (neutral) to 1; 0.2 is usual.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures.

    Example:
        >>> import torch
        >>> x = torch.full((1, 3, 2, 2), 0.25)  # flat as can be
        >>> torch.allclose(Contrast(0.5).batch(x, None, Now.at(0))[0], x)
        True

    Source:
        Howard, Some Improvements on Deep Convolutional Neural Network Based Image Classification, 2013, arXiv
        1312.5402.
    """

    formula = "m + f * (x - m), m the picture's mean gray, f ~ Uniform(1 - share, 1 + share)"
    source = f"{_SOURCE}, arXiv 1312.5402"
    use_when = "photographs in haze and in sun, scans of several machines"
    avoid_when = "the contrast tells the class, as in some medical pictures"
    share: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=1.0)

    def colors(self, x: Tensor, means: Tensor, now: Now) -> ColorMap:
        gray = (means * gray_shares(x)).sum(1, keepdim=True).expand(-1, x.shape[1])
        return scaled_about(1.0 + symmetric(self.share, x.shape[0], "factor", now), gray)


class Saturation(Colored):
    """Make the colors of each picture paler or stronger: their distance from their own gray times a factor about 1.

    Gray is 0.299 red + 0.587 green + 0.114 blue, pixel by pixel. Pictures of one channel have no color and stay.

    Args:
        share: how far the factor goes from 1, 0 (neutral) to 1; 0.2 is usual.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures.

    Example:
        >>> import torch
        >>> gray = torch.rand(4, 1, 2, 2).expand(4, 3, 2, 2)
        >>> torch.allclose(Saturation(0.5).batch(gray, None, Now.at(0))[0], gray)
        True

    Source:
        Howard, Some Improvements on Deep Convolutional Neural Network Based Image Classification, 2013, arXiv
        1312.5402.
    """

    formula = "g + f * (x - g), g the pixel's gray, f ~ Uniform(1 - share, 1 + share)"
    source = f"{_SOURCE}, arXiv 1312.5402"
    use_when = "color photographs of several cameras"
    avoid_when = "the hue tells the class, or pictures are gray"
    share: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=1.0)

    def colors(self, x: Tensor, means: Tensor, now: Now) -> ColorMap:
        factor = 1.0 + symmetric(self.share, x.shape[0], "factor", now)
        return away_from_gray(factor, gray_shares(x))
