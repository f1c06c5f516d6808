"""Run the diagnosis and its peers on the bank, and write what each said.

    OMP_NUM_THREADS=1 python benchmarks/diagnosis/run.py --data DIR --jobs 2     # goes on where it was
    python benchmarks/diagnosis/run.py --data DIR --methods ratio skore curves --only kmnist

Cases that the truth run dropped are left out (`kept.csv`). Rows go to `verdicts.csv`, one for each case and method.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import multiprocessing
import warnings
from pathlib import Path

import bank
import torch
from bank_case import Case
from bank_methods import METHODS, Verdict, judge

RESULTS = Path(__file__).parents[1] / "results" / "diagnosis"
HEAD = [field.name for field in dataclasses.fields(Verdict)]
Work = tuple[Case, Path, tuple[str, ...]]


def kept(path: Path) -> set[str]:
    """Names of the cases that the truth run kept."""
    with path.open(newline="") as file:
        return {row["case"] for row in csv.DictReader(file) if row["kept"] == "yes"}


def done(path: Path) -> set[tuple[str, str]]:
    """(case, method) of every row there is."""
    if not path.exists():
        return set()
    with path.open(newline="") as file:
        return {(row["case"], row["method"]) for row in csv.DictReader(file)}


def work(given: Work) -> list[Verdict]:
    """One case, in a process that uses one thread."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the lint's words on recipes that are wrong on purpose
    return judge(*given)


def append(path: Path, verdicts: list[Verdict]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if fresh:
            writer.writerow(HEAD)
        for v in verdicts:
            numbers = [f"{v.seconds:.2f}", f"{v.training:.2f}"]
            writer.writerow([v.case, v.method, v.code, v.label, v.confidence, *numbers, v.note])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data, with MANIFEST.json")
    parser.add_argument("--only", nargs="*", default=[""], help="cases whose name holds one of these")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    path, known = asked.out / "verdicts.csv", kept(asked.out / "kept.csv")
    there, left = done(path), []
    # shuffled by name: what a run that is cut short has done is a fair sample
    for case in sorted(bank.CASES, key=lambda c: hashlib.sha256(c.name.encode()).digest()):
        missing = tuple(m for m in asked.methods if (case.name, m) not in there)
        if case.name in known and missing and any(part in case.name for part in asked.only):
            left.append((case, asked.data, missing))
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        for place, verdicts in enumerate(pool.imap_unordered(work, left), 1):
            append(path, verdicts)
            said = ", ".join(f"{v.method} {v.label} {v.code}".strip() for v in verdicts)
            print(f"{place} of {len(left)}: {verdicts[0].case}: {said}", flush=True)


if __name__ == "__main__":
    main()
