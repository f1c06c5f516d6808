"""Penalties: what a weight costs. The objective is mean loss + sum of penalties; a penalty is a sum over weights."""

from __future__ import annotations

from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob


def soft_threshold(w: Tensor, threshold: Tensor | float) -> Tensor:
    """Soft threshold, sign(w) * max(|w| - threshold, 0): the proximal step of threshold * |w|."""
    return w - w.minimum(_like(threshold, w)).maximum(-_like(threshold, w))


def _like(value: Tensor | float, w: Tensor) -> Tensor:
    return value.to(w.dtype) if isinstance(value, Tensor) else w.new_full((), value)


def _total(params: Params, measure: str) -> Tensor:
    values = [w.abs().sum() if measure == "absolute" else (w * w).sum() for w in params.values()]
    return sum(values[1:], values[0]) if values else 0.0  # type: ignore[return-value]


class L1(Regularizer):
    """Pull weights to exactly zero: penalty = strength * sum(|w|), taken as a proximal step.

    After each optimizer step every weight moves toward zero by its own step size times strength and stops there:
    w <- sign(w) * max(|w| - step_size * strength, 0). The step size is the learning rate under SGD, and
    learning_rate / (sqrt(v_hat) + eps) under Adam: the proximal step is taken in the optimizer's own metric, so that
    both together come to rest where loss + penalty is least, zeros included. A subgradient in the loss gives no zeros.

    Args:
        strength: per unit of |w|, 0 (neutral) and up; 1e-6 to 1e-2 is usual.

    Example:
        >>> import torch
        >>> soft_threshold(torch.tensor([3.0, -0.5, 1.0]), 1.0).tolist()
        [2.0, 0.0, 0.0]

    Source:
        Tibshirani, Regression Shrinkage and Selection via the Lasso, JRSS B 58(1), 1996; the step: Parikh & Boyd,
        Proximal Algorithms, Foundations and Trends in Optimization 1(3), 2014.
    """

    formula = "strength * sum(|w|); step w <- sign(w) * max(|w| - rate * strength, 0)"
    source = "Tibshirani, Regression Shrinkage and Selection via the Lasso, JRSS B 58(1), 1996"
    use_when = "few inputs or weights matter, and you want the others exactly zero"
    avoid_when = "all inputs matter a little: L2 or weight decay keeps them"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    rank = 10
    strength: float = knob(1e-4, low=1e-6, high=1e-2, log=True, neutral=0.0)

    def project(self, params: Params, now: Now) -> Params:
        return {n: soft_threshold(w, now.rates[n] * self.strength) for n, w in params.items()}


class L2(Regularizer):
    """Shrink weights toward zero: penalty = strength * sum(w ** 2), gradient 2 * strength * w.

    There is no 1/2 in it (as in Keras); scikit-learn's Ridge has alpha = n * strength. With an adaptive optimizer the
    gradient is rescaled weight by weight: WeightDecay acts evenly there.

    Args:
        strength: per unit of w ** 2, 0 (neutral) and up; 1e-6 to 1e-2 is usual.

    Example:
        >>> import torch
        >>> round(L2(0.01).penalty({"w": torch.tensor([[1.0, 2.0]])}, None).item(), 6)
        0.05

    Source:
        Hoerl & Kennard, Ridge Regression, Technometrics 12(1), 1970; Krogh & Hertz, NeurIPS 4, 1991.
    """

    formula = "strength * sum(w ** 2)"
    source = "Hoerl & Kennard, Ridge Regression, Technometrics 12(1), 1970"
    use_when = "a first choice for dense and convolutional layers under SGD"
    avoid_when = "the optimizer already decays the weights: use one of the two"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    strength: float = knob(1e-4, low=1e-7, high=1e-2, log=True, neutral=0.0)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return self.strength * _total(params, "square")

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: 2.0 * self.strength * w for n, w in params.items()}


class ElasticNet(Regularizer):
    """Mix L1 and L2: penalty = strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w ** 2)).

    The form of scikit-learn, with its 1/2: l1_ratio 1 is pure L1, 0 pure L2. The L1 part is a proximal step, with exact
    zeros; the L2 part a gradient.

    Args:
        strength: of the whole, 0 (neutral) and up; 1e-6 to 1e-2 is usual.
        l1_ratio: share of L1, 0 to 1.

    Example:
        >>> import torch
        >>> net = ElasticNet(strength=1.0, l1_ratio=0.0)
        >>> net.penalty_gradient({"w": torch.tensor([[1.0, -3.0]])}, None)["w"].tolist()
        [[1.0, -3.0]]

    Source:
        Zou & Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 67(2), 2005.
    """

    formula = "strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w ** 2))"
    source = "Zou & Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 67(2), 2005"
    use_when = "you want zeros, and inputs come in correlated groups"
    avoid_when = "L1, L2 or weight decay is in the recipe already"
    grade = "B"
    standard = frozenset({"table", "image", "text"})
    rank = 10
    strength: float = knob(1e-4, low=1e-6, high=1e-2, log=True, neutral=0.0)
    l1_ratio: float = knob(0.5, low=0.05, high=0.95, maximum=1.0)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return self.strength * (1.0 - self.l1_ratio) * 0.5 * _total(params, "square")

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: self.strength * (1.0 - self.l1_ratio) * w for n, w in params.items()}

    def project(self, params: Params, now: Now) -> Params:
        return {n: soft_threshold(w, now.rates[n] * self.strength * self.l1_ratio) for n, w in params.items()}
