"""Noise by hand: five families, and what makes them comparable.

Each is named in texts by a parameter of its own (a width, a scale, a peak, an amount), so that "0.1" means five
different things. The functions take the standard deviation where there is one, and say how it relates to the usual
parameter: variance of uniform noise in (-a, a) is a ** 2 / 3, of Laplace noise of scale b it is 2 * b ** 2.

Source: Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gaussian_noise(x: Array, std: float, generator: np.random.Generator) -> Array:
    """Add a normal number to every value: x + std * eps.

    On the inputs of a linear model under squared error it costs std ** 2 * sum(w ** 2) on average: it is L2.

    >>> gaussian_noise(np.zeros(2), 0.0, np.random.default_rng(0)).tolist()
    [0.0, 0.0]
    """
    return x + std * generator.standard_normal(x.shape)


def uniform_half_width(std: float) -> float:
    """The a for which uniform noise in (-a, a) has this standard deviation: std * sqrt(3).

    >>> round(uniform_half_width(0.1), 4)
    0.1732
    """
    return std * math.sqrt(3.0)


def uniform_noise(x: Array, std: float, generator: np.random.Generator) -> Array:
    """Add a number from (-a, a), all equally likely; never further off than a = std * sqrt(3).

    >>> bool(abs(uniform_noise(np.zeros(1000), 0.1, np.random.default_rng(0))).max() < 0.1733)
    True
    """
    a = uniform_half_width(std)
    return x + generator.uniform(-a, a, x.shape)


def laplace_scale(std: float) -> float:
    """The b for which Laplace noise has this standard deviation: std / sqrt(2).

    >>> round(laplace_scale(0.1), 4)
    0.0707
    """
    return std / math.sqrt(2.0)


def laplace_noise(x: Array, std: float, generator: np.random.Generator) -> Array:
    """Add a number with heavy tails: mostly small, now and then large.

    >>> laplace_noise(np.zeros(2), 0.0, np.random.default_rng(0)).tolist()
    [0.0, 0.0]
    """
    return x + generator.laplace(0.0, laplace_scale(std), x.shape) if std > 0 else x + 0.0


def poisson_noise(x: Array, peak: float, generator: np.random.Generator) -> Array:
    """The noise of counting light: poisson(x * peak) / peak, with mean x and variance x / peak.

    Args:
        x: brightness, 0 and up.
        peak: counts at brightness 1; the more, the less noise.
        generator: draws the counts.

    >>> poisson_noise(np.zeros(3), 255.0, np.random.default_rng(0)).tolist()
    [0.0, 0.0, 0.0]
    """
    return generator.poisson(x * peak) / peak


def salt_and_pepper(
    x: Array, amount: float, generator: np.random.Generator, low: float = 0.0, high: float = 1.0
) -> Array:
    """Replace a share of the values by the lowest or the highest there is, half by half.

    Args:
        x: values from low to high.
        amount: the share replaced, 0 to 1.
        generator: draws which.
        low, high: pepper and salt.

    >>> sorted(set(salt_and_pepper(np.full(1000, 0.5), 0.1, np.random.default_rng(0)).tolist()))
    [0.0, 0.5, 1.0]
    """
    place = generator.random(x.shape)
    return np.where(place < amount / 2.0, low, np.where(place < amount, high, x))
