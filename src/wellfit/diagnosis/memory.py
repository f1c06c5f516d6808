"""Does a network learn random labels by heart? Then its training accuracy says nothing of what it has understood."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from wellfit.diagnosis.bench import Bench
from wellfit.diagnosis.setting import make_setting
from wellfit.recipe import Recipe
from wellfit.training.cohort import Member


@dataclasses.dataclass(frozen=True)
class Memorized:
    """A network that was trained on permuted labels.

    Attributes:
        train_accuracy: on the permuted labels that it saw.
        valid_accuracy: on permuted labels of other rows: chance.
    """

    train_accuracy: float
    valid_accuracy: float


def random_labels(x: Any, y: Any, *, seed: int = 0, epochs: int = 150, width: int = 128) -> Memorized:
    """Train a network on permuted labels of three quarters of the rows.

    Args:
        x: (rows, columns) numbers; they are standardized.
        y: (rows,) classes.

    Source:
        Zhang et al., Understanding Deep Learning Requires Rethinking Generalization, ICLR 2017, arXiv 1611.03530.
    """
    random = np.random.default_rng(seed)
    rows = np.asarray(x, dtype=np.float32)
    rows = (rows - rows.mean(0)) / np.maximum(rows.std(0), 1e-12)
    classes, labels = np.unique(np.asarray(y), return_inverse=True)
    labels, order = random.permutation(labels), random.permutation(len(rows))
    held = 3 * len(rows) // 4

    def make() -> nn.Module:
        return nn.Sequential(
            nn.Linear(rows.shape[1], width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, len(classes)),
        )  # fmt: skip

    parts = [(rows[some], labels[some]) for some in (order[:held], order[held:])]
    setting = make_setting(make, *parts, rate=3e-3, epochs=epochs, batch=min(64, held), seed=seed)
    bench = Bench(setting, [(torch.arange(held), torch.arange(held, len(rows)))])
    record = bench.train([Member(Recipe(), setting.rate, seed)], setting.steps)
    seen = bench.outputs(bench.population(Recipe()), record.weights, bench.sample)[0].argmax(1)
    assert setting.labels is not None
    return Memorized(
        float((seen == setting.labels[bench.sample]).double().mean()),
        float((record.outputs[0].argmax(1) == setting.labels[held:].numpy()).mean()),
    )
