"""Normalization: layers that keep hidden values on one scale."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from wellfit.knobs import Knob, check_knob, static
from wellfit.regularizer import Regularizer
from wellfit.regularizers.followers import layers_before, replace
from wellfit.regularizers.wholes import settle_whole
from wellfit.sites import ACTIVATIONS

_ADDED = "it adds layers to the network; there is no strength at which they are gone"
_EPS = Knob(1e-6, 1e-3, minimum=1e-12, maximum=1.0)
_MOMENTUM = Knob(0.01, 0.5, maximum=1.0)


class BatchNorm(Regularizer):
    """Standardize hidden units over the batch: h <- scale * (h - mean) / sqrt(var + eps) + shift, before activation.

    In training mean and (biased) variance are the batch's; in evaluation running averages, kept as
    running <- (1 - momentum) * running + momentum * batch (torch's momentum; Keras counts the other way round).

    Args:
        momentum: weight of the newest batch in the running averages, 0 to 1.
        eps: added to the variance, in units of h ** 2.

    Shapes:
        h: (batch, units) or (batch, channels, ...).

    Raises:
        RecipeError: when it is applied, no layer has an activation behind it.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> [type(layer).__name__ for layer in BatchNorm().rewrite(model)]
        ['Sequential', 'ReLU', 'Linear']

    Source:
        Ioffe & Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167.
    """

    formula = "scale * (h - mean) / sqrt(var + eps) + shift"
    source = "Ioffe & Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167"
    use_when = "deep networks, batches of 32 rows and more"
    avoid_when = "batches under 8, or dropout directly before it"
    grade = "A"
    exempt = _ADDED
    momentum: float = static(0.1)
    eps: float = static(1e-5)

    def __post_init__(self) -> None:
        check_knob("BatchNorm", "momentum", self.momentum, _MOMENTUM)
        check_knob("BatchNorm", "eps", self.eps, _EPS)

    def rewrite(self, model: nn.Module) -> nn.Module:
        return with_norms(self.name, model, self._norm, keep_bias=False)

    def _norm(self, layer: nn.Module, units: int) -> nn.Module:
        kinds = {nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}
        kind = next((norm for conv, norm in kinds.items() if isinstance(layer, conv)), nn.BatchNorm1d)
        return kind(units, eps=self.eps, momentum=self.momentum)


class GhostBatchNorm(Regularizer):
    """Standardize hidden units over small parts of the batch: each part has a mean and variance of its own.

    As BatchNorm, but a large batch is cut into floor(batch / size) parts, so that the noise of small batches stays; no
    part has fewer rows than ``size``. The running averages take in one part after the other; at momentum 1 they are the
    mean over the newest batch's parts.

    Args:
        size: rows of a part, at least; 16 to 128 is usual.
        momentum: weight of the newest part in the running averages, 0 to 1.
        eps: added to the variance, in units of h ** 2.

    Shapes:
        h: (batch, units) or (batch, channels, ...).

    Raises:
        RecipeError: ``size`` is no whole number of at least 1; when it is applied, no layer has an activation
            behind it.

    Example:
        >>> GhostBatchNorm(size=16)
        GhostBatchNorm(size=16, momentum=0.1, eps=1e-05)

    Source:
        Hoffer, Hubara & Soudry, Train Longer, Generalize Better, NeurIPS 2017, arXiv 1705.08741.
    """

    formula = "batch norm over each of floor(batch / size) parts of the batch"
    source = "Hoffer, Hubara & Soudry, Train Longer, Generalize Better, NeurIPS 2017, arXiv 1705.08741"
    use_when = "large batches generalize worse than small ones did"
    avoid_when = "the batch is small already: it is batch norm then"
    grade = "B-"
    exempt = _ADDED
    size: int = static(32)
    momentum: float = static(0.1)
    eps: float = static(1e-5)

    def __post_init__(self) -> None:
        settle_whole(self, "size", 8, 256)
        check_knob("GhostBatchNorm", "momentum", self.momentum, _MOMENTUM)
        check_knob("GhostBatchNorm", "eps", self.eps, _EPS)

    def rewrite(self, model: nn.Module) -> nn.Module:
        return with_norms(
            self.name, model, lambda _layer, units: Ghosts(units, self.size, self.momentum, self.eps), False
        )


class Ghosts(_BatchNorm):
    """Batch norm over parts of the batch in training; plain batch norm in evaluation."""

    def __init__(self, units: int, size: int, momentum: float, eps: float) -> None:
        super().__init__(units, eps=eps, momentum=momentum)
        self.size = size

    def forward(self, h: Tensor) -> Tensor:
        if not self.training:
            return super().forward(h)
        parts = h.tensor_split(max(1, h.shape[0] // self.size))
        if self.momentum == 1.0:  # the last part alone would say little of the batch
            return torch.cat([self._taken_in(part, 1.0 / count) for count, part in enumerate(parts, start=1)])
        return torch.cat([super(Ghosts, self).forward(part) for part in parts])

    def _taken_in(self, part: Tensor, momentum: float) -> Tensor:
        self.num_batches_tracked.add_(1)
        kept = self.running_mean, self.running_var
        return functional.batch_norm(part, *kept, self.weight, self.bias, True, momentum, self.eps)

    def _check_input_dim(self, h: Tensor) -> None:
        """Any number of positions behind (batch, units)."""


class LayerNorm(Regularizer):
    """Standardize the hidden units of each row: h <- scale * (h - mean) / sqrt(var + eps) + shift, before activation.

    Mean and (biased) variance are taken over a row's units, of a convolution over its channels and positions; rows
    know nothing of each other, and training and evaluation compute the same.

    Args:
        eps: added to the variance, in units of h ** 2.

    Shapes:
        h: (batch, ..., units) behind a linear layer, (batch, channels, ...) behind a convolution.

    Raises:
        RecipeError: when it is applied, no layer has an activation behind it.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> LayerNorm().rewrite(model)[0][1].normalized_shape
        (3,)

    Source:
        Ba, Kiros & Hinton, Layer Normalization, 2016, arXiv 1607.06450.
    """

    formula = "scale * (h - mean of the row) / sqrt(variance of the row + eps) + shift"
    source = "Ba, Kiros & Hinton, Layer Normalization, 2016, arXiv 1607.06450"
    use_when = "transformers, recurrent networks, batches of any size"
    avoid_when = "convolutions on images with large batches: batch norm fits better"
    grade = "A"
    exempt = _ADDED
    eps: float = static(1e-5)

    def __post_init__(self) -> None:
        check_knob("LayerNorm", "eps", self.eps, _EPS)

    def rewrite(self, model: nn.Module) -> nn.Module:
        return with_norms(self.name, model, self._norm, keep_bias=True)

    def _norm(self, layer: nn.Module, units: int) -> nn.Module:
        return nn.LayerNorm(units, self.eps) if isinstance(layer, nn.Linear) else nn.GroupNorm(1, units, self.eps)


class GroupNorm(Regularizer):
    """Standardize groups of hidden units row by row: mean and variance are those of a row's group, before activation.

    Where ``groups`` does not divide the units of a layer, the next smaller number that does is taken; behind a linear
    layer a group has four units at least, since fewer would keep hardly more than signs.

    Args:
        groups: how many groups, at most; 8 to 32 is usual, 1 is layer norm over channels and positions.
        eps: added to the variance, in units of h ** 2.

    Shapes:
        h: (batch, units) or (batch, channels, ...).

    Raises:
        RecipeError: ``groups`` is no whole number of at least 1; when it is applied, no layer has an activation
            behind it.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 1))
        >>> GroupNorm(groups=8).rewrite(model)[0][1].num_groups
        3

    Source:
        Wu & He, Group Normalization, ECCV 2018, arXiv 1803.08494.
    """

    formula = "scale * (h - mean of the row's group) / sqrt(variance of the row's group + eps) + shift"
    source = "Wu & He, Group Normalization, ECCV 2018, arXiv 1803.08494"
    use_when = "convolutions whose batches are too small for batch norm"
    avoid_when = "batches of 32 rows and more: batch norm fits better"
    grade = "A"
    exempt = _ADDED
    groups: int = static(32)
    eps: float = static(1e-5)

    def __post_init__(self) -> None:
        settle_whole(self, "groups", 2, 64)
        check_knob("GroupNorm", "eps", self.eps, _EPS)

    def rewrite(self, model: nn.Module) -> nn.Module:
        return with_norms(self.name, model, self._norm, keep_bias=True)

    def _norm(self, layer: nn.Module, units: int) -> nn.Module:
        most = min(self.groups, max(1, units // 4) if isinstance(layer, nn.Linear) else units)
        groups = next(g for g in range(most, 0, -1) if units % g == 0)
        return nn.GroupNorm(groups, units, self.eps)


def with_norms(owner: str, model: nn.Module, make: Callable[[nn.Module, int], nn.Module], keep_bias: bool) -> nn.Module:
    """A copy of the model with a norm behind every linear or convolution layer that an activation follows.

    Args:
        owner: for whom it is done.
        make: (layer, units) -> norm.
        keep_bias: False where the norm takes each unit's mean away, and any bias with it.

    Raises:
        RecipeError: there is no such layer.
    """
    model = copy.deepcopy(model)
    for name in layers_before(owner, model, ACTIVATIONS):
        layer = model.get_submodule(name)
        norm = make(layer, layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)
        weight = next(layer.parameters())
        if not keep_bias:
            layer.register_parameter("bias", None)
        replace(model, name, nn.Sequential(layer, norm.to(weight.device, weight.dtype)))
    return model
