"""Random draws without state: a draw is a function of (seed, step, who asks, its name) and of nothing else.

A draw is made once from the step, the asker and the name (NumPy's counter-based Philox), and each member of a stack
turns it by an angle of its own, hashed from its seed: a uniform draw is shifted round the circle, a normal draw is
rotated in the plane of two normals, an order is begun at another place. Turned draws have exactly the distribution of
fresh ones within a member, and are uncorrelated between members; a stack of K pays for one draw, not for K. No
generator that anyone else uses is touched.
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor

_SIGN = 1 << 31
_RING = 1 << 24
_FACTOR_A = 0x7FEB352D  # the multipliers and shifts of lowbias32 (Wellons, "Prospecting for Hash Functions", 2018)
_FACTOR_B = 0x846CA68B


def hash_integers(*values: int) -> int:
    """Fold whole numbers into one of 64 bits (splitmix64 by steps); the same in every process."""
    state = 0x9E3779B97F4A7C15
    for value in values:
        state = (state ^ (value & 0xFFFFFFFFFFFFFFFF)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state


def member_key(seed: int) -> Tensor:
    """The key of one member, () int32."""
    return torch.tensor(_signed(hash_integers(1, seed)), dtype=torch.int32)


@dataclasses.dataclass(frozen=True)
class Request:
    """One draw that a step asks for: its kind (``bits``, ``normal``, ``order``), shape and full name."""

    kind: str
    shape: tuple[int, ...]
    name: str


Drawn = tuple[Tensor, ...]


def shared_draw(request: Request, step: int) -> Drawn:
    """What all members have in common of a draw: one or two tensors of its shape."""
    text = request.name.encode()
    key = (hash_integers(zlib.crc32(text), len(text), *text[:8]), step)
    generator = np.random.Generator(np.random.Philox(key=np.array(key, dtype=np.uint64)))
    if request.kind == "order":
        return (torch.from_numpy(generator.permutation(request.shape[0])),)
    if request.kind == "bits":
        bits = generator.integers(_RING, size=request.shape, dtype=np.uint32)
        return (torch.from_numpy(np.atleast_1d(bits).view(np.int32).reshape(request.shape)),)
    normals = generator.standard_normal(size=(2, *request.shape), dtype=np.float32)
    return torch.from_numpy(normals[0]), torch.from_numpy(normals[1])


def member_turn(request: Request, step: int | Tensor, key: Tensor) -> Drawn:
    """The angle by which members turn a draw: one or two tensors of the shape of ``key`` (int32)."""
    bits = _mix(_mix(key ^ _signed(hash_integers(zlib.crc32(request.name.encode())))) ^ step)
    if request.kind == "order":
        return ((bits.to(torch.int64) + _SIGN) % request.shape[0],)
    if request.kind == "bits":
        return (torch.bitwise_right_shift(bits, 8),)
    angle = bits.to(torch.float32) * (math.pi / _SIGN)
    return torch.cos(angle), torch.sin(angle)


def _signed(value: int) -> int:
    return ((value + _SIGN) & 0xFFFFFFFF) - _SIGN


def _mix(x: Tensor) -> Tensor:
    """Hash int32: every bit of the result depends on every bit of x."""
    x = (x ^ _shift_right(x, 16)) * _signed(_FACTOR_A)
    x = (x ^ _shift_right(x, 15)) * _signed(_FACTOR_B)
    return x ^ _shift_right(x, 16)


def _shift_right(x: Tensor, bits: int) -> Tensor:
    return torch.bitwise_right_shift(x, bits) & ((1 << (32 - bits)) - 1)


@dataclasses.dataclass(frozen=True)
class Now:
    """The moment a stage runs in: who draws, when, and the learning rates.

    Attributes:
        key: the member's key, () int32.
        step: steps taken so far, () int64.
        epoch: passes over the data so far, () float.
        rates: the learning rate of each parameter, () float each.
        moment: ``step`` as a plain number, which fresh draws are made from.
        owner: the part of the recipe that draws.
        fork: empty, or the name of a further pass over the same step.
        ready: draws made beforehand, by request: (shared, turn).
        asked: where it is a list, every request is written down in it.
        predict: (weights, x) -> outputs of the network in evaluation mode, with any weights; set inside a step.
        resources: what a recipe names and a training brings: a teacher's outputs as a function of x, say.
    """

    key: Tensor
    step: Tensor
    epoch: Tensor
    rates: Mapping[str, Tensor]
    moment: int = 0
    owner: str = ""
    fork: str = ""
    ready: Mapping[Request, tuple[Drawn, Drawn]] = dataclasses.field(default_factory=dict)
    asked: list[Request] | None = None
    predict: Callable[[Mapping[str, Tensor], Tensor], Tensor] | None = None
    resources: Mapping[str, Callable[[Tensor], Tensor]] = dataclasses.field(default_factory=dict)

    @classmethod
    def at(cls, step: int, seed: int = 0, *, rates: Mapping[str, Tensor] | None = None, epoch: float = 0.0) -> Self:
        """The moment of one model outside a stack: step ``step`` of the training with ``seed``."""
        return cls(member_key(seed), torch.tensor(step), torch.tensor(epoch), rates or {}, moment=step)

    def of(self, owner: str) -> Self:
        return dataclasses.replace(self, owner=owner)

    def again(self, fork: str) -> Self:
        """The same moment with fresh draws, for a second pass."""
        return dataclasses.replace(self, fork=f"{self.fork}/{fork}")

    def uniform(self, shape: tuple[int, ...], name: str) -> Tensor:
        """Uniform on [0, 1), float32: whole multiples of 2**-24, the same in every precision of the model."""
        return self._ring(shape, name).to(torch.float32) * (1.0 / _RING)

    def chance(self, p: Tensor | float, shape: tuple[int, ...], name: str) -> Tensor:
        """True with probability ``p``, bool: ``uniform < p`` without leaving the integers."""
        scaled = p * float(_RING)
        threshold = scaled.round().to(torch.int32) if isinstance(scaled, Tensor) else round(scaled)
        return self._ring(shape, name) < threshold

    def normal(self, shape: tuple[int, ...], name: str) -> Tensor:
        """Standard normal, float32."""
        (first, second), (cosine, sine) = self._draw("normal", shape, name)
        return cosine * first + sine * second

    def permutation(self, n: int, name: str) -> Tensor:
        """A random order of n rows, (n,) int64."""
        (order,), (start,) = self._draw("order", (n,), name)
        return order[(torch.arange(n, device=order.device) + start) % n]

    def beta(self, alpha: Tensor | float, name: str) -> Tensor:
        """Symmetric Beta(alpha, alpha) on [0, 1], () float32, as a ratio of two gamma draws in logarithms.

        The gamma draws are Marsaglia & Tsang's (ACM TOMS 26(3), 2000) for alpha + 1, carried to alpha by a uniform's
        root. Eight proposals are made at once and the first accepted one taken: each is accepted with probability over
        .95, so that none is in fewer than 1 of 10**10 draws; then the first one stands.
        """
        shape = torch.as_tensor(alpha, dtype=torch.float64, device=self.key.device).clamp(min=1e-6)
        d = shape + 2.0 / 3.0
        normals = self.normal((2, 8), name).to(torch.float64)
        cube = (1.0 + normals * torch.rsqrt(9.0 * d)) ** 3
        log_cube = torch.log(cube.clamp(min=1e-30))
        tests = torch.log1p(-self.uniform((2, 9), f"{name}.tests").to(torch.float64))
        accepted = (cube > 0) & (tests[:, :8] < 0.5 * normals * normals + d * (1.0 - cube + log_cube))
        first = torch.argmax(accepted.to(torch.float32), dim=1, keepdim=True)
        log_gamma = torch.gather(log_cube, 1, first).squeeze(1) + tests[:, 8] / shape
        return torch.sigmoid(log_gamma[0] - log_gamma[1]).to(torch.float32)

    def _ring(self, shape: tuple[int, ...], name: str) -> Tensor:
        """Uniform int32 in 0 ... 2**24 - 1."""
        (bits,), (turn,) = self._draw("bits", shape, name)
        return (bits + turn) & (_RING - 1)

    def _draw(self, kind: str, shape: tuple[int, ...], name: str) -> tuple[Drawn, Drawn]:
        request = Request(kind, shape, f"{self.owner}/{name}{self.fork}")
        if self.asked is not None:
            self.asked.append(request)
        if request in self.ready:
            return self.ready[request]
        shared = tuple(t.to(self.key.device) for t in shared_draw(request, self.moment))
        return shared, member_turn(request, self.moment, self.key)
