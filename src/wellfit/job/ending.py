"""Runs that end before their comparison: what was trained so far is kept, and it is said why."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from wellfit.errors import BudgetError, TrainingError
from wellfit.job.clock import Clock, nothing_trained, say_nothing
from wellfit.job.folder import write_json
from wellfit.job.phases import Finalist
from wellfit.job.stage import Stage

Kept = TypeVar("Kept")
Finish = Callable[[Finalist, str], Kept]
"""Hands over one finalist under a status, and gives back the run."""


def too_small(stage: Stage, record: dict[str, Any], folder: Path, clock: Clock, finish: Finish[Any]) -> NoReturn:
    """The budget was over before the first rung, or everything diverged: save what there is and say which.

    Raises:
        TrainingError: no member has a validation loss that is a number, and there was time.
        NothingTrained: there was no time to train anything.
        BudgetError: else; its ``run`` is what there is.
    """
    started = [e for e in stage.alive if e.step > 0]
    if started and all(not math.isfinite(e.score) for e in started) and clock.used() < clock.seconds:
        record["status"] = "failed"
        write_json(folder / "run.json", record)
        raise TrainingError(
            "every member diverged: no validation loss was a number.",
            fix="Look at the data for extreme values in the numbers or the target.",
            code="WF003",
        )
    run = rescue(stage, record, folder, "budget", clock, finish)
    if run is None:
        raise nothing_trained(clock, record, folder)
    raise BudgetError(
        f"the budget of {clock.seconds:g} s ended before the comparison did; what there is stands in {folder}.",
        fix="Give twice the time.",
        code="WF-B01",
        run=run,
    )


def rescue(
    stage: Stage | None, record: dict[str, Any], folder: Path, status: str, clock: Clock, finish: Finish[Kept]
) -> Kept | None:
    """Save the best that was trained so far, or nothing but the record."""
    record["status"] = status
    record["seconds"] = clock.used()
    write_json(folder / "run.json", record)
    if stage is None:
        say_nothing(record, folder, status)
        return None
    trained = [e for e in [*stage.pool, *stage.alive] if e.cohort is not None and math.isfinite(e.score)]
    if not trained:
        say_nothing(record, folder, status)
        return None
    best = min(trained, key=lambda e: e.score)
    key = "control" if best.candidate.kind == "control" else "cocktail"
    return finish(Finalist(key, best.candidate, [best], best.score), status)
