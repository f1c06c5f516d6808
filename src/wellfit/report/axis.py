"""Where a value stands on a drawing, and the round numbers beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wellfit.report.numbers import number


@dataclass(frozen=True)
class Axis:
    """A straight line from values to places on a drawing.

    Args:
        low, high: the values at its ends.
        start, end: their places; ``start`` may lie right of, or below, ``end``.
        log: whether equal ratios, not equal differences, have equal lengths.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value; what lies beyond an end stands at that end."""
        low, high, here = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        share = 0.5 if high == low else (here - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def holds(self, value: float) -> bool:
        """Whether a value lies between the ends."""
        return self.low <= value <= self.high

    def ticks(self, wanted: int = 4) -> list[tuple[float, str]]:
        """Round values on the axis with how they are written."""
        values = _log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high, wanted)
        return [(value, number(value, 6)) for value in values]


def axis_over(values: Iterable[float], start: float, end: float, *, log: bool = False, margin: float = 0.04) -> Axis:
    """An axis that holds all the values, with a little room at both ends."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(known), max(known)) if known else ((0.1, 1.0) if log else (0.0, 1.0))
    if log:
        room = (high / low) ** margin if high > low else 2.0
        return Axis(low / room, high * room, start, end, True)
    room = (high - low) * margin or abs(high) * 0.1 or 1.0
    return Axis(low - room, high + room, start, end)


def _ticks(low: float, high: float, wanted: int) -> list[float]:
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    tens = [10.0**power for power in range(first, last + 1)]
    if len(tens) >= 3:
        return tens[:: max(1, len(tens) // 5)]
    if len(tens) == 2:
        return [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 3)
                if low <= factor * 10.0**power <= high]  # fmt: skip
    fine = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    return [value for value in fine if low <= value <= high] or [low, high]
