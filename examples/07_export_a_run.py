"""Export a run: its training as a plain torch program that runs without wellfit, and what other frameworks lack."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sklearn.datasets import load_breast_cancer

import wellfit
from wellfit.job import Options, fit_file

RUNGS = [{"members": 2, "until": 40}]
PLAN = {
    "width": 64, "depth": 2, "batch": 32, "steps": 40, "evaluate_every": 10, "chunk": 4, "mode": "eager",
    "engine": "stack", "hands": 1, "rungs": RUNGS, "search_rungs": RUNGS, "generations": 1, "seeds": 1, "finalists": 1,
    "rate": 1000.0, "budget": 15.0, "cuts": [], "reached": {},
}  # fmt: skip
"""A plan makes the run the same on any machine; a person would leave it out and give a budget."""


def fit(folder):
    """A run on a table with a recipe; most people let wellfit find it."""
    load_breast_cancer(as_frame=True).frame.to_csv(folder / "cancer.csv", index=False)
    (folder / "plan.json").write_text(json.dumps({"plan": PLAN}))
    recipe = wellfit.Recipe(wellfit.Dropout(0.1), wellfit.EMA(0.9), settings={"learning_rate": 5e-3})
    options = Options(target="target", recipe=recipe, plan=folder / "plan.json", out=folder / "run", device="cpu")
    return fit_file(folder / "cancer.csv", options)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = fit(folder)
        reached = next(f["score"] for f in run.record["search"]["finalists"] if f["chosen"])
        print(f"the run reached a validation log loss of {reached:.4f}")
        # On the command line: wellfit export run --to torch --data cancer.csv -o program.py
        program = folder / "program.py"
        exported = wellfit.export(run, to="torch", data=folder / "cancer.csv")
        exported.save(program)
        alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=alone, check=True)
        print(f"the program of {len(exported.code.splitlines())} lines, on its own: {done.stdout.strip()}")
        for to in ("lightning", "keras", "sklearn"):
            exported = wellfit.export(run, to=to, data=folder / "cancer.csv")
            print(
                f"{to}: {len(exported.code.splitlines())} lines; not in it: {' '.join(exported.missing) or 'nothing'}"
            )


if __name__ == "__main__":
    main()
