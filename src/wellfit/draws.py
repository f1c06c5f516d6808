"""Random draws without state: a draw is a function of (seed, step, who asks, its name) and of nothing else.

A draw is made once from the step, the asker and the name (NumPy's SFC64 begun anew from their hash, or the hash of a
counter for normal numbers, see ``normals``), and each member of a stack turns it by an angle of its own, hashed from
its seed: a uniform draw is shifted round the circle, numbers of a normal draw are rotated in pairs, an order is begun
at another place. Turned draws have exactly the distribution of fresh ones within a member; a stack of K pays for one
draw, not for K. Between members they are uncorrelated over steps; within one step two members' draws are turns of one,
and may resemble or mirror each other. No generator that anyone else uses is touched.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from wellfit.hashes import SIGN, folded, hash_integers, mix, shift_right, signed
from wellfit.normals import Stream, fill_normals, graph_normals, stream_of

if TYPE_CHECKING:
    from wellfit.sites import Site

_GRID = 1 << 23
"""Uniform draws are whole multiples of 1 / _GRID: the sum of two is then exact in float32."""


def member_key(seed: int) -> Tensor:
    """The key of one member, () int32."""
    return torch.tensor(signed(hash_integers(1, seed)), dtype=torch.int32)


@dataclasses.dataclass(frozen=True)
class Request:
    """One draw that a step asks for: its kind (``uniform``, ``normal``, ``order``), shape and full name."""

    kind: str
    shape: tuple[int, ...]
    name: str

    @property
    def turns(self) -> int:
        """How many tensors a member's turn of the draw is."""
        return 2 if self.kind == "normal" else 1

    @property
    def count(self) -> int:
        """How many numbers members share: of a normal draw an even number, and all of them turned once more."""
        size = math.prod(self.shape)
        return 2 * (size + size % 2) if self.kind == "normal" else size

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64 if self.kind == "order" else torch.float32


Turn = tuple[Tensor, ...]
Pixels = tuple[tuple[float, ...], tuple[float, ...]]
"""The values of black and of white in each channel of pictures."""


class _Streams(threading.local):
    """One generator for each thread, begun anew for every draw."""

    def __init__(self) -> None:
        self.bits = np.random.SFC64(0)
        self.generator = np.random.Generator(self.bits)

    def begin(self, request: Request, step: int) -> None:
        words = [*(folded(state, step) for state in _begun(request.name)), 1]
        state = {"state": np.array(words, dtype=np.uint64)}
        self.bits.state = {"bit_generator": "SFC64", "state": state, "has_uint32": 0, "uinteger": 0}
        self.bits.random_raw(12, output=False)  # as its author begins it: every bit of the key has spread then


_streams = _Streams()


def shared_draw(request: Request, step: int, out: np.ndarray | None = None) -> Tensor:
    """What all members have in common of a draw, (count,).

    An order is a permutation, uniform draws are 23 bits, normal draws are 16, looked up among the quantiles: first the
    draw, then the same turned by a right angle. Partners a and b stand half a draw apart; turned they are -b and a.

    Args:
        out: where to write it, a contiguous array of ``request.count`` numbers; by default a new one.
    """
    if out is None and request.kind != "order":
        out = np.empty(request.count, np.float32)
    if request.kind == "normal":
        fill_normals(normal_stream(request, step), *out.reshape(2, -1))
        return torch.from_numpy(out)
    _streams.begin(request, step)
    if request.kind == "order":
        return torch.from_numpy(_streams.generator.permutation(request.count))
    _fill_uniform(_streams.bits, out)
    return torch.from_numpy(out)


def normal_stream(request: Request, step: int) -> Stream:
    """What the shared numbers of a normal draw are made from, on the host or inside a graph."""
    return stream_of(3, *_key(request.name), step)


def _key(name: str) -> tuple[int, ...]:
    text = name.encode()
    return zlib.crc32(text), len(text), *text[:8]


