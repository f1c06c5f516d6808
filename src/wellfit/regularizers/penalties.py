"""Penalties: what a weight costs. The objective is mean loss + sum of penalties; a penalty is a sum over weights."""

from __future__ import annotations

from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizer import Params, Regularizer, knob, static
from wellfit.regularizers.groups import check_choice, no_penalty

FORMS = ("proximal", "loss")
"""A step that the optimizer's is followed by, with exact zeros; or a term of the loss, with its (sub)gradient."""


def soft_threshold(w: Tensor, threshold: Tensor | float) -> Tensor:
    """Soft threshold, sign(w) * max(|w| - threshold, 0): the proximal step of threshold * |w|."""
    return w - w.minimum(_like(threshold, w)).maximum(-_like(threshold, w))


def _like(value: Tensor | float, w: Tensor) -> Tensor:
    return value.to(w.dtype) if isinstance(value, Tensor) else w.new_full((), value)


def _absolute(params: Params) -> Tensor:
    return sum((w.abs().sum() for w in params.values()), no_penalty(params))


def _square(params: Params) -> Tensor:
    return sum(((w * w).sum() for w in params.values()), no_penalty(params))


class L1(Regularizer):
    """Pull weights to exactly zero: penalty = strength * sum(|w|), taken as a proximal step.

    After each optimizer step every weight moves toward zero by its own step size times strength and stops there:
    w <- sign(w) * max(|w| - step_size * strength, 0). The step size is learning_rate / (1 - momentum) under SGD, and
    learning_rate / (sqrt(v_hat) + eps) under Adam: the proximal step is taken in the optimizer's own metric, so that
    both together come to rest where loss + penalty is least, zeros included. A subgradient in the loss gives no zeros.

    Args:
        strength: per unit of |w|, 0 (neutral) and up; 1e-6 to 1e-2 is usual.
        form: "proximal" (exact zeros), or "loss": a term of the loss with the gradient strength * sign(w), 0 at 0.

    Raises:
        RecipeError: where ``form`` is neither.

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
    form: str = static("proximal")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("L1", "form", self.form, FORMS)

    def penalty(self, params: Params, now: Now) -> Tensor:
        """What is in the loss: nothing in the proximal form."""
        return self.strength * _absolute(params) if self.form == "loss" else no_penalty(params)

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: self.strength * w.sign() for n, w in params.items()} if self.form == "loss" else {}

    def project(self, params: Params, now: Now) -> Params:
        if self.form == "loss":
            return params
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
        return self.strength * _square(params)

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: 2.0 * self.strength * w for n, w in params.items()}


class ElasticNet(Regularizer):
    """Mix L1 and L2: penalty = strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w ** 2)).

    The form of scikit-learn, with its 1/2; ``half=False`` leaves the 1/2 out, as many texts do. In either, l1_ratio 1
    is pure L1, 0 pure L2. The L1 part is a proximal step, with exact zeros; the L2 part a gradient.

    Args:
        strength: of the whole, 0 (neutral) and up; 1e-6 to 1e-2 is usual.
        l1_ratio: share of L1, 0 to 1.
        form: "proximal" (exact zeros), or "loss": the L1 part is in the loss too, with its subgradient.
        half: whether the L2 part has the factor 1/2.

    Raises:
        RecipeError: where ``form`` or ``half`` is none of those.

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
    rank = 10
    strength: float = knob(1e-4, low=1e-6, high=1e-2, log=True, neutral=0.0)
    l1_ratio: float = knob(0.5, low=0.05, high=0.95, maximum=1.0)
    form: str = static("proximal")
    half: bool = static(True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("ElasticNet", "form", self.form, FORMS)
        if not isinstance(self.half, bool):
            raise RecipeError(f"ElasticNet.half is {shortened(self.half)}; True or False is allowed.", code="WF-R02")

    @property
    def l1(self) -> Tensor | float:
        """What a unit of |w| costs."""
        return self.strength * self.l1_ratio

    @property
    def l2(self) -> Tensor | float:
        """What a unit of w ** 2 costs."""
        return self.strength * (1.0 - self.l1_ratio) * (0.5 if self.half else 1.0)

    def penalty(self, params: Params, now: Now) -> Tensor:
        """What is in the loss: the L1 part only where the form says so."""
        square = self.l2 * _square(params)
        return square + self.l1 * _absolute(params) if self.form == "loss" else square

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        slope = {n: (2.0 * self.l2) * w for n, w in params.items()}
        return {n: g + self.l1 * params[n].sign() for n, g in slope.items()} if self.form == "loss" else slope

    def project(self, params: Params, now: Now) -> Params:
        if self.form == "loss":
            return params
        return {n: soft_threshold(w, now.rates[n] * self.l1) for n, w in params.items()}


class Lp(Regularizer):
    """Charge each weight a power of its size: penalty = strength * sum(|w| ** power), gradient by ``power``.

    The p-th power of the p-norm (bridge regression): power 1 is L1 in the loss, 2 is L2; above 2 it lets small weights
    be and holds large ones back. The gradient is strength * power * |w| ** (power - 1) * sign(w). Under 1 it would be
    infinite at 0, and is refused.

    Args:
        strength: per unit of |w| ** power, 0 (neutral) and up; 1e-6 to 1e-2 is usual.
        power: 1 and up, no unit; 1.2 to 4 is usual.

    Example:
        >>> import torch
        >>> Lp(strength=1.0, power=3.0).penalty({"w": torch.tensor([[1.0, -2.0]])}, None).item()
        9.0

    Source:
        Frank & Friedman, A Statistical View of Some Chemometrics Regression Tools, Technometrics 35(2), 1993.
    """

    formula = "strength * sum(|w| ** power)"
    source = "Frank & Friedman, A Statistical View of Some Chemometrics Regression Tools, Technometrics 35(2), 1993"
    use_when = "you want something between L1 and L2, or a penalty that spares small weights (power over 2)"
    avoid_when = "L1 or L2 does: they are cheaper and better understood; it gives no exact zeros"
    grade = "C"
    strength: float = knob(1e-4, low=1e-7, high=1e-2, log=True, neutral=0.0)
    power: float = knob(1.5, low=1.1, high=4.0, minimum=1.0)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return self.strength * sum(((w.abs() ** self.power).sum() for w in params.values()), no_penalty(params))

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        factor = self.strength * self.power
        return {n: factor * w.abs() ** (self.power - 1.0) * w.sign() for n, w in params.items()}


class LInfinity(Regularizer):
    """Hold down the largest weight of each layer: penalty = strength * sum over layers of max(|w|).

    Only the largest weight of a layer is pulled, by strength; where several are equally large they share the pull. It
    is what the p-norms go to as p grows, and levels weights off, which suits a coarse quantization.

    Args:
        strength: per unit of the largest |w|, 0 (neutral) and up; 1e-4 to 1 is usual.

    Example:
        >>> import torch
        >>> part, params = LInfinity(1.0), {"w": torch.tensor([[1.0, -3.0, 3.0]])}
        >>> part.penalty(params, None).item(), part.penalty_gradient(params, None)["w"].tolist()
        (3.0, [[0.0, -0.5, 0.5]])

    Source:
        Turlach, Venables & Wright, Simultaneous Variable Selection, Technometrics 47(3), 2005.
    """

    formula = "strength * sum over layers of max(|w|)"
    source = "Turlach, Venables & Wright, Simultaneous Variable Selection, Technometrics 47(3), 2005"
    use_when = "weights are to be quantized, or single large weights carry a layer"
    avoid_when = "you want small or few weights: it moves one weight of a layer at a time"
    grade = "C"
    strength: float = knob(1e-2, low=1e-4, high=1.0, log=True, neutral=0.0)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return self.strength * sum((w.abs().amax() for w in params.values() if w.numel()), no_penalty(params))

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: self.strength * _share_of_largest(w) for n, w in params.items() if w.numel()}


def _share_of_largest(w: Tensor) -> Tensor:
    """The sign of the largest weight in size, shared where several are; 0 elsewhere."""
    size = w.abs()
    largest = (size == size.amax()).to(w.dtype)
    return w.sign() * largest / largest.sum()
