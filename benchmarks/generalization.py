"""wellfit on the public tables, scored like the peers; peers.py has theirs, summary.py makes tables of both.

    python benchmarks/generalization.py --data DIR --budget 20 --out benchmarks/results/wellfit.csv
    python benchmarks/generalization.py --data DIR --budget 60 --tables adult phoneme --splits 0 1

wellfit gets the training rows and the budget in wall time, test rows apart; it takes its validation rows from the
training rows. One line per finished (table, split, entrant) is appended at once, so that a run can be stopped and taken
up again. Entrants: ``single`` (the model that is handed over), ``ensemble``, and from the run's own comparison, as
means over seeds, ``control_best`` (the network without regularization at its best epoch), ``control_last``,
``early_stopping``, ``best_single`` and ``cocktail``.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import tables
import wellfit

FIELDS = ["table", "split", "peer", *tables.METRICS, "seconds", "version", "detail"]
COMPARED = {
    "control_last": "control_last", "control_best": "control_best", "early_stopping": "early_stopping",
    "single": "best_single", "cocktail": "cocktail",
}  # fmt: skip


def run_case(case: tables.Case, budget: float) -> list[dict[str, Any]]:
    """The rows of one case: what is handed over, and what the run compared."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = wellfit.fit(
            case.x_train, case.y_train, test=(case.x_test, case.y_test), budget=budget, out=Path(folder) / "run",
            task=case.task,
        )  # fmt: skip
        seconds = time.monotonic() - begun
        found = [_predicted(case, run, which, seconds) for which in ("single", "ensemble")]
    return found + [
        _compared(case, record, seconds) for record in run.record["comparison"] if record["key"] in COMPARED
    ]


def _predicted(case: tables.Case, run: wellfit.Run, which: str, seconds: float) -> dict[str, Any]:
    if case.task == "regression":
        predictions = run.predict(case.x_test, which)
    else:
        shares = run.predict_proba(case.x_test, which)
        order = {str(c): i for i, c in enumerate(run.classes)}
        predictions = np.column_stack(
            [shares[:, order[c]] if c in order else np.zeros(len(shares)) for c in case.classes]
        )
    return {
        "peer": which,
        **tables.score(case, predictions),
        "seconds": seconds,
        "detail": run.record["verdict"]["level"],
    }


def _compared(case: tables.Case, record: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A row of the run's own comparison; accuracy and the like are means over seeds too."""
    figures = dict.fromkeys(tables.METRICS, float("nan"))
    second = record["secondary"]
    if case.task == "regression":
        figures |= {"rmse": record["score"], "nrmse": record["score"] / float(np.std(case.y_train))}
    else:
        figures |= {"log_loss": record["score"], "acc": second["accuracy"], "bal_acc": second["balanced_accuracy"]}
        figures["auc"] = second.get("auc", float("nan"))
    return {"peer": COMPARED[record["key"]], **figures, "seconds": seconds, "detail": record["detail"]}


def _done(out: Path) -> set[tuple[str, int]]:
    if not out.exists():
        return set()
    with out.open(newline="") as handle:
        return {(row["table"], int(row["split"])) for row in csv.DictReader(handle)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--splits", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    asked = parser.parse_args()
    done = _done(asked.out)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    for split in asked.splits:
        for name in asked.tables or tables.names(asked.data):
            if (name, split) in done:
                continue
            rows = run_case(tables.load(asked.data, name, split), asked.budget)
            _append(asked.out, name, split, rows)
            told = {r["peer"]: r["log_loss"] if np.isfinite(r["log_loss"]) else r["nrmse"] for r in rows}
            print(name, split, {k: round(v, 4) for k, v in told.items()}, f"{rows[0]['seconds']:.1f} s", flush=True)


def _append(out: Path, name: str, split: int, rows: list[dict[str, Any]]) -> None:
    fresh = not out.exists()
    with out.open("a", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS)
        if fresh:
            writer.writeheader()
        for row in rows:
            writer.writerow({"table": name, "split": split, "version": f"wellfit {wellfit.__version__}", **row})
        handle.flush()
        os.fsync(handle.fileno())


if __name__ == "__main__":
    main()
