"""What a recipe is held against: the model, the optimizer, the batch, what is monitored. All of it may be unknown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import fx, nn

from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizer import Regularizer
from wellfit.sites import Site, find_sites
from wellfit.wrappers import Where

NORMS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d,
    nn.InstanceNorm2d, nn.InstanceNorm3d,
)  # fmt: skip
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

MIXING = ("Mixup", "CutMix", "ManifoldMixup", "WordMixup")
"""What blends rows and their labels."""

DECOUPLED = ("AdamW", "Adafactor", "Muon", "Lion")
"""Optimizers whose ``weight_decay`` multiplies the weights, whatever the gradient says."""


@dataclasses.dataclass(frozen=True)
class Situation:
    """A recipe, and what is known of where it is used; a rule that needs what is unknown says nothing.

    Attributes:
        recipe: what is held against the rules; parts at their neutral value do not count.
        model: the network as it is, before the recipe changes it.
        optimizer: a ``torch.optim`` optimizer, or the name of its class, or an estimator with default penalties.
        batch: rows a step.
        rows: training rows.
        monitor: what early stopping or a person watches, such as ``train_accuracy``.
        stopping_on: the rows that stopping is decided on: ``valid`` or ``test``.
        augment_validation: whether what changes the batch also changes validation rows.
        calibrated: whether probabilities are to be used as probabilities.
        scales: standard deviation of each input column.
        sites: where in the model the recipe may act; ``find_sites`` where nothing else is known.
    """

    recipe: Recipe
    model: nn.Module | None = None
    optimizer: Any = None
    batch: int | None = None
    rows: int | None = None
    monitor: str = ""
    stopping_on: str = "valid"
    augment_validation: bool = False
    calibrated: bool = False
    scales: Sequence[float] | Mapping[str, float] | None = None
    sites: Sequence[Site] | None = None

    def parts(self, *names: str) -> list[Regularizer]:
        """The active parts of these classes, wrappers and all."""
        return [p for p in self.recipe if type(leaf_of(p)).__name__ in names and not p.is_neutral()]

    def has(self, *names: str) -> bool:
        return bool(self.parts(*names))

    def knob(self, part: Regularizer, name: str) -> float:
        return float(getattr(leaf_of(part), name))

    def meet(self, one: Regularizer, other: Regularizer) -> bool:
        """Whether two parts act on some of the same weights; by their patterns where the model is not known."""
        if self.model is not None:
            return not self.weights_of(one).keys().isdisjoint(self.weights_of(other))
        pairs = ((a, b) for a in _beginnings(one) for b in _beginnings(other))
        return any(a.startswith(b) or b.startswith(a) for a, b in pairs)

    @property
    def optimizer_name(self) -> str:
        return self.optimizer if isinstance(self.optimizer, str) else type(self.optimizer).__name__

    @property
    def adaptive(self) -> bool:
        """Whether steps are scaled weight by weight."""
        names = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "RMSprop", "Adadelta", "Adafactor")
        return self.optimizer is not None and self.optimizer_name in names

    def decay_of_optimizer(self, part: Regularizer | None = None) -> float:
        """The largest ``weight_decay`` of its groups; AdamW's default where only the name is known.

        Args:
            part: only groups with weights that it acts on count, where the optimizer trains the model.
        """
        groups = getattr(self.optimizer, "param_groups", None)
        if groups is None:
            return 0.01 if self.optimizer in ("AdamW", "adamw") else 0.0
        if part is not None and self.model is not None:
            named = {id(p): n for n, p in self.model.named_parameters()}
            chosen = self.weights_of(part).keys()
            held = [{named.get(id(p)) for p in g["params"]} for g in groups]
            if any(names - {None} for names in held):
                groups = [g for g, names in zip(groups, held, strict=True) if names & chosen]
        return max((float(g.get("weight_decay", 0.0)) for g in groups), default=0.0)

    def modules(self) -> list[tuple[str, nn.Module]]:
        """The modules that compute something, in the order of the module tree."""
        named = self.model.named_modules() if self.model is not None else ()
        return [(n, m) for n, m in named if not list(m.children())]

    def last_module(self) -> str:
        """The name of the module whose result the model returns; empty where that is not one, or not known.

        In a ``Sequential`` it is the last one of the tree; elsewhere modules are registered in any order, and
        ``torch.fx`` tells which comes last.
        """
        if isinstance(self.model, nn.Sequential):
            return self.modules()[-1][0] if len(self.model) else ""
        if self.model is None:
            return ""
        try:
            returned = next(n for n in reversed(_Leaves().trace(self.model).nodes) if n.op == "output").args[0]
        except Exception:  # a forward that depends on values may raise anything under symbols
            return ""
        return str(returned.target) if isinstance(returned, fx.Node) and returned.op == "call_module" else ""

    def sites_of(self, part: Regularizer) -> Iterator[Site]:
        """The places in the model where a part acts."""
        if self.model is not None and "activation" in part.stages:
            sites = find_sites(self.model).values() if self.sites is None else self.sites
            yield from (s for s in sites if part.selects_site(s))

    def weights_of(self, part: Regularizer) -> dict[str, Any]:
        """The model's parameters that a part acts on."""
        if self.model is None:
            return {}
        return dict(part.select({n: p.detach() for n, p in self.model.named_parameters()}))


def confined(part: Any) -> Where | None:
    """The ``where`` that narrows what a part acts on, if there is one."""
    while part is not None and not isinstance(part, Where):
        part = getattr(part, "inner", None)
    return part


def _beginnings(part: Regularizer) -> list[str]:
    """What the names that a part acts on begin with, as far as its pattern says it."""
    found = confined(part)
    return [re.split(r"[*?\[]", p)[0] for p in found.pattern.split("|")] if found else [""]


class _Leaves(fx.Tracer):
    """Traces down to the modules that have none inside."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not list(m.children())
