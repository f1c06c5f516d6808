"""What a network has to beat: for tables the majority, a linear model, boosted trees. They train beside the search."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wellfit.data import Table
    from wellfit.job.prepare import Material


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A fitted baseline: how it predicts rows of the table, and what fitting took."""

    key: str
    label: str
    predict: Callable[[np.ndarray], np.ndarray]
    seconds: float


class Baselines:
    """Fits the baselines one after the other in a thread of its own, on all rows but the test's."""

    def __init__(self, material: Material, seed: int) -> None:
        self._material, self._seed = material, seed
        self.done: list[Baseline] = []
        self.failed: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until all are fitted, for so long at most."""
        self._thread.join(max(0.0, seconds))

    def missing(self) -> list[str]:
        """Those that are not there, with the reason."""
        done = {b.key for b in self.done}
        late = [f"{n} (not done in time)" for k, n, _ in self._material.kind.baselines if k not in done]
        return self.failed + [n for n in late if n.partition(" (")[0] not in " ".join(self.failed)]

    def _run(self) -> None:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # the other processors train the population
            for key, name, fit in self._material.kind.baselines:
                begun = time.monotonic()
                try:
                    label, predict = fit(self._material, self._seed)
                except Exception as error:  # a baseline that fails must not take the job with it
                    self.failed.append(f"{name} ({type(error).__name__})")
                    continue
                self.done.append(Baseline(key, label, predict, time.monotonic() - begun))


def fit_dummy(material: Material, seed: int) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """What needs no features: class frequencies, or the mean."""
    target, weight = material.table.target[material.development], material.weight[material.development]
    if material.table.task == "regression":
        mean = np.average(target, weights=weight)
        return "the mean", lambda rows: np.full(len(rows), mean)
    shares = np.bincount(target, weights=weight, minlength=len(material.table.classes))
    shares = shares / shares.sum()
    return "class frequencies", lambda rows: np.tile(shares, (len(rows), 1))


def fit_linear(material: Material, seed: int) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Logistic regression, or ridge, on the encoded columns."""
    from sklearn.linear_model import LogisticRegression, RidgeCV

    encoder, rows = material.views[material.folds].encoder, material.development
    x, y, weight = (
        encoder.transform(material.table.take(rows)),
        material.table.target[rows],
        material.weight[rows],
    )

    def inputs(rows: np.ndarray) -> np.ndarray:
        return encoder.transform(material.table.take(rows))

    if material.table.task == "regression":
        ridge = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(x, y, sample_weight=weight)
        return "ridge regression", lambda rows: ridge.predict(inputs(rows))
    model = LogisticRegression(max_iter=300).fit(x, y, sample_weight=weight)
    return "logistic regression", lambda rows: spread(model.predict_proba(inputs(rows)), model.classes_, material)


_LINEAR_ROWS = 10_000  # images: more would not move a linear model, only take minutes


def fit_flat_linear(material: Material, seed: int) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Logistic regression, or ridge, on the numbers of each row in one line: the pixels of an image."""
    from sklearn.linear_model import LogisticRegression, RidgeCV

    view, development = material.folds, material.development
    rows = development[:: -(-len(development) // _LINEAR_ROWS)]

    def inputs(rows: np.ndarray) -> np.ndarray:
        return material.inputs(rows, view)[:].flatten(1).numpy()

    y, weight = material.table.target[rows], material.weight[rows]
    some = f", on {len(rows):,} images" if len(rows) < len(development) else ""
    if material.table.task == "regression":
        ridge = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(inputs(rows), y, sample_weight=weight)
        return f"ridge regression on pixels{some}", lambda rows: ridge.predict(inputs(rows))
    model = LogisticRegression(max_iter=200).fit(inputs(rows), y, sample_weight=weight)
    name = f"logistic regression on pixels{some}"
    return name, lambda rows: spread(model.predict_proba(inputs(rows)), model.classes_, material)


def fit_text_linear(material: Material, seed: int) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Logistic regression, or ridge, on the TF-IDF of words and pairs of words that training texts hold."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, RidgeCV

    rows = material.development
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=1 if len(rows) < 2000 else 2, sublinear_tf=True)
    try:
        x = words.fit_transform(material.table.take(rows))
    except ValueError:  # no text holds a word
        return fit_dummy(material, seed)
    y, weight = material.table.target[rows], material.weight[rows]
    if material.table.task == "regression":
        ridge = RidgeCV(alphas=np.logspace(-2, 2, 9)).fit(x, y, sample_weight=weight)
        return "ridge regression on TF-IDF", lambda rows: ridge.predict(words.transform(material.table.take(rows)))
    # texts of unit length want less shrinkage than standardized columns
    model = LogisticRegression(C=10.0, max_iter=300).fit(x, y, sample_weight=weight)

    def predict(rows: np.ndarray) -> np.ndarray:
        return spread(model.predict_proba(words.transform(material.table.take(rows))), model.classes_, material)

    return "logistic regression on TF-IDF", predict


def fit_boosting(material: Material, seed: int) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Boosted trees on the columns as they are."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    table: Table = material.table  # type: ignore[assignment]
    frame = _numbers(table, material.development)
    rows = material.development
    names = [c.name for c in table.columns if c.kind == "category"]
    categories = [c in names for c in table.frame.columns]
    kind = HistGradientBoostingRegressor if material.table.task == "regression" else HistGradientBoostingClassifier
    model = kind(random_state=seed, categorical_features=categories if any(categories) else None)
    model.fit(frame[rows], material.table.target[rows], sample_weight=material.weight[rows])
    if material.table.task == "regression":
        return "boosted trees", lambda rows: model.predict(frame[rows])
    return "boosted trees", lambda rows: spread(model.predict_proba(frame[rows]), model.classes_, material)


def _numbers(table: Table, development: np.ndarray) -> np.ndarray:
    """The table as numbers with NaN where missing; the 200 most frequent categories of a column keep a code."""
    columns = []
    categories = {c.name for c in table.columns if c.kind == "category"}
    for name in table.frame.columns:
        cells = table.frame[name]
        if cells.dtype.kind == "f" and name not in categories:
            columns.append(cells.to_numpy(np.float64))
        elif cells.dtype.kind == "M":
            columns.append(np.where(cells.isna(), np.nan, cells.astype("int64") / 86400.0))
        else:
            frequent = cells.iloc[development].value_counts().index[:200]
            codes = cells.astype(object).map({v: i for i, v in enumerate(frequent)})
            columns.append(codes.to_numpy(np.float64))
    return np.column_stack(columns)


def spread(found: np.ndarray, classes: np.ndarray, material: Material) -> np.ndarray:
    """Probabilities over all classes, also those that the development rows lack."""
    whole = np.zeros((len(found), len(material.table.classes)))
    whole[:, classes.astype(int)] = found
    return whole
