"""What an ensemble gains over one network, on the tables that come with scikit-learn; no downloads.

    OMP_NUM_THREADS=1 python benchmarks/ensembles.py
    OMP_NUM_THREADS=1 python benchmarks/ensembles.py --splits 10 --tables wine

Every split is a random half of a table to train on, the other half to score. "one net" is the mean over the members of
the deep ensemble, each judged by itself: 2 x 64 units, 40 epochs, dropout and weight decay, the best epoch chosen on a
fifth of its rows (a snapshot ensemble needs no such rows and trains on all). Log loss for classes, RMSE over the
target's standard deviation for numbers. A gain is one net's score - the ensemble's on the same split; its interval is
Student's over the splits (95 %). Splits share rows, so that it is somewhat too narrow.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats
import torch
from sklearn import datasets

from wellfit import Dropout, Recipe, WeightDecay
from wellfit.ensembles import (
    Averaging,
    Bagging,
    BoostingClassifier,
    BoostingRegressor,
    DeepEnsemble,
    GreedySelection,
    NetClassifier,
    NetRegressor,
    Snapshot,
)  # fmt: skip

TABLES = {
    "breast cancer": datasets.load_breast_cancer, "digits": datasets.load_digits, "diabetes": datasets.load_diabetes,
    "wine": datasets.load_wine,
}  # fmt: skip
MEMBERS = 10
RECIPE = Recipe(Dropout(0.1), WeightDecay(0.01))


def entrants(numbers: bool, seed: int) -> dict[str, Any]:
    """The ensembles; all nets have the same width and recipe."""
    kind = NetRegressor if numbers else NetClassifier
    net = kind(RECIPE, epochs=40, seed=seed)
    weak = NetRegressor(RECIPE, width=16, depth=1, epochs=5, rate=1e-2)
    boosting = BoostingRegressor if numbers else BoostingClassifier
    shapes = ((16, 1), (64, 2), (128, 1))
    library = [kind(RECIPE, width=w, depth=d, epochs=40, seed=seed + w) for w, d in shapes]
    return {
        "deep ensemble": DeepEnsemble(net, MEMBERS, seed=seed),
        "bagging": Bagging(net, MEMBERS, seed=seed),
        "snapshot, 4 cycles": Snapshot(net, cycles=4),
        "boosting, 20 x 16 units": boosting(weak, stages=20, shrinkage=0.2, seed=seed),
        "average of 3 shapes": Averaging(library),
        "greedy choice of 3 shapes": GreedySelection(library, seed=seed),
    }


def score(fitted: Any, x: np.ndarray, y: np.ndarray, numbers: bool) -> float:
    if numbers:
        return float(np.sqrt(((fitted.predict(x) - y) ** 2).mean()) / y.std())
    own = fitted.predict_proba(x)[np.arange(len(y)), np.searchsorted(fitted.classes_, y)]
    return float(-np.log(own.clip(1e-15)).mean())


def run_split(load: Callable[..., Any], seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Scores and seconds of each entrant on one split."""
    x, y = load(return_X_y=True)
    numbers = load is datasets.load_diabetes
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = order[: len(x) // 2], order[len(x) // 2 :]
    scores: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for name, entrant in entrants(numbers, 100 * seed).items():
        begun = time.perf_counter()
        fitted = entrant.fit(x[train], y[train])
        seconds[name] = time.perf_counter() - begun
        scores[name] = score(fitted, x[test], y[test], numbers)
        if name == "deep ensemble":
            scores["one net"] = float(np.mean([score(m, x[test], y[test], numbers) for m in fitted.members]))
            begun = time.perf_counter()
            entrant.learner.fit(x[train], y[train])
            seconds["one net"] = time.perf_counter() - begun
    return scores, seconds


def interval(gains: np.ndarray) -> tuple[float, float]:
    """The mean's 95 % interval by Student's t over splits."""
    half = scipy.stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    return float(gains.mean() - half), float(gains.mean() + half)


def table(name: str, scores: list[dict[str, float]], seconds: list[dict[str, float]]) -> list[str]:
    base = np.array([s["one net"] for s in scores])
    lines = []
    for entrant in scores[0]:
        if entrant == "one net":
            continue
        own = np.array([s[entrant] for s in scores])
        low, high = interval(base - own)
        word = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
        took, alone = (np.median([s[n] for s in seconds]) for n in (entrant, "one net"))
        lines.append(
            f"| {name} | {entrant} | {base.mean():.4f} | {own.mean():.4f} | {(base - own).mean():+.4f} "
            f"({low:+.4f} to {high:+.4f}) | {word} | {(own < base).sum()} of {len(own)} | {took / alone:.1f} |"
        )
    return lines


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--splits", type=int, default=6)
    words.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    asked = words.parse_args()
    torch.set_num_threads(1)
    print("| table | ensemble | one net | ensemble's | gain (95 %) | | better on splits | time / one net's |")
    print("|---|---|---|---|---|---|---|---|")
    for name in asked.tables:
        found = [run_split(TABLES[name], seed) for seed in range(asked.splits)]
        print("\n".join(table(name, [f[0] for f in found], [f[1] for f in found])), flush=True)


if __name__ == "__main__":
    main()
