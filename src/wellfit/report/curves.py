"""The learning curves: loss on training and validation rows, step by step, without and with regularization."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wellfit.report.record import find, finite, list_at, number_at

_POINTS = 150  # per line: more cannot be told apart at this width
_SURE = 2.0  # standard errors over seeds by which validation has to lie above its best to count as overfitting


@dataclass(frozen=True)
class Curves:
    """One network's curves: steps, and one list of values for each seed.

    Attributes:
        stop: the step whose weights are handed over, or None.
        unit: what steps are counted in: ``step`` or ``epoch``.
    """

    title: str
    steps: list[float]
    train: list[list[float | None]]
    valid: list[list[float | None]]
    stop: float | None = None
    unit: str = "step"

    def best(self) -> tuple[float, float] | None:
        """The step with the lowest mean validation loss, and that loss."""
        middle = [(value, step) for step, value in zip(self.steps, mean(self.valid), strict=False) if value is not None]
        return (min(middle)[1], min(middle)[0]) if middle else None

    def onset(self) -> tuple[float, float] | None:
        """The first step from which on validation lies surely above its best, and the mean loss there.

        Surely: by two standard errors of the paired difference over at least 3 seeds, at it and every later step.
        """
        best, middle = self.best(), mean(self.valid)
        if best is None or len(self.valid) < 3:
            return None
        at = self.steps.index(best[0])
        found = None
        for place in range(min(len(self.steps), len(middle)) - 1, at, -1):
            gaps = [row[place] - row[at] for row in self.valid if _both(row, place, at)]  # type: ignore[operator]
            if len(gaps) < 3 or not _above_zero(gaps):
                break
            found = (self.steps[place], middle[place] or 0.0)
        return found

    def value_at(self, step: float) -> float | None:
        """Mean validation loss at the evaluation nearest to a step."""
        known = [(abs(s - step), v) for s, v in zip(self.steps, mean(self.valid), strict=False) if v is not None]
        return min(known)[1] if known else None


def _both(row: list[float | None], place: int, at: int) -> bool:
    return max(place, at) < len(row) and row[place] is not None and row[at] is not None


def _above_zero(gaps: list[float]) -> bool:
    middle = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - middle) ** 2 for gap in gaps) / (len(gaps) - 1))
    return middle > _SURE * spread / math.sqrt(len(gaps)) and middle > 0


def read_curves(record: Mapping[str, Any]) -> list[Curves]:
    """The curves of a record that can be drawn."""
    titles = {
        "control": "Before: without regularization", "cocktail": "After: with the recipe", "own": "Your training",
    }  # fmt: skip
    found = [_read(find(record, "curves", key), title) for key, title in titles.items()]
    return [curves for curves in found if curves is not None]


def _read(entry: Any, title: str) -> Curves | None:
    unit = "epoch" if list_at(entry, "epoch") else "step"
    steps = [finite(step) for step in list_at(entry, unit)]
    keep = [index for index, step in enumerate(steps) if step is not None]
    keep = (
        [keep[(len(keep) - 1) * place // max(_POINTS - 1, 1)] for place in range(_POINTS)]
        if len(keep) > _POINTS
        else keep
    )
    train, valid = (_seeds(list_at(entry, name), keep, len(steps)) for name in ("train", "valid"))
    if not keep or not (train or valid):
        return None
    return Curves(title, [steps[index] or 0.0 for index in keep], train, valid, number_at(entry, "stop"), unit)


def _seeds(values: list[Any], keep: list[int], length: int) -> list[list[float | None]]:
    """One list for each seed, of the steps that are kept; a flat list is a single seed, a transposed one is turned."""
    if values and not isinstance(values[0], list | tuple):
        values = [values]
    rows = [list(row) for row in values if isinstance(row, list | tuple)]
    if rows and len(rows) == length and any(len(row) != length for row in rows):
        rows = [list(row) for row in zip(*rows, strict=False)]
    return [[finite(row[index]) if index < len(row) else None for index in keep] for row in rows]


def mean(rows: list[list[float | None]]) -> list[float | None]:
    """The mean over seeds at each step; None where no seed has a value."""
    columns = [[value for value in column if value is not None] for column in zip(*rows, strict=False)]
    return [sum(column) / len(column) if column else None for column in columns]


def band(rows: list[list[float | None]]) -> list[tuple[float, float] | None]:
    """The lowest and the highest seed at each step; None where no seed has a value."""
    columns = [[value for value in column if value is not None] for column in zip(*rows, strict=False)]
    return [(min(column), max(column)) if column else None for column in columns]
