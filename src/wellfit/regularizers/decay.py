"""Weight decay: weights lose a share of themselves each step, whatever the gradient says."""

from __future__ import annotations

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob


class WeightDecay(Regularizer):
    """Let weights decay, decoupled from the gradient: w <- w * (1 - learning_rate * strength), before the update.

    This is AdamW's decay, step for step. Biases and normalization parameters are exempt; ``where`` reaches them.

    Args:
        strength: share lost per step and unit of learning rate, 0 (neutral) and up; 1e-3 to 1 is usual.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> now = SimpleNamespace(rates={"w": torch.tensor(0.1)})
        >>> round(WeightDecay(0.01).shrink({"w": torch.tensor([[2.0]])}, now)["w"].item(), 6)
        1.998

    Source:
        Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101.
    """

    formula = "w <- w * (1 - rate * strength)"
    source = "Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101"
    use_when = "a first choice with adaptive optimizers"
    avoid_when = "the optimizer decays the weights itself, or L2 is in the recipe"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    strength: float = knob(1e-2, low=1e-3, high=3.0, log=True, neutral=0.0)

    def shrink(self, params: Params, now: Now) -> Params:
        return {n: w * (1.0 - now.rates[n] * self.strength) for n, w in params.items()}
