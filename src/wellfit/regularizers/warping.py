"""Pictures read at other places in one interpolation: by torch, or by a compiled loop where there is one."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from wellfit.kernels import library

FILLS = {"reflect": "reflection", "edge": "border", "constant": "zeros"}
"""What stands beyond the borders, with torch's word for it."""

_MOST = 1 << 24  # pixels of a picture whose places a float32 can tell apart


def warp(
    x: Tensor, maps: Tensor, fill: str = "reflect", interpolation: str = "bilinear", black: Tensor | None = None
) -> Tensor:
    """Pictures read at other places, each by its own matrix, in one interpolation.

    Pictures whose matrix is exactly the identity come back bit for bit. On a processor, in float32 and bilinearly, a
    compiled loop does it where there is one (see ``wellfit.kernels``): in a quarter of the time, and with torch's
    result up to rounding where pictures are finite.

    Args:
        x: (rows, channels, height, width), floats.
        maps: (rows, 3, 3).
        fill: beyond the borders ``reflect`` mirrors the picture at the centers of its outermost pixels, ``edge`` goes
            on with them, ``constant`` is ``black``.
        interpolation: ``bilinear`` or ``nearest``.
        black: (channels, 1, 1), what ``constant`` fills with; 0 by default.
    """
    exact = x if x.dtype in (torch.float32, torch.float64) else x.to(torch.float32)
    dark = black if fill == "constant" else None
    if interpolation != "bilinear" or not _has_a_loop(exact):
        return _by_torch(exact, maps, fill, interpolation, dark).to(x.dtype)
    channels = exact.shape[1]
    dark = torch.zeros(channels) if dark is None else dark.to(exact.dtype).flatten().expand(channels)
    return _Loop.apply(exact, maps.to(torch.float64), dark, fill).to(x.dtype)  # type: ignore[no-any-return]


def _has_a_loop(x: Tensor) -> bool:
    if x.device.type != "cpu" or x.dtype != torch.float32 or torch.compiler.is_compiling():
        return False
    height, width = x.shape[-2:]
    return min(height, width) > 1 and height * width <= _MOST and library() is not None


def _by_torch(x: Tensor, maps: Tensor, fill: str, interpolation: str, black: Tensor | None) -> Tensor:
    places = _places(maps, x.shape[2], x.shape[3], x.dtype)
    moved = functools.partial(
        functional.grid_sample, grid=places, mode=interpolation, padding_mode=FILLS[fill], align_corners=True
    )
    out = moved(x) if black is None else moved(x - black) + black
    still = (maps == torch.eye(3, dtype=maps.dtype, device=maps.device)).flatten(1).all(1)
    # at 0 and at 1 lerp is the one or the other, bit for bit, in less time than where takes
    return torch.lerp(out, x, still.to(x.dtype)[:, None, None, None])


def _places(maps: Tensor, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """Where each pixel is read, (rows, height, width, 2) in ``grid_sample``'s units: -1 and 1 are the outer centers."""
    units = torch.tensor([2.0 / max(1, width - 1), 2.0 / max(1, height - 1)], dtype=maps.dtype, device=maps.device)
    across = torch.arange(width, dtype=maps.dtype, device=maps.device) - (width - 1) / 2
    down = torch.arange(height, dtype=maps.dtype, device=maps.device) - (height - 1) / 2
    by_column = (units * maps[:, :2, 0])[:, None] * across[:, None]
    by_row = units * (maps[:, None, :2, 1] * down[:, None] + maps[:, None, :2, 2])
    # The two coordinates of a place as one complex number: a sum over an axis of two is ten times as slow on CPU.
    # float32 holds a place to a hundred-thousandth of a pixel.
    columns, rows = (torch.view_as_complex(part.to(dtype).contiguous()) for part in (by_column, by_row))
    return torch.view_as_real(columns[:, None] + rows[:, :, None])


@torch.library.custom_op(
    "wellfit::warp", mutates_args=(), schema="(Tensor x, Tensor maps, Tensor black, str fill) -> Tensor"
)
def _by_loop(x: Tensor, maps: Tensor, black: Tensor, fill: str) -> Tensor:
    """One operation to torch, on pictures in float32, maps in float64, and black (channels,) in float32."""
    _check(x, maps, black, fill)
    loops = library()
    if loops is None:  # it was there when the graph was made that calls this
        return _by_torch(x, maps, fill, "bilinear", black[:, None, None] if fill == "constant" else None)
    x, maps, black = x.contiguous(), maps[:, :2].contiguous(), black.contiguous()
    out = torch.empty_like(x)
    pointers = (t.data_ptr() for t in (x, out, maps, black))
    if loops.wellfit_warp(*pointers, *x.shape, list(FILLS).index(fill)):
        raise MemoryError("there is no memory for a copy of one picture")
    return out


def _check(x: Tensor, maps: Tensor, black: Tensor, fill: str) -> None:
    """Raises ValueError where the loop would read or write what is not there."""
    formed = x.ndim == 4 and min(x.shape[2:]) > 1 and x.shape[2] * x.shape[3] <= _MOST
    fitting = formed and maps.shape == (len(x), 3, 3) and black.shape == (x.shape[1],) and fill in FILLS
    typed = (x.dtype, maps.dtype, black.dtype) == (torch.float32, torch.float64, torch.float32)
    if not (fitting and typed and all(t.device.type == "cpu" for t in (x, maps, black))):
        came = ", ".join(f"{tuple(t.shape)} {t.dtype} {t.device}" for t in (x, maps, black))
        raise ValueError(f"pictures, maps and black do not fit each other: {came}, {fill!r}")


@_by_loop.register_fake
def _(x: Tensor, maps: Tensor, black: Tensor, fill: str) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


@_by_loop.register_vmap
def _(
    info: Any, in_dims: tuple[int | None, ...], x: Tensor, maps: Tensor, black: Tensor, fill: str
) -> tuple[Tensor, int]:
    """The pictures of all members as one batch, where they have one black; else one member after the other."""
    every = [
        leaf.expand(info.batch_size, *leaf.shape) if axis is None else leaf.movedim(axis, 0)
        for leaf, axis in zip((x, maps, black), in_dims, strict=False)
    ]
    if in_dims[2] is None:
        return _by_loop(every[0].flatten(0, 1), every[1].flatten(0, 1), black, fill).unflatten(0, every[0].shape[:2]), 0
    return torch.stack([_by_loop(*one, fill) for one in zip(*every, strict=True)]), 0


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.fill = inputs[3]


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """Torch's own: the loop only goes forward."""

    def by_torch(x: Tensor, maps: Tensor, black: Tensor) -> Tensor:
        return _by_torch(x, maps, ctx.fill, "bilinear", black[:, None, None] if ctx.fill == "constant" else None)

    return (*torch.func.vjp(by_torch, *ctx.saved_tensors)[1](gradient), None)


_by_loop.register_autograd(_backward, setup_context=_keep)  # where a traced graph calls the operation itself


class _Loop(torch.autograd.Function):
    """The operation, with the gradient that ``torch.func`` asks for, which it does not ask an operation for."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, maps: Tensor, black: Tensor, fill: str) -> Tensor:
        return _by_loop(x, maps, black, fill)

    setup_context = staticmethod(_keep)
    backward = staticmethod(_backward)
