"""The winner's curse: what a score that chose is worth, beside the same recipe's scores that chose nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wellfit.job.phases import Finalist
from wellfit.job.stage import Stage

_ROWS = {"control": "control_best"}  # a finalist's line in the comparison, where it has another name


def curse_record(stage: Stage, chosen: Finalist, comparison: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The chosen recipe's validation score when it was selected, re-scored, and on the test rows.

    The first is the best of many under one seed, and flatters; the second is a mean over fresh seeds, on rows that the
    search never scored on where some were held back, and the best of a few; the third chose nothing.
    """
    sign = 1.0 if stage.metric.lower_is_better else -1.0
    tested = {row["key"]: row["score"] for row in comparison}
    test = tested.get(_ROWS.get(chosen.key, chosen.key))
    return {
        "metric": stage.metric.name, "at_selection": _told(chosen.selected, sign),
        "rescored": _told(chosen.score, sign), "test": test, "among": len(stage.pool),
        "fresh_rows": stage.material.judging != tuple(range(stage.material.folds)),
    }  # fmt: skip


def _told(score: float | None, sign: float) -> float | None:
    return sign * score if score is not None and math.isfinite(score) else None
