"""Weight decay: weights lose a share of themselves each step, whatever the gradient says."""

from __future__ import annotations

from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Params, Regularizer, knob, static
from wellfit.regularizers.groups import check_choice, no_penalty

FORMS = ("decoupled", "coupled", "fully_decoupled")


class WeightDecay(Regularizer):
    """Let weights decay, decoupled from the gradient: w <- w * (1 - learning_rate * strength), before the update.

    Three forms go by this name. ``decoupled`` is AdamW's, step for step. ``coupled`` is the ``weight_decay`` of torch's
    SGD and Adam: strength * w is added to the gradient (an L2 penalty of strength / 2 * sum(w ** 2)), which Adam then
    rescales weight by weight. ``fully_decoupled`` leaves the learning rate out, w <- w * (1 - strength), so that the
    time scale of the decay, 1 / strength steps, stays when the rate is tuned or scheduled; at rate 0 (frozen weights)
    it stands still as the others do. Biases and normalization parameters are exempt; ``where`` reaches them.

    Args:
        strength: share lost per step and unit of learning rate, 0 (neutral) and up; 1e-3 to 1 is usual. In the fully
            decoupled form the share lost per step, up to 1; 1e-6 to 1e-3 is usual there.
        form: "decoupled", "coupled" or "fully_decoupled".

    Raises:
        RecipeError: where ``form`` is none of these, or a fully decoupled strength is over 1.

    Example:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> now = SimpleNamespace(rates={"w": torch.tensor(0.1)})
        >>> round(WeightDecay(0.01).shrink({"w": torch.tensor([[2.0]])}, now)["w"].item(), 6)
        1.998

    Source:
        Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101; the coupled form: Krogh
        & Hertz, A Simple Weight Decay Can Improve Generalization, NeurIPS 4, 1991.
    """

    formula = "w <- w * (1 - rate * strength)"
    source = "Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv 1711.05101"
    use_when = "a first choice with adaptive optimizers"
    avoid_when = "the optimizer decays the weights itself, or L2 is in the recipe"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    strength: float = knob(1e-2, low=1e-3, high=3.0, log=True, neutral=0.0)
    form: str = static("decoupled")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("WeightDecay", "form", self.form, FORMS)
        # a tensor is a knob inside a stack, whose values are not looked at
        if self.form == "fully_decoupled" and not isinstance(self.strength, Tensor) and self.strength > 1.0:
            raise RecipeError(
                f"WeightDecay.strength is {self.strength:g} in the fully decoupled form; allowed is 0 to 1.",
                fix="There it is the share that a weight loses each step, whatever the learning rate: 1e-4, say.",
                code="WF-R03",
            )

    def penalty(self, params: Params, now: Now) -> Tensor:
        """What is in the loss: nothing in the decoupled forms."""
        if self.form != "coupled":
            return no_penalty(params)
        return 0.5 * self.strength * sum(((w * w).sum() for w in params.values()), no_penalty(params))

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return {n: self.strength * w for n, w in params.items()} if self.form == "coupled" else {}

    def shrink(self, params: Params, now: Now) -> Params:
        if self.form == "coupled":
            return params
        if self.form == "fully_decoupled":
            return {n: w * (1.0 - (now.rates[n] > 0).to(w.dtype) * self.strength) for n, w in params.items()}
        return {n: w * (1.0 - now.rates[n] * self.strength) for n, w in params.items()}
