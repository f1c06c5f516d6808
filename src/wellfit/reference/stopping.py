"""Early stopping by hand: when to stop, and how to have the best weights then."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float64]]


class EarlyStopping:
    """Stop when the validation loss has not fallen for ``patience`` evaluations in a row, and keep the best weights.

    Four things go wrong where this is written in a hurry:

    - NaN. ``loss > best`` is false for NaN, so that a test for "worse" takes it for an improvement. The test here is
      for "better", which NaN never is.
    - A flat loss. An improvement of exactly ``min_delta`` (of 0, say) is none: the comparison is strict.
    - The best weights are copied. A dictionary of the arrays themselves goes on changing with them.
    - ``min_delta`` says when patience begins anew. The best weights are those of the lowest loss all the same.

    Args:
        patience: evaluations without progress that are borne, 1 and up.
        min_delta: the least fall that counts as progress, 0 and up.

    Source: Prechelt, Early Stopping - But When?, Neural Networks: Tricks of the Trade, Springer 1998.

    >>> stopper, weights = EarlyStopping(patience=2), {"w": np.array([1.0])}
    >>> for loss in (0.1, 0.5, math.nan):
    ...     stop = stopper.look(loss, weights)
    ...     weights["w"] += 4.0
    >>> stop, stopper.best_loss, stopper.best_weights["w"].tolist()
    (True, 0.1, [1.0])
    """

    def __init__(self, patience: float, min_delta: float = 0.0) -> None:
        self.patience = patience
        self.min_delta = min_delta
        self.waited = 0
        self.to_beat = math.inf
        self.best_loss = math.inf
        self.best_weights: Weights = {}

    def look(self, loss: float, weights: Weights) -> bool:
        """Take note of an evaluation and of the weights it belongs to; returns whether to stop."""
        if loss < self.best_loss:
            self.best_loss = loss
            self.best_weights = {name: w.copy() for name, w in weights.items()}
        if loss < self.to_beat - self.min_delta:
            self.to_beat = loss
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience
