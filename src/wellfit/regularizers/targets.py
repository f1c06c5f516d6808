"""Regularizers of what the network is asked to say."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Regularizer, knob
from wellfit.target import Target


class LabelSmoothing(Regularizer):
    """Ask for less than certainty: target <- (1 - epsilon) * target + epsilon / classes.

    Args:
        epsilon: share spread evenly over the classes, 0 (neutral) to 1; 0.05 to 0.2 is usual.

    Shapes:
        target values: (batch, classes).

    Raises:
        RecipeError: the target is a number, not a class.

    Example:
        >>> import torch
        >>> target = Target(torch.tensor([[0.0, 1.0]]), torch.ones(1), classes=True)
        >>> [round(v, 3) for v in LabelSmoothing(0.1).batch(torch.zeros(1, 1), target, None)[1].values[0].tolist()]
        [0.05, 0.95]

    Source:
        Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, Rethinking the Inception Architecture, CVPR 2016, arXiv 1512.00567.
    """

    formula = "(1 - epsilon) * target + epsilon / classes"
    source = "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, arXiv 1512.00567"
    use_when = "over-confident class probabilities, noisy labels"
    avoid_when = "the network will teach another one, or mixup softens the labels already"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    rank = 60
    tasks = frozenset({"classification"})
    epsilon: float = knob(0.1, low=0.005, high=0.3, log=True, neutral=0.0, maximum=1.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        if not target.classes:
            raise RecipeError("LabelSmoothing needs classes; this target is a number.", fix="Drop it from the recipe.")
        classes = target.values.shape[-1]
        smooth = (1.0 - self.epsilon) * target.values + self.epsilon / classes
        return x, dataclasses.replace(target, values=smooth)
