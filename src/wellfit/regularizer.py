"""The one abstraction: a regularizer is a frozen dataclass with knobs and pure stages, written for one model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from wellfit.errors import RecipeError
from wellfit.knobs import Knob, check_knob, knob, memory, static

if TYPE_CHECKING:
    from wellfit.draws import Now
    from wellfit.fold import Fold
    from wellfit.joint import Joint
    from wellfit.sites import Site
    from wellfit.target import Target

Params = Mapping[str, Tensor]
GradOf = Callable[[Params], Params]

STAGES = (
    "resample", "rewrite", "extend", "start", "rate", "batch", "weights", "activation", "objective", "penalty",
    "gradient", "shrink", "project", "after_step", "after_epoch", "deploy",
)  # fmt: skip
"""Every stage, in the order in which one training step meets them."""

EXTRA = "extra."
"""What the names of trainable tensors begin with that a regularizer adds: ``extra.<class>.<what>``."""


REGISTRY: dict[str, type[Regularizer]] = {}
"""Every leaf by its class name: the closed list that recipe files are read against."""


@dataclass_transform(frozen_default=True, field_specifiers=(knob, memory, static))
class Regularizer:
    """A part of a recipe: knobs, and the stages it needs. Subclassing makes a frozen dataclass and registers it.

    A stage is pure: it returns new values and writes into nothing. It is written for one model and knows nothing of a
    stack; ``torch.func.vmap`` makes many of one. A leaf overrides the stages it needs and no others; what it is handed
    as ``params`` is already the selection it acts on (the class's ``touches``, or the pattern of a ``where``).

    Stages, each with its default of doing nothing::

        resample(data, now) -> data                    once, on the rows of a training fold and on no others
        rewrite(model) -> model                        once, may change the structure
        extend(params, sites) -> {name: tensor}        once, further trainable tensors, named by ``extra``
        start(weights) -> self                         once, takes its memory from the first weights
        rate(rates, now) -> rates                      {parameter: learning rate}
        batch(x, target, now) -> (x, target)
        weights(params, now) -> params                 for the forward pass only, never written back
        activation(h, site, params, now) -> h
        objective(loss_of, x, target, now) -> loss     middleware around the loss
        penalty(params, now) -> scalar                 with penalty_gradient in closed form where there is one
        gradient(grad_of, params, now) -> gradients    middleware around the gradient
        shrink(params, now) -> params                  after the gradient, before the optimizer adds its update
        project(params, now) -> params                 after the optimizer; now.rates are the weights' own step sizes
        after_step(weights, now) -> self
        after_epoch(weights, metrics, now) -> self     with the query stop() -> bool
        deploy(weights) -> weights                     what is evaluated and handed over
    """

    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    use_when: ClassVar[str] = ""
    avoid_when: ClassVar[str] = ""
    grade: ClassVar[str] = ""
    """Evidence: A widely used, B in a narrower domain, C experimental."""
    rank: ClassVar[int] = 50
    """Place within a stage: low first, in middleware low innermost. Ties go by name."""
    touches: ClassVar[str] = "weights"
    """Which parameters it is handed: ``weights`` (two dimensions and more: no biases, no norms) or ``all``."""
    site_kinds: ClassVar[frozenset[str]] = frozenset()
    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})
    inputs: ClassVar[str] = "any"
    """What it takes: ``any`` inputs, an ``image`` (batch, channels, height, width), ``tokens`` (batch, positions) of
    whole numbers, or, where it resamples, rows that are ``text``."""
    standard: ClassVar[frozenset[str]] = frozenset()
    """The kinds of data (``table``, ``image``, ``text``) whose default search draws from it."""
    exempt: ClassVar[str] = ""
    """Why it has no neutral value, where it has none."""
    stages: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, eq=False)(cls)
        if not isinstance(cls.stages, property):  # recipes and wrappers have the stages of what is inside
            cls.stages = frozenset(s for s in STAGES if getattr(cls, s) is not getattr(Regularizer, s))
        _pytree.register_pytree_node(cls, _flatten, lambda leaves, context: _unflatten(cls, leaves, context))
        if not abstract:
            _register(cls)

    def __post_init__(self) -> None:
        for name, facts in self.knobs().items():
            check_knob(type(self).__name__, name, getattr(self, name), facts)

    # What it is

    @property
    def name(self) -> str:
        """Under which its draws are keyed; two parts of one recipe have different names."""
        return type(self).__name__

    @classmethod
    def knobs(cls) -> dict[str, Knob]:
        return {f.name: f.metadata["knob"] for f in dataclasses.fields(cls) if "knob" in f.metadata}  # type: ignore[arg-type]

    @classmethod
    def statics(cls) -> tuple[str, ...]:
        return tuple(f.name for f in dataclasses.fields(cls) if "static" in f.metadata)  # type: ignore[arg-type]

    def neutral(self) -> Self:
        """The same structure with every knob at its neutral value: the exact identity."""
        values = {n: k.neutral for n, k in self.knobs().items() if k.neutral is not None}
        if not values:
            raise RecipeError(f"{self.name} has no neutral value ({self.exempt or 'it changes the structure'}).")
        return self.replace(**values)

    def is_neutral(self) -> bool:
        """Whether one of its knobs stands at its neutral value, which switches all of it off."""
        neutral = {n: k.neutral for n, k in self.knobs().items() if k.neutral is not None}
        return any(float(getattr(self, n)) == v for n, v in neutral.items())

    def replace(self, **changes: Any) -> Self:
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def remember(self, **memories: Any) -> Self:
        """The same part with new memory: knobs are not looked at again, so it works inside vmap."""
        return _rebuilt(type(self), {**vars(self), **memories})

    def select(self, params: Params) -> Params:
        """The parameters it acts on; what it has added itself is always among them."""
        if self.touches == "all":
            return params
        own = self.extra("")
        return {n: w for n, w in params.items() if n.startswith(own) or (w.ndim > 1 and not n.startswith(EXTRA))}

    @classmethod
    def extra(cls, what: str) -> str:
        """The name of a trainable tensor that this class adds in ``extend``: ``what`` is a site or a parameter."""
        return f"{EXTRA}{cls.__name__}.{what}"

    def selects_site(self, site: Site) -> bool:
        return site.kind in self.site_kinds

    def _identity(self) -> tuple[Any, ...]:
        shown = [f.name for f in dataclasses.fields(self) if "memory" not in f.metadata]  # type: ignore[arg-type]
        return (type(self), *(_plain(getattr(self, n)) for n in shown))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regularizer) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    # What it does: the stages

    def resample(self, data: Fold, now: Now) -> Fold:
        return data

    def rewrite(self, model: nn.Module) -> nn.Module:
        return model

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        return {}

    def start(self, weights: Params) -> Self:
        return self

    def rate(self, rates: Params, now: Now) -> Params:
        return rates

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return x, target

    def joint(self) -> Joint | None:
        """What does this part's ``batch`` together with others whose joint is equal; None where it acts by itself.

        A query and no stage: a recipe asks it, so that what several parts do to a batch is computed once.
        """
        return None

    def needs(self) -> tuple[str, ...]:
        """The names of the resources that a training has to bring: what a recipe names and cannot hold. A query."""
        return ()

    def at(self, now: Now) -> Regularizer:
        """The leaf as it stands at a moment; what wraps it answers with what is inside."""
        return self

    def weights(self, params: Params, now: Now) -> Params:
        return params

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return h

    def kept_rows(self, site: Site, rows: int, now: Now) -> Tensor | None:
        """(rows,) of 1 and 0: for which rows ``activation`` leaves a branch in; None where that is not known before.

        A query and no stage: a model that trains outside of any stack asks it, and does not compute the others.
        """
        return None

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        return loss_of(x, target, now)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return torch.zeros(())

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        """The gradient of ``penalty``; a leaf gives it in closed form where it can."""
        return torch.func.grad(lambda some: self.penalty(some, now))(dict(params))

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        return grad_of(params)

    def shrink(self, params: Params, now: Now) -> Params:
        return params

    def project(self, params: Params, now: Now) -> Params:
        return params

    def after_step(self, weights: Params, now: Now) -> Self:
        return self

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        return self

    def stop(self) -> Tensor | bool:
        return False

    def deploy(self, weights: Params) -> Params:
        return weights


def _register(cls: type[Regularizer]) -> None:
    known = REGISTRY.get(cls.__name__)
    if known is not None and known.__module__ != cls.__module__:
        raise RecipeError(
            f"a regularizer named {cls.__name__} exists already, in {known.__module__}.",
            fix="Give yours another name: recipe files know regularizers by name.",
            code="WF-R01",
        )
    REGISTRY[cls.__name__] = cls


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.flatten().tolist()) if value.ndim else value.item()
    return value


# One place where torch's private pytree module is used: what makes recipes stack.


def _flatten(part: Regularizer) -> tuple[list[Any], Any]:
    inside = {f.name for f in dataclasses.fields(part) if "static" not in f.metadata}  # type: ignore[arg-type]
    leaves = {n: v for n, v in vars(part).items() if n in inside and v is not None}
    return list(leaves.values()), (tuple(leaves), tuple((n, v) for n, v in vars(part).items() if n not in leaves))


def _unflatten(cls: type[Regularizer], leaves: Any, context: Any) -> Regularizer:
    names, statics = context
    return _rebuilt(cls, {**dict(zip(names, leaves, strict=True)), **dict(statics)})


def _rebuilt(cls: type[Any], values: Mapping[str, Any]) -> Any:
    part = object.__new__(cls)
    for field in dataclasses.fields(cls):
        object.__setattr__(part, field.name, values[field.name])
    return part
