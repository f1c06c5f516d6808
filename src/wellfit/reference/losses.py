"""The ends of a network by hand: ReLU, softmax, and the mean cross-entropy with its gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relu(z: Array) -> Array:
    """Negative values cut off: max(z, 0).

    >>> relu(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return np.maximum(z, 0.0)


def relu_backward(grad: Array, z: Array) -> Array:
    """The gradient on z from that on ``relu(z)``: it passes where z was above 0.

    >>> relu_backward(np.ones(2), np.array([-1.0, 2.0])).tolist()
    [0.0, 1.0]
    """
    return grad * (z > 0.0)


def softmax(z: Array) -> Array:
    """Probabilities (rows, classes) from numbers: exp(z) / sum(exp(z)), with the largest taken off against overflow.

    >>> softmax(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    grown = np.exp(z - z.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def cross_entropy(z: Array, labels: Array) -> float:
    """Mean over the ROWS of -sum(labels * log(softmax(z))).

    A mean over rows and classes together would be too small by the number of classes, and any penalty beside it too
    strong by as much. The logarithm is taken of the sum, not of a probability that may have become 0; so no small
    number has to be added to it.

    Args:
        z: (rows, classes) numbers before the softmax.
        labels: (rows, classes) probabilities, 0 and 1 or soft.

    >>> round(cross_entropy(np.log([[0.9, 0.1], [0.2, 0.8]]), np.eye(2)), 6)
    0.164252
    """
    z = z - z.max(axis=1, keepdims=True)
    log_probabilities = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return float(-(labels * log_probabilities).sum() / len(z))


def cross_entropy_backward(z: Array, labels: Array) -> Array:
    """The gradient of ``cross_entropy`` on z: (softmax(z) - labels) / rows, for labels that sum to 1.

    >>> cross_entropy_backward(np.zeros((1, 2)), np.array([[1.0, 0.0]])).tolist()
    [[-0.5, 0.5]]
    """
    return (softmax(z) - labels) / len(z)
