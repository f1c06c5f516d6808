"""torch: the weight_decay of an optimizer's groups, and the dropout and normalization of a module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from wellfit.errors import UsageError
from wellfit.importers.imported import Gathered, Placed, escaped, spread
from wellfit.regularizer import Regularizer
from wellfit.regularizers import AlphaDropout, BatchNorm, Dropout, GroupNorm, LayerNorm, SpatialDropout
from wellfit.sites import find_sites
from wellfit.translator import TOOLS, translate
from wellfit.wrappers import where

DROPOUTS: dict[type[nn.Module], type[Regularizer]] = {
    nn.Dropout: Dropout, nn.Dropout1d: SpatialDropout, nn.Dropout2d: SpatialDropout, nn.Dropout3d: SpatialDropout,
    nn.AlphaDropout: AlphaDropout,
}  # fmt: skip
_PASSING = (nn.Flatten, nn.Identity, *DROPOUTS)
DECOUPLING = "decoupled_weight_decay"
LAYERS_STAY = "The model keeps its own layers of dropout and normalization: take them out, or they act twice."


def from_torch(thing: Any, modules: Sequence[nn.Module]) -> Gathered:
    """Read an optimizer, or a module; names of parameters are those of the first module that has them.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(thing, torch.optim.Optimizer):
        return _from_optimizer(thing, modules)
    if isinstance(thing, nn.Module):
        return _from_module(thing)
    raise UsageError(
        f"{type(thing).__name__} is no module and no optimizer.", fix="Give a torch module or optimizer.", code="WF-A81"
    )


def _from_optimizer(optimizer: torch.optim.Optimizer, modules: Sequence[nn.Module]) -> Gathered:
    gathered, name = Gathered(), type(optimizer).__name__
    groups = enumerate(optimizer.param_groups)
    decays = {place: g for place, g in groups if float(g.get("weight_decay") or 0.0) != 0.0}
    if decays and f"torch.{name}" not in TOOLS:
        gathered.not_understood.append(f"{name} weight_decay: this optimizer's decay is not known.")
        return gathered
    for place, group in decays.items():
        pattern = _reach(optimizer, group, modules)
        if pattern is None:
            gathered.not_understood.append(
                f"{name} group {place}, weight_decay={float(group['weight_decay']):g}: it reaches some of the weights; "
                "give the model too, and it is told by their names."
            )
            continue
        parts = _decay(name, group)
        gathered.add([where(p, pattern) if pattern else p for p in parts], f"{name} group {place}")
    if gathered.parts:
        gathered.notes.append("The recipe takes the decay over: build the optimizer with weight_decay=0.")
    return gathered


def _decay(name: str, group: dict[str, Any]) -> list[Regularizer]:
    """The decay of a group: an L2 penalty where it is coupled, WeightDecay where it is not."""
    given: dict[str, Any] = {"weight_decay": float(group["weight_decay"])}
    lr = 1.0  # the same on both sides, so that any tells the same strength
    if group.get(DECOUPLING) and DECOUPLING in TOOLS[f"torch.{name}"].choices:
        given[DECOUPLING] = "True"
    if "momentum" in group and name == "SGD":
        given["momentum"] = float(group["momentum"])
    return list(translate(f"torch.{name}", "wellfit", given, lr=lr).recipe)


def _reach(optimizer: torch.optim.Optimizer, group: dict[str, Any], modules: Sequence[nn.Module]) -> str | None:
    """The pattern of a group's parameters: empty where it is all matrices and no other, None where it is unknown."""
    mine = {id(p) for p in group["params"]}
    every = {id(p): p for g in optimizer.param_groups for p in g["params"]}
    if mine == set(every) and any(p.ndim < 2 for p in group["params"]):
        return "*"
    if mine == {i for i, p in every.items() if p.ndim > 1}:
        return ""
    names = {id(p): n for m in modules for n, p in m.named_parameters()}
    if not mine <= set(names):
        return None
    return "|".join(sorted(escaped(names[i]) for i in mine))


def _from_module(module: nn.Module) -> Gathered:
    gathered = Gathered()
    found = []
    for name, layer, before in _walk(module):
        kind = next((k for t, k in DROPOUTS.items() if type(layer) is t), None)
        if kind is not None and layer.p:
            if before is None:
                gathered.not_understood.append(f"{name}: {layer} follows no site of this model, such as an activation.")
            else:
                found.append(Placed(kind(p=float(layer.p)), (escaped(before),)))
        norm = _norm(layer)
        if norm is not None:
            found.append(Placed(norm, ()))
        gathered.not_understood += _inside(name, layer)
    hidden = frozenset(escaped(s.name) for s in find_sites(module).values() if s.kind == "hidden")
    everywhere = dict.fromkeys(DROPOUTS.values(), hidden)
    gathered.add(spread(found, everywhere), type(module).__name__)
    if found:
        gathered.notes.append(LAYERS_STAY)
    return gathered


def _walk(module: nn.Module) -> Iterator[tuple[str, nn.Module, str | None]]:
    """Every layer, in the order of the module's list, with the site whose values reach it unchanged."""
    sites, last = _sites(module), None
    for name, layer in module.named_modules():
        yield name, layer, last
        if name in sites:
            last = name
        elif not isinstance(layer, _PASSING) and next(layer.children(), None) is None:
            last = None  # what follows acts on this layer's values, which are no site


def _sites(module: nn.Module) -> frozenset[str]:
    """Where dropout can act by itself or by ``where``."""
    return frozenset(s.name for s in find_sites(module).values() if s.kind in ("hidden", "embedding"))


def _norm(layer: nn.Module) -> Regularizer | None:
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) and layer.momentum is not None:
        return BatchNorm(momentum=layer.momentum, eps=layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return LayerNorm(eps=layer.eps)
    if isinstance(layer, nn.GroupNorm):
        return GroupNorm(groups=layer.num_groups, eps=layer.eps)
    return None


def _inside(name: str, layer: nn.Module) -> list[str]:
    """What regularizes inside a layer, where no site is."""
    share = getattr(layer, "dropout", 0.0)
    told = []
    if isinstance(layer, nn.RNNBase | nn.MultiheadAttention) and isinstance(share, float) and share:
        told.append(f"{name}: dropout={share:g} inside {type(layer).__name__}, where no site is.")
    if isinstance(layer, nn.FeatureAlphaDropout | nn.RReLU):
        told.append(f"{name}: {layer} has no regularizer of its own kind here.")
    if hasattr(layer, "parametrizations"):
        kinds = sorted({type(p).__name__.lstrip("_") for each in layer.parametrizations.values() for p in each})
        told.append(f"{name}: parametrized by {', '.join(kinds)}.")
    return told
