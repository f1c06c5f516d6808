"""Calibration: one temperature that makes class probabilities honest, fitted on validation rows."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_FLOOR = 1e-15


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """softmax(logits / temperature), (..., classes) float64."""
    return np.exp(log_softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=-1))


def fit_temperature(logits: np.ndarray, classes: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The temperature T > 0 that minimizes the log loss of softmax(logits / T).

    Args:
        logits: (rows, classes), finite.
        classes: (rows,) int.
        weight: (rows,) or None.

    Source:
        Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599.
    """
    logits = np.asarray(logits, dtype=np.float64)
    rows = np.arange(len(classes))

    def loss(log_temperature: float) -> float:
        picked = log_softmax(logits / np.exp(log_temperature), axis=-1)[rows, classes]
        return float(-np.average(np.maximum(picked, np.log(_FLOOR)), weights=weight))

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(10.0)), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0
