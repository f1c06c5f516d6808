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
        """The encoder of the training rows of one fold."""
        return cls.fit_each(pixels, [rows])[0]

    @classmethod
    def fit_each(cls, pixels: Mapped, parts: Sequence[numpy.ndarray]) -> list[PictureEncoder]:
        """An encoder for each fold's training rows; every image is read once, block by block."""
        _, channels, height, width = pixels.shape
        rows = numpy.unique(numpy.concatenate(parts))
        sums = [_sums(block) for block in pixels.blocks(rows)]
        total, squares = (numpy.concatenate([s[i] for s in sums]) for i in range(2))
        made = []
        for part in parts:
            at = numpy.searchsorted(rows, part)
            count = max(1, len(part) * height * width)
            mean = total[at].sum(0) / count
            std = numpy.sqrt(numpy.maximum(squares[at].sum(0) / count - mean**2, 0.0))
            std = numpy.where(std > _LEAST, std, 1.0)
            made.append(
                cls(height, width, channels, tuple(mean.tolist()), tuple(std.tolist()), pixels.dtype.kind == "u")
            )
        return made

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


def _sums(block: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """(rows, channels) sums of pixels and of their squares."""
    values = block.astype(numpy.float64)
    return values.sum((2, 3)), numpy.einsum("nchw,nchw->nc", values, values)


def _numbers(values: Sequence[Any], count: int) -> tuple[float, ...]:
    found = tuple(float(v) for v in values)
    if len(found) != count or not numpy.isfinite(found).all():
        raise ValueError("numbers of another count, or not finite")
    return found
