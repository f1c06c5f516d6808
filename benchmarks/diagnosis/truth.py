"""What the planted remedies really gain on large test sets, and which cases are kept because of it.

    OMP_NUM_THREADS=1 python benchmarks/diagnosis/truth.py --data DIR    # an hour and more; goes on where it was

Writes two files: `truth.csv` holds every remedy's gain on every case, `kept.csv` what follows for the case. Nothing of
the diagnosis is run or read here. An ill case is kept where its planted remedy takes at least 15 % off the test loss
with a 99 % interval above 0, and no remedy of another label leaves far less; a healthy setting where no remedy of the
standard set does so on any of its seeds, nor gains 10 % on their mean.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import bank
import torch
from bank_case import Case
from bank_data import draw
from bank_remedies import arms, wanted
from bank_training import judge
from bank_truth import Gain, Truth, decide, gains

RESULTS = Path(__file__).parents[1] / "results" / "diagnosis"
HEAD = ("case", "remedy", "loss", "gain", "low", "high", "error", "base", "seconds")
SEEDS = 3  # of an ill case; a healthy setting is three cases of one seed each


def examine(case: Case, folder: Path) -> list[list[object]]:
    """Every remedy of one case, as rows of truth.csv."""
    begun, names = time.monotonic(), wanted(case)
    judged = judge(arms(case, names), folder, SEEDS if case.ill else 1)
    found = gains(case, draw(case, folder), judged, names)
    seconds = time.monotonic() - begun
    base = judged["base"].test.mean()
    return [
        [case.name, g.remedy, *(f"{v:.5f}" for v in (g.loss, g.gain, g.low, g.high, g.error, base)), f"{seconds:.1f}"]
        for g in found
    ]


def read(path: Path) -> dict[str, list[Gain]]:
    """Gains by case, of what is done."""
    found: dict[str, list[Gain]] = {}
    if path.exists():
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                numbers = [float(row[name]) for name in ("loss", "gain", "low", "high", "error")]
                found.setdefault(row["case"], []).append(Gain(row["remedy"], *numbers))
    return found


def append(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Add rows at once, with a head where the file is new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([HEAD, *rows] if fresh else rows)


def write_kept(path: Path, cases: Sequence[Case], decided: dict[str, Truth]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "data", "planted", "label", "codes", "kept", "reason"])
        for case in cases:
            if case.name in decided:
                truth = decided[case.name]
                kept = "yes" if truth.label else "no"
                row = [case.name, case.data, case.plant.label, truth.label, " ".join(truth.codes), kept, truth.reason]
                writer.writerow(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data, with MANIFEST.json")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the lint's words on recipes that are wrong on purpose
    path = asked.out / "truth.csv"
    done = read(path)
    left = [c for c in bank.CASES if asked.only in c.name and c.name not in done]
    for place, case in enumerate(sorted(left, key=lambda c: (not c.ill, c.net.kind == "cnn", c.data, c.net.kind)), 1):
        rows = examine(case, asked.data)
        append(path, rows)
        print(f"{place} of {len(left)}: {case.name}, {rows[0][-1]} s", flush=True)
    decided = decide(bank.CASES, read(path))
    write_kept(asked.out / "kept.csv", bank.CASES, decided)
    kept = [name for name, truth in decided.items() if truth.label]
    ill = sum(1 for case in bank.ILL if case.name in kept)
    print(f"kept {ill} of {len(bank.ILL)} ill cases and {len(kept) - ill} of {len(bank.HEALTHY)} healthy runs")


if __name__ == "__main__":
    main()
