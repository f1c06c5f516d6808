"""The benchmark's tables: read one split of one table, score one set of predictions.

    from tables import load, score
    case = load(Path("DATA"), "credit-g", 0)      # DATA holds MANIFEST.json, *.csv.gz and splits/
    figures = score(case, probabilities)          # (test rows, classes), columns as in case.classes

Every benchmark here scores through `score`, so that figures of different scripts compare.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

Array = npt.NDArray[Any]

METRICS = ("log_loss", "auc", "acc", "bal_acc", "rmse", "nrmse")
CLIP = 1e-15  # scikit-learn's former default: keeps log(0) finite, one sure miss costs 34.5


@dataclass(frozen=True)
class Case:
    """One split of one table. Row numbers point into `frame` and `target`."""

    name: str
    split: int
    task: str  # "binary", "multiclass" or "regression"
    frame: pd.DataFrame  # features: float columns and categorical columns, NaN where missing
    target: Array  # (rows,), labels as strings or float64
    train: Array  # (train rows,)
    test: Array  # (test rows,)
    classes: Array  # sorted labels of the whole table; empty for regression

    @property
    def categorical(self) -> list[str]:
        return [str(c) for c in self.frame.columns if self.frame[c].dtype == "category"]

    @property
    def numeric(self) -> list[str]:
        return [str(c) for c in self.frame.columns if self.frame[c].dtype != "category"]

    @property
    def x_train(self) -> pd.DataFrame:
        return self.frame.iloc[self.train].reset_index(drop=True)

    @property
    def x_test(self) -> pd.DataFrame:
        return self.frame.iloc[self.test].reset_index(drop=True)

    @property
    def y_train(self) -> Array:
        return self.target[self.train]

    @property
    def y_test(self) -> Array:
        return self.target[self.test]


def names(data_dir: Path) -> list[str]:
    """Names of all tables, fewest training cells (rows x features) first."""
    tables = [e for e in _manifest(data_dir).values() if e["kind"] == "tabular"]
    tables.sort(key=lambda e: e["train_rows_per_split"] * e["features"])
    return [str(e["name"]) for e in tables]


def load(data_dir: Path, name: str, split: int) -> Case:
    """Read table `name` and the row numbers of its `split` (0 to 4)."""
    entry = _entry(data_dir, name)
    frame, target = _read(data_dir, name)
    with np.load(data_dir / entry["splits"]) as rows:
        if f"train{split}" not in rows:
            raise ValueError(f"{name} has no split {split}: splits are 0 to 4")
        train, test = rows[f"train{split}"], rows[f"test{split}"]
    classes = np.array([]) if entry["task"] == "regression" else np.unique(target)
    return Case(name, split, entry["task"], frame, target, train, test, classes)


def score(case: Case, predictions: Array) -> dict[str, float]:
    """Figures for the test rows; metrics of the other kind of task are NaN.

    Args:
        predictions: (test rows, classes) probabilities in the order of `case.classes`,
            or (test rows,) values for regression.
    """
    wanted = (len(case.test),) if case.task == "regression" else (len(case.test), len(case.classes))
    values = np.asarray(predictions, dtype=np.float64)
    if values.shape != wanted:
        raise ValueError(f"predictions have shape {values.shape}, {case.name} needs {wanted}")
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} predictions for {case.name} are not finite")
    found = _score_values(case, values) if case.task == "regression" else _score_classes(case, values)
    return {metric: found.get(metric, float("nan")) for metric in METRICS}


def _score_values(case: Case, values: Array) -> dict[str, float]:
    """RMSE, and RMSE over the standard deviation (ddof 0) of the *training* target."""
    rmse = float(np.sqrt(np.mean((values - case.y_test) ** 2)))
    return {"rmse": rmse, "nrmse": rmse / float(np.std(case.y_train))}


def _score_classes(case: Case, probabilities: Array) -> dict[str, float]:
    clipped = np.clip(probabilities, CLIP, 1.0)
    clipped /= clipped.sum(axis=1, keepdims=True)
    codes = np.searchsorted(case.classes, case.y_test)
    guesses = clipped.argmax(axis=1)
    return {
        "log_loss": float(-np.mean(np.log(clipped[np.arange(len(codes)), codes]))),
        "auc": _auc(codes, clipped),
        "acc": float(np.mean(guesses == codes)),
        "bal_acc": float(balanced_accuracy_score(codes, guesses)),
    }


def _auc(codes: Array, probabilities: Array) -> float:
    """ROC AUC of the later class, or the mean one-vs-rest AUC of the classes seen in the test rows."""
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(codes, probabilities[:, 1]))
    seen = np.unique(codes)
    return float(np.mean([roc_auc_score(codes == c, probabilities[:, c]) for c in seen]))


@lru_cache(maxsize=1)
def _manifest(data_dir: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((data_dir / "MANIFEST.json").read_text())
    return {entry["name"]: entry for entry in content["datasets"]}


def _entry(data_dir: Path, name: str) -> dict[str, Any]:
    manifest = _manifest(data_dir)
    if name not in manifest or manifest[name]["kind"] != "tabular":
        raise ValueError(f"no table {name!r}; there are {', '.join(names(data_dir))}")
    return manifest[name]


@lru_cache(maxsize=1)
def _read(data_dir: Path, name: str) -> tuple[pd.DataFrame, Array]:
    """Features and target. Only an empty cell is missing: "?" and "none" are levels of their own."""
    entry = _entry(data_dir, name)
    labels = [] if entry["task"] == "regression" else ["target"]
    table = pd.read_csv(
        data_dir / entry["file"],
        keep_default_na=False,
        na_values=[""],
        dtype=dict.fromkeys([*entry["categorical"], *labels], str),
    )
    frame = table.drop(columns="target")
    for column in frame.columns:
        kind = "category" if column in entry["categorical"] else "float64"
        frame[column] = frame[column].astype(kind)
    target = table["target"].to_numpy(dtype=object).astype(str) if labels else table["target"].to_numpy(float)
    return frame, target
