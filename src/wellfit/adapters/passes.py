"""Forward passes of a person's own model, seen through hooks: what a recipe does to weights and hidden values."""

from __future__ import annotations

import collections
import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from wellfit.adapters.hooks import Hook
from wellfit.adapters.moments import Course
from wellfit.adapters.places import Watch, closed_modules, inside_compiled
from wellfit.draws import Now
from wellfit.errors import RecipeWarning, UsageError
from wellfit.sites import ENTERS, Site
from wellfit.training.statistics import BATCHES, keeping_statistics, mean_statistics
from wellfit.training.step import network_weights

MOST_ROWS = BATCHES
"""Batches that are kept for statistics under averaged weights."""


class Passes:
    """Hooks of a model: in training the recipe acts, in evaluation the weights to hand over are computed with.

    Args:
        course: the recipe under way.
        calls: the sites among the course's that are calls of functions, in their order.

    Attributes:
        now: the moment of the last training pass.
        inputs: positional and named arguments of it.
        hidden: the values at the sites of it, call by call, where an objective may look at them.
    """

    def __init__(self, course: Course, calls: tuple[Site, ...]) -> None:
        self.course, self._calls = course, calls
        self.now: Now | None = None
        self.inputs: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self.hidden: dict[tuple[Site, int], Tensor] = {}
        self.clean: list[Tensor] = []
        self._forced: Now | None = None
        self._open: list[contextlib.ExitStack] = []
        self._training = self._paused = False
        self._watch: Watch | None = None
        self._counts: collections.Counter[Site] = collections.Counter()
        self._handed: dict[str, Tensor] | None = None
        self._eager, self._told = contextlib.ExitStack(), False
        self._handles: list[RemovableHandle] = []
        course.predict = self.predict

    # Installing

    def install(self) -> None:
        model, recipe = self.course.held.model, self.course.recipe
        before = model.register_forward_pre_hook(Hook(self._opened), prepend=True, with_kwargs=True)
        after = model.register_forward_hook(Hook(self._closed), with_kwargs=True, always_call=True)
        self._handles = [before, after]
        for site in self.course.sites:
            if recipe.acts_on(site) and site not in self._calls:
                self._handles.append(self._hook(site))
        if any(recipe.acts_on(s) for s in self._calls):
            # a graph hides calls of functions; while it is attached, what is compiled runs as it was written
            self._eager.enter_context(torch.compiler.set_stance("force_eager"))
        for module in closed_modules(model) if self._calls else ():
            self._handles.append(module.register_forward_pre_hook(Hook(self._entered)))
            self._handles.append(module.register_forward_hook(Hook(self._left), always_call=True))

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        while self._open:
            self._open.pop().close()
        self._eager.close()
        self._handles = []
        self.inputs, self.hidden, self.clean, self._handed = None, {}, [], None

    def _hook(self, site: Site) -> RemovableHandle:
        held = self.course.held
        if site.kind == "preactivation":
            module = held.submodule(site.name.removesuffix(ENTERS))
            return module.register_forward_pre_hook(Hook(self._enters_site, site))
        return held.submodule(site.name).register_forward_hook(Hook(self._leaves_site, site))

    # A pass

    def _opened(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._paused:
            return
        stack = contextlib.ExitStack()
        if not self._open:
            self._training = module.training
            if module.training:
                self._begin(args, kwargs, stack)
            elif "deploy" in self.course.recipe.stages:
                stack.enter_context(self.course.held.swapped(self.handed()))
        self._open.append(stack)

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any], stack: contextlib.ExitStack) -> None:
        course = self.course
        fresh = self._forced is None
        self.now = course.now(course.clock.next_pass()) if self._forced is None else self._forced
        self._counts.clear()
        self.hidden = {}
        if "objective" in course.recipe.stages:
            self.inputs = (args, kwargs)
        if fresh and not course.clock.batches and len(args) == 1 and not kwargs:
            self.keep_clean(args[0])
        if "weights" in course.recipe.stages:
            used = course.recipe.weights(dict(course.held.trained), self.now)
            stack.enter_context(course.held.swapped(network_weights(used)))
        if any(course.recipe.acts_on(s) for s in self._calls):
            self._tell_compiled()
            self._watch = Watch(self._at_call)
            stack.enter_context(self._watch)

    def _closed(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self._paused or not self._open:
            return
        self._open.pop().close()
        watch, self._watch = self._watch, None
        # no output: the pass broke off with an error of its own
        if watch is not None and output is not None and watch.seen != len(self._calls):
            raise UsageError(
                f"a pass called {watch.seen} activation functions; torch.fx found {len(self._calls)} in the model.",
                fix="Use modules (nn.ReLU()) in place of functions, or say where with after=.",
                code="WF-A04",
            )

    def _tell_compiled(self) -> None:
        """Say once that a compiled model runs uncompiled here."""
        if not self._told and inside_compiled():
            self._told = True
            warnings.warn(
                "WF-A27 warning: the recipe acts behind activations called as functions, which a compiled model hides; "
                "until it is detached, compiled code runs uncompiled. Modules (nn.ReLU()) would stay compiled.",
                RecipeWarning,
                stacklevel=2,
            )

    # A site

    def _enters_site(self, site: Site, module: nn.Module, args: tuple[Any, ...]) -> Any:
        return (self._act(args[0], site), *args[1:]) if self._acts(module) and args else None

    def _leaves_site(self, site: Site, module: nn.Module, args: Any, out: Any) -> Any:
        if not self._acts(module):
            return None
        if isinstance(out, tuple):  # a recurrent layer hands over values and state
            return (self._act(out[0], site), *out[1:])
        return self._act(out, site)

    def _acts(self, module: nn.Module) -> bool:
        return not self._paused and (self._training if self._open else module.training)

    def _at_call(self, number: int, h: Tensor) -> Tensor:
        return self._act(h, self._calls[number]) if number < len(self._calls) else h

    def _act(self, h: Tensor, site: Site) -> Tensor:
        course = self.course
        now = self.now if self.now is not None else course.now()
        if self._open:  # outside of a pass (a checkpoint computed anew) the draws are those of the pass before
            self._counts[site] += 1
            now = site.call(self._counts[site], now)
        h = course.recipe.activation(h, site, course.held.trained, now)
        if "objective" in course.recipe.stages:
            self.hidden[site, max(1, self._counts[site])] = h
        return h

    def _entered(self, module: nn.Module, args: Any) -> None:
        if self._watch is not None:
            self._watch.inside += 1

    def _left(self, module: nn.Module, args: Any, out: Any) -> None:
        if self._watch is not None:
            self._watch.inside -= 1

    # Passes of one's own

    def again(self, x: Tensor, now: Now) -> tuple[Any, dict[tuple[Site, int], Tensor]]:
        """A further training pass on other inputs or at another moment; running statistics do not see it."""
        assert self.inputs is not None
        kept = (self.now, self.hidden, self.inputs)
        (_, *others), named = self.inputs
        self._forced = now
        buffers = {n: b.clone() for n, b in self.course.held.model.named_buffers()}
        try:
            with self.course.held.swapped(buffers):
                outputs = self.course.held.model(x, *others, **named)
            return outputs, self.hidden
        finally:
            self._forced = None
            self.now, self.hidden, self.inputs = kept

    def predict(self, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """The outputs of the network in evaluation mode with any weights, the recipe off."""
        model = self.course.held.model
        with self.paused(), self.course.held.swapped(network_weights(weights)):
            model.eval()
            return model(x)

    @property
    def is_paused(self) -> bool:
        return self._paused

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """While open, the hooks do nothing; modes of modules are as before afterwards."""
        modes = {m: m.training for m in self.course.held.model.modules()}
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before
            for module, mode in modes.items():
                module.training = mode

    # What is handed over

    def keep_clean(self, x: Any) -> None:
        """Keep the inputs of the first batches of an epoch: averaged weights take their statistics from them."""
        recipe, model = self.course.recipe, self.course.held.model
        averages = "deploy" in recipe.stages and keeping_statistics(model)
        if averages and isinstance(x, Tensor) and len(self.clean) < MOST_ROWS:
            self.clean.append(x.detach())

    def changed(self) -> None:
        """Weights or memory have moved: what is handed over is to be computed anew."""
        self._handed = None

    @torch.no_grad()
    def handed(self) -> dict[str, Tensor]:
        """The weights to evaluate and to hand over, with running statistics that fit them."""
        if self._handed is not None:
            return self._handed
        held = self.course.held
        params, buffers = held.params(), held.buffers()
        weights = network_weights(self.course.recipe.deploy({**params, **buffers}))
        moved = any(bool((weights[n] != w).any()) for n, w in network_weights(params).items())
        if moved and self.clean and keeping_statistics(held.model):
            with self.paused():
                weights = {**weights, **mean_statistics(held.model, weights, buffers, self.clean)}
        self._handed = weights
        return weights
