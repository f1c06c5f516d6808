"""The demonstration: scikit-learn's digits, with every tenth training label wrong, through the whole job."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wellfit.cli.output import print_result
from wellfit.cli.work import View, train
from wellfit.errors import RunFolderError
from wellfit.report.text import told

if TYPE_CHECKING:
    import pandas

TARGET = "digit"
_NOISE = 0.1
_PARTS = {"train": 0.6, "valid": 0.2, "test": 0.2}


def run_demo(out: Path, chosen: Mapping[str, Any], view: View, started: float) -> int:
    """``wellfit demo``."""
    tables = write_tables(out, int(chosen["seed"]))
    if not view.quiet:
        sentence = "8 x 8 pictures of handwritten digits; every tenth training label is wrong on purpose"
        print(told("demo", f"{sentence} ({tables['train']})"), file=sys.stderr)
    options = {**chosen, "target": TARGET, "out": str(out), "task": "multiclass"}
    options |= {"valid": str(tables["valid"]), "test": str(tables["test"])}
    print_result(train(str(tables["train"]), options, view, started), view.machine)
    return 0


def write_tables(out: Path, seed: int) -> dict[str, Path]:
    """Write training, validation and test rows as CSV files; only training labels are changed.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    paths = {name: out / f"digits-{name}.csv" for name in _PARTS}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, table in digits(seed).items():
            table.to_csv(paths[name], index=False)
    except OSError as error:
        raise RunFolderError(
            f"the folder {out} cannot be written: {error.strerror or type(error).__name__}.",
            fix="Name another one with --out.",
            code="WF-F02",
        ) from error
    return paths


def digits(seed: int) -> dict[str, pandas.DataFrame]:
    """The three parts of the digits, drawn at random; a tenth of the training labels is another digit."""
    import numpy
    from sklearn.datasets import load_digits

    draw = numpy.random.default_rng(seed)
    table = load_digits(as_frame=True).frame.rename(columns={"target": TARGET})
    table.columns = [str(name) for name in table.columns]
    table = table.iloc[draw.permutation(len(table))].reset_index(drop=True)
    parts, start = {}, 0
    for name, share in _PARTS.items():
        end = start + int(share * len(table) + 0.5)
        parts[name] = table.iloc[start:end].reset_index(drop=True)
        start = end
    train = parts["train"].copy()
    wrong = draw.random(len(train)) < _NOISE
    moved = (train[TARGET] + draw.integers(1, 10, len(train))) % 10
    parts["train"] = train.assign(**{TARGET: train[TARGET].where(~wrong, moved)})
    return parts
