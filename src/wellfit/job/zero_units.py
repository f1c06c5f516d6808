"""Hidden units that are exactly zero: found, taken out of a network, and what they gave folded into what reads them."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from wellfit.job.nets import Nets
from wellfit.models.mlp import MLP, Layer, Shape
from wellfit.recipe import leaf_of

_KNOWN = ("BatchNorm",)
"""The parts that change a network and treat each unit by itself, so that a unit can be taken out."""


def prunable(nets: Nets, shape: Shape) -> str:
    """Why networks of this structure cannot be pruned; empty where they can."""
    others = [p.name for p in nets.structure if type(leaf_of(p)).__name__ not in _KNOWN]
    if others:
        return f"{', '.join(others)} ties the units of a layer together"
    return "the layers are residual, so that no unit is alone" if shape.residual else ""


@torch.no_grad()
def without_zero_units(nets: Nets, shape: Shape) -> Nets:
    """One network without the units that are zero; with the same outputs up to rounding.

    A unit is zero where all weights into it are exactly zero, or all weights out of it. The first kind gives the same
    value for every row: it goes into the bias (or the running mean) of the next layer. One unit of a layer stays.
    """
    (weights,) = [{n: w[0] for n, w in nets.weights.items()}]
    widths = list(nets.widths or shape.widths or (shape.width,) * shape.depth)
    network = _network(nets, shape, widths, weights)
    found = True
    while found:  # a unit that is gone may have been the last to read another one
        found = False
        for place in range(len(widths)):
            kept = _kept(network, place)
            if not kept.all():
                weights = _taken_out(network, place, kept)
                widths[place] = int(kept.sum())
                network = _network(nets, shape, widths, weights)
                found = True
    kind = next(w.dtype for w in nets.weights.values() if w.is_floating_point())
    kept_weights = {n: (w.to(kind) if w.is_floating_point() else w).unsqueeze(0) for n, w in weights.items()}
    return dataclasses.replace(nets, weights=kept_weights, widths=tuple(widths))


def _network(nets: Nets, shape: Shape, widths: list[int], weights: dict[str, Tensor]) -> MLP:
    network = nets.structure.rewrite(MLP(dataclasses.replace(shape, widths=tuple(widths)))).double().eval()
    network.load_state_dict(weights)
    assert isinstance(network, MLP)
    return network


def _reader(network: MLP, place: int) -> nn.Module:
    """What reads the units of a layer: the linear part of the next one, or the head."""
    layers = list(network.blocks)
    if place + 1 == len(layers):
        return network.head
    following = layers[place + 1]
    assert isinstance(following, Layer)
    return following.linear


def _linear(module: nn.Module) -> nn.Linear:
    return next(m for m in module.modules() if isinstance(m, nn.Linear))


def _kept(network: MLP, place: int) -> Tensor:
    """(units,) which units of a layer stay; at least one does."""
    layer = network.blocks[place]
    assert isinstance(layer, Layer)
    silent = (_linear(layer.linear).weight == 0).all(1)
    unread = (_linear(_reader(network, place)).weight == 0).all(0)
    kept = ~(silent | unread)
    if not kept.any():
        kept[0] = True
    return kept


def _taken_out(network: MLP, place: int, kept: Tensor) -> dict[str, Tensor]:
    """The weights without the units of a layer that do not stay; what they gave is in the layer that read them."""
    layer, reader = network.blocks[place], _reader(network, place)
    assert isinstance(layer, Layer)
    constant = layer(torch.zeros(1, _linear(layer.linear).in_features, dtype=torch.float64))[0]
    gone = (~kept).to(torch.float64)
    _shift(reader, _linear(reader).weight @ (constant * gone))
    name = f"blocks.{place}.linear"
    read = next(n for n, m in network.named_modules() if m is _linear(reader))
    weights = {}
    for key, tensor in network.state_dict().items():
        mine = key.startswith(f"{name}.") and tensor.ndim > 0
        weights[key] = tensor[kept] if mine else tensor[:, kept] if key == f"{read}.weight" else tensor
    return weights


def _shift(reader: nn.Module, amount: Tensor) -> None:
    """Add a constant to what a linear layer gives; before a batch norm it has no bias, and the mean moves instead."""
    linear = _linear(reader)
    if linear.bias is not None:
        linear.bias += amount
        return
    norm = next(m for m in reader.modules() if isinstance(m, nn.BatchNorm1d))
    assert norm.running_mean is not None
    norm.running_mean -= amount
