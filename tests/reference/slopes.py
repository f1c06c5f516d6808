"""Finite differences: the slope of a function of an array, entry by entry."""

from __future__ import annotations

import numpy as np

H = 1e-6
"""Central differences are off by H ** 2 and by rounding / H: near 1e-10 in float64."""


def slope(function, x):
    """The gradient of a scalar function at x, by central differences."""
    found = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        ends = []
        for move in (-H, H):
            moved = x.copy()
            moved[place] += move
            ends.append(function(moved))
        found[place] = (ends[1] - ends[0]) / (2 * H)
    return found
