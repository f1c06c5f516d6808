"""Images to predict: brought to the form of the training, and refused where they are in other units or have color."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from wellfit.data.mapped import Mapped
from wellfit.data.picture_arrays import Pixels, pixels_of
from wellfit.data.picture_encoder import PictureEncoder
from wellfit.data.pictures import Form, resized, spread, store
from wellfit.errors import DataError

_FAR = 30.0
"""Standard deviations from the training's mean: no image of the same units has values beyond."""


def read_new_array(x: Any, encoder: PictureEncoder) -> Mapped:
    """Images to predict from an array of Python.

    Raises:
        DataError: they cannot be images, or it is a single one; and as ``read_new_pixels`` says.
    """
    pixels = pixels_of(x)
    if encoder.channels == 3 and len(pixels.shape) == 3 and 3 in (pixels.shape[0], pixels.shape[2]):
        raise DataError(
            f"x has the shape {pixels.shape}, that of one image in color; images are (n, height, width, 3).",
            fix="Bring a single one as x[None].",
            code="WF-D19",
        )
    return read_new_pixels(pixels, encoder)


def read_new_pixels(x: Pixels, encoder: PictureEncoder) -> Mapped:
    """Images to predict, from an array, in the form of the training.

    Raises:
        DataError: they have color, and the training had none; or they are in other units.
    """
    form = Form(encoder.height, encoder.width, encoder.channels)
    ends = [numpy.inf, -numpy.inf]

    def blocks() -> Iterator[numpy.ndarray]:
        for block in x.blocks():
            ends[:] = min(ends[0], float(block.min())), max(ends[1], float(block.max()))
            flat = _gray(block) if form.channels == 1 else block
            yield resized(spread(flat, form), form.height, form.width)

    held = store(blocks(), len(x), form, x.dtype)
    _require_units(*ends, x.dtype == "u1", encoder)
    return held


def _gray(block: numpy.ndarray) -> numpy.ndarray:
    """One channel of images that have no color."""
    if (block == block[:, :1]).all():
        return block[:, :1]
    raise DataError(
        "these images have color, and those of the training were gray.",
        fix="Bring them as (n, height, width).",
        code="WF-D21",
    )


def _require_units(low: float, high: float, are_bytes: bool, encoder: PictureEncoder) -> None:
    """Raises DataError where numbers cannot be in the units of the training's."""
    mean, std = max(encoder.mean), max(encoder.std)
    fix = ""
    if encoder.whole and not 0.0 <= low <= high <= 255.0:
        fix = "Bring bytes, or numbers from 0 to 255."
    elif encoder.whole and not are_bytes and 0.0 < high <= 1.0 < mean + std:
        fix = "Multiply them by 255, if they go from 0 to 1."
    elif not encoder.whole and are_bytes and high > mean + _FAR * std:
        fix = "Scale them as the training images were; x / 255, perhaps."
    if fix:
        units = "bytes, 0 to 255" if encoder.whole else f"numbers of a mean of {mean:.4g}"
        raise DataError(
            f"these images hold numbers from {low:.4g} to {high:.4g}, and those of the training were {units}.",
            fix=fix, code="WF-D89",
        )  # fmt: skip
