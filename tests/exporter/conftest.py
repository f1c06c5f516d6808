"""Runs to export, trained once: three tables of scikit-learn, one of them with texts that would like to be code."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from hostile_table import wine
from planned_runs import fit_by_plan
from sklearn.datasets import load_breast_cancer, load_diabetes

import wellfit as wf


@dataclasses.dataclass(frozen=True)
class Case:
    """A run and the file that it was trained on."""

    run: wf.Run
    file: Path


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
