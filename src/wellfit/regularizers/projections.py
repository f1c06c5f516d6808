"""Projections onto balls: the nearest point of the L1, L2 or elastic-net ball, in the metric of the step sizes.

Nearest means least sum((v - w) ** 2 / steps): the Euclidean projection where all steps are equal, as under SGD, and the
one that shares Adam's metric otherwise, so that optimizer and projection together rest where the loss is least in the
ball. In every metric it is the proximal step of multiplier * penalty with the one multiplier that meets the limit.
"""

from __future__ import annotations

import torch
from torch import Tensor

_NEWTON_STEPS = 20
"""For the L2 ball: a straight line at equal steps (one is exact), quadratic convergence from below at others."""
_ELASTIC_STEPS = 30
"""For the elastic ball: far outside each step brings half as much again, so that 30 shrink weights by over 10 ** 4."""


def ball_measure(w: Tensor, kind: str, l1_ratio: Tensor | float) -> Tensor:
    """What a ball limits: ||w||_1, ||w||_2, or l1_ratio * ||w||_1 + (1 - l1_ratio) * ||w||_2 ** 2."""
    if kind == "l1":
        return w.abs().sum()
    if kind == "l2":
        return (w * w).sum().sqrt()
    return l1_ratio * w.abs().sum() + (1.0 - l1_ratio) * (w * w).sum()


def project_onto_ball(w: Tensor, steps: Tensor, kind: str, limit: Tensor | float, l1_ratio: Tensor | float) -> Tensor:
    """The nearest point with ``ball_measure <= limit``; what lies in the ball stays bit for bit.

    Args:
        w: (weights,) the point.
        steps: (weights,) the step size of each; only their ratios count.
        kind: "l1", "l2" or "elastic".
        limit: above 0.
        l1_ratio: for the elastic ball.
    """
    point, limit = w.to(torch.float64), torch.as_tensor(limit, dtype=torch.float64, device=w.device)
    ratio = torch.as_tensor(l1_ratio, dtype=torch.float64, device=w.device)
    steps = _ratios(steps.to(torch.float64))
    inside = ball_measure(point, kind, ratio) <= limit
    finite = torch.where(torch.isinf(limit), 1.0, limit)
    size = point.abs()
    if kind == "l1":
        size = (size - _l1_multiplier(size, steps, finite) * steps).clamp(min=0.0)
    elif kind == "l2":
        size = size / (1.0 + _l2_multiplier(size, steps, finite) * steps)
    else:
        size = _elastic_step(size, steps, _elastic_multiplier(size, steps, finite, ratio), ratio)
    return torch.where(inside, w, (size * point.sign()).to(w.dtype))


def _ratios(steps: Tensor) -> Tensor:
    """Step sizes relative to the largest, so that no sum is lost; all 1 where every rate is 0."""
    largest = steps.amax()
    # 1e-30: a weight whose rate is 0 beside others moves only when nothing else can
    return torch.where(largest > 0, steps / torch.where(largest > 0, largest, 1.0), 1.0).clamp(min=1e-30)


def _l1_multiplier(size: Tensor, steps: Tensor, limit: Tensor) -> Tensor:
    """The m with sum(max(size - m * steps, 0)) = limit, exact by sorting: weights fall to 0 by size / step.

    Every prefix of that order gives a lower bound on m, and the weights that stay give m itself.
    """
    order = torch.argsort(size / steps, descending=True)
    kept, pace = size[order].cumsum(0), steps[order].cumsum(0)
    return ((kept - limit) / pace).amax().clamp(min=0.0)


def _l2_multiplier(size: Tensor, steps: Tensor, limit: Tensor) -> Tensor:
    """The m with ||size / (1 + m * steps)|| = limit: Newton's method on 1 / limit - 1 / norm, from below."""
    m = torch.zeros_like(limit)
    for _ in range(_NEWTON_STEPS):
        shrunk = size / (1.0 + m * steps)
        square = (shrunk * shrunk).sum()
        slope = (shrunk * shrunk * steps / (1.0 + m * steps)).sum().clamp(min=1e-300)
        m = (m + square / slope * (square.sqrt() - limit) / limit).clamp(min=0.0)
    return m


def _elastic_multiplier(size: Tensor, steps: Tensor, limit: Tensor, ratio: Tensor) -> Tensor:
    """The m whose step meets the limit: Newton's method on a convex, falling function, from below."""
    m = torch.zeros_like(limit)
    for _ in range(_ELASTIC_STEPS):
        v = _elastic_step(size, steps, m, ratio)
        price = ratio + 2.0 * (1.0 - ratio) * v
        slope = torch.where(v > 0, price * price * steps / (1.0 + 2.0 * m * (1.0 - ratio) * steps), 0.0).sum()
        m = (m + (ball_measure(v, "elastic", ratio) - limit) / slope.clamp(min=1e-300)).clamp(min=0.0)
    return m


def _elastic_step(size: Tensor, steps: Tensor, m: Tensor, ratio: Tensor) -> Tensor:
    return (size - m * ratio * steps).clamp(min=0.0) / (1.0 + 2.0 * m * (1.0 - ratio) * steps)
