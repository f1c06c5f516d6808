"""Importance over a search: which of the settings its candidates differed in decided their loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wellfit.data.notes import counted
from wellfit.job.stage import Stage
from wellfit.knobs import Knob
from wellfit.proof.importance import importance
from wellfit.searching.halving import Entrant
from wellfit.searching.space import RATES

LEAST = 20
"""Candidates that trained to the end: from fewer, nothing can be told apart among a dozen settings."""

IMPORTANCE_TAKES = 2.0
"""Seconds that must be left for it."""


def importance_record(stage: Stage) -> list[dict[str, Any]] | str:
    """Each setting's share of the variance of the loss over all candidates, controls too; or why there is none."""
    held = [e for e in stage.pool if math.isfinite(e.score)]
    parts = {} if stage.given is not None else stage.parts()
    used = {name: cls for name, cls in parts.items() if any(_has(e, name) for e in held)}
    if not used:
        return "importance of the settings: nothing was searched"
    if len(held) < LEAST:
        few = f"{counted(len(held), 'candidate')} trained to the end, too few to tell which setting decided"
        return f"importance of the settings: {few} ({LEAST} are enough)"
    columns: list[list[float]] = [[_place(e.candidate.rate, Knob(*RATES, log=True)) for e in held]]
    groups: dict[str, list[int]] = {"learning rate": [0]}
    for name, cls in used.items():
        own = [[float(_has(e, name)) for e in held]]
        own += [[_strength(e, name, knob, facts) for e in held] for knob, facts in cls.knobs().items()]
        groups[name] = list(range(len(columns), len(columns) + len(own)))
        columns += own
    found = importance(np.array(columns).T, np.array([e.score for e in held]), groups, stage.seed)
    return [{"name": s.name, "share": s.value, "interval": [s.low, s.high]} for s in found]


def _has(entrant: Entrant, name: str) -> bool:
    return any(p.name == name for p in entrant.candidate.recipe.active())


def _strength(entrant: Entrant, name: str, knob: str, facts: Knob) -> float:
    """Where a knob stands in its searched range, 0 to 1; 0 where the part is not there."""
    return _place(float(getattr(entrant.candidate.recipe[name], knob)), facts) if _has(entrant, name) else 0.0


def _place(value: float, facts: Knob) -> float:
    if facts.log:
        return (math.log(max(value, 1e-30)) - math.log(facts.low)) / (math.log(facts.high) - math.log(facts.low))
    return (value - facts.low) / (facts.high - facts.low)
