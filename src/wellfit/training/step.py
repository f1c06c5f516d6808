"""One training step of one model under one recipe, as a pure function; everything else runs this."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wellfit.draws import Now, Pixels
from wellfit.recipe import Recipe
from wellfit.regularizer import EXTRA, Params
from wellfit.sites import Site, acting, find_sites, leaving_out
from wellfit.target import Target
from wellfit.training.optimizers import Moments, Optimizer
from wellfit.training.precision import computing_in, widened


class State(NamedTuple):
    """All that one model is, between two steps."""

    params: dict[str, Tensor]
    buffers: dict[str, Tensor]
    moments: Moments
    recipe: Recipe

    def weights(self) -> dict[str, Tensor]:
        return {**self.params, **self.buffers}

    def deployed(self) -> dict[str, Tensor]:
        """The weights to evaluate and to hand over: the network's own, without what regularizers have added."""
        return network_weights(self.recipe.deploy(self.weights()))


class Seen(NamedTuple):
    """What one pass through the network saw.

    Attributes:
        outputs: (batch, outputs).
        buffers: running statistics after the pass.
        hidden: values by the name of their site, after regularizers have acted; a part of a recipe is shown those of
            the sites it selects. From the second call of a site's module on, its number follows the name: ``relu#2``.
        everywhere: the same of every site that any part selects, by site and number of the call.
        params: the parameters at which the loss is asked for; a part of a recipe is shown those it selects, and what it
            has added itself.
    """

    outputs: Tensor
    buffers: dict[str, Tensor]
    hidden: dict[str, Tensor]
    everywhere: dict[tuple[Site, int], Tensor] = {}  # noqa: RUF012 - never written into
    params: Params = {}  # noqa: RUF012 - never written into


class Batch(NamedTuple):
    """What a step reads."""

    x: Tensor
    target: Target


