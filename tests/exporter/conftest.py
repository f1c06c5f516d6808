"""Runs to export, trained once: three tables of scikit-learn, one of them with texts that would like to be code."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from hostile_table import wine
from sklearn.datasets import load_breast_cancer, load_diabetes

import wellfit as wf
from wellfit import job
from wellfit.job.plan import Plan
from wellfit.searching.halving import Rung
from wellfit.training.crew import Solo


@dataclasses.dataclass(frozen=True)
class Case:
    """A run and the file that it was trained on."""

    run: wf.Run
    file: Path


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


@pytest.fixture(scope="session")
def cases(tmp_path_factory) -> dict[str, Case]:
    """The runs on tables."""
    frames = {
        "wine": (wine(), "wi'ne\n\"__import__\".csv"),
        "cancer": (load_breast_cancer(as_frame=True).frame, "cancer.csv"),
        "diabetes": (load_diabetes(as_frame=True).frame, "diabetes.csv"),
    }  # fmt: skip
    recipe = wf.Recipe(
        wf.L2(1e-4), wf.InputNoise(0.05), wf.EMA(0.9), settings={"learning_rate": 5e-3}, silence=["WF307"]
    )
    found = {}
    for name, (frame, file) in frames.items():
        folder = tmp_path_factory.mktemp(name)
        frame.to_csv(folder / file, index=False)
        run = fit_by_plan(folder / file, folder, recipe, options={"target": "target"})
        found[name] = Case(run, folder / file)
    return found


@pytest.fixture
def with_recipe(cases, tmp_path):
    """A run as if it had found another recipe."""

    def make(name: str, *parts: wf.Regularizer, rate: float = 3e-3, steps: int = 10) -> wf.Run:
        folder = tmp_path / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(cases[name].run.folder, folder)
        settings = {"learning_rate": rate, "batch_size": 32, "steps": steps}
        wf.Recipe(*parts, settings=settings).save(folder / "recipe.json")
        record = json.loads((folder / "run.json").read_text())
        record["plan"] |= {"steps": steps, "reached": {}, "evaluate_every": 5}
        (folder / "run.json").write_text(json.dumps(record))
        return wf.load(folder)

    return make
