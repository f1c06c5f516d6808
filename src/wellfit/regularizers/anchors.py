"""Anchors: fine-tuning that stays near the weights it began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob, memory
from wellfit.regularizers.dropout import inverse_keep
from wellfit.regularizers.groups import no_penalty


class L2SP(Regularizer):
    """Shrink weights toward those that training began with: penalty = strength * sum((w - origin) ** 2).

    The origin is what the network holds when training starts, so start from pretrained weights. A new head has no
    pretrained weights: confine this to the rest and give the head an L2 of its own, ``Recipe(where(L2SP(1e-2),
    "encoder.*"), where(L2(1e-3), "head.*"))``. There is no 1/2 in it, as in L2.

    Args:
        strength: per unit of (w - origin) ** 2, 0 (neutral) and up; 1e-4 to 1e-1 is usual.

    Example:
        >>> import torch
        >>> part = L2SP(1.0).start({"w": torch.tensor([[1.0, 2.0]])})
        >>> part.penalty({"w": torch.tensor([[1.0, 5.0]])}, None).item()
        9.0

    Source:
        Li, Grandvalet & Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional Networks, ICML 2018,
        arXiv 1802.01483.
    """

    formula = "strength * sum((w - origin) ** 2)"
    source = "Li, Grandvalet & Davoine, Explicit Inductive Bias for Transfer Learning, ICML 2018, arXiv 1802.01483"
    use_when = "fine-tuning a pretrained network on few rows"
    avoid_when = "training starts from random weights: nothing is worth staying near"
    grade = "B"
    strength: float = knob(1e-2, low=1e-4, high=1e-1, log=True, neutral=0.0)
    origin: Mapping[str, Tensor] | None = memory()

    def start(self, weights: Params) -> Self:
        return self.remember(origin={n: w.clone() for n, w in weights.items()})

    def penalty(self, params: Params, now: Now) -> Tensor:
        moved = (w - self.origin[n] for n, w in params.items())
        return self.strength * sum(((d * d).sum() for d in moved), no_penalty(params))

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: 2.0 * self.strength * (w - self.origin[n]) for n, w in params.items()}


class Mixout(Regularizer):
    """Put single weights back to those that training began with, at random in each pass: dropout toward an origin.

    w_used = origin + (w - origin) * mask / (1 - p), mask ~ Bernoulli(1 - p) for each weight, in the forward pass only.
    Its mean is w. At p = 1 the pretrained weights are used, and nothing is NaN. Evaluation uses w. With an origin of
    zero it is DropConnect.

    Args:
        p: probability that a weight is put back, 0 (neutral) to 1; 0.1 to 0.9 is usual.

    Example:
        >>> import torch
        >>> part, now = Mixout(1.0).start({"w": torch.tensor([[1.0, 2.0]])}), Now.at(0)
        >>> part.weights({"w": torch.tensor([[7.0, 8.0]])}, now)["w"].tolist()
        [[1.0, 2.0]]

    Source:
        Lee, Cho & Kang, Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models, ICLR 2020,
        arXiv 1909.11299.
    """

    formula = "origin + (w - origin) * mask / (1 - p), mask ~ Bernoulli(1 - p)"
    source = (
        "Lee, Cho & Kang, Mixout: Effective Regularization to Finetune Language Models, ICLR 2020, arXiv 1909.11299"
    )
    use_when = "fine-tuning a large pretrained network on few rows, where runs differ much by seed"
    avoid_when = "training starts from random weights"
    grade = "C+"
    p: float = knob(0.3, low=0.05, high=0.9, neutral=0.0, maximum=1.0)
    origin: Mapping[str, Tensor] | None = memory()

    def start(self, weights: Params) -> Self:
        return self.remember(origin={n: w.clone() for n, w in weights.items()})

    def weights(self, params: Params, now: Now) -> Params:
        return {n: self._mixed(n, w, now) for n, w in params.items()}

    def _mixed(self, name: str, w: Tensor, now: Now) -> Tensor:
        kept = ~now.chance(self.p, tuple(w.shape), name)
        # written around w, so that at p = 0 it is w bit for bit
        return w + (w - self.origin[name]) * (kept * inverse_keep(self.p, w) - 1.0)
