"""Greedy ensemble selection: which members of a population, and how much of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def greedy_weights(
    predictions: np.ndarray, loss: Callable[[np.ndarray], float], picks: int = 40, start: int = 1
) -> np.ndarray:
    """Weights of an average of members, chosen one by one with replacement so that each pick lowers the loss most.

    The average after the pick with the lowest loss is kept, so that an ensemble of one is a possible answer.

    Args:
        predictions: (members, rows, outputs), on rows that no member was fitted on.
        loss: of an averaged prediction (rows, outputs), smaller is better.
        picks: how often to pick.
        start: how many of the best single members to begin with.

    Returns:
        (members,) weights that sum to 1.

    Source:
        Caruana, Niculescu-Mizil, Crew & Ksikes, Ensemble Selection from Libraries of Models, ICML 2004.
    """
    order = np.argsort([loss(p) for p in predictions])
    counts = np.zeros(len(predictions))
    counts[order[:start]] = 1.0
    total = np.tensordot(counts, predictions, axes=1)
    best_loss, best_counts = loss(total / counts.sum()), counts.copy()
    for _ in range(picks - start):
        size = counts.sum() + 1.0
        losses = [loss((total + p) / size) for p in predictions]
        pick = int(np.argmin(losses))
        counts[pick] += 1.0
        total = total + predictions[pick]
        if losses[pick] < best_loss:
            best_loss, best_counts = losses[pick], counts.copy()
    return best_counts / best_counts.sum()
