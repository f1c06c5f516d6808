"""One of two processes that train one model together; what each of them saw goes to a file.

python ddp_worker.py RANK RENDEZVOUS OUT WHAT
"""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist
from loops import Net, batches, make, values
from torch import nn

import wellfit as wf
from wellfit import Recipe

RECIPES = {
    "exact": Recipe(wf.ClipNorm(0.1), wf.WeightDecay(0.3), wf.L1(1e-3), wf.MaxNorm(0.8), wf.GradientNoise(0.1)),
    "noise": Recipe(wf.Dropout(0.3), wf.InputNoise(0.2), wf.Mixup(0.4), wf.EMA(0.9), wf.EarlyStopping(2.0)),
}
OWN_LOSSES = ((1.0, 3.0), (0.5, 1.5), (0.4, 2.6), (0.3, 2.9), (0.2, 3.1), (0.1, 3.3))
"""What each process measures: the first one's falls to the end, and their mean from the second epoch on never does."""


def train(rank: int, what: str) -> dict[str, object]:
    if what == "join":
        return joined(rank)
    model = make(Net, norm=what == "noise")
    wrapped = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.Adam(wrapped.parameters(), lr=0.05)
    criterion, seen = nn.CrossEntropyLoss(), []
    recipe = RECIPES["noise" if what == "first" else what]
    with recipe.attach(wrapped, optimizer, seed=7, allow=["WF-L40"]) as run:
        for epoch, losses in enumerate(OWN_LOSSES):
            for x, y in list(batches(12))[epoch * 2 : epoch * 2 + 2]:
                if what == "exact" or epoch:  # in its first epoch "noise" shows the same rows to both
                    x, y = x[rank * 8 :][:8], y[rank * 8 :][:8]
                x, y = run.batch(x, y)
                seen += [x] if not epoch else []
                optimizer.zero_grad()
                run.loss(criterion, wrapped(x), y).backward()
                optimizer.step()
            inside = values(model)
            first = rank == 0 or what != "first"
            if run.epoch_end(val_loss=losses[rank] if first else None):
                break
    return {"seen": seen, "inside": inside, "after": values(model), "epochs": run.epoch, "best": run.best_epoch}


def joined(rank: int) -> dict[str, object]:
    """What is said where one process has fewer batches than the other."""
    wrapped = nn.parallel.DistributedDataParallel(make(Net))
    optimizer, said = torch.optim.SGD(wrapped.parameters(), lr=0.05), ""
    with RECIPES["exact"].attach(wrapped, optimizer) as run, wrapped.join(throw_on_early_termination=True):
        for x, y in batches(2 - rank):
            run.loss(nn.CrossEntropyLoss(), wrapped(x), y).backward()
            try:
                optimizer.step()
            except wf.UsageError as error:
                said = str(error)
                break
    return {"said": said}


if __name__ == "__main__":
    number, rendezvous, out, which = sys.argv[1:]
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=int(number), world_size=2)
    try:
        torch.save(train(int(number), which), out)
        dist.barrier()  # whoever leaves first would break the other's last exchange
    finally:
        dist.destroy_process_group()
