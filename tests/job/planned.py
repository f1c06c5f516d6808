"""Small runs by a written plan: steps are counted, not seconds, so that they end the same on any machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

import wellfit as wf
from wellfit.job.plan import Plan
from wellfit.searching.halving import Rung
from wellfit.training.crew import Solo


def write_plan(folder: Path, steps: int = 20, width: int = 16, tries: int = 2) -> Path:
    """A plan of one rung of three candidates."""
    rungs = (Rung(3, steps),)
    plan = Plan(
        width, 2, 32, steps, max(5, steps // 10), 15, "eager", "stack", 1, rungs, 1, 1, 1, 1000.0, 30.0,
        search_rungs=rungs, tries=tries,
    )  # fmt: skip
    path = folder / "plan.json"
    path.write_text(json.dumps({"plan": plan.to_json()}))
    return path


def planned_fit(monkeypatch, folder: Path, x, y, *, steps: int = 20, plan=None, **options) -> wf.Run:
    """A run in this process, by a plan."""
    monkeypatch.setattr("wellfit.job.api.open_engine", lambda _options: Solo())
    monkeypatch.setattr("wellfit.job.study.open_engine", lambda _options: Solo())
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan or write_plan(folder, steps)
    return wf.fit(x, y, plan=plan, out=folder / "run", **options)


def rare_table(rows: int = 260, seed: int = 0, share: float = 0.12):
    """Numbers, a column with gaps and a category; the rare class lies apart from the other, and overlaps it."""
    draw = np.random.default_rng(seed)
    rare = draw.random(rows) < share
    x = pd.DataFrame(draw.normal(size=(rows, 4)) + 1.2 * rare[:, None], columns=[f"n{i}" for i in range(4)])
    x.loc[draw.random(rows) < 0.1, "n3"] = np.nan
    x["kind"] = np.where(rare, draw.choice(["red", "blue", "green"], rows), draw.choice(["red", "blue"], rows))
    return x, np.where(rare, "yes", "no")
