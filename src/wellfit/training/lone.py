"""One model trained by itself: the same step as a population's, without an axis of members, for any network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from wellfit.draws import Now, Pixels, Request, member_key
from wellfit.recipe import Recipe
from wellfit.target import Target
from wellfit.training.compiler import compiled, in_place, simplified
from wellfit.training.optimizers import Optimizer
from wellfit.training.prepared import Prepared, by_request
from wellfit.training.step import Batch, State, Trainer

Form = tuple[tuple[Any, ...], ...]
"""Shape, strides, type and device of each of some tensors: a graph is made for one form."""


def _form(leaves: list[Tensor]) -> Form:
    return tuple((tuple(leaf.shape), leaf.stride(), leaf.dtype, leaf.device) for leaf in leaves)


class Lone:
    """Steps of one network under one recipe.

    Args:
        network: the network to start from; it is not written into, ``state`` holds the weights.
        recipe: what it trains under; parts that change the network are applied to a copy.
        optimizer: the update rule.
        rate: learning rate.
        seed: what the draws follow from.
        mode: ``eager``, ``traced`` (the step as one graph) or ``compiled``.
        epoch_steps: steps that make one epoch, for schedules.
        skips: whether eager steps leave out what a residual branch would compute for rows that are going to be dropped;
            the result is the same. A graph cannot: how many rows are left differs from step to step.
        resources: what the recipe names and cannot hold, such as a teacher: functions of the inputs.
        pixels: the values of black and of white in each channel of pictures, where they are scaled; see ``Now``.

    Attributes:
        state: weights, moments and the recipe's memory.
        steps: steps taken.
        note: why a step is not compiled although it should be.
    """

    def __init__(
        self, network: nn.Module, recipe: Recipe, optimizer: Optimizer, *, rate: float, seed: int = 0,
        mode: str = "eager", epoch_steps: int = 1, skips: bool = True,
        resources: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
        pixels: Pixels | None = None,
    ) -> None:  # fmt: skip
        self.network = recipe.rewrite(network)
        self.trainer = Trainer(
            self.network, optimizer, dict(resources or {}), pixels=pixels, skips=skips and mode == "eager"
        )
        self.state: State = self.trainer.start(self.network, recipe)
        self.mode, self.steps, self.note = mode, 0, ""
        self._key, self._epoch_steps = member_key(seed), epoch_steps
        like = next(iter(self.state.params.values()))
        self._rate = like.new_tensor(rate)
        self._asked: dict[tuple[Any, ...], list[Request]] = {}
        self._prepared: dict[tuple[Any, ...], Prepared] = {}
        self._graphs: dict[tuple[Any, ...], Callable[..., list[Tensor]]] = {}
        self._flat: tuple[State | None, list[Tensor], Form] = (None, [], ())

    def step(self, x: Tensor, target: Target) -> Tensor:
        """One step on a batch; returns the loss as trained."""
        batch = Batch(x, target)
        requests, draws = self._drawn(batch)
        moment = (torch.tensor(self.steps), torch.tensor(self.steps / self._epoch_steps))
        if self.mode == "eager":
            self.state, loss = self._one(requests, self.state, batch, draws, *moment)
        else:
            loss = self._by_graph(requests, batch, draws, *moment)
        self.steps += 1
        return loss

    def weights(self) -> dict[str, Tensor]:
        """The weights to evaluate and to hand over; compiled steps write over the state, so these are copies then."""
        weights = self.state.deployed()
        return {n: w.clone() for n, w in weights.items()} if self.mode == "compiled" else weights

    def _one(
        self, requests: list[Request], state: State, batch: Batch, draws: list[Tensor], step: Tensor, epoch: Tensor
    ) -> tuple[State, Tensor]:
        ready = by_request(requests, draws)
        rates = dict.fromkeys(state.params, self._rate)
        return self.trainer.step(state, batch, Now(self._key, step, epoch, rates, moment=self.steps, ready=ready))

    def _by_graph(
        self, requests: list[Request], batch: Batch, draws: list[Tensor], step: Tensor, epoch: Tensor
    ) -> Tensor:
        brought = [leaf.contiguous() for leaf in _pytree.tree_leaves((batch, draws, step, epoch))]
        held, form = self._state_leaves()
        shape, leaves = (form, _form(brought)), [*held, *brought]
        if shape not in self._graphs:
            spec = _pytree.tree_structure((self.state, batch, draws, step, epoch))
            self._graphs[shape] = self._graph(requests, leaves, spec)
        *flat, loss = self._graphs[shape](*leaves)
        if flat:  # a compiled step has written the state where it was
            self.state = _pytree.tree_unflatten(flat, _pytree.tree_structure(self.state))
        return loss

    def _state_leaves(self) -> tuple[list[Tensor], Form]:
        """The tensors of the state and their form: the same as before, where a compiled step has written over them."""
        if self._flat[0] is not self.state:
            leaves = _pytree.tree_leaves(self.state)
            self._flat = (self.state, leaves, _form(leaves))
        return self._flat[1:]

    def _graph(self, requests: list[Request], leaves: list[Tensor], spec: Any) -> Callable[..., list[Tensor]]:
        from torch.fx.experimental.proxy_tensor import make_fx

        def function(*flat: Tensor) -> list[Tensor]:
            later, loss = self._one(requests, *_pytree.tree_unflatten(list(flat), spec))
            return [*_pytree.tree_leaves(later), loss]

        graph = simplified(make_fx(function)(*leaves))
        if self.mode == "traced":
            return graph
        try:
            return compiled(in_place(graph, len(_pytree.tree_leaves(self.state))), leaves)
        except Exception as error:  # whatever a compiler may raise: the traced graph computes the same
            self.note = f"no compiler works here ({type(error).__name__}): steps run uncompiled"
            return graph

    def _requests(self, batch: Batch) -> list[Request]:
        """The draws that a step asks for, found by taking one whose result is thrown away."""
        asked: list[Request] = []
        rates = dict.fromkeys(self.state.params, self._rate)
        now = Now(self._key, torch.tensor(self.steps), torch.tensor(0.0), rates, moment=self.steps)
        self.trainer.step(self.state, batch, dataclasses.replace(now, asked=asked))
        return list(dict.fromkeys(asked))

    def _drawn(self, batch: Batch) -> tuple[list[Request], list[Tensor]]:
        """What a step on a batch of this shape asks for, and the draws: another shape asks for others."""
        shape = tuple(tuple(leaf.shape) for leaf in _pytree.tree_leaves(batch))
        if shape not in self._asked:
            self._asked[shape] = self._requests(batch)
        requests = self._asked[shape]
        if shape not in self._prepared:
            self._prepared[shape] = Prepared(requests, self._key, streams=self.mode == "compiled")
        return requests, self._prepared[shape].at(self.steps)
