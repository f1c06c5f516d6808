"""AugMix: a picture blended with a mix of its changed selves, and answers that agree on such blends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.affine import check_image
from wellfit.regularizers.objectives import weighted_mean
from wellfit.regularizers.picture_operations import AUGMIX, Canvas, Layer, amounts, applied
from wellfit.regularizers.policies import Policy, chosen_from, numbers_of, sign_of
from wellfit.target import Target

_MIXED = (
    "AutoContrast", "Equalize", "Posterize", "Rotate", "Solarize", "ShearX", "ShearY", "TranslateX", "TranslateY",
)  # fmt: skip
"""AugMix's nine: none that its test corruptions hold."""


class AugMix(Policy):
    """Blend each picture with a mix of its changed selves: chains of one to three changes, in random shares.

    share * m of the result is the mix of chains, the rest the picture itself; m ~ Uniform(0, 1), the chains' shares are
    uniform on their simplex (both are the paper's alpha = 1). Each change is one of nine (stretched and equalized
    histograms, fewer bits, solarizing, turns, shear, moves), at a level uniform between 0.1 and ``severity`` of ten;
    ten is 30 degrees, shear 0.3, a third of the side, solarizing from 0 levels, 4 bits fewer than 4. The paper's second
    part, a Jensen-Shannon divergence between three views in the loss, is AugMixConsistency.

    Args:
        share: of the mix, 0 (neutral) to 1; 1 is the paper's.
        severity: of the changes, 0.1 to 10; 3 is the paper's.
        chains: how many are mixed, 1 to 8; 3 is the paper's.
        depth: the most changes in a chain, 1 to 8; 3 is the paper's.
        fill: what comes in beyond the borders: ``reflect`` (the paper's program: black), ``edge`` or ``constant``.
        interpolation: ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill or interpolation; chains or depth below 1 or above 8.

    Example:
        >>> AugMix().severity
        3.0

    Source:
        Hendrycks, Mu, Cubuk, Zoph, Gilmer & Lakshminarayanan, AugMix: A Simple Data Processing Method to Improve
        Robustness and Uncertainty, ICLR 2020, arXiv 1912.02781.
    """

    formula = "(1 - share * m) * x + share * m * sum_i w_i * chain_i(x), m ~ Uniform(0, 1), w ~ Dirichlet(1)"
    source = "Hendrycks et al., AugMix, ICLR 2020, arXiv 1912.02781"
    use_when = "pictures in use will be worse than those in training: blurred, noisy, dim"
    avoid_when = "time is short: it changes each picture nine times"
    grade = "B"
    share: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)
    severity: float = knob(3.0, low=1.0, high=6.0, minimum=0.1, maximum=10.0)
    chains: int = static(3)
    depth: int = static(3)
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        check_image(x, self.name)
        canvas = Canvas.of(x, self.name, now)
        draws = now.uniform((self.chains + 1, len(x)), "shares").to(torch.float64)
        weights = -torch.log1p(-draws[:-1])  # exponential draws over their sum are uniform on the simplex
        weights = weights / weights.sum(0).clamp(min=1e-30)
        mix = torch.zeros_like(canvas.u)
        for number, weight in enumerate(weights):
            u = canvas.u
            for layer in self._chain(x, number, now):
                u = applied(u, layer, self.fill, self.interpolation)
            mix = mix + weight.to(u.dtype)[:, None, None, None] * u
        part = torch.as_tensor(self.share, dtype=torch.float64, device=x.device) * draws[-1]
        blend = part.to(mix.dtype)[:, None, None, None]
        return canvas.back((1.0 - blend) * canvas.u + blend * mix, part > 0), target

    def _chain(self, x: Tensor, number: int, now: Now) -> Sequence[Layer]:
        """The changes of one chain, the later ones left out where a picture has drawn fewer."""
        u = now.uniform((self.depth, 3, len(x)), f"chain.{number}").to(torch.float64)
        length = 1.0 + torch.floor(now.uniform((len(x),), f"length.{number}").to(torch.float64) * self.depth)
        severity = torch.as_tensor(self.severity, dtype=torch.float64, device=x.device)
        found, among, size = [], numbers_of(_MIXED, x), (x.shape[2], x.shape[3])
        for place, own in enumerate(u):
            operation = torch.where(place < length, chosen_from(own[0], among), 0)
            share = (0.1 + own[1] * (severity - 0.1)) / 10.0
            found.append(Layer(operation, amounts(operation, share, sign_of(own[2]), AUGMIX, size)))
        return found


