"""Mixup, CutMix and Cutout by hand: rows and pictures made of others, and labels that say so.

Pictures are (height, width, ...), labels are probabilities of the classes, (classes,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Box(NamedTuple):
    """Rows top to bottom and columns left to right, the last ones left out.

    >>> Box(0, 2, 1, 4).area
    6
    """

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)


def mixing_share(alpha: float, generator: np.random.Generator) -> float:
    """How much of the first row a blend has: lam ~ Beta(alpha, alpha); 1 where alpha is 0.

    A small alpha gives blends that are nearly one of the two; a fixed share would give one blend of each pair forever.

    >>> mixing_share(0.0, np.random.default_rng(0))
    1.0
    """
    return float(generator.beta(alpha, alpha)) if alpha > 0 else 1.0


def mixup(one: Array, other: Array, share: float) -> Array:
    """A blend: share * one + (1 - share) * other. Inputs and labels are blended with the same share.

    Pictures as bytes (uint8) are to be made numbers first: bytes wrap round at 256.

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, arXiv 1710.09412.

    >>> mixup(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.7).round(6).tolist()
    [0.7, 0.3]
    """
    return share * one + (1.0 - share) * other


def box_around(row: int, column: int, side: int, height: int, width: int) -> Box:
    """A square of this side around a pixel, cut off at the picture's borders.

    An odd side stays odd: half of it lies before the pixel, the rest from the pixel on.

    >>> box_around(10, 20, 150, 256, 512)
    Box(top=0, bottom=85, left=0, right=95)
    """
    top, left = row - side // 2, column - side // 2
    return Box(max(top, 0), min(max(top + side, 0), height), max(left, 0), min(max(left + side, 0), width))


def cutmix_side(length: int, share: float) -> int:
    """The side of the box that leaves about ``share`` of a picture of this side: int(length * sqrt(1 - share)).

    >>> cutmix_side(224, 0.5)
    158
    """
    return int(length * np.sqrt(1.0 - share))


def cutmix(one: tuple[Array, Array], other: tuple[Array, Array], box: Box) -> tuple[Array, Array]:
    """The first picture with the box of the second in it, and labels by the area that each really has.

    The share is computed from the box as it was cut off: share = 1 - area / (height * width).

    Args:
        one, other: (picture, label) of two rows.
        box: what comes from the second.

    Source: Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers, ICCV 2019, arXiv 1905.04899.

    >>> black, white = (np.zeros((4, 4)), np.array([1.0, 0.0])), (np.ones((4, 4)), np.array([0.0, 1.0]))
    >>> picture, label = cutmix(black, white, Box(0, 2, 0, 2))
    >>> picture.sum().item(), label.tolist()
    (4.0, [0.75, 0.25])
    """
    picture = one[0].copy()
    picture[box.top : box.bottom, box.left : box.right] = other[0][box.top : box.bottom, box.left : box.right]
    return picture, mixup(one[1], other[1], 1.0 - box.area / (picture.shape[0] * picture.shape[1]))


def cutout(picture: Array, box: Box, fill: float = 0.0) -> Array:
    """The picture with a hole; the label stays.

    The center of the box is drawn over the whole picture, so that a hole at the border is smaller: with a side of half
    the picture's it covers 19 % on average, not 25 %.

    Source: DeVries & Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017, arXiv
    1708.04552.

    >>> cutout(np.ones((4, 4)), Box(0, 2, 0, 2)).sum().item()
    12.0
    """
    holed = picture.copy()
    holed[box.top : box.bottom, box.left : box.right] = fill
    return holed
