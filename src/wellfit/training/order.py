"""The order in which members read their training rows: a function of (seed, epoch), so that nothing is to be kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from wellfit.draws import Request, member_turn, shared_draw


def epoch_rows(train_rows: Sequence[Tensor], keys: Tensor, epoch: int, batch: int, steps: int) -> Tensor:
    """The rows of each step of one epoch, (steps, members, batch) int64.

    Each fold's rows are permuted once per epoch and every member starts reading at a place of its own. Batches are
    always full: the remainder of an epoch is left out, another one each time. A training part that has fewer rows than
    an epoch takes is read round and round.

    Args:
        train_rows: per member the row numbers of its training part.
        keys: (members,) int32.
        epoch: counts from 0.
        batch: rows a step, at most as many as the smallest training part has.
        steps: steps an epoch.
    """
    orders: dict[int, Tensor] = {}
    read = []
    for rows, key in zip(train_rows, keys, strict=True):
        request = Request("order", (len(rows),), "order/epoch")
        if id(rows) not in orders:
            orders[id(rows)] = rows[shared_draw(request, epoch).to(rows.device)]
        first = int(member_turn(request, epoch, key)[0])
        around = -(-steps * batch // len(rows))
        read.append(orders[id(rows)].roll(-first).repeat(around)[: steps * batch])
    return torch.stack(read).view(len(train_rows), steps, batch).transpose(0, 1).contiguous()
