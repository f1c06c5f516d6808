"""Regularizers of the gradient: where it is taken, how long it may be, and what of it counts."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.knobs import Knob, check_knob
from wellfit.regularizer import GradOf, Params, Regularizer, knob, static


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


class ClipValue(Regularizer):
    """Bound each entry of the gradient: g <- min(max(g, -limit), limit), one by one.

    The direction of the gradient changes, which ClipNorm leaves alone.

    Args:
        limit: the largest absolute value, above 0; infinity is neutral; 0.1 to 5 is usual.

    Example:
        >>> import torch
        >>> ClipValue(0.5).gradient(lambda params: {"w": torch.tensor([3.0, -0.2])}, {}, None)["w"].tolist()
        [0.5, -0.20000000298023224]

    Source:
        Mikolov, Statistical Language Models Based on Neural Networks, PhD thesis, Brno University of Technology, 2012.
    """

    formula = "min(max(g, -limit), limit)"
    source = "Mikolov, Statistical Language Models Based on Neural Networks, PhD thesis, Brno, 2012"
    use_when = "a few weights have gradients far beyond all others"
    avoid_when = "the direction of the gradient matters: ClipNorm keeps it"
    grade = "B"
    rank = 30
    touches = "all"
    limit: float = knob(1.0, low=0.01, high=10.0, log=True, neutral=math.inf, minimum=1e-12)

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        return {n: _bounded(g, self.limit) for n, g in grad_of(params).items()}


def _bounded(g: Tensor, limit: Tensor | float) -> Tensor:
    most = torch.as_tensor(limit, dtype=g.dtype, device=g.device)
    return g.minimum(most).maximum(-most)


class AdaptiveClip(Regularizer):
    """Bound each unit's gradient by its weights: ||g|| <= limit * max(||w||, eps), unit by unit.

    A unit is one row of a weight (all but the first axis, of a convolution one output channel); a tensor of one
    dimension (biases, scales) is one unit as a whole. The source leaves the last layer out:
    ``where(AdaptiveClip(), "blocks.*")``.

    Args:
        limit: largest share of the weights' norm, above 0; infinity is neutral; 0.01 to 0.16 is usual.
        eps: the least norm that weights count with, so that weights of 0 can move.

    Shapes:
        w: (units, ...), and g alike.

    Example:
        >>> import torch
        >>> part, w = AdaptiveClip(0.1), {"w": torch.tensor([[3.0, 4.0], [3.0, 4.0]])}
        >>> part.gradient(lambda params: {"w": torch.tensor([[0.3, 0.4], [3.0, 4.0]])}, w, None)["w"].tolist()
        [[0.30000001192092896, 0.4000000059604645], [0.30000001192092896, 0.4000000059604645]]

    Source:
        Brock, De, Smith & Simonyan, High-Performance Large-Scale Image Recognition Without Normalization, ICML 2021,
        arXiv 2102.06171.
    """

    formula = "g * min(1, limit * max(||w||, eps) / ||g||), per unit"
    source = (
        "Brock, De, Smith & Simonyan, Large-Scale Image Recognition Without Normalization, ICML 2021, arXiv 2102.06171"
    )
    use_when = "networks without batch norm, large batches"
    avoid_when = "the last layer, and small networks that train smoothly"
    grade = "B"
    rank = 30
    touches = "all"
    limit: float = knob(0.02, low=0.002, high=0.2, log=True, neutral=math.inf, minimum=1e-12)
    eps: float = static(1e-3)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_knob("AdaptiveClip", "eps", self.eps, Knob(1e-4, 1e-2, minimum=1e-12, maximum=1.0))

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        return {n: self._clipped(g, params[n]) for n, g in grad_of(params).items()}

    def _clipped(self, g: Tensor, w: Tensor) -> Tensor:
        length = _unit_norm(g)
        most = (_unit_norm(w).clamp(min=self.eps) * self.limit).to(g.dtype)
        # 1e-6 as in the source's code: no division by a zero norm
        return torch.where(length > most, g * (most / length.clamp(min=1e-6)), g)


def _unit_norm(w: Tensor) -> Tensor:
    """The norm of each row, kept as an axis of length 1; of a tensor of one dimension, its norm."""
    if w.ndim <= 1:
        return (w * w).sum().sqrt()
    return (w * w).sum(tuple(range(1, w.ndim)), keepdim=True).sqrt()


class GradientCentralization(Regularizer):
    """Take the mean out of each unit's gradient: g <- g - strength * mean(g), so that its weights keep their sum.

    A unit is one row of a weight (all but the first axis); biases and norms are left alone.

    Args:
        strength: share of the mean that is taken out, 0 (neutral) to 1, which is the source's.

    Shapes:
        g: (units, ...).

    Example:
        >>> import torch
        >>> GradientCentralization().gradient(lambda params: {"w": torch.tensor([[1.0, 3.0]])}, {}, None)["w"].tolist()
        [[-1.0, 1.0]]

    Source:
        Yong, Huang, Hua & Zhang, Gradient Centralization, ECCV 2020, arXiv 2004.01461.
    """

    formula = "g - strength * mean(g), per unit"
    source = "Yong, Huang, Hua & Zhang, Gradient Centralization, ECCV 2020, arXiv 2004.01461"
    use_when = "deep convolutional networks under SGD"
    avoid_when = "the sum of a unit's weights has to move, as on inputs that are all positive and not centered"
    grade = "C+"
    rank = 35
    strength: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        grads = grad_of(params)
        return {n: g - self.strength * g.mean(tuple(range(1, g.ndim)), keepdim=True) for n, g in grads.items()}


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


class ASAM(Regularizer):
    """Look for flat minima in the weights' own scale: the gradient at w + rho * t ** 2 * g / ||t * g||, t = |w| + eta.

    As SAM, but large weights are moved further: what only rescales a network does not change how flat it is. Biases and
    norms have t = 1. Costs a second forward and backward pass.

    Args:
        rho: the radius looked at, 0 (neutral) and up; 0.5 to 2 is usual, ten times SAM's.
        eta: added to |w|, so that weights of 0 are looked around too.

    Raises:
        RecipeError: ``eta`` is negative.

    Example:
        >>> ASAM()
        ASAM(rho=0.5, eta=0.01)

    Source:
        Kwon, Kim, Park & Choi, ASAM: Adaptive Sharpness-Aware Minimization, ICML 2021, arXiv 2102.11600.
    """

    formula = "gradient at w + rho * t ** 2 * g / ||t * g||, t = |w| + eta"
    source = "Kwon, Kim, Park & Choi, Adaptive Sharpness-Aware Minimization, ICML 2021, arXiv 2102.11600"
    use_when = "SAM helps, and layers have weights of very different size"
    avoid_when = "the budget is in seconds: the same time buys twice the steps"
    grade = "B-"
    rank = 0
    touches = "all"
    rho: float = knob(0.5, low=0.05, high=2.0, log=True, neutral=0.0)
    eta: float = static(0.01)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_knob("ASAM", "eta", self.eta, Knob(1e-3, 0.1, maximum=1.0))

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        grads = grad_of(params)
        sizes = {n: w.abs() + self.eta if w.ndim > 1 else torch.ones_like(w) for n, w in params.items()}
        # 1e-12 keeps 0/0 finite where the gradient vanishes
        scale = self.rho / (global_norm({n: t * grads[n] for n, t in sizes.items()}) + 1e-12)
        return grad_of({n: w + scale * (sizes[n] * sizes[n] * grads[n]) for n, w in params.items()})
