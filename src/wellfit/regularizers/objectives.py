"""Objectives: what is asked of the outputs and of the hidden values beside the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Regularizer, knob
from wellfit.target import Target

_SEQUENCE = 3
"""Axes of hidden values that have a time: (batch, time, units)."""


def row_divergence(outputs: Tensor, other: Tensor, classes: bool) -> Tensor:
    """(batch,) how far other outputs are from these: KL(softmax(outputs) || softmax(other)), or mean squared error."""
    if not classes:
        return ((outputs - other) ** 2).mean(-1)
    log_shares = torch.log_softmax(outputs, dim=-1)
    return (log_shares.exp() * (log_shares - torch.log_softmax(other, dim=-1))).sum(-1)


def weighted_mean(rows: Tensor, target: Target) -> Tensor:
    """The mean of what each row costs, (batch,), as the loss takes it: a row counts by its weight."""
    return (target.weight * rows).mean()


class RDrop(Regularizer):
    """Ask two passes with other dropout for one answer: mean loss of both + strength * mean KL, in both directions.

    loss = (loss_1 + loss_2) / 2 + strength * mean((KL(p_1 || p_2) + KL(p_2 || p_1)) / 2); for numbers the squared
    difference stands for KL. Without anything random in the network (dropout, noise) the two passes are one. It doubles
    the cost of a step. At strength 0 both passes are made, and the first alone counts.

    Args:
        strength: of the divergence, 0 (neutral) and up; 0.5 to 5 is usual.

    Shapes:
        outputs: (batch, classes) or (batch, outputs).

    Example:
        >>> import torch
        >>> apart = row_divergence(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]]), classes=True)
        >>> round(apart.item(), 4)
        0.1201

    Source:
        Liang, Wu, Li, Wang, Meng, Qin, Chen, Zhang & Liu, R-Drop: Regularized Dropout for Neural Networks, NeurIPS
        2021, arXiv 2106.14448.
    """

    formula = "(loss_1 + loss_2) / 2 + strength * (KL(p_1 || p_2) + KL(p_2 || p_1)) / 2"
    source = "Liang et al., R-Drop: Regularized Dropout for Neural Networks, NeurIPS 2021, arXiv 2106.14448"
    use_when = "dropout is in the recipe and a second pass a step is affordable: text, fine-tuning"
    avoid_when = "nothing in the network is random, or the budget is short"
    grade = "B"
    strength: float = knob(1.0, low=0.1, high=10.0, log=True, neutral=0.0)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        first, seen = loss_of(x, target, now)
        second, other = loss_of(x, target, now.again("RDrop"))
        there = row_divergence(seen.outputs, other.outputs, target.classes)
        back = row_divergence(other.outputs, seen.outputs, target.classes)
        on = torch.as_tensor(self.strength, device=first.device) > 0
        both = torch.where(on, (first + second) * 0.5, first)
        return both + self.strength * weighted_mean((there + back) * 0.5, target), seen


class ConfidencePenalty(Regularizer):
    """Reward undecided class probabilities: loss - strength * mean entropy of softmax(outputs).

    Where label smoothing asks for the same uncertainty in every row, this leaves a row its certainty at a price.

    Args:
        strength: per nat of entropy, 0 (neutral) and up; 0.01 to 1 is usual.

    Shapes:
        outputs: (batch, classes).

    Raises:
        RecipeError: the target is a number, not a class.

    Example:
        >>> import torch
        >>> round(row_entropy(torch.zeros(1, 4)).item(), 4)  # log(4): as undecided as can be
        1.3863

    Source:
        Pereyra, Tucker, Chorowski, Kaiser & Hinton, Regularizing Neural Networks by Penalizing Confident Output
        Distributions, ICLR workshop 2017, arXiv 1701.06548.
    """

    formula = "loss - strength * mean(-sum(p * log(p))), p = softmax(outputs)"
    source = "Pereyra et al., Penalizing Confident Output Distributions, ICLR workshop 2017, arXiv 1701.06548"
    use_when = "over-confident class probabilities, in place of label smoothing"
    avoid_when = "label smoothing is in the recipe, or classes are nearly separable and probabilities should say so"
    grade = "B-"
    tasks = frozenset({"classification"})
    strength: float = knob(0.1, low=0.005, high=1.0, log=True, neutral=0.0)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        if not target.classes:
            raise RecipeError("ConfidencePenalty needs classes; this target is a number.", fix="Drop it.")
        loss, seen = loss_of(x, target, now)
        return loss - self.strength * weighted_mean(row_entropy(seen.outputs), target), seen


def row_entropy(outputs: Tensor) -> Tensor:
    """(batch,) entropy in nats of softmax(outputs)."""
    log_shares = torch.log_softmax(outputs, dim=-1)
    return -(log_shares.exp() * log_shares).sum(-1)


class ActivityPenalty(Regularizer):
    """Keep hidden values small: strength * mean over rows of sum(l1_ratio * |h| + (1 - l1_ratio) * h ** 2).

    The sum is over all sites that it acts on (each hidden layer) and over all their units, as Keras has it: there
    ``l1`` is strength * l1_ratio and ``l2`` strength * (1 - l1_ratio). With l1_ratio 0 it is the activation
    regularization of Merity et al., who divide by the number of units as well. Values are looked at after dropout; of a
    module that the network calls more than once, those of each call.

    Args:
        strength: of the whole, 0 (neutral) and up; 1e-5 to 1e-1 is usual.
        l1_ratio: share of |h|, 0 (squares only) to 1 (sparse hidden values).

    Shapes:
        h: (batch, ...) at each site.

    Example:
        >>> import torch
        >>> row_activity(torch.tensor([[1.0, -2.0]]), 0.5).tolist()
        [4.0]

    Source:
        Merity, McCann & Socher, Revisiting Activation Regularization for Language RNNs, ICML workshop 2017, arXiv
        1708.01009; the L1 form: Glorot, Bordes & Bengio, Deep Sparse Rectifier Neural Networks, AISTATS 2011.
    """

    formula = "strength * mean_rows(sum(l1_ratio * |h| + (1 - l1_ratio) * h ** 2))"
    source = "Merity, McCann & Socher, Revisiting Activation Regularization, ICML workshop 2017, arXiv 1708.01009"
    use_when = "recurrent networks; or sparse codes are wanted (l1_ratio 1)"
    avoid_when = "normalization layers set the scale of hidden values anyway"
    grade = "B"
    site_kinds = frozenset({"hidden"})
    strength: float = knob(1e-3, low=1e-6, high=1e-1, log=True, neutral=0.0)
    l1_ratio: float = knob(0.0, low=0.0, high=1.0, maximum=1.0)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        loss, seen = loss_of(x, target, now)
        for h in seen.hidden.values():
            loss = loss + self.strength * weighted_mean(row_activity(h, self.l1_ratio), target)
        return loss, seen


def row_activity(h: Tensor, l1_ratio: Tensor | float) -> Tensor:
    """(batch,) sum over a row's values of l1_ratio * |h| + (1 - l1_ratio) * h ** 2."""
    flat = h.flatten(1)
    return l1_ratio * flat.abs().sum(1) + (1.0 - l1_ratio) * (flat * flat).sum(1)


