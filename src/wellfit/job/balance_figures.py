"""What balancing did: recall, AUC, log loss and calibration of each way side by side, on validation and test rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from wellfit.job.compare import best_weights, nets_of, scales_of, test_inputs
from wellfit.job.kind import Shape
from wellfit.job.metrics import row_losses, secondary
from wellfit.job.stage import Stage, Weighed

_BINS = 10  # of equal width, as in the paper on temperature scaling


def balance_record(
    stage: Stage, shape: Shape, rows: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> dict[str, Any]:
    """The ways side by side; the rarest class is the one whose recall and probability are told.

    Args:
        rows, truth, weight: the test rows, already opened; there may be none.
    """
    folds = [stage.material.valid_target(f)[0] for f in range(stage.material.folds)]
    counts = np.bincount(np.concatenate(folds), minlength=stage.material.outputs)
    rare = int(np.argmin(np.where(counts > 0, counts, counts.max() + 1)))
    lines = [_line(stage, shape, way, rare, (rows, truth, weight)) for way in stage.weighed]
    return {
        "rare": str(stage.material.table.classes[rare]), "share": float(counts[rare] / counts.sum()),
        "metric": stage.metric.name, "rows": lines, "note": _note(lines, stage.material.table.classes[rare]),
    }  # fmt: skip


def _line(stage: Stage, shape: Shape, way: Weighed, rare: int, test: tuple[np.ndarray, ...]) -> dict[str, Any]:
    best = way.entrants[0]
    nets = nets_of(stage, [best], best_weights)
    shares, own = class_shares(stage, Weighed("none", stage.material.variants[0], ())), class_shares(stage, way)
    assert best.cohort is not None
    folds = [stage.material.view(m.fold) for m in best.cohort.members]
    outputs = [o.numpy() for o in best.cohort.best.outputs]
    found = {"valid": figures(*stage.validated(outputs, folds), rare, shares / own)}
    rows, truth, weight = test
    if len(rows):
        predicted = nets.predictions(shape, test_inputs(stage.material, rows), scales_of(stage.material))
        each = [figures(truth, p, weight, rare, shares / own) for p in predicted]
        found["test"] = {n: float(np.mean([f[n] for f in each])) for n in each[0]}
    score = way.score if stage.metric.lower_is_better else -way.score
    return {
        "name": way.name, "label": best.candidate.label if len(way.data) else "rows as they are", "score": score,
        "rate": best.candidate.rate, "steps": int(best.step), "tries": len(way.entrants),
        "train_share": float(own[rare]), "temperature": nets.temperatures[0], **found,
    }  # fmt: skip


def class_shares(stage: Stage, way: Weighed) -> np.ndarray:
    """(classes,) the share of each class in the weight of the first fold's training rows."""
    train = stage.material.rows.folds[stage.material.first_fold(way.data)][0]
    target = stage.material.rows.target.take(train)
    totals = (target.values * target.weight.unsqueeze(1)).sum(0).double().numpy()
    return (
        np.maximum(totals, 1e-12) / totals.sum()
    )  # a class that a fold lacks has no share, and nothing is divided by 0


def figures(
    truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray, rare: int, back: np.ndarray
) -> dict[str, float]:
    """Of class probabilities (rows, classes), calibrated by one temperature.

    Args:
        rare: the class whose recall and mean probability are told.
        back: (classes,) the true share of each class over its share in training: multiplied onto the probabilities it
            puts the prior back (Elkan, The Foundations of Cost-Sensitive Learning, IJCAI 2001).
    """
    usual = secondary(truth, predicted, weight)
    restored = predicted * back
    restored = restored / restored.sum(1, keepdims=True)
    return {
        "recall": _recall(predicted, truth, weight, rare),
        "auc": usual.get("auc", float("nan")), "log_loss": usual["log_loss"],
        "calibration_error": calibration_error(truth == rare, predicted[:, rare], weight),
        "predicted": float(np.average(predicted[:, rare], weights=weight)),
        "observed": float(np.average(truth == rare, weights=weight)),
        "log_loss_restored": float(np.average(row_losses(truth, restored), weights=weight)),
        "recall_restored": _recall(restored, truth, weight, rare),
    }  # fmt: skip


def _recall(predicted: np.ndarray, truth: np.ndarray, weight: np.ndarray, rare: int) -> float:
    chosen = (truth == rare) & (weight > 0)
    if not chosen.any():
        return float("nan")
    return float(np.average(predicted[chosen].argmax(1) == rare, weights=weight[chosen]))


def calibration_error(happened: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> float:
    """Expected calibration error of a probability, (rows,) each: mean distance of frequency and probability by bins.

    Source:
        Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015.
    """
    place = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    held = np.bincount(place, weights=weight, minlength=_BINS)
    seen = np.bincount(place, weights=weight * happened, minlength=_BINS)
    said = np.bincount(place, weights=weight * probability, minlength=_BINS)
    return float(np.abs(seen - said).sum() / held.sum())


def _note(lines: list[dict[str, Any]], rare: Any) -> str:
    """How far each way moved the probabilities, and what a temperature could not mend."""
    by_name = {line["name"]: line["valid"] for line in lines}
    plain = by_name.get("none")
    moved = [
        f"{name} {100 * f['predicted']:.1f} % (log loss {f['log_loss']:.3g}, and {f['log_loss_restored']:.3g} "
        "once the prior is put back)"
        for name, f in by_name.items()
        if name != "none"
    ]
    if plain is None or not moved:
        return ""
    return (
        f"Balancing shifts probabilities, and a temperature fitted on validation rows does not shift them back: "
        f"{100 * plain['observed']:.1f} % of those rows are {rare}; untouched training rows predict "
        f"{100 * plain['predicted']:.1f} % on average (log loss {plain['log_loss']:.3g}), {', '.join(moved)}. "
        "Where only the decision matters, another threshold on untouched rows is worth a try first."
    )


def complete(stage: Stage, record: dict[str, Any], shape: Shape, test: tuple[np.ndarray, ...]) -> None:
    """Write the comparison into the record of a run that asked for one."""
    if stage.weighed:
        record["balance"] = {**record["balance"], **balance_record(stage, shape, *test)}