@functools.lru_cache(maxsize=4096)
def _begun(name: str) -> tuple[int, ...]:
    """Three hashes of a draw's name, to which only the step is to be added."""
    key = _key(name)
    return tuple(hash_integers(place, *key) for place in range(3))


def _fill_uniform(bits: np.random.SFC64, out: np.ndarray) -> None:
    for start in range(0, len(out), _BLOCK):
        part = out[start : start + _BLOCK]
        found = bits.random_raw(-(-len(part) // 2)).view(np.uint32)[: len(part)] >> np.uint32(9)
        np.multiply(found.view(np.int32), np.float32(1.0 / _GRID), out=part, dtype=np.float32, casting="unsafe")


_BLOCK = 1 << 14
"""Numbers made at a time: what they are made from stays in the fast cache, and the system is asked for no memory."""


def member_turn(request: Request, step: int | Tensor, key: Tensor) -> Turn:
    """The angle by which members turn a draw: one or two tensors of the shape of ``key`` (int32)."""
    bits = mix(mix(key ^ signed(hash_integers(zlib.crc32(request.name.encode())))) ^ step)
    if request.kind == "order":
        return ((bits.to(torch.int64) + SIGN) % request.shape[0],)
    if request.kind == "uniform":
        return (shift_right(bits, 9).to(torch.float32) / _GRID,)
    angle = bits.to(torch.float32) * (math.pi / SIGN)
    return torch.cos(angle), torch.sin(angle)


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
        ready: draws made beforehand, by request: (shared, turn); of a normal draw ``shared`` may be its stream.
        asked: where it is a list, every request is written down in it.
        predict: (weights, x) -> outputs of the network in evaluation mode, with any weights; set inside a step.
        resources: what a recipe names and a training brings: a teacher's outputs as a function of x, say.
        sites: where the part that runs may act; known in the stages ``batch`` and ``activation`` of a step.
        blocks: (start, width) of each block of 0/1 columns of the inputs that codes one category, where that is known.
        pixels: the values of black and of white in each channel of pictures, where that is known; where it is not, they
            are 0 and 1 for floats and 0 and 255 for 8-bit pixels.
        call: in the stage ``activation`` the how-manieth call of the site's module in one pass.
    """

    key: Tensor
    step: Tensor
    epoch: Tensor
    rates: Mapping[str, Tensor]
    moment: int = 0
    owner: str = ""
    fork: str = ""
    ready: Mapping[Request, tuple[Tensor, Turn]] = dataclasses.field(default_factory=dict)
    asked: list[Request] | None = None
    predict: Callable[[Mapping[str, Tensor], Tensor], Tensor] | None = None
    resources: Mapping[str, Callable[[Tensor], Tensor]] = dataclasses.field(default_factory=dict)
    sites: tuple[Site, ...] = ()
    blocks: tuple[tuple[int, int], ...] = ()
    pixels: Pixels | None = None
    call: int = 1

    @classmethod
    def at(cls, step: int, seed: int = 0, *, rates: Mapping[str, Tensor] | None = None, epoch: float = 0.0) -> Self:
        """The moment of one model outside a stack: step ``step`` of the training with ``seed``."""
        return cls(member_key(seed), torch.tensor(step), torch.tensor(epoch), rates or {}, moment=step)

    def of(self, owner: str) -> Self:
        return dataclasses.replace(self, owner=owner)

    def again(self, fork: str) -> Self:
        """The same moment with fresh draws, for a second pass."""
        return dataclasses.replace(self, fork=f"{self.fork}/{fork}")

    def first(self) -> Self:
        """The same moment with the draws of the first pass, for what all passes over a step have in common."""
        return dataclasses.replace(self, fork="")

    def uniform(self, shape: tuple[int, ...], name: str) -> Tensor:
        """Uniform on [0, 1), float32: whole multiples of 2**-23, the same in every precision of the model."""
        shared, (turn,) = self._draw("uniform", shape, name)
        return torch.frac((shared if shared.shape == shape else shared.reshape(shape)) + turn)

    def chance(self, p: Tensor | float, shape: tuple[int, ...], name: str) -> Tensor:
        """True with probability ``p``, bool: never at 0, always at 1."""
        return self.uniform(shape, name) < _on_grid(p)

    def kept(self, p: Tensor | float, shape: tuple[int, ...], name: str) -> Tensor:
        """0 where ``chance`` is true and 1 elsewhere, float32.

        Without a comparison: on CPU those, and what is made of their results, take ten times as long as arithmetic.
        """
        return torch.floor(self.uniform(shape, name) - _on_grid(p)) + 1.0

    def normal(self, shape: tuple[int, ...], name: str) -> Tensor:
        """Standard normal, float32: a draw and the same turned by a right angle, turned by the member's own angle.

        Each number is turned with a partner in its own draw, which keeps it normal and independent of the others.
        """
        drawn, (cosine, sine) = self._draw("normal", shape, name)
        size = math.prod(shape)
        ready = drawn.is_floating_point()  # else a stream, whose numbers are made here
        first, second = drawn.reshape(2, -1) if ready else graph_normals(drawn, size)
        return cosine * first[:size].reshape(shape) + sine * second[:size].reshape(shape)

    def permutation(self, n: int, name: str) -> Tensor:
        """A random order of n rows, (n,) int64."""
        order, (start,) = self._draw("order", (n,), name)
        return order[(torch.arange(n, device=order.device) + start) % n]

    def beta(
        self, alpha: Tensor | float, name: str, beta: Tensor | float | None = None, shape: tuple[int, ...] = ()
    ) -> Tensor:
        """Beta(alpha, beta) on [0, 1], float32 of a shape, as a ratio of two gamma draws in logarithms.

        The gamma draws are Marsaglia & Tsang's (ACM TOMS 26(3), 2000) for alpha + 1, carried to alpha by a uniform's
        root. Eight proposals are made at once and the first accepted one taken: each is accepted with probability over
        .95, so that none is in fewer than 1 of 10**10 draws; then the first one stands.

        Args:
            beta: the second shape number, the same as the first by default; both () or of the shape of the draw.
        """
        both = (alpha, alpha if beta is None else beta)
        sizes = torch.stack([
            torch.as_tensor(a, dtype=torch.float64, device=self.key.device).clamp(min=1e-6).expand(shape) for a in both
        ])  # fmt: skip
        d = (sizes + 2.0 / 3.0).unsqueeze(1)
        normals = self.normal((2, 8, *shape), name).to(torch.float64)
        cube = (1.0 + normals * torch.rsqrt(9.0 * d)) ** 3
        log_cube = torch.log(cube.clamp(min=1e-30))
        tests = torch.log1p(-self.uniform((2, 9, *shape), f"{name}.tests").to(torch.float64))
        accepted = (cube > 0) & (tests[:, :8] < 0.5 * normals * normals + d * (1.0 - cube + log_cube))
        first = torch.argmax(accepted.to(torch.float32), dim=1, keepdim=True)
        log_gamma = torch.log(d).squeeze(1) + torch.gather(log_cube, 1, first).squeeze(1) + tests[:, 8] / sizes
        return torch.sigmoid(log_gamma[0] - log_gamma[1]).to(torch.float32)

    def _draw(self, kind: str, shape: tuple[int, ...], name: str) -> tuple[Tensor, Turn]:
        request = Request(kind, shape, f"{self.owner}/{name}{self.fork}")
        if self.asked is not None:
            self.asked.append(request)
        if request in self.ready:
            return self.ready[request]
        shared = shared_draw(request, self.moment).to(self.key.device)
        return shared, member_turn(request, self.moment, self.key)


def _on_grid(p: Tensor | float) -> Tensor | float:
    """A probability as the nearest multiple of 1 / _GRID, so that it means the same in every form and precision."""
    if isinstance(p, Tensor):
        return (p.to(torch.float64) * _GRID).round().to(torch.float32) / _GRID
    return round(p * _GRID) / _GRID
