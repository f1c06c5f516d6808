"""Robust scaling of one column of numbers, with a smooth clip against heavy tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy

from wellfit.data.strict import fields_of

# Scaled values never leave (-LIMIT, LIMIT).
LIMIT = 3.0


@dataclass(frozen=True)
class Scale:
    """``z = (x - center) / width``, then ``z / sqrt(1 + (z / 3)^2)``; a missing x becomes the center, which is 0.

    ``center`` is the training median. ``width`` is the distance between the training quartiles; if they are equal,
    half the range; if that is 0 too, 1.

    Source: the robust scale and smooth clip of RealMLP in Holzmueller, Grinsztajn, Steinwart, "Better by default:
    strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, arXiv 2407.04491.
    """

    center: float
    width: float

    @classmethod
    def fit(cls, values: numpy.ndarray) -> Scale:
        """Fit on training values, (rows,) float64; NaN is left out."""
        filled = values[~numpy.isnan(values)]
        if not len(filled):
            return cls(0.0, 1.0)
        # Computed at unit size, so that the range of 1e308 and -1e308 does not overflow.
        size = float(numpy.abs(filled).max())
        size = size if size > 1e150 else 1.0
        low, center, high = numpy.percentile(filled / size, [25, 50, 75])
        width = float(high - low) or float(filled.max() / size - filled.min() / size) / 2 or 1.0
        with numpy.errstate(over="ignore"):
            width = min(width * size, numpy.finfo(numpy.float64).max)
        # A denormal width would make z infinite for values next to the center.
        return cls(float(center * size), max(float(width), 1e-300))

    def apply(self, values: numpy.ndarray) -> numpy.ndarray:
        """Scale values, (rows,) float64 in, finite float64 in (-3, 3) out."""
        with numpy.errstate(over="ignore", invalid="ignore"):
            scaled = (
                values / self.width - self.center / self.width if _large(self) else (values - self.center) / self.width
            )
            clipped = scaled / numpy.sqrt(1 + (scaled / LIMIT) ** 2)
        clipped = numpy.where(numpy.abs(scaled) > 1e150, numpy.sign(scaled) * LIMIT, clipped)
        return numpy.where(numpy.isnan(values), 0.0, numpy.nan_to_num(clipped, nan=0.0))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Scale:
        found = fields_of(data, "a scale", center=float, width=float)
        fields_of({"width": found["width"] > 0}, "a scale", width=(True,))
        return cls(**found)


def _large(scale: Scale) -> bool:
    return max(abs(scale.center), scale.width) > 1e150
