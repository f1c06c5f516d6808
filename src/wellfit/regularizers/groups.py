"""Groups of weights: the units, inputs or single weights of a layer that a penalty or a constraint takes together."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizer import Params

GROUPINGS = ("unit", "input")
"""``unit``: an index along the first axis (an output unit, a filter, a category of an embedding). ``input``: along the
second (an input column, an input channel; the output unit of a transposed convolution)."""


def check_choice(owner: str, name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a name that is not one of those allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise RecipeError(
            f"{owner}.{name} is {shortened(value)}; allowed are {', '.join(allowed)}.",
            fix=f"{owner}({name}={allowed[0]!r}) is the default.",
            code="WF-R02",
        )


def inner_axes(w: Tensor, by: str) -> tuple[int, ...]:
    """The axes that run within a group; none where each number is a group, as in the bias of units."""
    kept = GROUPINGS.index(by)
    return tuple(axis for axis in range(w.ndim) if axis != kept)


def group_sum(values: Tensor, by: str) -> Tensor:
    """The sum over each group, its axes kept as ones."""
    axes = inner_axes(values, by)
    return values.sum(dim=axes, keepdim=True) if axes else values


def group_norm(w: Tensor, by: str) -> Tensor:
    """The Euclidean norm of each group, its axes kept as ones."""
    return group_sum(w * w, by).sqrt()


def group_size(w: Tensor, by: str) -> int:
    """How many weights a group has."""
    size = 1
    for axis in inner_axes(w, by):
        size *= w.shape[axis]
    return size


def no_penalty(params: Params) -> Tensor:
    """Zero, in the dtype and on the device of the parameters."""
    like = next(iter(params.values()), None)
    return torch.zeros(()) if like is None else like.new_zeros(())
