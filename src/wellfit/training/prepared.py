"""Draws made ahead of the steps that use them, so that the step itself only looks them up."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from wellfit.draws import Request, Turn, member_turn, normal_stream, shared_draw
from wellfit.normals import stream_tensor

_AT_ONCE = 1_000_000  # numbers drawn at a time: 4 MB
_TURNED_AT_ONCE = 64  # steps: each is a few small operations, whatever the number of steps


@dataclasses.dataclass(frozen=True)
class Block:
    """Tensors of some steps, each with a leading axis of steps."""

    first: int
    steps: int
    tensors: list[Tensor]

    @functools.cached_property
    def _by_step(self) -> list[tuple[Tensor, ...]]:
        return [t.unbind() for t in self.tensors]

    def covers(self, step: int) -> bool:
        return self.first <= step < self.first + self.steps

    def at(self, step: int) -> list[Tensor]:
        return [rows[step - self.first] for rows in self._by_step]


@dataclasses.dataclass
class Prepared:
    """The draws of the steps to come: what all members share, and their turns, each made for some steps ahead.

    Args:
        requests: what every step asks for.
        keys: (members,) int32, or () of a member trained alone.
        streams: whether normal draws are handed on as their streams, for a compiled graph to make the numbers: a graph
            does it on all threads and on the way to where they are used.
    """

    requests: Sequence[Request]
    keys: Tensor
    streams: bool = False
    _shared: Block | None = None
    _turns: Block | None = None

    def at(self, step: int) -> list[Tensor]:
        """The draws of one step, flat: per request the shared tensor, then for all the turns, of the keys' shape.

        They hold until the next call: their memory is used again.
        """
        if self._shared is None or not self._shared.covers(step):
            self._shared = self._draw(step)
        if self._turns is None or not self._turns.covers(step):
            self._turns = self._turn(step)
        return self._shared.at(step) + self._turns.at(step)

    def _draw(self, first: int) -> Block:
        """What members share of the steps from ``first`` on, as many as fit."""
        sizes = {r: 2 if self._as_stream(r) else r.count for r in self.requests}
        size = sum(sizes.values())
        steps = max(1, min(_TURNED_AT_ONCE, _AT_ONCE // max(1, size)))
        old = self._shared.tensors if self._shared is not None and self.keys.device.type == "cpu" else None
        places = old or [torch.empty((steps, sizes[r]), dtype=self._dtype(r)) for r in self.requests]
        for request, place in zip(self.requests, places, strict=True):
            rows = place.numpy()
            for i in range(steps):
                if self._as_stream(request):
                    place[i] = stream_tensor(normal_stream(request, first + i))
                elif request.kind == "order":
                    place[i] = shared_draw(request, first + i)
                else:
                    shared_draw(request, first + i, rows[i])
        return Block(first, steps, [place.to(self.keys.device) for place in places])

    def _as_stream(self, request: Request) -> bool:
        return self.streams and request.kind == "normal"

    def _dtype(self, request: Request) -> torch.dtype:
        return torch.int32 if self._as_stream(request) else request.dtype

    def _turn(self, first: int) -> Block:
        counted = torch.arange(first, first + _TURNED_AT_ONCE, dtype=torch.int32, device=self.keys.device)
        steps = counted.view(-1, *(1 for _ in self.keys.shape))
        turns = [t for r in self.requests for t in member_turn(r, steps, self.keys)]
        return Block(first, _TURNED_AT_ONCE, turns)


def by_request(requests: Sequence[Request], draws: Sequence[Tensor]) -> dict[Request, tuple[Tensor, Turn]]:
    """The flat list of draws of one step, as the step asks for them: (shared, turn) of each request."""
    flat = iter(draws)
    shared = {r: next(flat) for r in requests}
    return {r: (shared[r], tuple(next(flat) for _ in range(r.turns))) for r in requests}


def shared_width(requests: Sequence[Request]) -> int:
    """How many tensors of the flat list all members share; the turns follow."""
    return len(requests)
