"""Wrappers: ``where`` narrows what a regularizer acts on, ``schedule`` turns its strength up or down over time."""

from __future__ import annotations

import dataclasses
import fnmatch
import sys
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.fold import Fold
from wellfit.knobs import Knob, static
from wellfit.regularizer import EXTRA, GradOf, Params, Regularizer
from wellfit.sites import Site
from wellfit.target import Target


class Wrapper(Regularizer, abstract=True):
    """Hands every stage on to the part inside; a wrapper overrides what it changes."""

    inner: Regularizer

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Regularizer):
            raise RecipeError(
                f"{type(self).__name__.lower()}() takes a regularizer, not {self.inner!r}.", code="WF-R04"
            )

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def stages(self) -> frozenset[str]:  # type: ignore[override]
        return self.inner.stages

    @property
    def rank(self) -> int:  # type: ignore[override]
        return self.inner.rank

    @property
    def tasks(self) -> frozenset[str]:  # type: ignore[override]
        return self.inner.tasks

    @property
    def exempt(self) -> str:  # type: ignore[override]
        return self.inner.exempt

    def knobs(self) -> dict[str, Knob]:  # type: ignore[override]
        return self.inner.knobs()

    def neutral(self) -> Self:
        return self.replace(inner=self.inner.neutral())

    def is_neutral(self) -> bool:
        return self.inner.is_neutral()

    def select(self, params: Params) -> Params:
        return self.inner.select(params)

    def selects_site(self, site: Site) -> bool:
        return self.inner.selects_site(site)

    def at(self, now: Now) -> Regularizer:
        """The part inside, as it stands at this moment."""
        return self.inner

    def resample(self, data: Fold, now: Now) -> Fold:
        return self.inner.resample(data, now)

    def rewrite(self, model: nn.Module) -> nn.Module:
        return self.inner.rewrite(model)

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        return self.inner.extend(params, sites)

    def start(self, weights: Params) -> Self:
        return self.remember(inner=self.inner.start(weights))

    def rate(self, rates: Params, now: Now) -> Params:
        return self.at(now).rate(rates, now)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return self.at(now).batch(x, target, now)

    def weights(self, params: Params, now: Now) -> Params:
        return self.at(now).weights(params, now)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return self.at(now).activation(h, site, params, now)

    def kept_rows(self, site: Site, rows: int, now: Now) -> Tensor | None:
        return self.at(now).kept_rows(site, rows, now)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        return self.at(now).objective(loss_of, x, target, now)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return self.at(now).penalty(params, now)

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return self.at(now).penalty_gradient(params, now)

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        return self.at(now).gradient(grad_of, params, now)

    def shrink(self, params: Params, now: Now) -> Params:
        return self.at(now).shrink(params, now)

    def project(self, params: Params, now: Now) -> Params:
        return self.at(now).project(params, now)

    def after_step(self, weights: Params, now: Now) -> Self:
        return self._keep(self.at(now).after_step(weights, now))

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        return self._keep(self.at(now).after_epoch(weights, metrics, now))

    def stop(self) -> Tensor | bool:
        return self.inner.stop()

    def deploy(self, weights: Params) -> Params:
        return self.inner.deploy(weights)

    def _keep(self, later: Regularizer) -> Self:
        """Take over the memory of the part after a stage, not the knobs it had at that moment."""
        return self.remember(inner=_with_knobs_of(self.inner, later))


def leaf_class(part: Regularizer) -> type[Regularizer]:
    """The class of the regularizer inside all wrappers."""
    while isinstance(part, Wrapper):
        part = part.inner
    return type(part)


def _with_knobs_of(part: Regularizer, later: Regularizer) -> Regularizer:
    if isinstance(part, Wrapper) and isinstance(later, Wrapper):
        return later.remember(inner=_with_knobs_of(part.inner, later.inner))
    return later.remember(**{n: getattr(part, n) for n in part.knobs()})