@dataclasses.dataclass(frozen=True)
class Trainer:
    """A network's shape and an optimizer: what all members of a stack have in common.

    Attributes:
        network: a module whose weights are never read; it only says what to compute.
        optimizer: the update rule.
        resources: what recipes name and do not hold, such as a teacher: functions of the inputs.
        skips: whether branches are not computed for rows that are going to be dropped: for one model outside of any
            stack, with the same result.
        precision: what the passes of a step are computed in, one of ``precision.PRECISIONS``; weights, gradients,
            losses and evaluations are float32 either way, and float64 networks stay what they are.
        blocks: (start, width) of each block of 0/1 columns of the inputs that codes one category, where that is known.
        pixels: the values of black and of white in each channel of pictures, see ``Now``.
    """

    network: nn.Module
    optimizer: Optimizer
    resources: Mapping[str, Callable[[Tensor], Tensor]] = dataclasses.field(default_factory=dict, compare=False)
    skips: bool = False
    precision: str = "float32"
    blocks: tuple[tuple[int, int], ...] = ()
    pixels: Pixels | None = None

    @functools.cached_property
    def sites(self) -> tuple[Site, ...]:
        """Where in the network recipes may act."""
        return tuple(find_sites(self.network).values())

    def start(self, network: nn.Module, recipe: Recipe) -> State:
        """The first state of a model: its weights as ``network`` holds them, the recipe's knobs as tensors.

        Parameters that want no gradient are kept as buffers: they are handed over as they are, and nothing moves them.
        """
        params = {n: p.detach().clone() for n, p in network.named_parameters() if p.requires_grad}
        frozen = {n: p.detach().clone() for n, p in network.named_parameters() if not p.requires_grad}
        buffers = {n: b.detach().clone() for n, b in network.named_buffers()} | frozen
        like = next(iter(params.values()))
        recipe = recipe.on(like)
        params |= recipe.extend(params, self.sites)
        ready = recipe.start({**params, **buffers})
        return State(params, buffers, self.optimizer.start(params), ready)

    def step(self, state: State, batch: Batch, now: Now) -> tuple[State, Tensor]:
        """One step: the next state, and the loss on the batch as trained (regularizers on, penalties left out)."""
        now = dataclasses.replace(now, predict=self.predict, resources=self.resources, sites=self.sites)
        now = dataclasses.replace(now, blocks=self.blocks, pixels=self.pixels)
        now = dataclasses.replace(now, rates=state.recipe.rate(now.rates, now))
        x, target = state.recipe.batch(batch.x, batch.target, now)
        passes: list[tuple[Tensor, Seen]] = []

        def grad_of(params: Params) -> Params:
            slope, seen = self._gradient(state, params, x, target, now)
            passes.append(seen)
            return slope

        grads = state.recipe.gradient(grad_of, state.params, now)
        decayed = state.recipe.shrink(state.params, now)
        params, moments = self.optimizer.update(grads, decayed, state.moments, now)
        reached = dataclasses.replace(now, rates=self.optimizer.reach(now.rates, moments, now))
        params = dict(state.recipe.project(params, reached))
        loss, seen = passes[0]  # the first pass is the clean one: its batch statistics count
        recipe = state.recipe.after_step({**params, **seen.buffers}, now)
        return State(params, seen.buffers, moments, recipe), loss

    def predict(self, weights: Params, x: Tensor) -> Tensor:
        """The outputs (batch, outputs) of a model in evaluation mode, regularizers off."""
        self.network.eval()
        return torch.func.functional_call(self.network, network_weights(weights), (x,))

    def _gradient(
        self, state: State, params: Params, x: Tensor, target: Target, now: Now
    ) -> tuple[Params, tuple[Tensor, Seen]]:
        """The gradient of loss and penalties at ``params``, with what the pass saw."""

        def objective(params: dict[str, Tensor]) -> tuple[Tensor, tuple[Tensor, Seen]]:
            def loss_of(x: Tensor, target: Target, now: Now) -> tuple[Tensor, Seen]:
                seen = self._forward(state, params, x, now)
                return target.loss(seen.outputs), seen

            loss, seen = state.recipe.objective(loss_of, x, target, now)
            return loss, (loss.detach(), seen._replace(hidden={}, everywhere={}, params={}))

        slope, seen = torch.func.grad(objective, has_aux=True)(dict(params))
        for name, g in state.recipe.penalty_gradient(params, now).items():
            # the same to the bit as a sum, which a compiler would join to the product before it as one slower call
            slope[name] = slope[name] - (-g)
        return slope, seen

    def _forward(self, state: State, params: Params, x: Tensor, now: Now) -> Seen:
        used = state.recipe.weights(params, now)
        buffers = {n: b.clone() for n, b in state.buffers.items()}  # normalization writes into its statistics

        hidden: dict[tuple[Site, int], Tensor] = {}
        calls: collections.Counter[Site] = collections.Counter()

        def act(h: Tensor, site: Site) -> Tensor:
            calls[site] += 1
            acted = state.recipe.activation(h, site, params, site.call(calls[site], now))
            hidden[site, calls[site]] = acted
            return acted

        self.network.train()
        sites = [s for s in self.sites if state.recipe.acts_on(s)]
        kept = functools.partial(state.recipe.kept_rows, now=now)
        skipping = leaving_out(self.network, kept, sites) if self.skips else contextlib.nullcontext()
        with acting(self.network, act, sites), skipping, computing_in(self.precision, self.network, x.device):
            outputs = torch.func.functional_call(self.network, {**network_weights(used), **buffers}, (x,))
        if self.precision != "float32":
            outputs = widened(outputs)  # losses are sums over rows: float32 again
        return Seen(outputs, buffers, {}, hidden, params)


def network_weights(weights: Params) -> dict[str, Tensor]:
    """The tensors that the network itself has a place for."""
    return {n: w for n, w in weights.items() if not n.startswith(EXTRA)}
