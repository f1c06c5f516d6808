"""A linear network trained by full-batch steps under a recipe: what the oracles of penalties and balls compare."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from worlds import now_at

from wellfit import Recipe
from wellfit.target import Target
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer

_LOOKED_AFTER, _AT_REST = 50, 1e-13  # steps, and how far weights may have come in them


def fit_linear(part, x, y, steps=2500, rate=0.05, optimizer=None, start=None):
    """The weights that training ends with: (columns,) for (rows,) targets, (outputs, columns) for more.

    The rate falls to a tenth over the last half, as a moving average of gradients needs to settle. Where weights are at
    rest, no further step would move them, and training ends.
    """
    outputs = 1 if y.ndim == 1 else y.shape[1]
    network = nn.Linear(x.shape[1], outputs, bias=False).double()
    nn.init.constant_(network.weight, 0.01) if start is None else network.weight.data.copy_(start)
    trainer = Trainer(network, optimizer or SGD())
    state = trainer.start(network, Recipe(part))
    values = torch.from_numpy(np.asarray(y)).view(len(y), outputs)
    batch = Batch(torch.from_numpy(x), Target(values, torch.ones(len(y), dtype=torch.float64), classes=False))
    before = None
    for step in range(steps):
        if step % _LOOKED_AFTER == 0:
            now = torch.cat([w.detach().flatten() for w in state.weights().values()])
            if before is not None and float((now - before).abs().max()) <= _AT_REST:
                break
            before = now.clone()
        fall = 0.1 ** max(0.0, 2.0 * step / steps - 1.0)
        state, _ = trainer.step(state, batch, now_at(state.params, step, rate * fall))
    weight = state.deployed()["weight"].numpy()
    return weight[0] if y.ndim == 1 else weight
