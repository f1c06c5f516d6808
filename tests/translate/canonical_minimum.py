"""An independent word on what a strength means: the minimum of the canonical objective, found by NumPy alone."""

from __future__ import annotations

import numpy as np

LOSSES = {
    # mean loss of margins or predictions z against y (labels are -1 and 1), and its slope in z
    "squared": lambda z, y: ((z - y) ** 2, 2.0 * (z - y)),
    "log": lambda z, y: (np.logaddexp(0.0, -y * z), -y / (1.0 + np.exp(np.clip(y * z, -500, 500)))),
    "squared_hinge": lambda z, y: (np.maximum(1 - y * z, 0) ** 2, -2.0 * y * np.maximum(1 - y * z, 0)),
}


def problem(seed: int = 0, rows: int = 60, columns: int = 5, classes: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Columns of different size, one of them useless, a target with noise; labels are -1 and 1."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, columns)) * np.linspace(0.5, 1.5, columns) + 0.3
    y = x @ np.array([1.5, -2.0, 0.7, 0.0, 0.05][:columns]) + 0.8 + draw.normal(size=rows)
    return x, np.where(y > np.median(y), 1.0, -1.0) if classes else y


def minimum(
    x: np.ndarray, y: np.ndarray, l1: float = 0.0, l2: float = 0.0, loss: str = "squared", bias: str = "free"
) -> tuple[np.ndarray, float]:
    """Weights and bias where mean loss + l1 * sum(|w|) + l2 * sum(w ** 2) is least, by accelerated proximal steps.

    Args:
        bias: ``free``, ``pulled`` (penalized as a weight) or ``absent``.
    """
    full = np.column_stack([x, np.ones(len(x))])
    curve = {"squared": 2.0, "log": 0.25, "squared_hinge": 2.0}[loss]
    step = 1.0 / (curve * np.linalg.norm(full, 2) ** 2 / len(x) + 2.0 * l2)
    share = np.append(np.ones(x.shape[1]), 1.0 if bias == "pulled" else 0.0)
    w = ahead = np.zeros(full.shape[1])
    pace = 1.0
    for _ in range(20_000):
        slope = full.T @ LOSSES[loss](full @ ahead, y)[1] / len(x) + 2.0 * l2 * share * ahead
        slope[-1] *= bias != "absent"
        moved = ahead - step * slope
        new = np.sign(moved) * np.maximum(np.abs(moved) - step * l1 * share, 0.0)
        if (ahead - new) @ (new - w) > 0:  # restart: momentum points uphill
            pace = 1.0
        grown = (1.0 + np.sqrt(1.0 + 4.0 * pace**2)) / 2.0
        ahead, gone = new + (pace - 1.0) / grown * (new - w), np.abs(new - w).max()
        w, pace = new, grown
        if gone < 1e-15:
            break
    return w[:-1], float(w[-1])
