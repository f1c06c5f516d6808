"""Noise at four places: on what the network reads, on its weights, on its hidden values, on its gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizer import GradOf, Params, Regularizer, knob, static
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.regularizers.noise_families import add_noise, check_family, poisson_noise, salt_and_pepper
from wellfit.sites import Site
from wellfit.target import Target

_REPLACING = {"poisson": poisson_noise, "salt-and-pepper": salt_and_pepper}
"""The families whose noise depends on the value it falls on."""


class InputNoise(Regularizer):
    """Blur the inputs: x <- x + std * eps, eps ~ N(0, 1), fresh at each step and for each row.

    For a linear model under squared error this is exactly L2 with strength std ** 2. Inputs are on one scale when they
    come here (wellfit standardizes them); std is in units of that scale. Pixels of 8 bits are clamped to 0 ... 255 and
    then rounded. Poisson noise replaces x > 0 by poisson(x / std ** 2) * std ** 2, and std is its deviation at x = 1;
    salt-and-pepper noise puts the batch's lowest or highest value of a column or channel in the place of as many values
    as make the root of the mean squared change std.

    Args:
        std: standard deviation of the noise, 0 (neutral) and up; 0.01 to 0.3 is usual for standardized inputs.
        family: ``gaussian``, ``uniform``, ``laplace``, ``poisson`` (amounts from 0 up) or ``salt-and-pepper`` (images).

    Shapes:
        x: (batch, columns) or (batch, channels, ...), floats or 8-bit pixels; the same out.

    Raises:
        RecipeError: an unknown family; inputs of whole numbers that are not of 8 bits.

    Example:
        >>> InputNoise(0.1)
        InputNoise(std=0.1, family='gaussian')

    Source:
        Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995.
    """

    formula = "x + std * eps, eps ~ N(0, 1)"
    source = "Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995"
    use_when = "smooth dependence on standardized numbers"
    avoid_when = "inputs are exact codes, or a batch norm reads them first"
    grade = "A"
    standard = frozenset({"table", "image"})
    rank = 40
    std: float = knob(0.05, low=0.005, high=0.5, log=True, neutral=0.0)
    family: str = static("gaussian")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_family("InputNoise", "input", self.family)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        amounts = amounts_of(x, self.name)
        if self.family in _REPLACING:
            return back_to(x, _REPLACING[self.family](amounts, self.std, "noise", now)), target
        return back_to(x, add_noise(amounts, self.std, self.family, "noise", now)), target


class WeightNoise(Regularizer):
    """Shake the weights: w <- w + std * eps for each forward pass, never written back; the gradient is taken there.

    What is updated and handed over are the weights without noise. Biases are left alone; ``where(WeightNoise(0.01),
    "*.bias")`` reaches them. A weight of a layer with n inputs is about 1 / sqrt(n) large: noise far above that leaves
    nothing of it, and ``spreads`` shows both numbers.

    Args:
        std: standard deviation of the noise, in units of the weights, 0 (neutral) and up; 0.001 to 0.1 is usual.
        family: ``gaussian``, ``uniform`` or ``laplace``.

    Raises:
        RecipeError: an unknown family, or one that makes no sense on weights.

    Example:
        >>> import torch
        >>> WeightNoise(1.0).spreads({"w": torch.tensor([[0.1, -0.1], [0.3, -0.3]])})
        {'w': (1.0, 0.25819888710975647)}

    Source:
        Murray & Edwards, Enhanced MLP Performance and Fault Tolerance Resulting from Synaptic Weight Noise During
        Training, IEEE Transactions on Neural Networks 5(5), 1994.
    """

    formula = "w + std * eps in the forward pass, eps ~ N(0, 1)"
    source = "Murray & Edwards, Synaptic Weight Noise During Training, IEEE Transactions on Neural Networks 5(5), 1994"
    use_when = "recurrent networks, weights that will be rounded or stored inexactly, a wish for flat minima"
    avoid_when = "std comes near the weights' own standard deviation, or SAM is in the recipe"
    grade = "B"
    rank = 40
    std: float = knob(0.01, low=0.001, high=0.1, log=True, neutral=0.0)
    family: str = static("gaussian")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_family("WeightNoise", "weight", self.family)

    def weights(self, params: Params, now: Now) -> Params:
        return {n: add_noise(w, self.std, self.family, n, now) for n, w in params.items()}

    def spreads(self, params: Params) -> dict[str, tuple[float, float]]:
        """For each weight the standard deviation of its noise and its own: what a warning of too much needs."""
        return {n: (float(self.std), float(w.std()) if w.numel() > 1 else 0.0) for n, w in params.items()}


class ActivationNoise(Regularizer):
    """Blur hidden values: h <- h + std * eps, before the activation function or after it.

    Before it (the default) the function bounds what the noise can do: a saturated unit or a switched-off ReLU passes
    little on, and units learn to stand clear of the bend. After it all of the noise reaches the next layer, also
    through units that are off, and ReLU's zeros are lost. Never at the output, never in evaluation.

    Args:
        std: standard deviation of the noise, in units of the hidden values, 0 (neutral) and up; 0.01 to 0.5 is usual.
        family: ``gaussian``, ``uniform`` or ``laplace``.
        place: ``preactivation`` (before the activation function) or ``hidden`` (after it).

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Raises:
        RecipeError: an unknown place or family, or a family that makes no sense on hidden values.

    Example:
        >>> ActivationNoise(0.1, place="hidden").selects_site(Site("blocks.0.hidden", "hidden"))
        True

    Source:
        Poole, Sohl-Dickstein & Ganguli, Analyzing Noise in Autoencoders and Deep Networks, 2014, arXiv 1406.1831.
    """

    formula = "h + std * eps before (or after) the activation function, eps ~ N(0, 1)"
    source = "Poole, Sohl-Dickstein & Ganguli, Analyzing Noise in Autoencoders and Deep Networks, 2014, arXiv 1406.1831"
    use_when = "hidden values on one scale, few rows, sigmoid or tanh units that should saturate"
    avoid_when = "a batch norm follows: it rescales the noise; or dropout is there already"
    grade = "B"
    rank = 40
    site_kinds = frozenset({"preactivation", "hidden"})
    std: float = knob(0.1, low=0.01, high=1.0, log=True, neutral=0.0)
    family: str = static("gaussian")
    place: str = static("preactivation")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.place not in self.site_kinds:
            came = shortened(self.place)
            raise RecipeError(
                f"ActivationNoise.place is {came}; allowed is 'preactivation' or 'hidden'.",
                fix="Take 'preactivation' for noise before the activation function, 'hidden' for noise after it.",
                code="WF-R03",
            )
        check_family("ActivationNoise", self.place, self.family)

    def selects_site(self, site: Site) -> bool:
        return site.kind == self.place

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return add_noise(h, self.std, self.family, site.name, now)


class GradientNoise(Regularizer):
    """Shake the gradient, less and less: g <- g + std_t * eps, std_t ** 2 = std ** 2 / (1 + step) ** gamma.

    The noise falls on the gradient as clipping left it. ``std ** 2`` is the paper's eta (0.01, 0.3 or 1), so that std
    is 0.1, 0.55 or 1; gamma = 0 never anneals. Under an adaptive optimizer, which divides by the gradient's own size,
    noise counts for more where gradients are small.

    Args:
        std: standard deviation of the noise at step 0, 0 (neutral) and up, in units of the gradient; 0.01 to 1 usual.
        gamma: how fast it anneals, 0 (never) and up; 0.55 is usual.
        family: ``gaussian``, ``uniform`` or ``laplace``.

    Raises:
        RecipeError: an unknown family, or one that makes no sense on gradients.

    Example:
        >>> import torch
        >>> round(GradientNoise(0.1).std_at(torch.tensor(0)).item(), 6)
        0.1

    Source:
        Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach & Martens, Adding Gradient Noise Improves Learning for Very
        Deep Networks, 2015, arXiv 1511.06807.
    """

    formula = "g + std_t * eps, std_t ** 2 = std ** 2 / (1 + step) ** gamma, eps ~ N(0, 1)"
    source = (
        "Neelakantan et al., Adding Gradient Noise Improves Learning for Very Deep Networks, 2015, arXiv 1511.06807"
    )
    use_when = "very deep networks that start badly or get stuck early"
    avoid_when = "batches are small: their gradients are noisy already"
    grade = "B"
    rank = 40
    touches = "all"
    std: float = knob(0.1, low=0.001, high=1.0, log=True, neutral=0.0)
    gamma: float = knob(0.55, low=0.1, high=1.0)
    family: str = static("gaussian")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_family("GradientNoise", "gradient", self.family)

    def std_at(self, step: Tensor) -> Tensor:
        """The standard deviation at a step, () float64."""
        gamma = torch.as_tensor(self.gamma, dtype=torch.float64, device=step.device)
        return self.std * torch.exp(-0.5 * gamma * torch.log1p(step.to(torch.float64)))

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        std = self.std_at(now.step)
        return {n: add_noise(g, std, self.family, n, now) for n, g in grad_of(params).items()}


class NEFTune(Regularizer):
    """Blur word vectors: h <- h + alpha / sqrt(length * width) * u, u uniform on -1 ... 1, for each text of a batch.

    The whole shift of a text has about the length alpha / sqrt(3), however long the text is and however wide the
    vectors. It acts on what leaves an embedding layer, padding included (length is the padded one).

    Args:
        alpha: strength of the noise, 0 (neutral) and up; 5 to 15 is usual.

    Shapes:
        h: (batch, length, width), or (batch, width) with length 1.

    Example:
        >>> NEFTune(5.0).selects_site(Site("embed", "embedding"))
        True

    Source:
        Jain et al., NEFTune: Noisy Embeddings Improve Instruction Finetuning, ICLR 2024, arXiv 2310.05914.
    """

    formula = "h + alpha / sqrt(length * width) * u, u ~ Uniform(-1, 1)"
    source = "Jain et al., NEFTune: Noisy Embeddings Improve Instruction Finetuning, ICLR 2024, arXiv 2310.05914"
    use_when = "a pretrained language model is fine-tuned on few texts"
    avoid_when = "the embeddings are trained from nothing, or there are none"
    grade = "B"
    rank = 40
    site_kinds = frozenset({"embedding"})
    alpha: float = knob(5.0, low=1.0, high=20.0, log=True, neutral=0.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        # a uniform draw on -1 ... 1 has the standard deviation 1 / sqrt(3)
        std = self.alpha / math.sqrt(3.0 * math.prod(h.shape[1:]))
        return add_noise(h, std, "uniform", site.name, now)
