"""Measures of weights and of the gap between training and validation, guarded where they mean nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def norms(weights: Any) -> dict[str, float]:
    """The norms of weights: sum |w|, sqrt(sum w^2), and the square of that, which is what L2 penalizes.

    Example:
        >>> norms(np.array([3.0, -4.0]))
        {'l1': 7.0, 'l2': 5.0, 'l2_squared': 25.0}
    """
    flat = np.asarray(weights, dtype=np.float64).reshape(-1)
    square = float(flat @ flat)
    return {"l1": float(np.abs(flat).sum()), "l2": math.sqrt(square), "l2_squared": square}


def gap(train: float, valid: float) -> dict[str, Any]:
    """How far a validation loss lies above the training loss, both measured alike.

    ``gap`` = valid - train always means something. ``ratio`` = valid / train and ``log_ratio`` = ln(ratio) do where
    both losses are above 0: elsewhere the ratio is a word that says so, and there is no log ratio.

    Example:
        >>> gap(-2.0, -1.0)
        {'ratio': 'undefined, flagged', 'gap': 1.0}
    """
    apart = float(valid) - float(train)
    if train > 0 and valid > 0:
        ratio = float(valid) / float(train)
        return {"ratio": ratio, "gap": apart, "log_ratio": math.log(ratio)}
    return {"ratio": "inf, flagged" if train == 0 and valid > 0 else "undefined, flagged", "gap": apart}
