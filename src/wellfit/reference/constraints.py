"""Limits by hand: how long a unit's weights may be, and how long a gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def max_norm(w: Array, limit: float, axis: int | tuple[int, ...] = 0) -> Array:
    """Shorten the weights of each unit to a length of ``limit`` at most: w * min(1, limit / ||w||).

    Shorter ones stay as they are, and a unit whose weights are all zero stays zero.

    Args:
        w: the weights of a layer.
        limit: the largest Euclidean norm, above 0.
        axis: over which the norm runs: the inputs of a unit. For y = x @ w, w of shape (inputs, outputs) as here and in
            Keras, that is axis 0; for torch's (outputs, inputs) it is axis 1. The other axis would limit the inputs.

    Source: Srebro, Rennie & Jaakkola, Maximum-Margin Matrix Factorization, NeurIPS 17, 2004.

    >>> max_norm(np.array([[3.0, 0.3], [4.0, 0.4]]), 1.0).round(6).tolist()
    [[0.6, 0.3], [0.8, 0.4]]
    """
    norm = np.sqrt(np.square(w).sum(axis=axis, keepdims=True))
    return w * np.minimum(1.0, limit / np.maximum(norm, 1e-30))  # 1e-30: no 0 / 0 for weights that are all zero


def clip_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Shorten all gradients together to a length of ``limit`` at most; their direction stays.

    Source: Pascanu, Mikolov & Bengio, On the Difficulty of Training Recurrent Neural Networks, ICML 2013.

    >>> [g.round(6).tolist() for g in clip_norm([np.array([3.0, 0.0]), np.array([0.0, 4.0])], 1.0)]
    [[0.6, 0.0], [0.0, 0.8]]
    """
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
    scale = min(1.0, limit / max(norm, 1e-30))
    return [g * scale for g in gradients]
