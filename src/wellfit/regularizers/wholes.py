"""Fields that count: whole numbers, kept as such on their way through JSON."""

from __future__ import annotations

from typing import Any

from wellfit.errors import RecipeError
from wellfit.knobs import Knob, check_knob


def settle_whole(part: Any, name: str, low: int, high: int) -> None:
    """Check a field that counts something and keep it as an int; JSON gives 8 back as 8.0.

    Raises:
        RecipeError: it is no whole number of at least 1; ``low`` to ``high`` are told as usual.
    """
    value, owner = getattr(part, name), type(part).__name__
    check_knob(owner, name, value, Knob(low, high, minimum=1.0))
    if value != int(value):
        fix = f"A usual range is {low} to {high}."
        raise RecipeError(f"{owner}.{name} is {value!r}; a whole number is allowed.", fix=fix, code="WF-R03")
    object.__setattr__(part, name, int(value))
