"""Hashes of whole numbers: the same on every machine, in every process and, for 32 bits, for a whole tensor at once."""

from __future__ import annotations

import torch
from torch import Tensor

SIGN = 1 << 31
FACTOR_A = 0x7FEB352D  # the multipliers and shifts of lowbias32 (Wellons, "Prospecting for Hash Functions", 2018)
FACTOR_B = 0x846CA68B
_START = 0x9E3779B97F4A7C15


def hash_integers(*values: int) -> int:
    """Fold whole numbers into one of 64 bits (splitmix64 by steps); the same in every process."""
    state = _START
    for value in values:
        state = folded(state, value)
    return state


def folded(state: int, value: int) -> int:
    """The hash of some numbers and one more, from the hash of those before it."""
    state = (state ^ (value & 0xFFFFFFFFFFFFFFFF)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return state ^ (state >> 31)


def signed(value: int) -> int:
    """The lowest 32 bits of a number as an int32 holds them."""
    return ((value + SIGN) & 0xFFFFFFFF) - SIGN


def mix(x: Tensor) -> Tensor:
    """Hash int32: every bit of the result depends on every bit of x."""
    x = (x ^ shift_right(x, 16)) * signed(FACTOR_A)
    x = (x ^ shift_right(x, 15)) * signed(FACTOR_B)
    return x ^ shift_right(x, 16)


def shift_right(x: Tensor, bits: int) -> Tensor:
    """Shift int32 as if it had no sign."""
    return torch.bitwise_right_shift(x, bits) & ((1 << (32 - bits)) - 1)
