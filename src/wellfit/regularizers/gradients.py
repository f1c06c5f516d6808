"""Regularizers of the gradient: where it is taken, and how long it may be."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import GradOf, Params, Regularizer, knob


def global_norm(params: Params) -> Tensor:
    """The Euclidean norm of all tensors as one vector, () of their dtype."""
    return torch.stack([(g * g).sum() for g in params.values()]).sum().sqrt()


class ClipNorm(Regularizer):
    """Bound the gradient's length: g <- g * min(1, limit / ||g||), the norm over all parameters together.

    Args:
        limit: the largest norm, above 0; infinity is neutral; 0.5 to 5 is usual.

    Example:
        >>> import torch
        >>> clip = ClipNorm(1.0).gradient(lambda params: {"w": torch.tensor([3.0, 4.0])}, {}, None)
        >>> [round(v, 4) for v in clip["w"].tolist()]
        [0.6, 0.8]

    Source:
        Pascanu, Mikolov & Bengio, On the Difficulty of Training Recurrent Neural Networks, ICML 2013, arXiv 1211.5063.
    """

    formula = "g * min(1, limit / ||g||)"
    source = "Pascanu, Mikolov & Bengio, On the Difficulty of Training Recurrent Neural Networks, ICML 2013"
    use_when = "spikes in the loss, recurrent networks, large learning rates"
    avoid_when = "every step is clipped: then it is a smaller learning rate"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    rank = 30
    touches = "all"
    limit: float = knob(1.0, low=0.1, high=10.0, log=True, neutral=math.inf, minimum=1e-12)

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        grads = grad_of(params)
        # 1e-6 as in torch.nn.utils.clip_grad_norm_: no division by a zero norm
        scale = (self.limit / (global_norm(grads) + 1e-6)).clamp(max=1.0)
        return {n: g * scale for n, g in grads.items()}


class SAM(Regularizer):
    """Look for flat minima: take the gradient not at w but at the worst point nearby, w + rho * g / ||g||.

    Costs a second forward and backward pass. It is innermost: clipping and gradient noise act on its result.

    Args:
        rho: the radius looked at, 0 (neutral) and up; 0.01 to 0.2 is usual.

    Example:
        >>> SAM()
        SAM(rho=0.05)

    Source:
        Foret, Kleiner, Mobahi & Neyshabur, Sharpness-Aware Minimization, ICLR 2021, arXiv 2010.01412.
    """

    formula = "gradient at w + rho * g / ||g||"
    source = "Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, ICLR 2021"
    use_when = "time allows twice the cost a step"
    avoid_when = "the budget is in seconds: the same time buys twice the steps"
    grade = "A-"
    standard = frozenset({"table", "image", "text"})
    rank = 0
    touches = "all"
    rho: float = knob(0.05, low=0.005, high=0.5, log=True, neutral=0.0)

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        grads = grad_of(params)
        # 1e-12 keeps 0/0 finite where the gradient vanishes
        scale = self.rho / (global_norm(grads) + 1e-12)
        return grad_of({n: w + scale * grads[n] for n, w in params.items()})
