"""Sparsity by gates: weights that are switched off, with the probability of being on learned by gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import EXTRA, Params, Regularizer, knob, static
from wellfit.regularizers.groups import GROUPINGS, check_choice, group_size, inner_axes, no_penalty
from wellfit.sites import Site

_TEMPERATURE, _LOW, _HIGH = 2.0 / 3.0, -0.1, 1.1  # beta, gamma and zeta of the paper, section 4
_OFFSET = _TEMPERATURE * math.log(-_LOW / _HIGH)
_OPEN = math.log(9.0)  # gates start open with probability .9 (before stretching)
_SMALLEST = 2.0**-25  # half a step of ``now.uniform``, so that no logarithm is infinite


class L0(Regularizer):
    """Switch weights off for good: penalty = strength * expected number of weights that are on.

    Each weight (or group) has a gate z = clamp(sigmoid((log u - log(1 - u) + a) / b) * 1.2 - 0.1, 0, 1), u uniform,
    b = 2/3, with a trainable a: a hard concrete gate, exactly 0 or 1 at times and differentiable between. The network
    uses w * z; the penalty is strength * sum of P(z > 0) = sigmoid(a - b * log(0.1 / 1.1)). What is evaluated and
    handed over is w times the gate without noise, with exact zeros. At strength 0 all gates are open.

    Args:
        strength: per weight that is on, 0 (neutral) and up; 1e-6 to 1e-2 is usual.
        by: "weight" (a gate for each), or "unit" or "input" (one for all weights that enter a unit, or leave an input).

    Raises:
        RecipeError: where ``by`` is none of these.

    Example:
        >>> part, w = L0(1e-3), {"w": torch.ones(1, 2)}
        >>> gates = {"extra.L0.w": torch.tensor([[9.0, -9.0]])}
        >>> part.deploy({**w, **gates})["w"].tolist()
        [[1.0, 0.0]]

    Source:
        Louizos, Welling & Kingma, Learning Sparse Neural Networks through L0 Regularization, ICLR 2018, arXiv
        1712.01312.
    """

    formula = (
        "strength * sum(sigmoid(a - b * log(0.1 / 1.1))); w * clamp(sigmoid((logit(u) + a) / b) * 1.2 - 0.1, 0, 1)"
    )
    source = (
        "Louizos, Welling & Kingma, Learning Sparse Networks through L0 Regularization, ICLR 2018, arXiv 1712.01312"
    )
    use_when = "a smaller network is wanted and shrinking what is kept (as L1 does) hurts"
    avoid_when = "training is short: gates learn slowly, and their noise slows the weights too"
    grade = "C"
    rank = 70  # gates close behind the averages of weights, which would open them again
    strength: float = knob(1e-4, low=1e-6, high=1e-2, log=True, neutral=0.0)
    by: str = static("weight")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("L0", "by", self.by, ("weight", *GROUPINGS))

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        return {self.extra(n): self._blank(w) for n, w in params.items() if not n.startswith(EXTRA)}

    def weights(self, params: Params, now: Now) -> Params:
        gated = {}
        for n, gate in self._gates(params).items():
            u = now.uniform(tuple(gate.shape), n).clamp(min=_SMALLEST)
            noise = (u.log() - torch.log1p(-u)).to(torch.promote_types(gate.dtype, torch.float32))
            gated[n] = self._gated(params[n], torch.sigmoid((noise + gate) / _TEMPERATURE))
        return {**params, **gated}

    def penalty(self, params: Params, now: Now) -> Tensor:
        gates = self._gates(params).items()
        costs = (torch.sigmoid(gate - _OFFSET).sum() * self._size(params[n]) for n, gate in gates)
        return self.strength * sum(costs, no_penalty(params))

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        slopes = {}
        for n, gate in self._gates(params).items():
            on = torch.sigmoid(gate - _OFFSET)
            slopes[self.extra(n)] = (self.strength * self._size(params[n])) * on * (1.0 - on)
        return slopes

    def deploy(self, weights: Params) -> Params:
        gates = self._gates(weights).items()
        return {**weights, **{n: self._gated(weights[n], torch.sigmoid(gate)) for n, gate in gates}}

    def _gates(self, params: Params) -> dict[str, Tensor]:
        named = {n.removeprefix(self.extra("")): w for n, w in params.items() if n.startswith(self.extra(""))}
        return {n: w for n, w in named.items() if n in params}

    def _blank(self, w: Tensor) -> Tensor:
        shape = list(w.shape)
        for axis in inner_axes(w, self.by) if self.by in GROUPINGS else ():
            shape[axis] = 1
        return w.new_full(tuple(shape), _OPEN)

    def _size(self, w: Tensor) -> int:
        return group_size(w, self.by) if self.by in GROUPINGS else 1

    def _gated(self, w: Tensor, share: Tensor) -> Tensor:
        gate = (share * (_HIGH - _LOW) + _LOW).clamp(0.0, 1.0).to(w.dtype)
        on = torch.as_tensor(self.strength, device=w.device) > 0
        return torch.where(on, w * gate, w)
