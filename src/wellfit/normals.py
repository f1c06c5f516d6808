"""Standard normal numbers as a function of a stream and a place, in NumPy and as a graph, equal to the last bit.

The i-th pair of a stream (stride, start) is made from lowbias32(start + i * stride) modulo 2**32: its lower and upper
16 bits are looked up among the normal's quantiles. The strides are odd, so that a stream has 2**32 pairs before it
repeats; streams of different strides share numbers only by chance, and never in the same order.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import Tensor

from wellfit.hashes import FACTOR_A, FACTOR_B, hash_integers, mix, signed

Stream = tuple[int, int]


def stream_of(*key: int) -> Stream:
    """The stream of a key: (stride, start), an odd and any whole number of 32 bits."""
    drawn = hash_integers(*key)
    return drawn & 0xFFFFFFFF | 1, drawn >> 32


def stream_tensor(stream: Stream) -> Tensor:
    """A stream as what a graph makes its numbers from, (2,) int32."""
    return torch.tensor([signed(part) for part in stream], dtype=torch.int32)


def fill_normals(stream: Stream, first: np.ndarray, turned: np.ndarray) -> None:
    """Write the numbers of a stream, and the same turned by a right angle; both of one even size.

    Partners a and b stand half a draw apart; turned they are -b and a.
    """
    half, table = len(first) // 2, _QUANTILES
    stride, start = stream
    _room.strides(stride)
    for begin in range(0, half, _BLOCK):
        end = min(half, begin + _BLOCK)
        found = _room.hashed(end - begin, start + begin * stride)
        a, b = first[begin:end], first[half + begin : half + end]
        np.take(table, found[0::2], out=a, mode="clip")  # no index is clipped; other modes are slower
        np.take(table, found[1::2], out=b, mode="clip")
        turned[half + begin : half + end] = a
        np.negative(b, out=turned[begin:end])


def graph_normals(stream: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """What ``fill_normals`` writes, (even size,) each, made from a stream (2,) int32 inside a compiled graph."""
    bits = mix(torch.arange((size + 1) // 2, dtype=torch.int32, device=stream.device) * stream[0] + stream[1])
    table = torch.from_numpy(_QUANTILES).to(stream.device)
    a, b = table[bits & 0xFFFF], table[(bits >> 16) & 0xFFFF]
    return torch.cat([a, b]), torch.cat([-b, a])


class _Room(threading.local):
    """What a thread hashes in: it stays in the fast cache, and the system is asked for no memory."""

    def __init__(self) -> None:
        self.places = np.arange(_BLOCK, dtype=np.uint32)
        self.base, self.bits, self.spare = (np.empty(_BLOCK, np.uint32) for _ in range(3))

    def strides(self, stride: int) -> None:
        np.multiply(self.places, np.uint32(stride), out=self.base)

    def hashed(self, count: int, start: int) -> np.ndarray:
        """``mix`` of start and the strides after it, two numbers of 16 bits each, (2 * count,)."""
        x, spare = self.bits[:count], self.spare[:count]
        np.add(self.base[:count], np.uint32(start & 0xFFFFFFFF), out=x)
        for shift, factor in ((16, FACTOR_A), (15, FACTOR_B), (16, 1)):
            np.right_shift(x, shift, out=spare)
            np.bitwise_xor(x, spare, out=x)
            if factor > 1:
                np.multiply(x, np.uint32(factor), out=x)
        return x.astype("<u4", copy=False).view("<u2")


def _quantiles() -> np.ndarray:
    """(65536,) the standard normal's quantiles at (i + 1/2) / 65536, scaled to unit variance; 4.2 is the largest."""
    found = torch.special.ndtri((torch.arange(1 << 16, dtype=torch.float64) + 0.5) / (1 << 16))
    return (found / found.std(correction=0)).to(torch.float32).numpy()


_QUANTILES = _quantiles()
_BLOCK = 1 << 14
"""Pairs made at a time."""
_room = _Room()
