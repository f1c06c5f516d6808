"""What goes on inside: gradients and updates of each layer, units that are dead or saturated, norms of weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wellfit.diagnosis.bench import Bench, Recorded
from wellfit.target import Target
from wellfit.training.apart import member
from wellfit.training.cohort import seeded
from wellfit.training.epochs import filled_with
from wellfit.training.optimizers import Optimizer
from wellfit.training.step import Trainer, network_weights

_ROWS = 1024
_BOUND = 0.99  # of tanh's range; what lies beyond is saturated
_RECTIFIERS = (nn.ReLU, nn.ReLU6)
_SQUASHERS = (nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid)


def look(bench: Bench, record: Recorded, own: list[int]) -> list[dict[str, Any]]:
    """One entry per layer with weights of the setting's first training, see ``look_at``."""
    setting, one = bench.setting, record.members[own[0]]
    first = seeded(lambda: bench.network(one.recipe), one.seed)
    last = filled_with(first, {**network_weights(member(record.weights, own[0]))})
    rows = bench.sample[:_ROWS]
    return look_at(
        first, last, setting.x[rows], setting.target.take(rows), setting.rule(), setting.optimizer, setting.rate
    )


def look_at(
    first: nn.Module, last: nn.Module, x: Tensor, target: Target, rule: Optimizer, optimizer: str, rate: float
) -> list[dict[str, Any]]:
    """One entry per layer with weights: norms, gradients, updates, and the units behind it.

    Gradients are those of the clean loss on training rows, at first and at last weights, by which they are divided:
    rms(gradient) / rms(weight). The smaller of both counts, since a network that fits its rows has small ones anyway,
    all alike.
    """
    start, end = (_gradients(Trainer(n, rule), n, x, target) for n in (first, last))
    units = _units(last, x)
    kept = dict(first.named_parameters())
    found = []
    for name, weight in last.named_parameters():
        if weight.ndim < 2:
            continue
        ratios = [_ratio(g[name], w) for g, w in ((start, kept[name]), (end, weight))]
        layer = name.removesuffix(".weight")
        found.append({
            "name": layer, "gradient_ratio": ratios[0], "gradient_ratio_end": ratios[1],
            "update_ratio": _update(optimizer, rate, end[name], weight), "parameters": weight.numel(),
            "dead": units.get(layer, {}).get("dead"), "saturated": units.get(layer, {}).get("saturated"),
            "norm": float(weight.detach().norm()), "first_norm": float(kept[name].detach().norm()),
        })  # fmt: skip
    return found


def _gradients(trainer: Trainer, network: nn.Module, x: Tensor, target: Target) -> dict[str, Tensor]:
    weights = {n: w.detach() for n, w in (*network.named_parameters(), *network.named_buffers())}
    names = [n for n, w in network.named_parameters() if w.requires_grad]

    def loss(params: dict[str, Tensor]) -> Tensor:
        return target.loss(trainer.predict({**weights, **params}, x))

    found = torch.func.grad(loss)({n: weights[n] for n in names})
    return {**{n: torch.zeros_like(w) for n, w in weights.items()}, **found}


def _ratio(gradient: Tensor, weight: Tensor) -> float:
    size = float(weight.detach().square().mean().sqrt())
    found = float(gradient.square().mean().sqrt()) / size if size > 0 else math.inf
    return found if math.isfinite(found) else math.inf


def _update(optimizer: str, rate: float, gradient: Tensor, weight: Tensor) -> float:
    """rms(update) / rms(weight) of a step: the gradient times the rate; Adam's steps are about the rate themselves."""
    size = float(weight.detach().square().mean().sqrt())
    step = rate if optimizer.startswith("adam") else rate * float(gradient.square().mean().sqrt())
    return step / size if size > 0 else math.inf


def _units(network: nn.Module, x: Tensor) -> dict[str, dict[str, float]]:
    """By the name of the last layer before it: the share of dead units, or of saturated values, of an activation."""
    found: dict[str, dict[str, float]] = {}
    before = ""
    hooks = []

    def watch(name: str, module: nn.Module) -> None:
        def layer(_m: nn.Module, _i: Any, _o: Any) -> None:
            nonlocal before
            before = name

        def activation(m: nn.Module, _i: Any, out: Tensor) -> None:
            found.setdefault(before, {}).update(_share(m, out))

        if isinstance(module, _RECTIFIERS + _SQUASHERS):
            hooks.append(module.register_forward_hook(activation))
        elif isinstance(getattr(module, "weight", None), Tensor) and module.weight.ndim > 1:
            hooks.append(module.register_forward_hook(layer))

    for name, module in network.named_modules():
        watch(name, module)
    try:
        with torch.no_grad():
            network.eval()(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _share(module: nn.Module, out: Tensor) -> dict[str, float]:
    if isinstance(module, _RECTIFIERS):
        flat = (out == 0).flatten(2).all(-1) if out.ndim > 2 else out == 0
        return {"dead": float(flat.all(0).double().mean())}
    low = -1.0 if isinstance(module, nn.Tanh | nn.Hardtanh) else 0.0
    place = (out - low) / (1.0 - low)  # 0 to 1
    margin = (1.0 - _BOUND) / 2.0
    return {"saturated": float(((place < margin) | (place > 1.0 - margin)).double().mean())}


def spread(layers: list[dict[str, Any]]) -> float:
    """The least layer's gradient ratio over the largest, at the first weights or the last: whichever is worse."""
    worst = math.nan
    for key in ("gradient_ratio", "gradient_ratio_end"):
        ratios = np.array([e[key] for e in layers], dtype=float)
        if len(ratios) < 2 or not np.isfinite(ratios).all() or ratios.max() <= 0:
            continue
        share = float(ratios.min() / ratios.max())
        worst = share if math.isnan(worst) else min(worst, share)
    return worst
