"""How many trainings fit into a time: what an ablation, its proof and the ensemble's members ask before they begin."""

from __future__ import annotations

import math

from wellfit.job.plan import FIXED_COST
from wellfit.job.stage import Stage

_SURE = 0.85  # share of the time that trainings are planned for: evaluations and other programs take the rest


def affordable(stage: Stage, seconds: float) -> int:
    """How many trainings of a recipe fit into this time: whole stacks, or one smaller stack for each process."""
    if not math.isfinite(seconds):
        return 10**6
    folds = len(stage.material.judging)
    stack, hands = max(1, stage.plan.chunk // folds), stage.engine.hands
    paces = [stage.pace(phase) for phase in ("ablation", "re-scoring", "search")]
    pace = next((p for p in paces if p > 0), stage.plan.rate)
    turns = _SURE * seconds * pace / (stage.plan.steps * folds * stack * hands)
    if turns >= 1.0 or stage.plan.mode == "compiled":
        return int(turns) * stack * hands
    return max(0, int(stack * (turns - FIXED_COST) / (1.0 - FIXED_COST))) * hands
