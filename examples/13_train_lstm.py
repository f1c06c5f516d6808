"""An LSTM that remembers how a sequence began: one dropout mask for all times, missing connections, small values.

The class is whether a wave begins upward; one training label in ten is wrong. With LockedDropout a feature is gone at
all times or at none; DropConnect takes the same recurrent connections away at every time; ActivityPenalty keeps hidden
values small and TemporalActivityPenalty slow. They act on what the network's sites and weights are called.
"""

import torch

from wellfit import (
    ActivityPenalty,
    ClipNorm,
    DropConnect,
    LockedDropout,
    Recipe,
    RegularizedLSTM,
    TemporalActivityPenalty,
    where,
)
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.step import Batch

RECIPE = Recipe(
    LockedDropout(0.3),
    where(DropConnect(0.3), "layers.*.recurrent.weight"),
    ActivityPenalty(1e-3),
    TemporalActivityPenalty(1e-4),
    ClipNorm(1.0),
)


def waves(count, seed, length=30, wrong=0):
    """(count, length, 4): a wave that fades, in noise as high as it is, and whether it begins upward."""
    generator = torch.Generator().manual_seed(seed)
    up = torch.rand(count, generator=generator) < 0.5
    time = torch.arange(length) / 4.0
    x = torch.randn(count, length, 4, generator=generator)
    x[:, :, 0] += torch.where(up, 1.0, -1.0)[:, None] * torch.sin(time) * torch.exp(-time / 4.0)
    values = torch.nn.functional.one_hot(up.long(), 2).float()
    values[:wrong] = values[:wrong].flip(1)
    return Batch(x, Target(values, torch.ones(count), classes=True))


def main():
    torch.manual_seed(0)
    network = RegularizedLSTM(4, 2, width=24)
    train, valid = waves(200, 0, wrong=20), waves(600, 1)
    for name, recipe in (("plain", Recipe(ClipNorm(1.0))), ("recipe", RECIPE)):
        trained = train_epochs(network, recipe, train, valid, epochs=25, batch=40, rate=1e-2)
        with torch.no_grad():
            right = (trained.network(valid.x).argmax(1) == valid.target.values.argmax(1)).float().mean()
        best, last = trained.losses[trained.best - 1][1], trained.losses[-1][1]
        print(f"{name:8} held out: loss {best:.3f} at best, {last:.3f} at last, accuracy {right:.3f}")
    x = valid.x[:1].clone().requires_grad_()
    trained.network(x)[0, 1].backward()
    print(f"the last of {x.shape[1]} times moves the answer by {x.grad[0, -1].norm():.1e}, the first by", end=" ")
    print(f"{x.grad[0, 0].norm():.1e}")


if __name__ == "__main__":
    main()