class Where(Wrapper, abstract=True):
    """A regularizer on the parameters and sites whose name matches a pattern (``fnmatch``: ``*``, ``?``, ``[ab]``).

    The pattern replaces the default selection, so that a penalty reaches biases when it is told to. Patterns separated
    by ``|`` are alternatives.
    """

    pattern: str = static("*")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.pattern, str):
            raise RecipeError(f"where() takes a pattern of names, not {self.pattern!r}.", code="WF-R04")
        if "rewrite" in self.inner.stages:
            raise RecipeError(f"{self.inner.name} changes the whole network; where() cannot confine it.", code="WF-R07")

    @property
    def name(self) -> str:
        return f"{self.inner.name}@{self.pattern}"

    def matches(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, p) for p in self.pattern.split("|"))

    def select(self, params: Params) -> Params:
        own = leaf_class(self).extra("")
        shown = {n: n.removeprefix(own) for n in params if n.startswith(own) or not n.startswith(EXTRA)}
        return {n: params[n] for n, name in shown.items() if self.matches(name)}

    def selects_site(self, site: Site) -> bool:
        return self.matches(site.name)


@dataclasses.dataclass(frozen=True)
class Dial:
    """A course from 0 (the regularizer is neutral) to 1 (it is as given), over epochs; never over a horizon."""

    epochs: float

    def __post_init__(self) -> None:
        number = isinstance(self.epochs, int | float) and not isinstance(self.epochs, bool)
        if not (number and 0 < self.epochs <= sys.float_info.max):
            raise RecipeError(f"{type(self).__name__.lower()}() takes a number of epochs over 0.", code="WF-R04")

    def __call__(self, epoch: Tensor) -> Tensor:
        raise NotImplementedError


class Ramp(Dial):
    """From 0 to 1 in a straight line over the first ``epochs`` epochs."""

    def __call__(self, epoch: Tensor) -> Tensor:
        return (epoch / self.epochs).clamp(0.0, 1.0)


class Fade(Dial):
    """From 1 to 0 in a straight line over the first ``epochs`` epochs."""

    def __call__(self, epoch: Tensor) -> Tensor:
        return 1.0 - (epoch / self.epochs).clamp(0.0, 1.0)


class After(Dial):
    """0 for the first ``epochs`` epochs, 1 from then on."""

    def __call__(self, epoch: Tensor) -> Tensor:
        return (epoch >= self.epochs).to(epoch.dtype)


DIALS: dict[str, type[Dial]] = {"ramp": Ramp, "fade": Fade, "after": After}


class Schedule(Wrapper, abstract=True):
    """A regularizer whose strength follows a dial d: each knob is (1 - d) * neutral + d * value.

    A knob whose neutral value is infinite (a limit) is value / d instead. Knobs without a neutral value stay.
    """

    dial: Dial = static(Ramp(1))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.dial, Dial):
            hint = "ramp(5), fade(5) and after(5) are dials."
            raise RecipeError(f"schedule() takes a dial, not {self.dial!r}.", fix=hint, code="WF-R04")

    def at(self, now: Now) -> Regularizer:
        return _dialed(self.inner, self.dial(now.epoch))


def _dialed(part: Regularizer, dial: Tensor) -> Regularizer:
    if isinstance(part, Wrapper):
        return part.remember(inner=_dialed(part.inner, dial))
    turned = {}
    for name, facts in part.knobs().items():
        value = getattr(part, name)
        if facts.neutral is None:
            continue
        if facts.neutral == float("inf"):
            turned[name] = torch.where(dial > 0, value / dial.clamp(min=1e-30), torch.inf)
        else:
            turned[name] = (1.0 - dial) * facts.neutral + dial * value
    return part.remember(**turned)


def where(part: Regularizer, pattern: str) -> Where:
    """Confine a regularizer to the parameters and sites whose names match: ``where(L1(1e-3), "encoder.*")``."""
    return Where(part, pattern)


def schedule(part: Regularizer, dial: Dial) -> Schedule:
    """Let a dial set how strong a regularizer is over time: ``schedule(Dropout(0.3), ramp(5))``."""
    return Schedule(part, dial)


def ramp(epochs: float) -> Ramp:
    """Turn a regularizer up, from neutral to its full strength, over the first epochs."""
    return Ramp(epochs)


def fade(epochs: float) -> Fade:
    """Turn a regularizer down, from its full strength to neutral, over the first epochs."""
    return Fade(epochs)


def after(epochs: float) -> After:
    """Switch a regularizer on after a number of epochs."""
    return After(epochs)
