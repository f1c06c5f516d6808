"""Several processes that train one model: what each draws for itself, and what all must agree in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError

if TYPE_CHECKING:
    from wellfit.adapters.moments import Course


def rank_of(model: nn.Module) -> int:
    """The number of this process among those that train the model together; 0 where it is alone."""
    return torch.distributed.get_rank(_group(model)) if _together(model) else 0


def _together(model: nn.Module) -> bool:
    return isinstance(_wrapper(model), nn.parallel.DistributedDataParallel)


def _wrapper(model: nn.Module) -> nn.Module:
    return model._orig_mod if hasattr(model, "_orig_mod") else model


def _group(model: nn.Module) -> object:
    return _wrapper(model).process_group


def mean_over_ranks(model: nn.Module, value: Tensor | None) -> Tensor | None:
    """The mean of a number over the processes that have one, the same in each, so that all of them decide alike.

    Where none has one, there is none.
    """
    if not _together(model):
        return value
    held = next(model.parameters())
    total = torch.zeros(2, dtype=torch.float64, device=held.device)
    if value is not None:
        total[0], total[1] = value.to(total), 1.0
    torch.distributed.all_reduce(total, group=_group(model))
    return total[0] / total[1] if total[1] else None


def check_together(model: nn.Module) -> None:
    """Refuse steps that some of the processes take without the others.

    Raises:
        UsageError: the model was joined by DistributedDataParallel's ``join``, for batches that differ in number. Torch
            leaves it so when the block has ended.
    """
    if _together(model) and getattr(getattr(_wrapper(model), "_join_config", None), "enable", False):
        raise UsageError(
            "the model was joined by model.join(), which torch does not undo when the block ends: processes that have "
            "run out of batches would miss steps of the recipe.",
            fix="Give each process as many batches, DistributedSampler(..., drop_last=True), without model.join(). "
            "Wrap a model that was joined anew, DistributedDataParallel(model.module), and attach to that.",
            code="WF-A18",
        )  # fmt: skip


def agree_buffers(course: Course) -> None:
    """Running statistics of the first process for all: a step, an evaluation and a saved file see the same ones."""
    model = course.wrapped
    if not _together(model):
        return
    for buffer in course.held.model.buffers():
        torch.distributed.broadcast(
            buffer, src=torch.distributed.get_global_rank(_group(model), 0), group=_group(model)
        )


def agree_weights(model: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The first process's weights to hand over for all: statistics taken anew come from each one's own rows."""
    if _together(model):
        first = torch.distributed.get_global_rank(_group(model), 0)
        for name in sorted(weights):
            torch.distributed.broadcast(weights[name], src=first, group=_group(model))
    return weights
