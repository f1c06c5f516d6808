"""What the passes of a training step are computed in: float32, or bfloat16 where torch's autocast deems it safe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from wellfit.errors import UsageError

PRECISIONS = ("float32", "bfloat16")


@contextlib.contextmanager
def computing_in(precision: str, network: nn.Module, device: torch.device) -> Iterator[None]:
    """While the context is open, the network multiplies matrices in this precision; its weights stay as they are.

    Batch norm computes in float32 either way: its statistics are float32, and a stack's take no others.

    Raises:
        UsageError: the precision is none of ``PRECISIONS``.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"the precision is {precision!r}; allowed are {' and '.join(PRECISIONS)}.")
    if precision == "float32":
        yield
        return
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    handles = [m.register_forward_pre_hook(_widened) for m in norms]
    try:
        # without the cache, which would keep the cast weights of one pass for the next one's
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            yield
    finally:
        for handle in handles:
            handle.remove()


def _widened(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(widened(h) if isinstance(h, Tensor) else h for h in inputs)


def widened(h: Tensor) -> Tensor:
    """Values as float32 where they are bfloat16."""
    return h.to(torch.float32) if h.dtype is torch.bfloat16 else h
