"""What a person's own loop cannot honor of a recipe: refused by name, before the first step, with the way out."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from wellfit.adapters.moments import REACH, REACH_FIX, Course
from wellfit.adapters.steps import PROPORTIONAL, RATES_FIX, rates_apart
from wellfit.errors import RecipeError, RecipeWarning
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizer import Params, Regularizer
from wellfit.wrappers import Schedule, Wrapper

_AT_SITES = {"activation", "objective"}


def lint(recipe: Recipe, course: Course, allow: Sequence[str]) -> None:
    """Hold the recipe against the lint's rules: an error is refused unless its code is allowed, a warning is told."""
    held = course.held
    for finding in recipe.lint(held.model, optimizer=held.optimizer, sites=course.sites, silence=tuple(allow)):
        if finding.level == "error":
            fix = f"{finding.fix} Or allow it: attach(..., allow=[{finding.code!r}])."
            raise RecipeError(f"{finding.sentence} ({finding.source})", fix=fix, code=finding.code)
        if finding.level == "warning":
            warnings.warn(str(finding), RecipeWarning, stacklevel=4)


def refuse(course: Course, *, closure: bool, rewritten: bool) -> None:
    """Raise for the first part of the recipe that this loop cannot honor.

    Raises:
        RecipeError: it names the part, why, and what to do.
    """
    for part in course.recipe:
        for message, fix, code in _reasons(part, course, closure, rewritten):
            raise RecipeError(f"{part.name} {message}", fix=fix, code=code)


def _reasons(part: Regularizer, course: Course, closure: bool, rewritten: bool) -> Iterator[tuple[str, str, str]]:
    if "resample" in part.stages:
        fix = "Resample the rows before you make the loader, and take it out of the recipe."
        yield "makes training rows anew, and an attached recipe only sees batches.", fix, "WF-A20"
    if "rewrite" in part.stages and not rewritten:
        fix = "First model = recipe.rewrite(model), then the optimizer, then attach(..., rewritten=True)."
        yield "changes the network's structure, and the optimizer holds the old weights.", fix, "WF-A21"
    if "gradient" in part.stages and not closure and asks_anew(part, course):
        fix = "Hand optimizer.step a closure that computes loss and gradient, and attach(..., closure=True)."
        yield "takes the gradient at other weights, for which the loss must be computed again.", fix, "WF-A22"
    yield from _under_optimizer(part, course)
    if course.clock.epoch_steps is None and _reads_epoch(part, course):
        fix = "Say how many steps one has: attach(..., epoch_steps=len(loader))."
        yield "follows the epochs from step to step, and the loop tells only where they end.", fix, "WF-A24"
    if _AT_SITES & part.stages and _misses(part, course):
        fix = "Say where hidden values are: attach(..., after=[nn.Linear, 'encoder.*'])."
        yield f"finds no place in {type(course.held.model).__name__} that it could act at.", fix, "WF-A25"


def _under_optimizer(part: Regularizer, course: Course) -> Iterator[tuple[str, str, str]]:
    name = type(course.held.optimizer).__name__
    if name == "LBFGS" and "extend" in part.stages:
        yield "adds trainable tensors, and LBFGS takes one group only.", "Train with another optimizer.", "WF-A23"
    if name == "LBFGS" and "shrink" in part.stages and getattr(leaf_of(part), "form", "") != "coupled":
        fix = 'Take L2, or WeightDecay(form="coupled").'
        yield "acts between gradient and update, and LBFGS takes many gradients in one update.", fix, "WF-A23"
    if "project" in part.stages and name not in REACH and _reads_rates(part, course):
        yield f"steps in the optimizer's own metric, which is not known for {name}.", REACH_FIX, "WF-A06"
    if "rate" in part.stages and name not in PROPORTIONAL and _tells_apart(part, course):
        yield f"gives parameters rates of their own: {rates_apart(course.held.optimizer)}", RATES_FIX, "WF-A07"


def _misses(part: Regularizer, course: Course) -> bool:
    """Whether it needs places, and there are none: an objective that looks at outputs alone needs none."""
    if "activation" not in part.stages and not leaf_of(part).site_kinds:
        return False
    return not any(part.selects_site(s) for s in course.sites)


def asks_anew(part: Regularizer, course: Course) -> bool:
    """Whether its stage ``gradient`` asks for a gradient at other weights than those of the step."""
    params = part.select(course.held.params())
    asked: list[bool] = []

    def grad_of(some: Params) -> Params:
        asked.append(all(some[n] is w for n, w in params.items()))
        return {n: torch.ones_like(w) for n, w in some.items()}

    part.gradient(grad_of, params, course.plain().of(part.name))
    return asked != [True]


class _Spied(dict[str, Tensor]):
    """Rates that remember whether they were read."""

    read = False

    def __getitem__(self, name: str) -> Tensor:
        self.read = True
        return super().__getitem__(name)


def _reads_rates(part: Regularizer, course: Course) -> bool:
    now = course.plain()
    rates = _Spied(now.rates)
    part.project(part.select(course.held.params()), dataclasses.replace(now, rates=rates).of(part.name))
    return rates.read


def _rates_at(part: Regularizer, course: Course, epoch: float) -> list[float]:
    now = course.plain(epoch=epoch)
    return [float(r) for r in {**now.rates, **part.rate(part.select(now.rates), now.of(part.name))}.values()]


def _tells_apart(part: Regularizer, course: Course) -> bool:
    base, given = course.base_rates(), (_rates_at(part, course, epoch) for epoch in (0.0, 1e6))
    equal = [float(r) for r in base.values()]
    return any(len({g / b for g, b in zip(rates, equal, strict=True) if b}) > 1 for rates in given)


def _reads_epoch(part: Regularizer, course: Course) -> bool:
    inner: Regularizer = part
    while isinstance(inner, Wrapper):
        if isinstance(inner, Schedule):
            return True
        inner = inner.inner
    return "rate" in part.stages and _rates_at(part, course, 0.0) != _rates_at(part, course, 0.3)
