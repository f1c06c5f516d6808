"""Wrappers: ``where`` narrows what a regularizer acts on, ``schedule`` turns its strength up or down over time."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from wellfit.dials import Dial, Ramp
from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.fold import Fold
from wellfit.joint import Joint
from wellfit.knobs import Knob, memory, static
from wellfit.recipe import leaf_of
from wellfit.regularizer import EXTRA, GradOf, Params, Regularizer
from wellfit.sites import Site
from wellfit.target import Target

_SELECTING = frozenset(
    {"extend", "rate", "weights", "activation", "penalty", "gradient", "shrink", "project", "deploy"}
)
"""The stages that act on some parameters or at some sites, and so can be confined to others."""


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

    def within(self, now: Now) -> Regularizer:
        """The part inside, as it stands at this moment."""
        return self.inner

    def at(self, now: Now) -> Regularizer:
        return self.within(now).at(now)

    def joint(self) -> Joint | None:
        return self.inner.joint()

    def needs(self) -> tuple[str, ...]:
        return self.inner.needs()

    def resample(self, data: Fold, now: Now) -> Fold:
        return self.inner.resample(data, now)

    def rewrite(self, model: nn.Module) -> nn.Module:
        return self.inner.rewrite(model)

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        return self.inner.extend(params, sites)

    def start(self, weights: Params) -> Self:
        return self.remember(inner=self.inner.start(weights))

    def rate(self, rates: Params, now: Now) -> Params:
        return self.within(now).rate(rates, now)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return self.within(now).batch(x, target, now)

    def weights(self, params: Params, now: Now) -> Params:
        return self.within(now).weights(params, now)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return self.within(now).activation(h, site, params, now)

    def kept_rows(self, site: Site, rows: int, now: Now) -> Tensor | None:
        return self.within(now).kept_rows(site, rows, now)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        return self.within(now).objective(loss_of, x, target, now)

    def penalty(self, params: Params, now: Now) -> Tensor:
        return self.within(now).penalty(params, now)

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        return self.within(now).penalty_gradient(params, now)

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        return self.within(now).gradient(grad_of, params, now)

    def shrink(self, params: Params, now: Now) -> Params:
        return self.within(now).shrink(params, now)

    def project(self, params: Params, now: Now) -> Params:
        return self.within(now).project(params, now)

    def after_step(self, weights: Params, now: Now) -> Self:
        return self._keep(self.within(now).after_step(weights, now), now)

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        return self._keep(self.within(now).after_epoch(weights, metrics, now), now)

    def stop(self) -> Tensor | bool:
        return self.inner.stop()

    def deploy(self, weights: Params) -> Params:
        return self.inner.deploy(weights)

    def _keep(self, later: Regularizer, now: Now) -> Self:
        """Take over the memory of the part after a stage, not the knobs it had at that moment."""
        return self.remember(inner=_with_knobs_of(self.inner, later))


def leaf_class(part: Regularizer) -> type[Regularizer]:
    """The class of the regularizer inside all wrappers."""
    return type(leaf_of(part))


def _with_knobs_of(part: Regularizer, later: Regularizer) -> Regularizer:
    if isinstance(part, Wrapper) and isinstance(later, Wrapper):
        return later.remember(inner=_with_knobs_of(part.inner, later.inner))
    return later.remember(**{n: getattr(part, n) for n in part.knobs()})


class Where(Wrapper, abstract=True):
    """A regularizer on the parameters and sites whose name matches a pattern (``fnmatch``: ``*``, ``?``, ``[ab]``).

    Of parameters the pattern replaces the default selection, so that a penalty reaches biases when it is told to. Of
    sites it narrows it: those of the kinds that the regularizer acts at by itself. Only where the pattern names none of
    them in the model does it reach sites of other kinds: ``where(Dropout(0.2), "input")``. Patterns separated by ``|``
    are alternatives.

    Raises:
        RecipeError: the regularizer acts on no weights and at no sites of its own, so that a pattern changes nothing.
    """

    pattern: str = static("*")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.pattern, str):
            raise RecipeError(f"where() takes a pattern of names, not {self.pattern!r}.", code="WF-R04")
        if "rewrite" in self.inner.stages:
            raise RecipeError(f"{self.inner.name} changes the whole network; where() cannot confine it.", code="WF-R07")
        looks = "objective" in self.inner.stages and leaf_class(self).site_kinds
        if self.inner.stages.isdisjoint(_SELECTING) and not looks:
            raise RecipeError(
                f"{self.inner.name} acts on rows, on the loss or on the whole network; where() cannot confine it.",
                fix="Take where() away.",
                code="WF-R07",
            )

    @property
    def name(self) -> str:
        return f"{self.inner.name}@{self.pattern}"

    def matches(self, name: str) -> bool:
        return _matches(self.pattern, name)

    def select(self, params: Params) -> Params:
        own = leaf_class(self).extra("")
        shown = {n: n.removeprefix(own) for n in params if n.startswith(own) or not n.startswith(EXTRA)}
        return {n: params[n] for n, name in shown.items() if self.matches(name)}

    def selects_site(self, site: Site) -> bool:
        if not self.matches(site.name):
            return False
        leaf = leaf_of(self)
        return leaf.selects_site(site) or not any(leaf.selects_site(s) and self.matches(s.name) for s in site.model)


@functools.lru_cache(maxsize=1 << 16)
def _matches(pattern: str, name: str) -> bool:
    """Cached: a step asks it for every part at every site."""
    return any(fnmatch.fnmatchcase(name, p) for p in pattern.split("|"))


class Schedule(Wrapper, abstract=True):
    """A regularizer whose strength follows a dial d: its main knob is (1 - d) * neutral + d * value.

    The main knob is the first one that has a neutral value, which by itself switches all of the regularizer off; were
    several turned at once, their product would follow d ** 2. A knob whose neutral value is infinite (a limit) is
    value / d instead. All others stay as given. What is handed over is computed with the dial of the last step taken.

    Raises:
        RecipeError: the regularizer has no neutral value; or acts once, before training; or is what ends a training.
    """

    dial: Dial = static(Ramp(1))
    last: Tensor | None = memory()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.dial, Dial):
            hint = "ramp(5), fade(5) and after(5) are dials."
            raise RecipeError(f"schedule() takes a dial, not {self.dial!r}.", fix=hint, code="WF-R04")
        reason, fix = _undialed(self.inner)
        if reason:
            raise RecipeError(f"schedule() cannot dial {self.inner.name}: it {reason}.", fix=fix, code="WF-R07")

    @property
    def stages(self) -> frozenset[str]:  # type: ignore[override]
        stages = self.inner.stages
        return stages | {"after_step"} if "deploy" in stages else stages  # what deploys remembers the dial

    def within(self, now: Now) -> Regularizer:
        return _dialed(self.inner, self.dial(now.epoch))

    def start(self, weights: Params) -> Self:
        started = super().start(weights)
        if "deploy" not in self.stages:
            return started
        like = next(iter(weights.values()), torch.zeros(()))  # under a `where` that matches nothing there are none
        return started.remember(last=self.dial(like.new_zeros(())))

    def deploy(self, weights: Params) -> Params:
        return self.inner.deploy(weights) if self.last is None else _dialed(self.inner, self.last).deploy(weights)

    def _keep(self, later: Regularizer, now: Now) -> Self:
        kept = super()._keep(later, now)
        return kept if self.last is None else kept.remember(last=self.dial(now.epoch).to(self.last.dtype))


def _dialed(part: Regularizer, dial: Tensor) -> Regularizer:
    if isinstance(part, Wrapper):
        return part.remember(inner=_dialed(part.inner, dial))
    name = main_knob(part)
    value, neutral = getattr(part, name), float(part.knobs()[name].neutral)  # type: ignore[arg-type] - a main knob has one
    if neutral == float("inf"):
        return part.remember(**{name: torch.where(dial > 0, value / dial.clamp(min=1e-30), torch.inf)})
    return part.remember(**{name: (1.0 - dial) * neutral + dial * value})


def main_knob(part: Regularizer) -> str:
    """The knob that a dial turns: the first one that has a neutral value; empty where none has."""
    return next((name for name, facts in part.knobs().items() if facts.neutral is not None), "")


def _undialed(part: Regularizer) -> tuple[str, str]:
    """Why a dial has nothing to turn in a part, and what to do about it; empty where it has."""
    if not part.stages.isdisjoint({"rewrite", "resample"}):
        return "acts once, before there is a time to follow", "Take schedule() away."
    if leaf_class(part).stop is not Regularizer.stop:
        return "ends the training, which is no strength", "EarlyStopping(warm_up=5) looks away for five epochs."
    if not main_knob(part):
        return "has no neutral value to go to or to come from", "Take schedule() away."
    return "", ""


def where(part: Regularizer, pattern: str) -> Where:
    """Confine a regularizer to the parameters and sites whose names match: ``where(L1(1e-3), "encoder.*")``."""
    return Where(part, pattern)


def schedule(part: Regularizer, dial: Dial) -> Schedule:
    """Let a dial set how strong a regularizer is over time: ``schedule(Dropout(0.3), ramp(5))``."""
    return Schedule(part, dial)  # type: ignore[call-arg] - memory is no argument
