"""Normalization: layers that keep hidden values on one scale."""

from __future__ import annotations

import copy
import itertools

from torch import nn

from wellfit.knobs import Knob, check_knob, static
from wellfit.regularizer import Regularizer
from wellfit.sites import ACTIVATIONS


class BatchNorm(Regularizer):
    """Standardize hidden units over the batch: h <- scale * (h - mean) / sqrt(var + eps) + shift, before activation.

    In training mean and (biased) variance are the batch's; in evaluation running averages, kept as
    running <- (1 - momentum) * running + momentum * batch (torch's momentum; Keras counts the other way round).

    Args:
        momentum: weight of the newest batch in the running averages, 0 to 1.
        eps: added to the variance, in units of h ** 2.

    Shapes:
        h: (batch, units) or (batch, channels, ...).

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
    exempt = "it adds layers to the network; there is no strength at which they are gone"
    momentum: float = static(0.1)
    eps: float = static(1e-5)

    def __post_init__(self) -> None:
        check_knob("BatchNorm", "momentum", self.momentum, Knob(0.01, 0.5, maximum=1.0))
        check_knob("BatchNorm", "eps", self.eps, Knob(1e-6, 1e-3, minimum=1e-12, maximum=1.0))

    def rewrite(self, model: nn.Module) -> nn.Module:
        model = copy.deepcopy(model)
        for name in _before_activations(model):
            layer = model.get_submodule(name)
            parent = model.get_submodule(name.rpartition(".")[0])
            layer.register_parameter("bias", None)  # the norm takes the mean away, and any bias with it
            setattr(parent, name.rpartition(".")[2], nn.Sequential(layer, self._norm_after(layer)))
        return model

    def _norm_after(self, layer: nn.Module) -> nn.Module:
        if isinstance(layer, nn.Linear):
            norm: nn.Module = nn.BatchNorm1d(layer.out_features, eps=self.eps, momentum=self.momentum)
        else:
            kinds = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}
            norm = kinds[type(layer)](layer.out_channels, eps=self.eps, momentum=self.momentum)  # type: ignore[index]
        weight = next(layer.parameters())
        return norm.to(weight.device, weight.dtype)


def _before_activations(model: nn.Module) -> list[str]:
    """The linear and convolution layers that an activation directly follows, in the order of the module tree."""
    named = [(n, m) for n, m in model.named_modules() if not list(m.children())]
    layers = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    pairs = itertools.pairwise(named)
    return [name for (name, layer), (_, after) in pairs if isinstance(layer, layers) and isinstance(after, ACTIVATIONS)]
