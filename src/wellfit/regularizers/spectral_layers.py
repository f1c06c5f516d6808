"""Linear and convolution layers whose weight is divided by its largest singular value, kept track of by a buffer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_ITERATIONS = 15  # as torch.nn.utils.parametrizations.spectral_norm begins


class SpectralLinear(nn.Linear):
    """A linear layer whose weight has the largest singular value ``limit`` (or less, while the estimate lags)."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, normalized_weight(self), self.bias)


class SpectralConv1d(nn.Conv1d):
    """As SpectralLinear, its weight taken as (filters, rest)."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, normalized_weight(self), self.bias)


class SpectralConv2d(nn.Conv2d):
    """As SpectralLinear, its weight taken as (filters, rest)."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, normalized_weight(self), self.bias)


class SpectralConv3d(nn.Conv3d):
    """As SpectralLinear, its weight taken as (filters, rest)."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, normalized_weight(self), self.bias)


SPECTRAL = {
    nn.Linear: SpectralLinear,
    nn.Conv1d: SpectralConv1d,
    nn.Conv2d: SpectralConv2d,
    nn.Conv3d: SpectralConv3d,
}
"""The plain layers, by exact class, and what takes their place."""


def spectral_layer(layer: nn.Module, limit: float) -> nn.Module:
    """The layer with the same parameters under the same names, and the buffer ``direction``: (units,), length 1."""
    cls = SPECTRAL[type(layer)]
    made = cls.__new__(cls)
    made.__dict__.update(layer.__dict__)
    made.limit = limit
    weight = layer.weight.detach()
    matrix = weight.flatten(1).to(torch.promote_types(weight.dtype, torch.float32))
    # a fixed draw: a constant start would be at right angles to what matters in layers with a symmetry
    generator = torch.Generator().manual_seed(0)
    direction = _unit(torch.randn(matrix.shape[0], generator=generator).to(matrix))
    for _ in range(_ITERATIONS):
        direction = _iterate(matrix, direction)
    made.register_buffer("direction", direction.to(weight.dtype))
    return made


def normalized_weight(layer: nn.Module) -> Tensor:
    """limit * W / sigma. The direction first takes steps of power iteration, outside the gradient.

    In training it is one step, which is kept. In evaluation the weights may be an average, and the direction with them,
    which then is not of length 1 and is no weights' singular vector: it is found anew, and not kept.
    """
    weight = layer.weight
    matrix, direction = weight.flatten(1), layer.direction
    for _ in range(1 if layer.training else _ITERATIONS):
        direction = _iterate(matrix.detach(), direction)
    if layer.training:
        layer.direction.copy_(direction)
    other = _unit(matrix.detach().mT @ direction)
    sigma = torch.dot(direction, matrix @ other)
    return weight * (layer.limit / sigma.clamp(min=1e-12))  # 1e-12 keeps 0 / 0 out of a layer of zeros


def _iterate(matrix: Tensor, direction: Tensor) -> Tensor:
    return _unit(matrix @ _unit(matrix.mT @ direction))


def _unit(v: Tensor) -> Tensor:
    return v / (v * v).sum().sqrt().clamp(min=1e-12)
