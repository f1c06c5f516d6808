"""Adversarial training: the network is shown the small change of a row that hurts it most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.objectives import row_divergence, weighted_mean
from wellfit.target import Target

_NO_LENGTH = 1e-12  # added to a squared length: a row without a slope stays where it is, and nothing is NaN


def check_inputs(name: str, x: Tensor) -> None:
    """Refuse inputs that have no slope: codes of categories or of words."""
    if not x.is_floating_point():
        raise RecipeError(
            f"{name} changes inputs a little; these are whole numbers ({x.dtype}).",
            fix="Drop it from the recipe.", code="WF-R09",
        )  # fmt: skip


class AdversarialTraining(Regularizer):
    """Train on rows moved against the network, too: (1 - share) * loss(x) + share * loss(x + epsilon * sign(slope)).

    The slope is that of the loss with respect to the inputs (the fast gradient sign method). Both passes have the same
    dropout. It costs two further passes a step; running statistics come from the clean pass.

    Args:
        share: of the moved rows in the loss, 0 (neutral) to 1; 0.5 is usual.
        epsilon: how far each input moves, in its own units (standard deviations where inputs are standardized), 0
            (neutral) and up; 0.01 to 0.3 is usual.

    Shapes:
        x: (batch, ...).

    Raises:
        RecipeError: the inputs are whole numbers.

    Example:
        >>> AdversarialTraining(epsilon=0.0).is_neutral(), AdversarialTraining(share=0.0).is_neutral()
        (True, True)

    Source:
        Goodfellow, Shlens & Szegedy, Explaining and Harnessing Adversarial Examples, ICLR 2015, arXiv 1412.6572.
    """

    formula = "(1 - share) * loss(x) + share * loss(x + epsilon * sign(d loss / d x))"
    source = "Goodfellow, Shlens & Szegedy, Explaining and Harnessing Adversarial Examples, ICLR 2015, arXiv 1412.6572"
    use_when = "inputs may be tampered with or are noisy, and a little accuracy on clean rows can be spared"
    avoid_when = "inputs are codes of categories; or the attack to withstand takes several steps"
    grade = "A"
    rank = 20
    share: float = knob(0.5, low=0.05, high=0.95, neutral=0.0, maximum=1.0)
    epsilon: float = knob(0.05, low=0.005, high=0.5, log=True, neutral=0.0)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        check_inputs(self.name, x)
        slope, (clean, seen) = torch.func.grad(lambda rows: _twice(loss_of(rows, target, now)), has_aux=True)(x)
        moved, _ = loss_of(x + self.epsilon * slope.detach().sign(), target, now)
        return clean + self.share * (moved - clean), seen


def _twice(found: tuple[Tensor, Any]) -> tuple[Tensor, tuple[Tensor, Any]]:
    """A loss to differentiate, and beside it all that the pass found."""
    return found[0], found


class VirtualAdversarial(Regularizer):
    """Keep the answer the same around each row: loss + strength * mean KL(p(x) || p(x + r)), r the worst direction.

    r has length epsilon and points where the answer changes fastest: d <- slope of KL(p(x) || p(x + probe * d)) with
    respect to d, made of length 1 and taken ``iterations`` times from a random start (power iteration). No label is
    used. For numbers the squared difference stands for KL. All passes have the same dropout. It costs
    1 + iterations further passes a step.

    Args:
        strength: of the divergence, 0 (neutral) and up; 1 is usual.
        epsilon: length of r, in the units of the inputs, 0 (neutral) and up; it grows with the root of the number of
            inputs: 0.1 to 3 is usual for tables.
        iterations: of the power iteration, 1 and up; 1 is usual.

    Shapes:
        x: (batch, ...).

    Raises:
        RecipeError: the inputs are whole numbers, or ``iterations`` is no whole number from 1.

    Example:
        >>> import torch
        >>> of_length_one(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).round(decimals=4).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]

    Source:
        Miyato, Maeda, Koyama & Ishii, Virtual Adversarial Training, TPAMI 41(8), 2019, arXiv 1704.03976.
    """

    formula = "loss + strength * mean(KL(p(x) || p(x + r))), |r| = epsilon by power iteration"
    source = "Miyato et al., Virtual Adversarial Training, TPAMI 41(8), 2019, arXiv 1704.03976"
    use_when = "few labels, smooth inputs: neighbors should get the same answer"
    avoid_when = "inputs are codes of categories, or the budget is short: a step costs three"
    grade = "B-"
    rank = 20
    strength: float = knob(1.0, low=0.05, high=10.0, log=True, neutral=0.0)
    epsilon: float = knob(0.5, low=0.05, high=3.0, log=True, neutral=0.0)
    iterations: int = static(1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count(self.name, "iterations", self.iterations)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        check_inputs(self.name, x)
        loss, seen = loss_of(x, target, now)
        fixed = seen.outputs.detach()
        # short enough to be a slope, long enough for the precision: 7e-4 in float64, .04 in float32, .4 in bfloat16
        probe = torch.finfo(x.dtype).eps ** 0.2

        def apart(change: Tensor) -> Tensor:
            outputs = loss_of(x + change, target, now)[1].outputs
            return weighted_mean(row_divergence(fixed, outputs, target.classes), target)

        d = of_length_one(now.normal(tuple(x.shape), "direction").to(x.dtype))
        for _ in range(self.iterations):
            d = of_length_one(torch.func.grad(lambda d: apart(probe * d))(d).detach())
        return loss + self.strength * apart(self.epsilon * d), seen


def of_length_one(d: Tensor) -> Tensor:
    """Each row scaled to length 1; a row of zeros stays one."""
    # the largest first: the squares of a slope may be too small for its precision
    largest = d.abs().flatten(1).amax(1).clamp(min=torch.finfo(d.dtype).tiny).view(-1, *[1] * (d.ndim - 1))
    d = d / largest
    return d * torch.rsqrt((d * d).flatten(1).sum(1) + _NO_LENGTH).view(largest.shape)


def check_count(owner: str, name: str, value: object) -> None:
    """Refuse what is no whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RecipeError(f"{owner}.{name} is {value!r}; whole numbers from 1 are allowed.", code="WF-R03")
