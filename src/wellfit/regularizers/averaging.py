"""Averaging: the weights handed over are a mean over the path of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob, memory, static
from wellfit.regularizers.wholes import settle_whole


class EMA(Regularizer):
    """Hand over an average of the weights: average <- d * average + (1 - d) * w after every step.

    d rises to ``decay``: d = min(decay, (1 + step) / (10 + step)), so that the first weights are forgotten. Running
    statistics of normalization are averaged with the weights; where the engine hands weights over, it takes them anew.

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
        return self.remember(average=_numbers(weights))

    def after_step(self, weights: Params, now: Now) -> Self:
        d = self.decay_at(now.step)
        return self.remember(average={n: _blend(old, weights[n], d) for n, old in self.average.items()})

    def deploy(self, weights: Params) -> Params:
        return {**weights, **self.average} if self.average is not None else weights


def _numbers(weights: Params) -> Mapping[str, Tensor]:
    """Copies of what has an average: the count of batches that a norm has seen has none."""
    return {n: w.clone() for n, w in weights.items() if w.is_floating_point()}


def _blend(average: Tensor, w: Tensor, d: Tensor) -> Tensor:
    return d.to(w.dtype) * average + (1.0 - d).to(w.dtype) * w


class SWA(Regularizer):
    """Hand over the plain mean of the weights at all evaluations from ``start_epoch`` on.

    average <- average + (w - average) / (n + 1) at the n-th of them; before the first one, the weights are handed over
    as they are. Running statistics of normalization are averaged likewise, and the engine takes them anew from training
    rows for every average that it hands over.

    Args:
        start_epoch: from which weights are collected, in epochs, 0 and up; infinity is neutral.

    Example:
        >>> import torch
        >>> part = SWA(start_epoch=0).start({"w": torch.zeros(1)})
        >>> for value in (1.0, 2.0, 6.0):
        ...     part = part.after_epoch({"w": torch.tensor([value])}, {}, Now.at(0))
        >>> part.deploy({"w": torch.tensor([6.0])})["w"].tolist()
        [3.0]

    Source:
        Izmailov, Podoprikhin, Garipov, Vetrov & Wilson, Averaging Weights Leads to Wider Optima and Better
        Generalization, UAI 2018, arXiv 1803.05407.
    """

    formula = "average <- average + (w - average) / (n + 1), at each evaluation from epoch `start_epoch` on"
    source = "Izmailov et al., Averaging Weights Leads to Wider Optima, UAI 2018, arXiv 1803.05407"
    use_when = "the learning rate stays high, or restarts, and training runs on after it has converged"
    avoid_when = "early stopping ends training before there is much to average"
    grade = "A"
    rank = 60
    touches = "all"
    start_epoch: float = knob(10.0, low=1.0, high=50.0, log=True, neutral=math.inf)
    average: Mapping[str, Tensor] | None = memory()
    count: Tensor | None = memory()

    def start(self, weights: Params) -> Self:
        like = next(iter(weights.values()), torch.zeros(()))  # under a `where` that matches nothing there are none
        return self.remember(average=_numbers(weights), count=like.new_zeros(()))

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        collect = now.epoch >= self.start_epoch
        average = {n: self._next(old, weights[n], collect) for n, old in self.average.items()}
        return self.remember(average=average, count=torch.where(collect, self.count + 1.0, self.count))

    def _next(self, average: Tensor, w: Tensor, collect: Tensor) -> Tensor:
        moved = torch.where(self.count > 0, average + (w - average) / (self.count + 1.0).to(w.dtype), w)
        return torch.where(collect, moved, average)

    def deploy(self, weights: Params) -> Params:
        if self.count is None:
            return weights
        # a dial may have come down to neutral since the mean was begun
        there = (self.count > 0) & (torch.as_tensor(self.start_epoch, device=self.count.device) < math.inf)
        return {**weights, **{n: torch.where(there, mean, weights[n]) for n, mean in self.average.items()}}


class Lookahead(Regularizer):
    """Go only part of the way: after every ``steps`` steps, w <- slow + alpha * (w - slow), and slow <- w.

    The slow weights are what is evaluated and handed over. They are taken after constraints have acted; the optimizer's
    moments go on as they are.

    Args:
        alpha: share of the way that is kept, 0 to 1; 1 is neutral, 0.5 to 0.8 is usual.
        steps: between two such moments; 5 to 10 is usual.

    Raises:
        RecipeError: ``steps`` is no whole number of at least 1.

    Example:
        >>> import torch
        >>> part = Lookahead(alpha=0.5, steps=1).start({"w": torch.zeros(1)})
        >>> part.project({"w": torch.ones(1)}, Now.at(0))["w"].tolist()
        [0.5]

    Source:
        Zhang, Lucas, Hinton & Ba, Lookahead Optimizer: k Steps Forward, 1 Step Back, NeurIPS 2019, arXiv 1907.08610.
    """

    formula = "every k steps: w <- slow + alpha * (w - slow), slow <- w"
    source = "Zhang, Lucas, Hinton & Ba, Lookahead Optimizer, NeurIPS 2019, arXiv 1907.08610"
    use_when = "training is noisy, and the learning rate is hard to choose"
    avoid_when = "weights are averaged already"
    grade = "B"
    touches = "all"
    alpha: float = knob(0.5, low=0.2, high=0.9, neutral=1.0, maximum=1.0)
    steps: int = static(5)
    slow: Mapping[str, Tensor] | None = memory()

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_whole(self, "steps", 5, 20)

    def start(self, weights: Params) -> Self:
        return self.remember(slow=_numbers(weights))

    def project(self, params: Params, now: Now) -> Params:
        if self.slow is None:
            return params
        back = self._looks_back(now)
        # not slow + alpha * (w - slow): at alpha 1 this is w to the last bit
        return {n: torch.where(back, _between(self.slow[n], w, self.alpha), w) for n, w in params.items()}

    def after_step(self, weights: Params, now: Now) -> Self:
        back = self._looks_back(now)
        return self.remember(slow={n: torch.where(back, weights[n], old) for n, old in self.slow.items()})

    def deploy(self, weights: Params) -> Params:
        if self.slow is None:
            return weights
        return {**weights, **{n: _slower(slow, weights[n], self.alpha) for n, slow in self.slow.items()}}

    def _looks_back(self, now: Now) -> Tensor:
        return (now.step + 1) % self.steps == 0


def _between(slow: Tensor, w: Tensor, alpha: Tensor | float) -> Tensor:
    share = torch.as_tensor(alpha, dtype=w.dtype, device=w.device)
    return share * w + (1.0 - share) * slow


def _slower(slow: Tensor, w: Tensor, alpha: Tensor | float) -> Tensor:
    return torch.where(torch.as_tensor(alpha, device=w.device) < 1.0, slow, w)
