"""Standardization of weights: layers that compute with weights of mean 0 and variance 1 for each unit."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from wellfit.knobs import Knob, check_knob, static
from wellfit.regularizer import Regularizer
from wellfit.regularizers.followers import layers_before, replace
from wellfit.sites import ACTIVATIONS

_FOLLOWERS = (*ACTIVATIONS, _BatchNorm, nn.GroupNorm, nn.LayerNorm)


class WeightStandardization(Regularizer):
    """Compute each hidden unit with standardized weights: w <- (w - mean) / sqrt(var + eps), over what it reads.

    Mean and (biased) variance are those of one output unit's weights. The optimizer, penalties and constraints see the
    plain weights; training and evaluation compute with the standardized ones. It acts on linear and convolution layers
    that an activation or a norm follows, so never on the last layer. Together with GroupNorm or BatchNorm it stands
    before the norm, in whatever order they are listed.

    Args:
        eps: added to the variance, in units of w ** 2.

    Shapes:
        w: (units, inputs) or (channels, channels in, ...).

    Raises:
        RecipeError: when it is applied, no layer has an activation or a norm behind it.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> [type(layer).__name__ for layer in WeightStandardization().rewrite(model)]
        ['StandardizedLinear', 'ReLU', 'Linear']

    Source:
        Qiao, Wang, Liu, Shen & Yuille, Micro-Batch Training with Batch-Channel Normalization and Weight
        Standardization, 2019, arXiv 1903.10520.
    """

    formula = "(w - mean) / sqrt(var + eps), per output unit"
    source = "Qiao, Wang, Liu, Shen & Yuille, Weight Standardization, 2019, arXiv 1903.10520"
    use_when = "group norm on small batches of images, or transfer from such a network"
    avoid_when = "no norm follows: hidden values then grow with the number of inputs"
    grade = "B"
    exempt = "it puts other layers in place of the network's own; there is no strength at which they are the same"
    rank = 40
    eps: float = static(1e-5)

    def __post_init__(self) -> None:
        check_knob("WeightStandardization", "eps", self.eps, Knob(1e-10, 1e-3, minimum=1e-12, maximum=1.0))

    def rewrite(self, model: nn.Module) -> nn.Module:
        model = copy.deepcopy(model)
        for name in layers_before(self.name, model, _FOLLOWERS):
            replace(model, name, _standardized(model.get_submodule(name), self.eps))
        return model


def standardize(w: Tensor, eps: float) -> Tensor:
    """(w - mean) / sqrt(biased variance + eps) over all axes but the first."""
    axes = tuple(range(1, w.ndim))
    centered = w - w.mean(axes, keepdim=True)
    return centered * torch.rsqrt((centered * centered).mean(axes, keepdim=True) + eps)


class StandardizedLinear(nn.Linear):
    """A linear layer that computes with standardized weights."""

    eps: float

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, standardize(self.weight, self.eps), self.bias)


class _StandardizedConvolution(nn.modules.conv._ConvNd):
    """A convolution that computes with standardized weights; it pads with whatever the plain one pads with."""

    eps: float

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, standardize(self.weight, self.eps), self.bias)


class StandardizedConv1d(_StandardizedConvolution, nn.Conv1d):
    """``nn.Conv1d`` with standardized weights."""


class StandardizedConv2d(_StandardizedConvolution, nn.Conv2d):
    """``nn.Conv2d`` with standardized weights."""


class StandardizedConv3d(_StandardizedConvolution, nn.Conv3d):
    """``nn.Conv3d`` with standardized weights."""


STANDARDIZED = (StandardizedLinear, _StandardizedConvolution)
"""What layers become here, for parts that look for layers by their exact class."""

_KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: StandardizedLinear,
    nn.Conv1d: StandardizedConv1d,
    nn.Conv2d: StandardizedConv2d,
    nn.Conv3d: StandardizedConv3d,
}


def _standardized(layer: nn.Module, eps: float) -> nn.Module:
    """The layer with its own weights and settings, computing with standardized ones."""
    kind = next(new for plain, new in _KINDS.items() if isinstance(layer, plain))
    changed = copy.copy(layer)
    changed.__class__ = kind  # everything it holds stays: weights, stride, padding, hooks
    changed.eps = eps  # type: ignore[assignment]
    return changed
