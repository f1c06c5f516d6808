"""A recipe for images made by hand, with all the time for itself: one long training for each of two learning rates.

What a practitioner does who knows what helps: no search, no second seed. Each training has one processor and the whole
budget; the rate and the epoch are chosen by the same share of the rows as wellfit's validation has.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch

from images_text_data import Task
from wellfit import Recipe
from wellfit.models.picture_shape import PictureShape
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.step import Batch
from wellfit.training.worker import keep_memory

RATES = (0.003, 0.01)
VALID = 0.15
WIDTH = 24  # as the job has it at five minutes
_TIMED = 10  # epochs, whose time is told apart from a compilation's


def by_hand(task: Task, recipe: Recipe, budget: float) -> dict[str, Any]:
    """The row of the better of the trainings, by validation."""
    begun = time.monotonic()
    with ProcessPoolExecutor(len(RATES), multiprocessing.get_context("spawn")) as pool:
        asked = [pool.submit(_train, task, recipe.to_json(), rate, budget) for rate in RATES]
        found = [a.result() for a in asked]
    best = min(found, key=lambda f: f["valid"])
    row = {k: best[k] for k in ("acc", "log_loss", "detail")}
    steps = sum(f["member_steps"] for f in found)
    return {"entrant": "long", **row, "member_steps": steps, "seconds": time.monotonic() - begun}


def _train(task: Task, recipe: Any, rate: float, budget: float) -> dict[str, Any]:
    """One training until the time is over; how long an epoch takes is told by two short trainings before."""
    begun = time.monotonic()
    torch.set_num_threads(1)
    keep_memory()
    x, tested, pixels = _scaled(task)
    order = np.random.default_rng(task.subset).permutation(len(x))
    valid, train = (torch.from_numpy(o) for o in np.split(order, [int(VALID * len(x))]))
    labels, classes = torch.from_numpy(task.y), int(task.y.max()) + 1
    sides = [Batch(x[rows], _target(labels[rows], classes)) for rows in (train, valid)]
    batch = 64 if len(train) < 3000 else 128

    def run(epochs: int) -> Any:
        torch.manual_seed(task.subset)
        shape = PictureShape(x.shape[1], x.shape[2], x.shape[3], classes, WIDTH, 2 * WIDTH)
        return train_epochs(
            shape.network(), Recipe.from_json(recipe), *sides, epochs=epochs, batch=batch, rate=rate, seed=task.subset,
            mode="compiled", pixels=pixels,
        )  # fmt: skip

    run(1)  # compiles
    taken = []
    for epochs in (1, 1 + _TIMED):
        now = time.monotonic()
        run(epochs)
        taken.append(time.monotonic() - now)
    each = (taken[1] - taken[0]) / _TIMED
    trained = run(max(1, int((budget - (time.monotonic() - begun)) / each)))
    with torch.no_grad():
        outputs = torch.cat([trained.network(part) for part in tested.split(500)])
    truth, steps = torch.from_numpy(task.y_test), len(trained.losses) * (len(train) // batch)
    return {
        "valid": trained.losses[trained.best - 1][1], "acc": float((outputs.argmax(1) == truth).double().mean()),
        "log_loss": float(torch.nn.functional.cross_entropy(outputs, truth)), "member_steps": steps,
        "detail": f"learning rate {rate:g}, best after epoch {trained.best} of {len(trained.losses)}",
    }  # fmt: skip


def _scaled(task: Task) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """Images for training and test, standardized by channel, and what black and white are then."""
    x, tested = (_planes(held) for held in (task.x, task.x_test))
    mean, std = (getattr(x, name)(dim=(0, 2, 3), keepdim=True) for name in ("mean", "std"))
    ends = tuple(tuple(((end - mean) / std).flatten().tolist()) for end in (0.0, 255.0))
    return (x - mean) / std, (tested - mean) / std, ends


def _planes(held: np.ndarray) -> torch.Tensor:
    x = torch.from_numpy(np.ascontiguousarray(held)).float()
    return x.unsqueeze(1) if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous()


def _target(labels: torch.Tensor, classes: int) -> Target:
    return Target(torch.nn.functional.one_hot(labels, classes).float(), torch.ones(len(labels)), classes=True)
