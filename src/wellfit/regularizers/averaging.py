"""Averaging: the weights handed over are a mean over the path of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob, memory


class EMA(Regularizer):
    """Hand over an average of the weights: average <- d * average + (1 - d) * w after every step.

    d rises to ``decay``: d = min(decay, (1 + step) / (10 + step)), so that the first weights are forgotten. Running
    statistics of normalization are averaged with the weights, and so fit them.

    Args:
        decay: share of the average kept each step, 0 (neutral) to below 1; 0.99 to 0.9999 is usual.

    Example:
        >>> EMA(0.99).decay_at(0).item()
        0.1

    Source:
        Polyak & Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J. Control 30(4), 1992; warm-up
        as in TensorFlow's ExponentialMovingAverage.
    """

    formula = "average <- d * average + (1 - d) * w, d = min(decay, (1 + step) / (10 + step))"
    source = "Polyak & Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J. Control 30(4), 1992"
    use_when = "nearly always: it costs little and smooths the end of training"
    avoid_when = "training is shorter than a few times 1 / (1 - decay) steps"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    rank = 60
    touches = "all"
    decay: float = knob(0.99, low=0.9, high=0.9995, neutral=0.0, maximum=0.999999)
    average: Mapping[str, Tensor] | None = memory()

    def decay_at(self, step: Tensor | int) -> Tensor:
        # in float64: 1 - d counts, and d is near 1
        steps = torch.as_tensor(step, dtype=torch.float64)
        return torch.minimum((1.0 + steps) / (10.0 + steps), torch.as_tensor(self.decay, dtype=torch.float64))

    def start(self, weights: Params) -> Self:
        return self.remember(average={n: w.clone() for n, w in weights.items()})

    def after_step(self, weights: Params, now: Now) -> Self:
        d = self.decay_at(now.step)
        return self.remember(average={n: _blend(self.average[n], w, d) for n, w in weights.items()})

    def deploy(self, weights: Params) -> Params:
        return {n: self.average[n] for n in weights} if self.average is not None else weights


def _blend(average: Tensor, w: Tensor, d: Tensor) -> Tensor:
    if not w.is_floating_point():
        return w
    return d.to(w.dtype) * average + (1.0 - d).to(w.dtype) * w
