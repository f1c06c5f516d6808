"""Steps of a person's own optimizer, seen through its hooks: rates, gradients, decay, projections, averages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from wellfit.adapters.hooks import Hook
from wellfit.adapters.moments import Course, Reaches
from wellfit.adapters.ranks import agree_buffers, check_together
from wellfit.draws import Now
from wellfit.errors import RecipeError, UsageError
from wellfit.regularizer import Params

PROPORTIONAL = ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop")
"""Optimizers whose update is their learning rate times something that does not depend on it: half the update of a
parameter is then its update at half the rate."""


class Steps:
    """Hooks of an optimizer: between backward and the update, and after it.

    Args:
        course: the recipe under way.
        used: raises where the loop has not used what the recipe needs; asked once a step.
        moved: called after each step.
    """

    def __init__(self, course: Course, used: Callable[[], None], moved: Callable[[], None]) -> None:
        self.course, self._used, self._moved = course, used, moved
        self._now: Now | None = None
        self._mark = (0, 0)
        self._rates: list[tuple[dict[str, Any], Any]] = []
        self._shares: dict[str, Tensor] = {}
        self._from: dict[str, Tensor] = {}
        self._shrunk = False
        self._handles: list[RemovableHandle] = []

    def install(self) -> None:
        optimizer = self.course.held.optimizer
        self._handles = [
            optimizer.register_step_pre_hook(Hook(self._before)),
            optimizer.register_step_post_hook(Hook(self._after)),
        ]

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._restore_rates()
        self._handles, self._now, self._from = [], None, {}

    # Before the update

    def _before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._restore_rates()  # of a step that broke off
        check_together(self.course.wrapped)
        self._now, self._shrunk = None, False
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is not None:
            self._now, self._mark = self._begin(), self.course.clock.mark()
            return self._with_closure(closure, args, kwargs)
        if not self.course.held.has_gradient() or self._overflowed():
            return None
        self._used()
        self._unscale()
        self._now = self._begin()
        self._regularize(self._now, None)
        self._shrink(self._now)
        return None

    def _with_closure(self, closure: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        def regularized() -> Any:
            self.course.clock.rewind(self._mark)  # microbatches before it, if any, stay counted
            loss = closure()
            self._used()
            if self._now is not None and self.course.held.has_gradient():
                self._regularize(self._now, closure)
                self._shrink(self._now)
            return loss

        if "closure" in kwargs:
            return args, {**kwargs, "closure": regularized}
        return (args[0], regularized, *args[2:]), kwargs

    def _overflowed(self) -> bool:
        """Whether a fused optimizer is about to skip this step, since a scaled gradient is infinite."""
        found = getattr(self.course.held.optimizer, "found_inf", None)
        return found is not None and bool(found > 0)

    def _unscale(self) -> None:
        """A fused optimizer divides by the loss scale itself, after the hooks: here it is done before them."""
        optimizer = self.course.held.optimizer
        scale = getattr(optimizer, "grad_scale", None)
        if scale is None:
            return
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.div_(scale.to(parameter.grad.device))
        optimizer.grad_scale = None  # the scaler deletes it after the step

    def _regularize(self, now: Now, closure: Callable[[], Any] | None) -> None:
        """Put the recipe's gradient in place of the loss's."""
        course = self.course
        if not {"penalty", "gradient"} & course.recipe.stages:
            return
        params = course.held.params()
        _refuse_sparse(course)
        taken = 0

        def grad_of(some: Params) -> Params:
            nonlocal taken
            taken += 1
            there = taken == 1 and all(some[n] is w for n, w in params.items())
            slope = course.held.gradients() if there else self._anew(some, closure)
            for name, g in course.recipe.penalty_gradient(some, now).items():
                slope[name] = slope[name] + g
            return slope

        course.held.set_gradients(course.recipe.gradient(grad_of, params, now))

    def _anew(self, params: Params, closure: Callable[[], Any] | None) -> dict[str, Tensor]:
        """The gradient at other weights: the closure is called there, with the draws of before."""
        if closure is None:
            raise UsageError(
                "the recipe takes the gradient a second time, and optimizer.step came without a closure.",
                fix="Hand the optimizer a closure that computes loss and gradient, or take SAM out.", code="WF-A05",
            )  # fmt: skip
        with self.course.held.moved(params), torch.enable_grad():
            self.course.clock.rewind(self._mark)
            closure()
            return self.course.held.gradients()

    @torch.no_grad()
    def _shrink(self, now: Now) -> None:
        held = self.course.held
        if "shrink" in self.course.recipe.stages and not self._shrunk:
            params = held.params()
            held.write(self.course.recipe.shrink(params, now), params)
            self._shrunk = True
        self._from = {n: held.trained[n].detach().clone() for n in self._shares}

    # Rates

    def _begin(self) -> Now:
        """The moment of this step; the optimizer's groups get the rates of the recipe, until the step is over."""
        held = self.course.held
        if held.extras:  # where a scheduler of the loop has moved the rates, its groups do not know of this one
            held.optimizer.param_groups[-1]["lr"] = held.optimizer.param_groups[0]["lr"]
        now = self.course.now(own_noise=False)
        self._shares = {}
        if "rate" in self.course.recipe.stages:
            base = self.course.base_rates()
            for group, names in self._groups():
                self._set_rate(group, {n: now.rates[n] for n in names}, base[names[0]])
        return now

    def _groups(self) -> list[tuple[dict[str, Any], list[str]]]:
        of_group = self.course.held.group_of()
        groups = {id(g): g for g in of_group.values()}
        return [(g, [n for n in of_group if of_group[n] is g]) for g in groups.values()]

    def _set_rate(self, group: dict[str, Any], rates: dict[str, Tensor], base: Tensor) -> None:
        """The largest rate for the whole group; where others are smaller, a share of the update is taken afterwards."""
        wanted = torch.stack(list(rates.values())).tolist()
        largest = max(wanted)
        if largest != float(base):
            self._rates.append((group, group["lr"]))
            group["lr"] = torch.full_like(group["lr"], largest) if isinstance(group["lr"], Tensor) else largest
        less = {n: r / largest for (n, r) in zip(rates, rates.values(), strict=True) if float(r) != largest}
        if less and type(self.course.held.optimizer).__name__ not in PROPORTIONAL:
            raise RecipeError(rates_apart(self.course.held.optimizer), fix=RATES_FIX, code="WF-A07")
        self._shares |= less

    def _restore_rates(self) -> None:
        while self._rates:
            group, rate = self._rates.pop()
            group["lr"] = rate

    # After the update

    @torch.no_grad()
    def _after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        now, self._now = self._now, None
        if now is None:
            return
        self._restore_rates()
        course, held = self.course, self.course.held
        for name, share in self._shares.items():
            parameter = held.trained[name]
            parameter.copy_(self._from[name] + share * (parameter - self._from[name]))
        self._from = {}
        if "project" in course.recipe.stages:
            params = held.params()
            reached = dataclasses.replace(now, rates=Reaches(held, now.rates))
            held.write(course.recipe.project(params, reached), params)
        agree_buffers(course)
        if "after_step" in course.recipe.stages:
            course.recipe = course.recipe.after_step(held.copies(), now)
        for extra in held.extras.values():
            extra.grad = None  # model.zero_grad() does not know it
        course.clock.stepped()
        self._moved()


def rates_apart(optimizer: torch.optim.Optimizer) -> str:
    return f"{type(optimizer).__name__} cannot train parameters of one group at rates of their own."


RATES_FIX = "Give the parameters a group of the optimizer of their own, and drop Freeze or LayerwiseRates."


def _refuse_sparse(course: Course) -> None:
    for name in course.held.sparse_gradients():
        raise UsageError(
            f"the gradient of {name} is sparse; penalties and clipping change every entry.",
            fix="Make the embedding with sparse=False, or take penalties and clipping out.",
            code="WF-A08",
        )