class TemporalActivityPenalty(Regularizer):
    """Let hidden values change slowly over time: strength * mean over rows of sum((h[t + 1] - h[t]) ** 2).

    It acts at sites whose values are (batch, time, units); a site without a time costs nothing.

    Args:
        strength: per unit of (h[t + 1] - h[t]) ** 2, 0 (neutral) and up; 1e-5 to 1e-1 is usual.

    Shapes:
        h: (batch, time, units) at each site.

    Example:
        >>> import torch
        >>> row_change(torch.tensor([[[1.0], [3.0], [2.0]]])).tolist()
        [5.0]

    Source:
        Merity, McCann & Socher, Revisiting Activation Regularization for Language RNNs, ICML workshop 2017, arXiv
        1708.01009 (there divided by the number of values).
    """

    formula = "strength * mean_rows(sum((h[t + 1] - h[t]) ** 2))"
    source = "Merity, McCann & Socher, Revisiting Activation Regularization, ICML workshop 2017, arXiv 1708.01009"
    use_when = "recurrent networks on text or signals"
    avoid_when = "the rows have no order in time, or dropout draws another mask at each time"
    grade = "B"
    site_kinds = frozenset({"hidden"})
    strength: float = knob(1e-3, low=1e-6, high=1e-1, log=True, neutral=0.0)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        loss, seen = loss_of(x, target, now)
        for h in seen.hidden.values():
            if h.ndim == _SEQUENCE:
                loss = loss + self.strength * weighted_mean(row_change(h), target)
        return loss, seen


def row_change(h: Tensor) -> Tensor:
    """(batch,) sum of squared differences between neighbors in time of (batch, time, units)."""
    return ((h[:, 1:] - h[:, :-1]) ** 2).flatten(1).sum(1)
