"""Draws made ahead of the steps that use them, so that the step itself only looks them up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from wellfit.draws import Drawn, Request, member_turn, shared_draw

_AT_ONCE = 2_000_000  # numbers drawn at a time: 8 MB


@dataclasses.dataclass(frozen=True)
class Prepared:
    """The draws of a block of steps, flat: what all members share, then their turns, each with a leading axis of steps.

    Attributes:
        first, steps: the first step of the block, and how many there are.
        tensors: per request first the shared tensors (steps, *shape), then for all requests the turns (steps, members).
    """

    first: int
    steps: int
    tensors: list[Tensor]

    def covers(self, step: int) -> bool:
        return self.first <= step < self.first + self.steps

    def at(self, step: int) -> list[Tensor]:
        """The draws of one step."""
        i = step - self.first
        return [t[i] for t in self.tensors]


def prepare(requests: Sequence[Request], keys: Tensor, first: int) -> Prepared:
    """Make the draws of the steps from ``first`` on, as many as fit, for members with ``keys`` (members,) int32."""
    size = sum(torch.Size(r.shape).numel() for r in requests)
    steps = max(1, min(64, _AT_ONCE // max(1, size)))
    numbers = range(first, first + steps)
    counted = torch.arange(first, first + steps, dtype=torch.int32, device=keys.device).unsqueeze(1)
    tensors: list[Tensor] = []
    for request in requests:
        drawn = [shared_draw(request, step) for step in numbers]
        tensors += [torch.stack(column).to(keys.device) for column in zip(*drawn, strict=True)]
    for request in requests:
        tensors += member_turn(request, counted, keys)
    return Prepared(first, steps, tensors)


def by_request(requests: Sequence[Request], draws: Sequence[Tensor]) -> dict[Request, tuple[Drawn, Drawn]]:
    """The flat list of draws of one step, as the step asks for them: (shared, turn) of each request."""
    flat = iter(draws)
    shared = {r: tuple(next(flat) for _ in range(r.width)) for r in requests}
    return {r: (shared[r], tuple(next(flat) for _ in range(r.width))) for r in requests}


def shared_width(requests: Sequence[Request]) -> int:
    """How many tensors of the flat list all members share; the turns follow."""
    return sum(r.width for r in requests)
