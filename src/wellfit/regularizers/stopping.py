"""Stopping: when further training no longer helps on rows held out."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob, memory


class EarlyStopping(Regularizer):
    """Stop when the validation loss has not fallen for ``patience`` evaluations in a row.

    Better means strictly less than the best so far minus ``min_delta``; NaN is never the best. The engine keeps a copy
    of the best weights and restores it whether or not training was stopped; this part only says when to stop, and once
    it has said so it stays with it.

    Args:
        patience: evaluations without progress that are borne, 1 and up; infinity is neutral; 5 to 20 is usual.
        min_delta: the least progress that counts, in units of the validation loss, 0 and up.
        warm_up: evaluations before so many epochs are not looked at, 0 and up.

    Example:
        >>> import torch
        >>> stopper = EarlyStopping(patience=2).start({"w": torch.zeros(1)})
        >>> for loss in (1.0, 1.0, 1.0):
        ...     stopper = stopper.after_epoch({}, {"loss": torch.tensor(loss)}, Now.at(0))
        >>> bool(stopper.stop())
        True

    Source:
        Prechelt, Early Stopping - But When?, Neural Networks: Tricks of the Trade, 1998.
    """

    formula = "stop after `patience` evaluations without loss < best - min_delta"
    source = "Prechelt, Early Stopping - But When?, in Neural Networks: Tricks of the Trade, Springer 1998"
    use_when = "always, unless the horizon itself is searched"
    avoid_when = "a cosine schedule still has to come down, or weights are averaged late"
    grade = "A"
    touches = "all"
    patience: float = knob(5.0, low=3.0, high=30.0, log=True, neutral=math.inf, minimum=1.0)
    min_delta: float = knob(1e-3, low=0.0, high=1e-2)
    warm_up: float = knob(0.0, low=0.0, high=20.0)
    best: Tensor | None = memory()
    waited: Tensor | None = memory()

    def start(self, weights: Params) -> Self:
        like = next(iter(weights.values()), torch.zeros(()))  # under a `where` that matches nothing there are none
        return self.remember(best=like.new_full((), math.inf), waited=like.new_zeros(()))

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        loss = metrics["loss"].to(self.best.dtype)
        counts = now.epoch >= self.warm_up
        better = (loss < self.best - self.min_delta) & (self.waited < self.patience)
        waited = torch.where(better, torch.zeros_like(self.waited), self.waited + 1)
        return self.remember(
            best=torch.where(counts & better, loss, self.best), waited=torch.where(counts, waited, self.waited)
        )

    def stop(self) -> Tensor:
        return self.waited >= self.patience
