"""Pixels as inputs of a network: less the mean of the training images, in units of their standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from wellfit.data.mapped import Mapped
from wellfit.data.strict import corrupt

_LEAST = 1e-6  # a standard deviation below this is none: all training images are one color


@dataclass(frozen=True)
class PictureEncoder:
    """One size, and mean and standard deviation of each channel, taken from training images alone.

    Args:
        channels: 1 for gray, 3 for color.
        mean, std: (channels,) in the units that pixels came in.
        whole: whether pixels are bytes, 0 to 255; else numbers as they came.
    """

    height: int
    width: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    whole: bool = True

    @classmethod
    def fit(cls, pixels: Mapped, rows: numpy.ndarray) -> PictureEncoder:
        """Read the training rows of a fold, block by block."""
        _, channels, height, width = pixels.shape
        total, squares, count = numpy.zeros(channels), numpy.zeros(channels), 0
        for block in pixels.blocks(rows):
            values = block.astype(numpy.float64)
            total += values.sum((0, 2, 3))
            squares += (values**2).sum((0, 2, 3))
            count += values[:, 0].size
        mean = total / max(1, count)
        std = numpy.sqrt(numpy.maximum(squares / max(1, count) - mean**2, 0.0))
        std = numpy.where(std > _LEAST, std, 1.0)
        return cls(height, width, channels, tuple(mean.tolist()), tuple(std.tolist()), pixels.dtype.kind == "u")

    def transform(self, pixels: numpy.ndarray) -> numpy.ndarray:
        """(rows, channels, height, width) float32."""
        mean, std = (numpy.array(v, dtype=numpy.float32)[:, None, None] for v in (self.mean, self.std))
        return (pixels.astype(numpy.float32) - mean) / std

    def to_json(self) -> dict[str, Any]:
        sizes = {"height": self.height, "width": self.width, "channels": self.channels}
        return {**sizes, "mean": list(self.mean), "std": list(self.std), "whole": self.whole}

    @classmethod
    def from_json(cls, form: Any) -> PictureEncoder:
        """Raises DataError where it is not what ``to_json`` gave."""
        try:
            sizes = [int(form[n]) for n in ("height", "width", "channels")]
            mean, std = _numbers(form["mean"], sizes[2]), _numbers(form["std"], sizes[2])
        except (TypeError, KeyError, ValueError) as error:
            raise corrupt("the images' form", str(error)) from error
        if not all(0 < s <= 4096 for s in sizes) or not all(s > 0 for s in std):
            raise corrupt("the images' form", "a size or a standard deviation is out of range")
        return cls(*sizes, mean, std, bool(form["whole"]))


def _numbers(values: Sequence[Any], count: int) -> tuple[float, ...]:
    found = tuple(float(v) for v in values)
    if len(found) != count or not numpy.isfinite(found).all():
        raise ValueError("numbers of another count, or not finite")
    return found
