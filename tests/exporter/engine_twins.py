"""A program's network beside the engine's: the same weights, the same steps, the same draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from exported_programs import without_wellfit
from torch import Tensor, nn

import wellfit as wf
from wellfit.draws import Now
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam

DRAW = 0.6875
"""What every uniform and every Beta draw gives where two sides are to draw the same: whole in binary digits."""


def same_weights(ours: nn.Module, theirs: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Both in float64, the first with the weights of the second."""
    pairs = list(zip(ours.double().parameters(), theirs.double().parameters(), strict=True))
    with torch.no_grad():
        for mine, other in pairs:
            assert mine.shape == other.shape
            mine.copy_(other)
    return ours, theirs


def same_weights_in_keras(model: Any, theirs: nn.Module, instead: dict[int, Tensor]) -> None:
    """Give a Keras model the weights of a network, layer by layer.

    Args:
        instead: other values for parameters, by their id.
    """
    kinds = nn.Conv1d | nn.Conv2d | nn.Linear | nn.Embedding | nn.BatchNorm1d | nn.BatchNorm2d
    modules = [m for m in theirs.modules() if isinstance(m, kinds)]
    layers = [layer for layer in model.layers if layer.weights]
    alone = [m.bias.detach() for m in theirs.modules() if list(m._parameters) == ["bias"]]
    for layer, bias in zip(layers[len(modules) :], alone, strict=True):
        layer.set_weights([bias.numpy()])
    for layer, module in zip(layers[: len(modules)], modules, strict=True):
        weight = instead.get(id(module.weight), module.weight).detach()
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):  # Keras has the outputs last
            weight = weight.permute(*range(2, weight.ndim), 1, 0)
        rest = [module.running_mean, module.running_var] if hasattr(module, "running_mean") else []
        bias = [module.bias.detach()] if getattr(module, "bias", None) is not None else []
        layer.set_weights([w.numpy() for w in (weight, *bias, *rest)])


def same_steps(
    defined: dict[str, Any], ours: nn.Module, recipe: wf.Recipe, theirs: nn.Module, x: Tensor
) -> dict[str, Tensor]:
    """Steps of 16 rows on both sides, whose weights have to agree; returns the engine's weights and statistics."""
    start = [p.detach().clone() for p in ours.parameters()]
    lone = Lone(theirs, recipe, Adam(), rate=0.01)
    y = torch.eye(3, dtype=torch.float64)[torch.arange(len(x)) % 3]
    with without_wellfit():
        optimizer = defined["make_optimizer"](ours)
        average = defined["average_of"](ours) if "average_of" in defined else None
    for rows in torch.arange(len(x)).split(16):
        lone.step(x[rows], Target(y[rows], torch.ones(16, dtype=torch.float64), classes=True))
        with without_wellfit():
            defined["take_step"](ours, optimizer, x[rows], y[rows])
            if average is not None:
                average.update_parameters(ours)
    judged, weights = average.module if average is not None else ours, lone.weights()
    for mine, (name, _) in zip(judged.parameters(), theirs.named_parameters(), strict=True):
        torch.testing.assert_close(mine.detach(), weights[name], rtol=1e-8, atol=1e-8)
    assert any((p != s).any() for p, s in zip(ours.parameters(), start, strict=True))
    return {**weights, **lone.state.buffers}


def draw_the_same(patch: pytest.MonkeyPatch, draw: float = DRAW) -> None:
    """Every draw of the engine and of torch and NumPy is one number, partners are in reverse order."""

    def whole(*asked: Any) -> Tensor:
        low, high, shape = asked if len(asked) == 3 else (0, *asked)
        return torch.full(tuple(shape), math.floor(low + draw * (high - low)))

    patch.setattr(Now, "uniform", lambda self, shape, name: torch.full(shape, draw))
    patch.setattr(Now, "beta", lambda self, *asked: torch.tensor(draw))
    patch.setattr(Now, "permutation", lambda self, n, name: torch.arange(n).flip(0))
    patch.setattr(torch, "rand", lambda *shape: torch.full(shape if isinstance(shape[0], int) else shape[0], draw))
    patch.setattr(torch, "rand_like", lambda x: torch.full_like(x, draw))
    patch.setattr(torch, "randperm", lambda n: torch.arange(n).flip(0))
    patch.setattr(torch, "randint", whole)
    patch.setattr(np.random, "beta", lambda a, b, *shape: draw)
