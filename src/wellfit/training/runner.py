"""Ways to run the one step for a whole stack: by vmap, as a traced graph, compiled, or apart. All give the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree

from wellfit.draws import Now, Request
from wellfit.target import Target
from wellfit.training.apart import member, own_draws, together
from wellfit.training.compiler import compiled, in_place, simplified
from wellfit.training.prepared import by_request, shared_width
from wellfit.training.step import Batch, State, Trainer

MODES = ("eager", "traced", "compiled", "apart")
"""``apart`` runs one member after the other, for networks that vmap and tracing cannot follow."""


class Inputs(NamedTuple):
    """What one step of a stack reads besides its state; members first where there are any."""

    keys: Tensor
    rates: Tensor
    x: Tensor
    target: Target
    step: Tensor
    epoch: Tensor
    draws: list[Tensor]

    def leaves(self) -> list[Tensor]:
        """The tensors in one flat list; written out, since it runs at every step."""
        head = [self.keys, self.rates, self.x, self.target.values, self.target.weight, self.step, self.epoch]
        return head + self.draws


class Runner:
    """Runs steps of a stack, keeping the state as a flat list of tensors between them.

    Attributes:
        mode: one of ``MODES``; ``compiled`` falls back to ``traced`` where no compiler works, and says so in ``note``.
        seconds: what tracing and compiling took.
        requests: the draws that one step asks for.
    """

    def __init__(self, trainer: Trainer, state: State, inputs: Inputs, mode: str) -> None:
        begun = time.monotonic()
        self.mode, self.note = mode, ""
        self.requests = requests_of(trainer, state, inputs, mode == "apart")
        self._trainer = trainer
        self._spec = _pytree.tree_structure(state)
        self._function: Callable[..., list[Tensor]] | None = None
        self.seconds = time.monotonic() - begun

    def flatten(self, state: State) -> list[Tensor]:
        """The state's tensors; copies where steps write over them, so that whoever holds the state keeps it."""
        flat = _pytree.tree_leaves(state)
        return [t.clone() for t in flat] if self.mode == "compiled" else flat

    def unflatten(self, flat: list[Tensor]) -> State:
        return _pytree.tree_unflatten(flat, self._spec)

    def step(self, flat: list[Tensor], inputs: Inputs) -> tuple[list[Tensor], Tensor]:
        """One step: the next state, flat, and the training losses (members,).

        The state that was handed in is used up: see ``flatten``.
        """
        arguments = flat + inputs.leaves()
        if self._function is None:
            self._build(arguments, inputs)
        assert self._function is not None
        *later, loss = self._function(*arguments)
        return later or flat, loss  # a compiled step has written the state where it was

    def _build(self, arguments: list[Tensor], inputs: Inputs) -> None:
        begun = time.monotonic()
        spec = _pytree.tree_structure(inputs)
        held = len(arguments) - len(inputs.leaves())

        def function(*flat: Tensor) -> list[Tensor]:
            state = _pytree.tree_unflatten(list(flat[:held]), self._spec)
            read = _pytree.tree_unflatten(list(flat[held:]), spec)
            way = apart_step if self.mode == "apart" else stacked_step
            later, loss = way(self._trainer, self.requests, state, read)
            return [*_pytree.tree_leaves(later), loss]

        if self.mode in ("eager", "apart"):
            self._function = function
        else:
            self._function = self._graph(function, arguments, held)
        self.seconds += time.monotonic() - begun

    def _graph(self, function: Callable[..., Any], arguments: list[Tensor], held: int) -> Callable[..., Any]:
        from torch.fx.experimental.proxy_tensor import make_fx

        graph = simplified(make_fx(function)(*arguments))
        if self.mode == "traced":
            return graph
        try:
            return compiled(in_place(graph, held), arguments)
        except Exception as error:  # whatever a compiler may raise: the traced graph computes the same
            self.mode = "traced"
            self.note = f"no compiler works here ({type(error).__name__}): steps run uncompiled"
            return graph


def stacked_step(trainer: Trainer, requests: list[Request], state: State, inputs: Inputs) -> tuple[State, Tensor]:
    """One step of every member at once."""

    def one(state: State, read: Inputs) -> tuple[State, Tensor]:
        now = _now(state, read, ready=by_request(requests, read.draws))
        return trainer.step(state, Batch(read.x, read.target), now)

    shared = shared_width(requests)
    draws = [None] * shared + [0] * (len(inputs.draws) - shared)
    return torch.func.vmap(one, in_dims=(0, Inputs(0, 0, 0, 0, None, None, draws)))(state, inputs)  # type: ignore[arg-type]


def apart_step(trainer: Trainer, requests: list[Request], state: State, inputs: Inputs) -> tuple[State, Tensor]:
    """One step of every member, one after the other."""
    shared = shared_width(requests)
    found = []
    for place in range(len(inputs.keys)):
        own, read = member(state, place), _read_by(inputs, place, shared)
        now = _now(own, read, ready=by_request(requests, read.draws))
        with own_draws(read.keys, read.step):
            found.append(trainer.step(own, Batch(read.x, read.target), now))
    return together(found)


def _read_by(inputs: Inputs, place: int, shared: int) -> Inputs:
    """What one member reads; the first ``shared`` draws have no axis of members."""
    keys, rates, x, target, turns = member((*inputs[:4], inputs.draws[shared:]), place)
    return Inputs(keys, rates, x, target, inputs.step, inputs.epoch, inputs.draws[:shared] + turns)


def requests_of(trainer: Trainer, state: State, inputs: Inputs, apart: bool = False) -> list[Request]:
    """The draws that a step asks for, each once, found by taking one step whose result is thrown away."""
    asked: list[Request] = []

    def one(state: State, read: Inputs) -> Tensor:
        return trainer.step(state, Batch(read.x, read.target), _now(state, read, asked=asked))[1]

    if apart:
        read = _read_by(inputs._replace(draws=[]), 0, 0)
        with own_draws(read.keys, read.step):
            one(member(state, 0), read)
        return list(dict.fromkeys(asked))
    in_dims = (0, Inputs(0, 0, 0, 0, None, None, []))  # type: ignore[arg-type]
    torch.func.vmap(one, in_dims=in_dims)(state, inputs._replace(draws=[]))
    return list(dict.fromkeys(asked))


def _now(state: State, read: Inputs, **more: Any) -> Now:
    return Now(read.keys, read.step, read.epoch, dict.fromkeys(state.params, read.rates), **more)
