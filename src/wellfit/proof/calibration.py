"""Calibration: one temperature that makes class probabilities honest, fitted on validation rows."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """softmax(logits / temperature), (..., classes) float64."""
    return np.exp(log_softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=-1))


def fit_temperature(logits: np.ndarray, classes: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The temperature T in 0.2 to 10 that minimizes the log loss of softmax(logits / T).

    The labels count as right with probability (n + 1) / (n + 2) only (the rule of succession): n rows without an error
    are no proof that there is none, and must not make a model infinitely sure.

    Args:
        logits: (rows, classes), finite.
        classes: (rows,) int.
        weight: (rows,) or None.

    Source:
        Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599.
    """
    logits = np.asarray(logits, dtype=np.float64)
    rows, others = np.arange(len(classes)), logits.shape[1] - 1
    doubt = 1.0 / (len(classes) + 2)

    def loss(log_temperature: float) -> float:
        found = np.maximum(log_softmax(logits / np.exp(log_temperature), axis=-1), -100.0)
        right = found[rows, classes]
        wrong = (found.sum(-1) - right) / max(1, others)
        return float(-np.average((1.0 - doubt) * right + doubt * wrong, weights=weight))

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(10.0)), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0
