"""Does the best setting stand at the edge of what was searched? Then a wider search may find a better one."""

from __future__ import annotations

import math
from collections.abc import Iterator

from wellfit.diagnosis import Finding
from wellfit.job.phases import Finalist
from wellfit.job.stage import Stage
from wellfit.knobs import Knob
from wellfit.searching.space import RATES

OUTER = 0.1
"""Share of a range, on its own scale, that counts as its edge; Tuning Playbook."""


def edge_finding(stage: Stage, chosen: Finalist) -> Finding:
    """WF041 over the learning rate and the strengths of the chosen recipe.

    A range that ends at the last value that makes sense has no edge there, and none towards the value at which a part
    does nothing: that it is absent was searched, too.
    """
    if stage.given is not None:
        return Finding("search-edge", "not_applicable", "the recipe was given, not searched")
    found = [(name, value, place) for name, value, facts in _settings(chosen) if (place := _beyond(value, facts))]
    if not found:
        return Finding("search-edge", "healthy", "no setting of the chosen recipe stands at the edge of its range")
    told = ", ".join(f"{name} {value:.3g} ({side} end)" for name, value, side in found)
    return Finding("search-edge", "finding", f"at the edge of what was searched: {told}", float(len(found)), "settings")


def _settings(chosen: Finalist) -> Iterator[tuple[str, float, Knob]]:
    yield "learning rate", chosen.candidate.rate, Knob(*RATES, log=True)
    for part in chosen.candidate.recipe.active():
        for knob, facts in part.knobs().items():
            yield f"{part.name} {knob}", float(getattr(part, knob)), facts


def _beyond(value: float, facts: Knob) -> str:
    """``upper`` or ``lower`` where the value lies in the outer tenth of its range; empty elsewhere."""
    low, high = (math.log(v) if facts.log else v for v in (facts.low, facts.high))
    place = ((math.log(max(value, 1e-30)) if facts.log else value) - low) / (high - low)
    neutral = math.nan if facts.neutral is None else facts.neutral
    if place > 1.0 - OUTER and facts.high < facts.maximum and not neutral >= facts.high:
        return "upper"
    return "lower" if place < OUTER and facts.low > facts.minimum and not neutral <= facts.low else ""
