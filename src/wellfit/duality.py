"""The two forms of a penalty: a price on the weights, or a ball they must stay in, with one solution on given data.

A strength says what a unit of weight costs, a radius how much of it there may be. For a linear model both problems are
convex, and on given data each strength has a radius with the very same solution::

    least  mean loss(w) + strength * measure(w)        the penalty form: L1, L2, ElasticNet
    least  mean loss(w)  with  measure(w) <= radius    the constraint form: Ball

The radius is what the penalized solution measures; the strength is the multiplier with which the loss pulls at the edge
of the ball. A deep network has no such solution to compute: ``Ball.measure`` of its trained weights is the radius at
which the penalty came to rest.

Source:
    Boyd & Vandenberghe, Convex Optimization, Cambridge University Press, 2004, chapter 5.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wellfit.errors import RecipeError, TrainingError
from wellfit.regularizers.constraints import Ball
from wellfit.regularizers.penalties import L1, L2, ElasticNet, soft_threshold
from wellfit.regularizers.projections import project_onto_ball
from wellfit.target import Target

Penalty = L1 | L2 | ElasticNet

_SETTLED = 1e-11  # of the weights: solutions then agree to 1e-7 on the tables of scikit-learn
_LONGEST = 200_000


def equivalent_radius(x: Any, y: Any, penalty: Penalty) -> float:
    """The radius of the ball whose solution on (x, y) is that of the penalty.

    Args:
        x: (rows, columns) inputs.
        y: (rows,) numbers (the loss is the mean squared error, without 1/2), or whole-number classes from 0 on (the
            loss is the mean cross-entropy). The intercept is free of charge.
        penalty: an L1, L2 or ElasticNet.

    Returns:
        ||w||_1 for L1, ||w||_2 for L2, and the elastic ball's measure for ElasticNet; 0 where all weights are zero.

    Raises:
        RecipeError: where the penalty is none of the three.
        TrainingError: where the solution does not settle.

    Example:
        >>> x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([2.0, -2.0])
        >>> round(equivalent_radius(x, y, L1(1.0)), 6)
        1.5
    """
    kind, ratio = _ball_of(penalty)
    return float(Ball(kind=kind, l1_ratio=ratio).measure({"w": fit_penalized(x, y, penalty)}))


def equivalent_ball(x: Any, y: Any, penalty: Penalty) -> Ball:
    """The constraint form of a penalty on given data; a part of a recipe. Arguments as in ``equivalent_radius``.

    An elastic ball has no 1/2: for an ElasticNet with one, its share of L1 is 2 * l1_ratio / (1 + l1_ratio).
    """
    kind, ratio = _ball_of(penalty)
    return Ball(equivalent_radius(x, y, penalty), ratio, kind=kind)


def equivalent_strength(x: Any, y: Any, ball: Ball) -> float:
    """The strength of the penalty whose solution on (x, y) is that of the ball; 0 where the ball leaves room to spare.

    For the elastic ball it is that of ``ElasticNet(strength, ball.l1_ratio, half=False)``.

    Example:
        >>> x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([2.0, -2.0])
        >>> round(equivalent_strength(x, y, Ball(1.5, kind="l1")), 6)
        1.0
    """
    problem = _Problem.of(x, y)
    w = _fit_in_ball(problem, ball)
    slope = problem.slope(w)[:, :-1]
    w = w[:, :-1]
    ratio = {"l1": 1.0, "l2": 0.0, "elastic": ball.l1_ratio}[ball.kind]
    # at the edge -slope = strength * subgradient, whose product with w is l1_ratio * |w| + 2 * (1 - l1_ratio) * w ** 2
    price = (ratio * w.abs() + 2.0 * (1.0 - ratio) * w * w).sum()
    return max(float(-(slope * w).sum() / price.clamp(min=1e-300)), 0.0)


def equivalent_penalty(x: Any, y: Any, ball: Ball) -> Penalty:
    """The penalty form of a ball on given data; a part of a recipe. Arguments as in ``equivalent_strength``."""
    strength = equivalent_strength(x, y, ball)
    if ball.kind == "elastic":
        return ElasticNet(strength, ball.l1_ratio, half=False)
    return L1(strength) if ball.kind == "l1" else L2(strength)


def fit_penalized(x: Any, y: Any, penalty: Penalty) -> Tensor:
    """The weights of the linear model with the least mean loss + penalty, (outputs, columns) float64."""
    l1, l2 = _prices(penalty)

    def proximal(w: Tensor, step: float) -> Tensor:
        return soft_threshold(w, step * l1) / (1.0 + 2.0 * step * l2)

    return _settle(_Problem.of(x, y), proximal)[:, :-1]


def fit_constrained(x: Any, y: Any, ball: Ball) -> Tensor:
    """The weights of the linear model with the least mean loss inside the ball, (outputs, columns) float64."""
    return _fit_in_ball(_Problem.of(x, y), ball)[:, :-1]


def _fit_in_ball(problem: _Problem, ball: Ball) -> Tensor:
    def nearest(w: Tensor, step: float) -> Tensor:
        flat = w.flatten()
        return project_onto_ball(flat, torch.ones_like(flat), ball.kind, ball.limit, ball.l1_ratio).view(w.shape)

    return _settle(problem, nearest)


@dataclasses.dataclass(frozen=True)
class _Problem:
    """A linear model's data: centered inputs with a last column of ones, and the target."""

    x: Tensor
    target: Target

    @classmethod
    def of(cls, x: Any, y: Any) -> _Problem:
        x, y = torch.as_tensor(x).to(torch.float64), torch.as_tensor(y)
        if x.ndim != 2 or y.ndim != 1 or len(x) != len(y) or not len(y):
            shapes = f"{tuple(x.shape)} and {tuple(y.shape)}"
            raise RecipeError(
                f"x and y have the shapes {shapes}; (rows, columns) and (rows,) are allowed.", code="WF-R04"
            )
        classes = not y.is_floating_point()
        values = torch.nn.functional.one_hot(y.long()) if classes else y.unsqueeze(1)
        target = Target(values.to(torch.float64), torch.ones(len(y), dtype=torch.float64), classes)
        return cls(torch.cat([x - x.mean(0), x.new_ones(len(x), 1)], dim=1), target)

    def slope(self, w: Tensor) -> Tensor:
        """The gradient of the mean loss at (outputs, columns + 1)."""
        outputs = self.x @ w.mT
        wrong = torch.softmax(outputs, 1) if self.target.classes else outputs
        return (1.0 if self.target.classes else 2.0) * (wrong - self.target.values).mT @ self.x / len(self.x)

    def steepest(self) -> float:
        """A bound on the curvature: 2 (squared errors) or 1/2 (cross-entropy of a softmax) times that of the inputs."""
        curvature = 0.5 if self.target.classes else 2.0
        return curvature * float(torch.linalg.matrix_norm(self.x, 2)) ** 2 / len(self.x)


