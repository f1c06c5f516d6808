"""The sets of images and texts that images_text.py runs on, and the tables it prints."""

from __future__ import annotations

import dataclasses
import gzip
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.stats

Array = npt.NDArray[Any]
FILES = {"kmnist": "kmnist10k.npz", "cifar": "cifar10-20k.npz", "sst2": "sst2.json.gz", "subj": "subj.json.gz"}


@dataclasses.dataclass(frozen=True)
class Task:
    """One subset: images (rows, height, width[, 3]) uint8 or texts, and whole-numbered labels."""

    name: str
    subset: int
    kind: str
    x: Array
    y: Array
    x_test: Array
    y_test: Array


def load(data: Path, task: str, subset: int) -> Task:
    """``NAME-ROWS`` or ``NAME-full``; the rows of a subset are drawn without replacement by its number."""
    name, _, rows = task.partition("-")
    kind = "text" if name in ("sst2", "subj") else "image"
    x, y, train, test = _texts(data, name) if kind == "text" else _images(data, name)
    if rows != "full":
        train = np.random.default_rng(1000 + subset).permutation(train)[: int(rows)]
    return Task(name, subset, kind, x[train], y[train], x[test], y[test])


def _images(data: Path, name: str) -> tuple[Array, Array, Array, Array]:
    held = np.load(_found(data, FILES[name]))
    if name == "kmnist":
        return held["x"], held["y"].astype(np.int64), held["train"], held["test"]
    from PIL import Image

    cuts = held["offset"]
    packed = held["jpeg"].tobytes()
    x = np.stack([np.asarray(Image.open(io.BytesIO(packed[a:b]))) for a, b in itertools.pairwise(cuts)])
    return x, held["y"].astype(np.int64), held["train"], held["test"]


def _texts(data: Path, name: str) -> tuple[Array, Array, Array, Array]:
    with gzip.open(_found(data, FILES[name]), "rt", encoding="utf-8") as handle:
        held = json.load(handle)
    text, label = np.array(held["text"], dtype=object), np.asarray(held["label"], dtype=np.int64)
    return text, label, np.asarray(held["train"]), np.asarray(held["test"])


def _found(data: Path, name: str) -> Path:
    """The file of this name, wherever it lies below the folder."""
    return next(iter(sorted(data.rglob(name))))


def summarize(out: Path) -> None:
    """Mean accuracy of each entrant, and how far wellfit is ahead of the best of the others, paired by subset."""
    frame = pd.read_csv(out)
    accuracy = frame.pivot_table(index=["task", "subset"], columns="entrant", values="acc")
    others = [e for e in ("control", "classical", "hand", "long", "bag") if e in accuracy]
    own = [e for e in ("single", "ensemble") if e in accuracy]
    print("\n| task | subsets | " + " | ".join([*others, "cocktail", *own]) + " | ahead of the best other |")
    print("|---" * (4 + len(others) + len(own)) + "|")
    for task, rows in accuracy.groupby("task"):
        means = rows.mean()
        cells = [f"{means[e]:.3f}" if np.isfinite(means.get(e, np.nan)) else "" for e in [*others, "cocktail", *own]]
        print(f"| {task} | {len(rows)} | " + " | ".join(cells) + f" | {_lead(rows, others)} |")


def _lead(rows: pd.DataFrame, others: list[str]) -> str:
    """The ensemble less the entrant with the best mean, with a 95 % interval of Student's t over the subsets."""
    best = rows[[e for e in others if rows[e].notna().all()]].mean().idxmax()
    ahead = (rows["ensemble"] - rows[best]).to_numpy()
    if len(ahead) < 2:
        return f"{ahead.mean():+.3f} ({best}; one subset)"
    half = scipy.stats.t.ppf(0.975, len(ahead) - 1) * ahead.std(ddof=1) / np.sqrt(len(ahead))
    return f"{ahead.mean():+.3f} [{ahead.mean() - half:+.3f}, {ahead.mean() + half:+.3f}] ({best})"
