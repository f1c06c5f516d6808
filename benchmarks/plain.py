"""The peer of population.py: the same cocktail as a person writes it in plain torch, one model, one process.

Run by population.py as ``python benchmarks/plain.py WIDTH DEPTH THREADS``; it reads numbers of steps from its standard
input, trains so many, and answers with the seconds they took.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn

CLASSES, INPUTS, BATCH, ROWS = 10, 20, 128, 5000


class Plain:
    """An MLP trained with dropout, label smoothing, mixup, input noise, L1, gradient clip, max-norm and EMA."""

    def __init__(self, width: int, depth: int) -> None:
        layers: list[nn.Module] = []
        for place in range(depth):
            layers += [nn.Linear(INPUTS if place == 0 else width, width), nn.ReLU(), nn.Dropout(0.1)]
        self.model = nn.Sequential(*layers, nn.Linear(width, CLASSES))
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, fused=True)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.mixing = torch.distributions.Beta(0.2, 0.2)
        self.weights = [p for p in self.model.parameters() if p.ndim > 1]
        self.average = [p.detach().clone() for p in self.model.parameters()]
        self.x, self.y = torch.randn(ROWS, INPUTS), torch.randint(CLASSES, (ROWS,))

    def step(self) -> None:
        rows = torch.randint(ROWS, (BATCH,))
        x, y = self.x[rows], self.y[rows]
        share, partner = self.mixing.sample(), torch.randperm(BATCH)
        x = x + 0.05 * torch.randn_like(x)
        out = self.model(share * x + (1 - share) * x[partner])
        loss = share * self.loss(out, y) + (1 - share) * self.loss(out, y[partner])
        loss = loss + 1e-5 * sum(w.abs().sum() for w in self.weights)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            for w in self.weights:
                w.copy_(torch.renorm(w, 2, 0, 3.0))
            torch._foreach_lerp_(self.average, list(self.model.parameters()), 0.01)


def main() -> None:
    width, depth, threads = (int(a) for a in sys.argv[1:4])
    torch.set_num_threads(threads)
    plain = Plain(width, depth)
    for _ in range(30):
        plain.step()
    print("ready", flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        for _ in range(int(line)):
            plain.step()
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
