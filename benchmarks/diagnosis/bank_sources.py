"""The data sets of the bank, as numbers: public tables, pictures and texts in one folder, and two bundled tables.

Digits and generated data are not among them: thresholds of the diagnosis may come from those.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]

WORDS, LENGTH, HASHED = 2000, 40, 400  # of a text: the vocabulary, the words that are read, the columns of TF-IDF
PICTURES = 6000  # read of each set of pictures
CALM = 8.0  # TF-IDF rows of norm 1 in 400 columns are small numbers: brought to the scale of standardized columns

BUNDLED = {"breast-cancer": "load_breast_cancer", "diabetes": "load_diabetes"}
PICTURE_FILES = {"kmnist": "kmnist10k.npz", "cifar": "cifar10-20k.npz"}
TEXTS = ("sst2", "subj", "mr")


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set: (rows, ...) inputs and (rows,) class numbers, or numbers where ``classes`` is 0."""

    x: Array
    y: Array
    classes: int
    kind: str


@functools.lru_cache(maxsize=8)
def read(folder: Path, name: str, bags: bool = False) -> Source:
    """One data set; ``bags`` reads texts as word numbers instead of TF-IDF.

    Of rows with the same inputs the first is kept: where copies were not planted, there are none.
    """
    if name in BUNDLED:
        return alone(_bundled(name))
    if name in PICTURE_FILES:
        return alone(_pictures(folder, name))
    return alone(_texts(folder, name, bags) if name in TEXTS else _table(folder, name))


def alone(source: Source) -> Source:
    """The rows without copies of earlier ones, in their order."""
    rows = np.ascontiguousarray(source.x.reshape(len(source.x), -1))
    _, first = np.unique(rows.view([("row", rows.dtype, rows.shape[1])]).ravel(), return_index=True)
    kept = np.sort(first)
    return dataclasses.replace(source, x=source.x[kept], y=source.y[kept])


def _bundled(name: str) -> Source:
    from sklearn import datasets

    x, y = getattr(datasets, BUNDLED[name])(return_X_y=True)
    return Source(x, y, 2, "table") if name == "breast-cancer" else Source(x, y, 0, "regression")


def _table(folder: Path, name: str) -> Source:
    """Categories as 0/1 columns, missing numbers as the median."""
    entry = next(e for e in json.loads((folder / "MANIFEST.json").read_text())["datasets"] if e["name"] == name)
    numbers = entry["task"] == "regression"
    texts = dict.fromkeys([*entry["categorical"], *([] if numbers else ["target"])], str)
    frame = pd.read_csv(folder / entry["file"], keep_default_na=False, na_values=[""], dtype=texts)
    target = frame.pop("target")
    frame = pd.get_dummies(frame, columns=entry["categorical"], dtype=float)
    x = frame.fillna(frame.median()).fillna(0.0).to_numpy(float)
    if numbers:
        return Source(x, target.to_numpy(float), 0, "regression")
    classes, y = np.unique(target.to_numpy(dtype=object).astype(str), return_inverse=True)
    return Source(x, y, len(classes), "table")


def _pictures(folder: Path, name: str) -> Source:
    """Numbers from 0 to 1: kmnist as (1, 14, 14), cifar as (3, 16, 16)."""
    with np.load(folder / PICTURE_FILES[name]) as held:
        rows, y = held["train"][:PICTURES], held["y"].astype(np.int64)
        if name == "kmnist":
            x = held["x"][rows].astype(np.float32) / 255.0
            x = x.reshape(-1, 1, 14, 2, 14, 2).mean((3, 5))
        else:
            jpeg, offset = held["jpeg"], held["offset"]
            x = np.stack([_small(jpeg[offset[i] : offset[i + 1]].tobytes()) for i in rows])
    return Source(x, y[rows], 10, "image")


def _small(jpeg: bytes) -> Array:
    from PIL import Image

    picture = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), dtype=np.float32) / 255.0
    return picture.reshape(16, 2, 16, 2, 3).mean((1, 3)).transpose(2, 0, 1)


def _texts(folder: Path, name: str, bags: bool) -> Source:
    with gzip.open(folder / f"{name}.json.gz", "rt") as file:
        held = json.load(file)
    words = [re.findall(r"[a-z']+", text.lower()) for text in held["text"]]
    x = _numbers_of_words(words) if bags else _tf_idf(held["text"])
    return Source(x, np.asarray(held["label"], dtype=np.int64), 2, "text")


def _numbers_of_words(words: list[list[str]]) -> Array:
    """(rows, LENGTH) numbers of the most frequent words, 0 for none."""
    frequent = Counter(w for row in words for w in row).most_common(WORDS - 1)
    number = {word: place + 1 for place, (word, _) in enumerate(frequent)}
    x = np.zeros((len(words), LENGTH), dtype=np.int64)
    for place, row in enumerate(words):
        known = [number[w] for w in row if w in number][:LENGTH]
        x[place, : len(known)] = known
    return x


def _tf_idf(texts: list[str]) -> Array:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return CALM * TfidfVectorizer(max_features=HASHED, sublinear_tf=True).fit_transform(texts).toarray()
