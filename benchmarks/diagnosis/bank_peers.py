"""The peers' rules, in our words: the sources' ratio of losses, skore's two checks, and thresholds on curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RATIO = 1.5
"""The sources' score, validation loss over training loss; above this it is called overfitting."""
CHANCE = 0.95
"""The sources have no word for underfitting: the ratio is given skore's, a loss within 5 % of the baseline's."""
GAP = (0.03, 0.10)
"""skore 0.28, SKD001: training ahead of test by the larger of the two, the second as a share of the test score."""
BASELINE = (0.01, 0.05)
"""skore 0.28, SKD002: ahead of the dummy baseline by the larger of the two."""
RISE, PROGRESS, DIVERGED, STUCK = 0.10, 0.02, 3.0, 0.9
"""Thresholds on curves: rise of the validation loss over its least, progress in the last tenth of the epochs as a share
of all progress, a loss over the first one, a loss over the baseline's."""


def ratio_rule(train: float, valid: float, chance: float) -> str:
    """``overfit`` where the validation loss is over 1.5 times the training loss.

    Losses that are not finite, or a training loss that is not positive, have no ratio: ``undecided``.
    """
    if not (math.isfinite(train) and math.isfinite(valid)) or train <= 0:
        return "undecided"
    if valid / train > RATIO:
        return "overfit"
    return "underfit" if train >= CHANCE * chance else "healthy"


def skore_rule(train: Mapping[str, float], valid: Mapping[str, float], dummy: Mapping[str, float]) -> str:
    """skore's checks SKD002 and SKD001: each metric has a vote, and more than half of them decide.

    Metrics whose name begins with a minus sign are better when smaller. The dummy's scores stand for both sides.
    """
    votes = [
        not _ahead(name, train[name], dummy[name], BASELINE) and not _ahead(name, valid[name], dummy[name], BASELINE)
        for name in train
    ]
    if sum(votes) > len(votes) / 2:
        return "underfit"
    gaps = [_ahead(name, train[name], valid[name], GAP) for name in train]
    return "overfit" if sum(gaps) > len(gaps) / 2 else "healthy"


def _ahead(name: str, score: float, baseline: float, bounds: tuple[float, float]) -> bool:
    """Whether a score is better than a baseline by max(floor, share of the baseline); not where either is NaN."""
    lead = baseline - score if name.startswith("-") else score - baseline
    return bool(lead >= max(bounds[0], bounds[1] * abs(baseline)))


def curve_rule(train: Sequence[float], valid: Sequence[float], chance: float) -> str:
    """Thresholds on the curves of clean training loss and validation loss, the first before training."""
    ends = (train[-1], valid[-1])
    if not all(map(math.isfinite, ends)) or train[-1] > DIVERGED * max(train[0], chance):
        return "untrainable"
    going = _progress(train) > PROGRESS and _progress(valid) > PROGRESS and min(valid) == valid[-1]
    if train[-1] >= STUCK * chance:
        return "undertrained" if going else "underfit"
    if valid[-1] / min(valid) - 1.0 > RISE:
        return "overfit"
    if going:
        return "undertrained"
    return "overfit" if valid[-1] > RATIO * max(train[-1], 1e-12) else "healthy"


def _progress(losses: Sequence[float]) -> float:
    """Share of the whole progress that was made in the last tenth of the epochs."""
    before = losses[max(0, len(losses) - 1 - max(1, (len(losses) - 1) // 10))]
    whole = losses[0] - losses[-1]
    return (before - losses[-1]) / whole if whole > 0 else 0.0


def scores(outputs: Array, y: Array, classes: int) -> dict[str, float]:
    """skore's default metrics of one set of rows; those that are better when smaller have a minus before their name.

    MAPE is left out: targets here are standardized.
    """
    return _class_scores(_softmax(outputs), y, classes) if classes else _number_scores(outputs.ravel(), y.ravel())


def dummy_outputs(y: Array, rows: int, classes: int) -> Array:
    """What skore's baseline gives: class shares as probabilities, here their logarithms, or the mean."""
    if not classes:
        return np.full((rows, 1), y.mean())
    return np.log(np.tile(np.maximum(np.bincount(y, minlength=classes) / len(y), 1e-15), (rows, 1)))


def _softmax(outputs: Array) -> Array:
    shifted = np.exp(outputs - outputs.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def _class_scores(p: Array, y: Array, classes: int) -> dict[str, float]:
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

    if not np.isfinite(p).all():
        p = np.full(p.shape, 1.0 / classes)
    guess, own = p.argmax(1), np.clip(p[np.arange(len(y)), y], 1e-15, 1.0)
    labels = list(range(classes))
    precision, recall, _, _ = precision_recall_fscore_support(y, guess, labels=labels, zero_division=0.0)
    found = {"accuracy": float(np.mean(guess == y)), "-log loss": float(-np.log(own).mean())}
    for c in labels:
        found |= {f"precision {c}": float(precision[c]), f"recall {c}": float(recall[c])}
        if classes > 2 or c == 1:
            both = 0 < np.sum(y == c) < len(y)
            found[f"auc {c}"] = float(roc_auc_score(y == c, p[:, c])) if both else float("nan")
    if classes == 2:
        found["-brier"] = float(np.mean((p[:, 1] - y) ** 2))
    else:
        aucs = [found[f"auc {c}"] for c in labels]
        found |= {"precision": float(precision.mean()), "recall": float(recall.mean()), "auc": float(np.mean(aucs))}
    return found


def _number_scores(outputs: Array, y: Array) -> dict[str, float]:
    apart = np.nan_to_num(outputs - y, nan=1e6, posinf=1e6, neginf=-1e6)
    spread = max(1e-12, float(np.mean((y - y.mean()) ** 2)))
    mean_square = float(np.mean(apart**2))
    return {"r2": 1.0 - mean_square / spread, "-rmse": mean_square**0.5, "-mae": float(np.mean(np.abs(apart)))}


def chance_loss(y: Array, classes: int) -> float:
    """The loss of the baseline on the rows it comes from: entropy of the class shares, or the variance."""
    if not classes:
        return float(np.var(y))
    share = np.bincount(y, minlength=classes) / len(y)
    return float(-np.sum(share * np.log(np.maximum(share, 1e-300))))
