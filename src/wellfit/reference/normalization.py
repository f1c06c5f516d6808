"""Batch normalization by hand: forward in training and in use, and backward through the mean and the variance.

Two conventions differ between tools, and both are written out here:

- momentum: here and in torch it is the weight of the NEW batch (0.1); in Keras the weight of the OLD value (0.9).
- the running variance: torch keeps the unbiased one (divided by n - 1), Keras the biased one (divided by n).
  Both divide by n where they normalize.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Running:
    """What is remembered of the batches for later use, (features,) each.

    >>> Running.start(2).variance.tolist()
    [1.0, 1.0]
    """

    mean: Array
    variance: Array

    @classmethod
    def start(cls, features: int) -> Running:
        return cls(np.zeros(features), np.ones(features))

    def after(self, x: Array, momentum: float = 0.1, ddof: int = 1) -> Running:
        """With a further batch (rows, features): (1 - momentum) * old + momentum * batch.

        Args:
            x: the batch.
            momentum: weight of the batch, 0 to 1.
            ddof: 1 for the unbiased variance (torch), 0 for the biased one (Keras).

        >>> Running.start(1).after(np.array([[1.0], [2.0], [3.0], [4.0]]), ddof=0).variance.round(3).tolist()
        [1.025]
        """
        mean = (1.0 - momentum) * self.mean + momentum * x.mean(axis=0)
        return Running(mean, (1.0 - momentum) * self.variance + momentum * x.var(axis=0, ddof=ddof))


@dataclasses.dataclass(frozen=True)
class Seen:
    """What backward needs of the forward pass: the normalized batch, and 1 / sqrt(variance + eps)."""

    normalized: Array
    inverse_std: Array


def batch_norm_train(x: Array, scale: Array, shift: Array, eps: float = 1e-5) -> tuple[Array, Seen]:
    """Normalize by the batch's own mean and biased variance: scale * (x - mean) / sqrt(variance + eps) + shift.

    Args:
        x: (rows, features), two rows or more.
        scale, shift: (features,), trained like weights.
        eps: keeps a constant feature from 0 / 0. 1e-8 would be exactly 0 in float16.

    Source: Ioffe & Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167.

    >>> batch_norm_train(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), eps=0.0)[0].tolist()
    [[-1.0], [1.0]]
    """
    inverse_std = 1.0 / np.sqrt(x.var(axis=0) + eps)
    normalized = (x - x.mean(axis=0)) * inverse_std
    return scale * normalized + shift, Seen(normalized, inverse_std)


def batch_norm_use(x: Array, scale: Array, shift: Array, running: Running, eps: float = 1e-5) -> Array:
    """Normalize by what training has remembered: a row's result no longer depends on its neighbors.

    >>> batch_norm_use(np.array([[2.0]]), np.ones(1), np.zeros(1), Running(np.ones(1), np.ones(1)), eps=0.0).tolist()
    [[1.0]]
    """
    return scale * (x - running.mean) / np.sqrt(running.variance + eps) + shift


def batch_norm_backward(grad: Array, scale: Array, seen: Seen) -> tuple[Array, Array, Array]:
    """Gradients on x (rows, features), scale and shift (features,) from that on the output of ``batch_norm_train``.

    Every row moves the mean and the variance, and through them every other row. Taken together, with n rows, g the
    gradient on the normalized values z, and means over the rows::

        dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + eps)

    What is constant over the batch (mean(g)) and what only stretches it (z * mean(g * z)) has no effect on the output,
    and gets no gradient.

    >>> out, seen = batch_norm_train(np.array([[1.0], [3.0], [8.0]]), np.ones(1), np.zeros(1))
    >>> bool(abs(batch_norm_backward(np.ones((3, 1)), np.ones(1), seen)[0]).max() < 1e-12)
    True
    """
    g = grad * scale
    along = (g * seen.normalized).mean(axis=0)
    x_grad = (g - g.mean(axis=0) - seen.normalized * along) * seen.inverse_std
    return x_grad, (grad * seen.normalized).sum(axis=0), grad.sum(axis=0)
