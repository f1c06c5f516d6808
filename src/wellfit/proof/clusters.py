"""Rows that belong together: rows of one patient are no independent evidence, so that groups are counted, not rows."""

from __future__ import annotations

import numpy as np


def gathered(losses: np.ndarray, weight: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """One loss for each group, the weighted mean of its rows, and the group's weight.

    A weighted mean over groups is then the weighted mean over rows, and whatever estimates its spread from what it is
    given (a bootstrap, a variance of means) does so from groups: the cluster-robust variance, the cluster bootstrap.

    Args:
        losses: (seeds, rows).
        weight: (rows,), 0 or more.
        groups: (rows,) of whatever tells groups apart; None where each row stands for itself.

    Returns:
        (seeds, groups) losses and (groups,) weights; what came where there are no groups.

    Example:
        >>> losses, weight = gathered(np.array([[1.0, 3.0, 8.0]]), np.ones(3), np.array(["a", "a", "b"]))
        >>> losses.tolist(), weight.tolist()
        ([[2.0, 8.0]], [2.0, 1.0])

    Source:
        Liang & Zeger, Longitudinal Data Analysis Using Generalized Linear Models, Biometrika 73 (1986); Cameron,
        Gelbach & Miller, Bootstrap-Based Improvements for Inference with Clustered Errors, Review of Economics and
        Statistics 90 (2008).
    """
    if groups is None:
        return losses, weight
    _, places = np.unique(groups, return_inverse=True)
    places = places.reshape(-1)
    held = np.bincount(places, weight)
    summed = np.stack([np.bincount(places, row * weight, len(held)) for row in losses])
    return summed / np.where(held > 0, held, 1.0), held


def drawn_rows(draw: np.random.Generator, rows: int, groups: np.ndarray | None) -> np.ndarray:
    """Row numbers of a bootstrap sample: rows drawn with replacement, or all rows of groups that are."""
    if groups is None:
        return draw.integers(rows, size=rows)
    known, places = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(places.reshape(-1), kind="stable"), np.cumsum(np.bincount(places.reshape(-1)))[:-1])
    return np.concatenate([members[g] for g in draw.integers(len(known), size=len(known))])
