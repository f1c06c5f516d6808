"""Dropout by hand: values that go missing at random, and a gradient that goes through the same holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def dropout_mask(shape: tuple[int, ...], p: float, generator: np.random.Generator) -> Array:
    """What each value is multiplied by: 0 with probability p, and 1 / (1 - p) otherwise.

    The division keeps the mean of every value as it was ("inverted" dropout), so that nothing has to be done when the
    network is used. At p = 1 nothing is kept; the mask is all zeros, where 0 / 0 would make it NaN.

    Args:
        shape: of the values, (batch, units) or any other.
        p: the probability that a value is dropped, 0 to 1. Some texts give the probability that it is kept.
        generator: draws the mask.

    Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 15, 2014.

    >>> dropout_mask((4,), 0.5, np.random.default_rng(0)).tolist()
    [2.0, 0.0, 0.0, 0.0]
    >>> dropout_mask((2,), 1.0, np.random.default_rng(0)).tolist()
    [0.0, 0.0]
    """
    if p >= 1.0:
        return np.zeros(shape)
    return (generator.random(shape) >= p) / (1.0 - p)


def spatial_dropout_mask(shape: tuple[int, ...], p: float, generator: np.random.Generator) -> Array:
    """The same for whole feature maps: (batch, channels, height, width) gets a mask (batch, channels, 1, 1).

    Neighbors in a picture say nearly the same, so that dropping single values takes nothing away.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, CVPR 2015, arXiv 1411.4280.

    >>> spatial_dropout_mask((2, 3, 8, 8), 0.25, np.random.default_rng(0)).shape
    (2, 3, 1, 1)
    """
    return dropout_mask((*shape[:2], *(1,) * (len(shape) - 2)), p, generator)


def gaussian_dropout_mask(shape: tuple[int, ...], p: float, generator: np.random.Generator) -> Array:
    """Normal in place of on and off, with the same mean 1 and variance: 1 + sqrt(p / (1 - p)) * eps.

    It multiplies. Added to the values it would disturb a zero as much as a large value.

    Source: Srivastava et al., JMLR 15, 2014, section 10; Kingma, Salimans & Welling, Variational Dropout and the Local
    Reparameterization Trick, NeurIPS 2015, arXiv 1506.02557.

    >>> mask = gaussian_dropout_mask((10_000,), 0.5, np.random.default_rng(0))
    >>> mask.mean().round(1).item(), mask.std().round(1).item()
    (1.0, 1.0)
    """
    return 1.0 + np.sqrt(p / (1.0 - p)) * generator.standard_normal(shape)


def dropout_forward(h: Array, mask: Array) -> Array:
    """Values in training, in the shape of h: h * mask. In evaluation there is no mask and h stays as it is.

    >>> dropout_forward(np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.0, 2.0])).tolist()
    [2.0, 0.0, 6.0]
    """
    return h * mask


def dropout_backward(grad: Array, mask: Array) -> Array:
    """The gradient of the loss on h, from that on ``dropout_forward(h, mask)``: grad * mask, with the mask of then.

    The mask is handed over and not remembered, so that a forward pass in evaluation between the two cannot leave a
    stale one behind.

    >>> dropout_backward(np.ones(3), np.array([2.0, 0.0, 2.0])).tolist()
    [2.0, 0.0, 2.0]
    """
    return grad * mask
