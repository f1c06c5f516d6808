"""Runs by a plan and with a given recipe, and what programs of them have to reach."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from exported_programs import scores

import wellfit as wf
from wellfit import job
from wellfit.job.plan import Plan
from wellfit.searching.halving import Rung
from wellfit.training.crew import Solo


def write_plan(folder: Path, width: int = 64, depth: int = 2, steps: int = 40, seeds: int = 12) -> Path:
    """A plan of few steps, whose finalists are trained with many seeds: their mean is what programs have to reach."""
    rungs = (Rung(2, steps),)
    plan = Plan(
        width, depth, 32, steps, 10, 15, "eager", "stack", 1, rungs, 1, seeds, 1, 1000.0, 30.0, search_rungs=rungs
    )  # fmt: skip
    path = folder / "plan.json"
    path.write_text(json.dumps({"plan": plan.to_json()}))
    return path


def fit_by_plan(data: Path, folder: Path, recipe: wf.Recipe, *, options: dict | None = None, **plan: int) -> wf.Run:
    """A run by a plan and with a given recipe, so that it is the same on any machine."""
    asked = job.Options(
        recipe=recipe, plan=write_plan(folder, **plan), out=folder / "run", device="cpu", **(options or {})
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wellfit.job.api.open_engine", lambda _options: Solo())
        patch.setattr("wellfit.job.study.open_engine", lambda _options: Solo())
        return job.fit_file(data, asked)


def require_reached(run: wf.Run, data: Path, to: str, folder: Path, run_seeds: int, seeds: int) -> None:
    """A program's mean over seeds is within one standard deviation of the run's, and no other than chance allows."""
    reached = next(f["score"] for f in run.record["search"]["finalists"] if f["chosen"])
    found = scores(wf.export(run, to=to, data=data).code, folder, seeds)
    spread = found.std(ddof=1)
    assert spread > 0 and found.mean() <= reached + spread, (found, reached)
    # three standard deviations of the difference of two means
    assert abs(found.mean() - reached) <= 3 * spread * np.sqrt(1 / seeds + 1 / run_seeds), (found, reached)
