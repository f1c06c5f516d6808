"""The changes of a setting that a diagnosis tries."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from wellfit.diagnosis.setting import Setting
from wellfit.hashes import hash_integers
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import BatchNorm, Dropout, EarlyStopping, LabelSmoothing, WeightDecay
from wellfit.training.cohort import Member

BASE = "own"
WIDER = 4
LONGER = 3


@dataclasses.dataclass(frozen=True)
class Variant:
    """One change.

    Attributes:
        name: of it.
        label: for a person.
        recipe: what it trains under.
        factor: of the learning rate.
        half: whether each seed sees one half of the training rows.
    """

    name: str
    label: str
    recipe: Recipe
    factor: float = 1.0
    half: bool = False

    def members(self, setting: Setting) -> list[Member]:
        """One member a seed; equal seeds start from equal weights and read rows in equal order."""
        seeds = [hash_integers(setting.seed, 41, i) % 2**31 for i in range(setting.seeds)]
        folds = [1 + i % 2 if self.half else 0 for i in range(setting.seeds)]
        rate = setting.rate * self.factor
        return [Member(self.recipe, rate, s, f, self.name) for s, f in zip(seeds, folds, strict=True)]


def plain(recipe: Recipe) -> Recipe:
    """The recipe without what stops, which a diagnosis does itself, and without what makes rows anew."""
    return Recipe(*(p for p in recipe if not isinstance(p, EarlyStopping) and p.stages != {"resample"}))


def first_round(setting: Setting) -> list[Variant]:
    """The setting, restrained, let loose, faster, slower, and on half of the rows."""
    own = plain(setting.recipe)
    found = [
        Variant(BASE, "the setting as it is", own),
        Variant("more", "more regularization", _restrained(own, 0.2, 1.0 / setting.steps, 0.0)),
        Variant("much_more", "much more regularization", _restrained(own, 0.5, 5.0 / setting.steps, _smooth(setting))),
        Variant("rate_up", "learning rate x 10", own, 10.0),
        Variant("rate_down", "learning rate / 10", own, 0.1),
        Variant("half", "half of the training rows", own, half=True),
    ]
    if any(not p.is_neutral() and "rewrite" not in p.stages for p in own):
        found.insert(1, Variant("none", "no regularization", bare(own)))
    return found


def second_round(setting: Setting) -> list[Variant]:
    """What tells why training rows are not fitted; only tried where they are not."""
    own = plain(setting.recipe)
    found = [Variant("rate_far_down", "learning rate / 100", own, 0.01)]
    if not any(p.name.endswith("Norm") and "rewrite" in p.stages for p in own):
        found.append(Variant("norm", "batch normalization added", Recipe(*own, BatchNorm())))
    return found


def bare(recipe: Recipe) -> Recipe:
    """Without regularization; what changes the network stays, it is a part of it."""
    return Recipe(*(p if "rewrite" in p.stages else p.neutral() for p in recipe))


def weighted(setting: Setting) -> Setting:
    """The setting with weights under which every class of the training rows counts the same."""
    assert setting.labels is not None
    counts = torch.bincount(setting.labels[: setting.held], minlength=setting.target.values.shape[1]).double()
    each = setting.held / ((counts > 0).sum() * counts.clamp_min(1.0))
    weight = each[setting.labels].to(setting.target.weight.dtype)
    return dataclasses.replace(setting, target=dataclasses.replace(setting.target, weight=weight))


def _smooth(setting: Setting) -> float:
    return 0.1 if setting.target.classes else 0.0


def _restrained(recipe: Recipe, drop: float, share: float, smooth: float) -> Recipe:
    """The recipe with more of everything: units dropped, weights forgotten within the training, labels softened.

    Args:
        drop: share of units that are dropped, of those left by the recipe's own dropout.
        share: of a weight that is lost in each step, whatever the rate.
    """
    parts: list[Regularizer] = [_stronger(p, drop, smooth) for p in recipe]
    held = {p.name for p in parts}
    if "Dropout" not in held:
        parts.append(Dropout(drop))
    if "WeightDecay" not in held:
        parts.append(WeightDecay(min(0.1, share), form="fully_decoupled"))
    if smooth and "LabelSmoothing" not in held:
        parts.append(LabelSmoothing(smooth))
    return Recipe(*parts)


def _stronger(part: Regularizer, drop: float, smooth: float) -> Regularizer:
    if type(part) is Dropout:
        return part.replace(p=1.0 - (1.0 - float(part.p)) * (1.0 - drop))
    if type(part) is WeightDecay:
        return part.replace(strength=float(part.strength) * (10.0 if drop > 0.3 else 3.0))
    if type(part) is LabelSmoothing and smooth:
        return part.replace(**{next(iter(part.knobs())): max(smooth, float(getattr(part, next(iter(part.knobs())))))})
    return part


def widened(make: Any, x: torch.Tensor) -> Callable[[], nn.Module] | None:
    """A maker of the same model with four times the units in every hidden layer; None where that cannot be done.

    It is done for networks whose layers follow one another, linear and convolutional ones and norms between them, and
    for makers that have a method ``wider(times)``.
    """
    if hasattr(make, "wider"):
        return make.wider(WIDER)

    def wider() -> nn.Module:
        return _wider(make())

    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            fits = wider().eval()(x).shape == make().eval()(x).shape
    except Exception:  # a model of another build may raise anything
        return None
    return wider if fits else None


_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)


def _wider(network: nn.Module) -> nn.Module:
    network = copy.deepcopy(network)
    layers = [m for m in network.modules() if isinstance(m, _LAYERS)]
    if len(layers) < 2:
        raise ValueError("no hidden layer")
    for place, (name, module) in enumerate(_named(network, _LAYERS)):
        grown = _grown(module, place > 0, place < len(layers) - 1)
        _put(network, name, grown)
    for name, module in _named(network, (nn.BatchNorm1d, nn.BatchNorm2d)):
        _put(network, name, type(module)(module.num_features * WIDER))
    return network


def _named(network: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[tuple[str, nn.Module]]:
    return [(n, m) for n, m in network.named_modules() if isinstance(m, kinds)]


def _grown(module: nn.Module, more_in: bool, more_out: bool) -> nn.Module:
    into, out = WIDER if more_in else 1, WIDER if more_out else 1
    if isinstance(module, nn.Linear):
        return nn.Linear(module.in_features * into, module.out_features * out, bias=module.bias is not None)
    assert isinstance(module, nn.Conv1d | nn.Conv2d)
    return type(module)(
        module.in_channels * into, module.out_channels * out, module.kernel_size, module.stride, module.padding,
        module.dilation, bias=module.bias is not None,
    )  # fmt: skip


def _put(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)