def _settle(problem: _Problem, near: Callable[[Tensor, float], Tensor]) -> Tensor:
    """Accelerated proximal gradient with restarts, until nothing moves; the last column, the intercept, is free.

    Source: Beck & Teboulle, SIAM J. Imaging Sciences 2(1), 2009; O'Donoghue & Candes, Found. Comput. Math. 15, 2015.
    """
    step = 1.0 / problem.steepest()
    w = problem.x.new_zeros(problem.target.values.shape[1], problem.x.shape[1])
    ahead, pace = w, 1.0
    for _ in range(_LONGEST):
        moved = ahead - step * problem.slope(ahead)
        later = torch.cat([near(moved[:, :-1], step), moved[:, -1:]], dim=1)
        if float((later - ahead).abs().max()) <= _SETTLED * float(later.abs().max().clamp(min=1.0)):
            return later
        if float(((ahead - later) * (later - w)).sum()) > 0:
            pace = 1.0
        faster = (1.0 + (1.0 + 4.0 * pace * pace) ** 0.5) / 2.0
        ahead, w, pace = later + (pace - 1.0) / faster * (later - w), later, faster
    raise TrainingError(
        f"the linear model did not settle in {_LONGEST} steps.", fix="Standardize the columns, or raise the strength."
    )


def _prices(penalty: Penalty) -> tuple[float, float]:
    """What a unit of |w| costs, and what a unit of w ** 2 does."""
    if isinstance(penalty, L1):
        return float(penalty.strength), 0.0
    if isinstance(penalty, L2):
        return 0.0, float(penalty.strength)
    if isinstance(penalty, ElasticNet):
        return float(penalty.l1), float(penalty.l2)
    raise RecipeError(f"{penalty!r} has no constraint form here.", fix="L1, L2 and ElasticNet have one.", code="WF-R04")


def _ball_of(penalty: Penalty) -> tuple[str, float]:
    """The kind of ball that belongs to a penalty, and its share of L1."""
    l1, l2 = _prices(penalty)
    if not isinstance(penalty, ElasticNet):
        return ("l1" if isinstance(penalty, L1) else "l2"), 0.5
    return "elastic", (l1 / (l1 + l2) if l1 + l2 > 0 else float(penalty.l1_ratio))
