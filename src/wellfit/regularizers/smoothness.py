"""Smoothness: what it costs that outputs or losses change with the inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.adversarial import check_count, check_inputs, of_length_one
from wellfit.regularizers.objectives import weighted_mean
from wellfit.target import Target


class JacobianPenalty(Regularizer):
    """Let outputs change little with inputs: loss + strength * mean over rows of ||d outputs / d x||_F ** 2.

    The norm is estimated without bias from random projections: outputs * |v^T J| ** 2, v uniform on the unit sphere; a
    single output needs no estimate. It is differentiated twice: a step costs about two. There is no 1/2 in it (the
    paper has one).

    Args:
        strength: per unit of squared slope, 0 (neutral) and up; 1e-3 to 1e-1 is usual.
        projections: how many are averaged each step, 1 and up; 1 is usual.

    Shapes:
        x: (batch, ...); outputs: (batch, outputs).

    Raises:
        RecipeError: the inputs are whole numbers, or ``projections`` is no whole number from 1.

    Example:
        >>> import torch
        >>> row_slopes(lambda x: (3.0 * x, x), torch.ones(1, 2), [torch.ones(1, 2)])[0][0].tolist()
        [[3.0, 3.0]]

    Source:
        Hoffman, Roberts & Yaida, Robust Learning with Jacobian Regularization, 2019, arXiv 1908.02729.
    """

    formula = "loss + strength * mean_rows(||d outputs / d x||_F ** 2)"
    source = "Hoffman, Roberts & Yaida, Robust Learning with Jacobian Regularization, 2019, arXiv 1908.02729"
    use_when = "inputs are noisy measurements and small changes must not matter"
    avoid_when = "inputs are codes of categories, or scales of inputs differ much"
    grade = "B-"
    strength: float = knob(1e-2, low=1e-5, high=1.0, log=True, neutral=0.0)
    projections: int = static(1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count(self.name, "projections", self.projections)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        check_inputs(self.name, x)
        shape = tuple(target.values.shape)
        drawn = [now.normal(shape, f"projection.{i}").to(x.dtype) for i in range(self.projections)]

        def outputs(x: Tensor) -> tuple[Tensor, Any]:
            found = loss_of(x, target, now)
            return found[1].outputs, found

        slopes, (loss, seen) = row_slopes(outputs, x, [of_length_one(d) for d in drawn])
        for slope in slopes:
            rows = (slope * slope).flatten(1).sum(1) * (shape[-1] / self.projections)
            loss = loss + self.strength * weighted_mean(rows, target)
        return loss, seen


class InputGradientPenalty(Regularizer):
    """Let the loss change little with inputs: loss + strength * mean over rows of |d (row's loss) / d x| ** 2.

    Known as double backpropagation: the slope is differentiated again, so that a step costs about two.

    Args:
        strength: per unit of squared slope, 0 (neutral) and up; 1e-3 to 1 is usual.

    Shapes:
        x: (batch, ...).

    Raises:
        RecipeError: the inputs are whole numbers.

    Example:
        >>> InputGradientPenalty(0.1).stages
        frozenset({'objective'})

    Source:
        Drucker & LeCun, Improving Generalization Performance Using Double Backpropagation, IEEE Transactions on Neural
        Networks 3(6), 1992; Ross & Doshi-Velez, AAAI 2018, arXiv 1711.09404.
    """

    formula = "loss + strength * mean_rows(|d loss_row / d x| ** 2)"
    source = "Drucker & LeCun, Double Backpropagation, IEEE Transactions on Neural Networks 3(6), 1992"
    use_when = "inputs are noisy measurements, and rows near the boundary between classes matter"
    avoid_when = "inputs are codes of categories, or scales of inputs differ much"
    grade = "B-"
    strength: float = knob(1e-2, low=1e-5, high=1.0, log=True, neutral=0.0)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        check_inputs(self.name, x)

        def losses(x: Tensor) -> tuple[Tensor, Any]:
            found = loss_of(x, target, now)
            return target.row_losses(found[1].outputs), found

        (slope,), (loss, seen) = row_slopes(losses, x, [torch.ones_like(target.weight)])
        return loss + self.strength * weighted_mean((slope * slope).flatten(1).sum(1), target), seen


def row_slopes(
    function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor, directions: list[Tensor]
) -> tuple[list[Tensor], Any]:
    """The slope with respect to x of each sum(direction * result), (batch, ...) each, and what else was found."""
    _, pull, found = torch.func.vjp(function, x, has_aux=True)
    return [pull(d)[0] for d in directions], found
