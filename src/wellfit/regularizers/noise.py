"""Noise on what the network reads."""

from __future__ import annotations

from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob
from wellfit.target import Target


class InputNoise(Regularizer):
    """Blur the inputs: x <- x + std * eps, eps ~ N(0, 1), fresh at each step and for each row.

    For a linear model under squared error this is exactly L2 with strength std ** 2. Inputs are on one scale when they
    come here (wellfit standardizes them); std is in units of that scale.

    Args:
        std: standard deviation of the noise, 0 (neutral) and up; 0.01 to 0.3 is usual for standardized inputs.

    Example:
        >>> InputNoise(0.1)
        InputNoise(std=0.1)

    Source:
        Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995.
    """

    formula = "x + std * eps, eps ~ N(0, 1)"
    source = "Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995"
    use_when = "smooth dependence on standardized numbers"
    avoid_when = "inputs are exact codes, or a batch norm reads them first"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    rank = 40
    std: float = knob(0.05, low=0.005, high=0.5, log=True, neutral=0.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return x + self.std * now.normal(tuple(x.shape), "noise").to(x.dtype), target
