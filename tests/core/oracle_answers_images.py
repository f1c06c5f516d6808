"""How the geometry of pictures answers the rows of tests/data/oracles.json."""

from __future__ import annotations

import torch
from oracle_answers import numbers, serves

from wellfit.regularizers.affine import turned, zoomed
from wellfit.regularizers.warping import warp


@serves("rotation.matrix")
def _matrix(row):
    """With y up, the matrix that turns a point is the one that says, with y down, where a turned pixel is read."""
    return turned(numbers([row["theta_deg"]])).matrix()[0, :2, :2] @ numbers(row["point"])


@serves("rotation.180_even_image")
def _half_turn(row):
    picture = torch.arange(16.0, dtype=torch.float64).view(1, 1, 4, 4)
    return warp(picture, turned(numbers([180.0])).matrix(), "edge")[0, 0]


@serves("rotation.border_share")
def _black(row):
    white = torch.ones(1, 1, row["size"], row["size"], dtype=torch.float64)

    def share(affine):
        black = warp(white, affine.matrix(), "constant") == 0  # all through, as it was counted
        return float(black.double().mean())

    rotated = [share(turned(numbers([angle]))) for angle in row["angles"]]
    return {"rot": rotated, "zoom": share(zoomed(numbers([row["zoom"]])))}
