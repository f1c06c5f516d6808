"""Models as a person would bring them, and the rows that they train on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

import wellfit as wf
from wellfit.job.plan import Plan
from wellfit.searching.halving import Rung


class Net(nn.Module):
    def __init__(self, inputs: int = 64, outputs: int = 10, width: int = 16):
        super().__init__()
        self.first, self.act, self.last = nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs)

    def forward(self, x):
        return self.last(self.act(self.first(x.flatten(1))))


class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(64, 10),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


class Deciding(Net):
    """Its forward takes another way where the batch is bright."""

    def forward(self, x):
        h = self.act(self.first(x))
        return self.last(h * 0.5 if h.mean() > 0.2 else h)


class Counting(Net):
    """Writes into a buffer in place, as running statistics do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.seen += 1.0
        return super().forward(x)


class Forgetting(Counting):
    """Puts a new tensor in its buffer's place."""

    def forward(self, x):
        if self.training:
            self.seen = self.seen + 1.0
        return Net.forward(self, x)


class Dropping(Net):
    """Draws random numbers of its own."""

    def forward(self, x):
        return self.last(nn.functional.dropout(self.act(self.first(x)), 0.2, self.training))


class Sequences(nn.Module):
    """The last state of an LSTM over rows of pixels, told as a sentence of whole numbers."""

    def __init__(self):
        super().__init__()
        self.words, self.cell, self.last = nn.Embedding(17, 4), nn.LSTM(4, 8, batch_first=True), nn.Linear(8, 10)

    def forward(self, x):
        return self.last(self.cell(self.words(x))[0][:, -1])


class Reading(nn.Module):
    """A small transformer over the same sentences."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(17, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.last = nn.Linear(8, 10)

    def forward(self, x):
        return self.last(self.block(self.words(x)).mean(1))


class Numbers(nn.Module):
    """One number a row, without an axis for it."""

    def __init__(self):
        super().__init__()
        self.net = Net(10, 1)

    def forward(self, x):
        return self.net(x).squeeze(1)


def digits(rows: int = 360, pictures: bool = False):
    """Training, validation and test rows of scikit-learn's digits."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    x = x.reshape(-1, 1, 8, 8) if pictures else x
    cuts = (slice(0, rows // 2), slice(rows // 2, rows), slice(rows, rows + 300))
    return [(x[c], y[c]) for c in cuts]


def diabetes():
    """The same of diabetes, everything standardized."""
    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order] * 21.0, ((y[order] - y.mean()) / y.std())
    return [(x[c], y[c]) for c in (slice(0, 150), slice(150, 300), slice(300, None))]


def write_plan(folder: Path, mode: str = "traced", steps: int = 24, chunk: int = 4) -> Path:
    """A plan of one rung of four candidates, in steps: a run by it is the same on every machine."""
    rungs = (Rung(4, steps // 2), Rung(2, steps))
    plan = Plan(
        0, 0, 32, steps, 6, 1 if mode == "apart" else chunk, mode, "stack", 1, rungs, 1, 2, 1, 1000.0, 30.0,
        search_rungs=rungs,
    )  # fmt: skip
    path = folder / "plan.json"
    path.write_text(json.dumps({"plan": plan.to_json()}))
    return path


def planned(folder, make, parts, *, mode="eager", steps=24, test=True, **options):
    """A search by a plan; ``test`` says whether there are test rows."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = write_plan(folder, mode, steps)
    last = parts[2] if test else None
    return wf.search(make, parts[0], parts[1], test=last, plan=plan, out=folder / "run", **options)
