"""Everything that the search tried, in columns for the record: what its figures are drawn from."""

from __future__ import annotations

import math
from typing import Any

from wellfit.job.stage import Left, Stage
from wellfit.recipe import leaf_of
from wellfit.searching.halving import Entrant

MOST = 400
"""Candidates that a record holds: a figure shows no more; the best half of them, and an even sample of the rest."""

_LABEL = 80


def tried_record(stage: Stage) -> dict[str, Any]:
    """``kind``, ``rate``, ``loss`` (None where it diverged), ``step``, ``label`` and ``knobs``, a column each.

    A strength stands under ``NAME KNOB``, such as ``Dropout p``; None where the candidate lacks that part.
    """
    found = [*stage.left, *(Left(e.candidate, e.score, e.step) for e in stage.pool if _first(e))]
    chosen = sample([one for one in found if one.step > 0])
    names = sorted({name for one in chosen for name in _knobs(one)})
    strengths = [_knobs(one) for one in chosen]
    return {
        "all": len(found),
        "kind": [one.candidate.kind for one in chosen],
        "label": [one.candidate.label[:_LABEL] for one in chosen],
        "rate": [_short(one.candidate.rate) for one in chosen],
        "loss": [_short(one.score) for one in chosen],
        "step": [one.step for one in chosen],
        "knobs": {name: [held.get(name) for held in strengths] for name in names},
    }


def sample(found: list[Left]) -> list[Left]:
    """At most so many, by loss: the best half, and an even sample of the others."""
    ordered = sorted(found, key=lambda one: one.score)
    if len(ordered) <= MOST:
        return ordered
    best, rest = ordered[: MOST // 2], ordered[MOST // 2 :]
    return best + rest[:: math.ceil(len(rest) / (MOST - len(best)))]


def _first(entrant: Entrant) -> bool:
    return entrant.candidate.kind in ("control", "single", "cocktail")


def _knobs(one: Left) -> dict[str, float | None]:
    return {
        f"{part.name} {knob}": _short(float(getattr(leaf_of(part), knob)))
        for part in one.candidate.recipe.active()
        for knob in part.knobs()
    }


def _short(value: float) -> float | None:
    """Six digits, which is more than a figure shows."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
