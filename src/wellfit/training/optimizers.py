"""Optimizers as pure functions of one model, so that they stack; weight decay is a regularizer, not theirs."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params

Moments = dict[str, dict[str, Tensor]]


class Optimizer(Protocol):
    """What the training step needs of an optimizer."""

    def start(self, params: Params) -> Moments: ...

    def update(
        self, grads: Params, params: Params, moments: Moments, now: Now
    ) -> tuple[dict[str, Tensor], Moments]: ...

    def reach(self, rates: Params, moments: Moments, now: Now) -> Params: ...


@dataclasses.dataclass(frozen=True)
class Adam:
    """w <- w - rate * m_hat / (sqrt(v_hat) + eps), as torch.optim.Adam without weight decay.

    ``reach`` is the step size of each weight, rate / (sqrt(v_hat) + eps): the metric that a proximal step shares, so
    that both together stand still where loss + penalty is least.

    Source:
        Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv 1412.6980.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def start(self, params: Params) -> Moments:
        zeros = {n: torch.zeros_like(w) for n, w in params.items()}
        return {"mean": zeros, "square": {n: torch.zeros_like(w) for n, w in params.items()}}

    def update(self, grads: Params, params: Params, moments: Moments, now: Now) -> tuple[dict[str, Tensor], Moments]:
        dtype = next(iter(grads.values())).dtype
        taken = now.step.to(torch.float64) + 1.0
        grow_mean = (1.0 / (1.0 - self.beta1**taken)).to(dtype)
        grow_root = (1.0 / (1.0 - self.beta2**taken)).sqrt().to(dtype)
        mean, square, moved = {}, {}, {}
        for n, g in grads.items():
            mean[n] = torch.lerp(moments["mean"][n], g, 1.0 - self.beta1)
            square[n] = torch.lerp(moments["square"][n], g * g, 1.0 - self.beta2)
            root = square[n].sqrt() * grow_root + self.eps
            moved[n] = torch.addcdiv(params[n], mean[n] * (now.rates[n] * grow_mean), root, value=-1.0)
        return moved, {"mean": mean, "square": square}

    def reach(self, rates: Params, moments: Moments, now: Now) -> Params:
        dtype = next(iter(moments["square"].values())).dtype
        grow = (1.0 / (1.0 - self.beta2 ** (now.step.to(torch.float64) + 1.0))).sqrt().to(dtype)
        return {n: rate / (moments["square"][n].sqrt() * grow + self.eps) for n, rate in rates.items()}


@dataclasses.dataclass(frozen=True)
class SGD:
    """w <- w - rate * velocity, velocity <- momentum * velocity + g, as torch.optim.SGD.

    ``reach`` is rate / (1 - momentum): a gradient that stays the same moves a weight that far each step, and a proximal
    step has to hold it there.
    """

    momentum: float = 0.0

    def start(self, params: Params) -> Moments:
        return {"velocity": {n: torch.zeros_like(w) for n, w in params.items()}} if self.momentum else {}

    def update(self, grads: Params, params: Params, moments: Moments, now: Now) -> tuple[dict[str, Tensor], Moments]:
        if not self.momentum:
            return {n: params[n] - now.rates[n] * g for n, g in grads.items()}, moments
        velocity = {n: self.momentum * moments["velocity"][n] + g for n, g in grads.items()}
        return {n: params[n] - now.rates[n] * v for n, v in velocity.items()}, {"velocity": velocity}

    def reach(self, rates: Params, moments: Moments, now: Now) -> Params:
        if not self.momentum:
            return rates
        return {n: rate / (1.0 - self.momentum) for n, rate in rates.items()}
