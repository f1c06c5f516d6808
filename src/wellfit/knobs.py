"""The fields of a regularizer: knobs that a search turns, memories, and what changes the structure."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any

from torch import Tensor

from wellfit.errors import RecipeError


@dataclasses.dataclass(frozen=True)
class Knob:
    """What a search and a reader need to know of one field.

    Attributes:
        low, high: the range that a search draws from.
        log: whether it draws on a logarithmic scale.
        neutral: the value at which the regularizer is the exact identity; None where there is none.
        minimum, maximum: the values that make sense at all; outside them construction is refused.
    """

    low: float
    high: float
    log: bool = False
    neutral: float | None = None
    minimum: float = 0.0
    maximum: float = math.inf


def knob(
    default: float,
    *,
    low: float,
    high: float,
    log: bool = False,
    neutral: float | None = None,
    minimum: float = 0.0,
    maximum: float = math.inf,
) -> Any:
    """Declare a strength that can be searched: a float, or a 0-d tensor inside a stack."""
    facts = Knob(low, high, log, neutral, minimum, maximum)
    return dataclasses.field(default=default, metadata={"knob": facts})


def memory() -> Any:
    """Declare what a regularizer remembers between steps; it is no part of its JSON form, ``==`` or hash."""
    return dataclasses.field(default=None, repr=False, metadata={"memory": True})


def static(default: Any) -> Any:
    """Declare a field that changes the structure: members of one stack share its value."""
    return dataclasses.field(default=default, metadata={"static": True})


def check_knob(owner: str, name: str, value: Any, facts: Knob) -> None:
    """Refuse a value that makes no sense; infinity makes sense only where it is the neutral value."""
    if isinstance(value, Tensor):
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise RecipeError(f"{owner}.{name} is {shortened(value)}; a number is allowed.", code="WF-R02")
    endless = abs(value) > sys.float_info.max and facts.neutral != math.inf
    if endless or not facts.minimum <= value <= facts.maximum:
        raise RecipeError(
            f"{owner}.{name} is {shortened(value)}; allowed is {facts.minimum:g} to {facts.maximum:g}"
            f"{', infinity left out' if endless else ''}.",
            fix=f"A usual range is {facts.low:g} to {facts.high:g}.",
            code="WF-R03",
        )


def shortened(value: Any) -> str:
    """A value as an error may show it: 60 characters at most."""
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return "a whole number of over 300 digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
