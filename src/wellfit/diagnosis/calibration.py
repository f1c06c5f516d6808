"""Calibration: are predicted probabilities as often right as they say, and does a temperature help?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.result import Finding
from wellfit.proof import fit_temperature, probabilities


def calibrated(evidence: Evidence) -> tuple[dict[str, Any] | None, Finding]:
    """Reliability of the validation rows, and whether a temperature helps: fitted on one half, scored on the other."""
    setting = evidence.setting
    if setting.labels is None:
        return None, Finding("over-confident", "not_applicable", "the targets are no classes")
    labels = setting.labels[setting.held :].numpy()
    outputs = evidence.base.outputs[evidence.own].astype(np.float64)
    if not np.isfinite(outputs).all() or len(labels) < 20:
        return None, Finding("over-confident", "not_applicable", "fewer than 20 validation rows, or outputs not finite")
    gains, heats = _tempered(outputs, labels, setting.seed)
    effect = evidence.effect(gains)
    record = reliability(probabilities(outputs[0]), labels)
    record |= {"temperature": float(np.mean(heats)), "interval": [float(min(heats)), float(max(heats))]}
    share = effect.value / evidence.valid if evidence.valid > 0 else 0.0
    worth = max(evidence.limits.gain * evidence.valid, evidence.limits.floor * evidence.guess)
    told = f"a temperature of {record['temperature']:.2f} lowers the validation loss {share:.0%}"
    ill = effect.low > 0 and effect.value >= worth and record["temperature"] > evidence.limits.temperature
    interval = (effect.low / evidence.valid, effect.high / evidence.valid) if evidence.valid > 0 else None
    return record, Finding(
        "over-confident", "finding" if ill else "healthy", told, share, "of the validation loss", interval, ill
    )


def _tempered(outputs: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, list[float]]:
    """(seeds, rows) what temperatures of the other half gain, and these temperatures."""
    order = np.random.default_rng((seed, len(labels), 3)).permutation(len(labels))
    halves = (order[: len(order) // 2], order[len(order) // 2 :])
    gains, heats = np.zeros(outputs.shape[:2]), []
    for one, logits in enumerate(outputs):
        for fitting, scored in (halves, halves[::-1]):
            heat = fit_temperature(logits[fitting], labels[fitting])
            losses = [
                -np.log(np.maximum(probabilities(logits[scored], t)[np.arange(len(scored)), labels[scored]], 1e-30))
                for t in (1.0, heat)
            ]
            gains[one, scored] = losses[0] - losses[1]
            heats.append(heat)
    return gains, heats


def reliability(predicted: np.ndarray, labels: np.ndarray, bins: int = 15) -> dict[str, Any]:
    """Expected calibration error over bins of equal width, and what it would be by chance alone taken off.

    ECE = sum over bins of (rows in bin / rows) * |accuracy - confidence|.

    Args:
        predicted: (rows, classes) probabilities.
        labels: (rows,) class numbers.

    Source:
        Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017; the correction: Kumar,
        Liang & Ma, Verified Uncertainty Calibration, NeurIPS 2019.
    """
    sure, right = predicted.max(1), (predicted.argmax(1) == labels).astype(float)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    shown, error, chance = [], 0.0, 0.0
    for one in range(bins):
        held = place == one
        if not held.any():
            continue
        count, accuracy, mean = int(held.sum()), float(right[held].mean()), float(sure[held].mean())
        shown.append({"confidence": mean, "accuracy": accuracy, "count": count})
        error += count / len(labels) * abs(accuracy - mean)
        chance += count / len(labels) * math.sqrt(2.0 / math.pi * mean * (1.0 - mean) / count)
    hot = np.eye(predicted.shape[1])[labels]
    return {
        "ece": error, "ece_debiased": max(0.0, error - chance), "bins": shown,
        "brier": float(((predicted - hot) ** 2).sum(1).mean()),
        "nll": float(-np.log(np.maximum(predicted[np.arange(len(labels)), labels], 1e-30)).mean()),
    }  # fmt: skip