class AugMixConsistency(Regularizer):
    """Ask for one answer on a picture and on two AugMix blends of it: loss + strength * mean JS(p, p_1, p_2).

    JS is the Jensen-Shannon divergence, (KL(p || m) + KL(p_1 || m) + KL(p_2 || m)) / 3 with m = (p + p_1 + p_2) / 3.
    The labels are learned from the picture itself, so AugMix is not put into the recipe beside it. It trebles the cost
    of a step. At strength 0 the first pass alone counts, and all three are made.

    Args:
        strength: of the divergence, 0 (neutral) and up; 12 is the paper's.
        severity: of the changes, 0.1 to 10; 3 is the paper's.
        chains: how many are mixed, 1 to 8; 3 is the paper's.
        depth: the most changes in a chain, 1 to 8; 3 is the paper's.
        fill: what comes in beyond the borders: ``reflect``, ``edge`` or ``constant``.
        interpolation: ``bilinear`` or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; outputs: (batch, classes).

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill or interpolation; chains or depth below 1 or above 8;
            the target is a number, not a class.

    Example:
        >>> import torch
        >>> divergence(torch.zeros(3, 1, 2)).item()  # three views of one answer
        0.0

    Source:
        Hendrycks, Mu, Cubuk, Zoph, Gilmer & Lakshminarayanan, AugMix: A Simple Data Processing Method to Improve
        Robustness and Uncertainty, ICLR 2020, arXiv 1912.02781.
    """

    formula = "loss + strength * mean((KL(p || m) + KL(p_1 || m) + KL(p_2 || m)) / 3), m = (p + p_1 + p_2) / 3"
    source = "Hendrycks et al., AugMix, ICLR 2020, arXiv 1912.02781"
    use_when = "pictures in use will be worse than those in training, and three passes a step are affordable"
    avoid_when = "time is short, or AugMix is in the recipe"
    grade = "B"
    inputs = "image"
    tasks = frozenset({"classification"})
    strength: float = knob(12.0, low=1.0, high=24.0, log=True, neutral=0.0)
    severity: float = knob(3.0, low=1.0, high=6.0, minimum=0.1, maximum=10.0)
    chains: int = static(3)
    depth: int = static(3)
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._views()

    def _views(self) -> AugMix:
        return AugMix(1.0, self.severity, self.chains, self.depth, self.fill, self.interpolation)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        check_image(x, self.name)
        if not target.classes:
            raise RecipeError("AugMixConsistency needs classes; this target is a number.", fix="Drop it.")
        loss, seen = loss_of(x, target, now)
        outputs = [seen.outputs]
        for view in ("AugMix.one", "AugMix.other"):
            again = now.again(view)
            blend, _ = self._views().batch(x, target, again)
            outputs.append(loss_of(blend, target, again)[1].outputs)
        return loss + self.strength * weighted_mean(divergence(torch.stack(outputs)), target), seen


def divergence(outputs: Tensor) -> Tensor:
    """(batch,) Jensen-Shannon divergence in nats of (views, batch, classes) outputs, 0 where all say the same."""
    logs = torch.log_softmax(outputs, dim=-1)
    middle = torch.logsumexp(logs, dim=0) - math.log(len(logs))
    return (logs.exp() * (logs - middle)).sum(-1).mean(0)
