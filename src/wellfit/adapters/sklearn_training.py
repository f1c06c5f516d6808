"""What a scikit-learn estimator trains: an MLP on standardized rows, in float64, under a fixed recipe."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from wellfit.draws import Now, member_key
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold
from wellfit.models.mlp import MLP, Shape
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import SWA
from wellfit.target import Target
from wellfit.training.cohort import seeded
from wellfit.training.epochs import filled_with, train_epochs
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam
from wellfit.training.order import epoch_rows
from wellfit.training.statistics import BATCHES, settled
from wellfit.training.step import Batch
from wellfit.wrappers import leaf_class

TRACED_FROM = 400
"""Steps from which tracing the step first, about 0.3 s, is won back: a traced step costs 1 to 1.5 ms less."""


@dataclasses.dataclass(frozen=True)
class Course:
    """How to train.

    Attributes:
        shape: of the network.
        epochs: passes over the rows.
        batch: rows a step.
        rate: learning rate of Adam.
        seed: what first weights, the order of rows and every draw follow from.
    """

    shape: Shape
    epochs: int
    batch: int
    rate: float
    seed: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A trained network, the training loss of each epoch, and the validation loss where rows were kept back."""

    network: nn.Module
    losses: tuple[float, ...]
    valid_losses: tuple[float, ...] = ()


def train(recipe: Recipe, rows: Batch, valid: Batch | None, course: Course) -> Outcome:
    """Train an MLP on all rows for a fixed number of epochs; with rows to judge by, keep the best epoch.

    Raises:
        RecipeError: a part is of another task, or reads a validation loss and there are no rows to judge by.
        DataError: a part cannot work on the rows, or left none of them.
    """
    _check(recipe, rows, valid)
    rows = _resampled(recipe, rows, course.seed)
    batch = min(course.batch, len(rows.x))
    recipe = recipe.replace(parts=[p for p in recipe if "resample" not in p.stages])
    network = seeded(lambda: MLP(course.shape).double(), course.seed)
    steps = course.epochs * (len(rows.x) // batch)
    mode = "traced" if steps >= TRACED_FROM else "eager"
    if valid is None:
        return _through(Lone(
            network, recipe, Adam(), rate=course.rate, seed=course.seed, mode=mode, epoch_steps=len(rows.x) // batch
        ), rows, course.epochs, batch, course.seed)  # fmt: skip
    trained = train_epochs(
        network, recipe, rows, valid, epochs=course.epochs, batch=batch, rate=course.rate, seed=course.seed, mode=mode
    )
    own, judged = zip(*trained.losses, strict=True)
    return Outcome(trained.network, own, judged)


def _through(lone: Lone, rows: Batch, epochs: int, batch: int, seed: int) -> Outcome:
    """Every epoch to the last; a batch that holds all rows is read in the order they came in."""
    everything, steps, losses = torch.arange(len(rows.x)), len(rows.x) // batch, []
    key = member_key(seed)
    order = everything.unsqueeze(0)
    for epoch in range(epochs):
        if batch < len(rows.x):
            order = epoch_rows([everything], key.unsqueeze(0), epoch, batch, steps)[:, 0]
        taken = [rows if len(r) == len(rows.x) else Batch(rows.x[r], rows.target.take(r)) for r in order]
        losses.append(torch.stack([lone.step(*b) for b in taken]).mean())
        if "after_epoch" in lone.state.recipe.stages:
            rates = {n: w.new_tensor(0.0) for n, w in lone.state.params.items()}
            now = Now(key, torch.tensor(lone.steps), torch.tensor(epoch + 1.0), rates, moment=lone.steps)
            later = lone.state.recipe.after_epoch(lone.state.weights(), {"loss": losses[-1]}, now)
            lone.state = lone.state._replace(recipe=later)
    weights = settled(lone.trainer, lone.state, rows.x[order[:BATCHES]])
    return Outcome(filled_with(lone.network, weights), tuple(torch.stack(losses).tolist()))


def outputs_of(network: nn.Module, x: np.ndarray) -> np.ndarray:
    """(rows, outputs) of a trained network, float64."""
    with torch.no_grad():
        return network(torch.from_numpy(np.ascontiguousarray(x))).numpy()


def class_batch(x: np.ndarray, codes: np.ndarray, weight: np.ndarray, classes: int) -> Batch:
    """Rows with class numbers; the mean of their weights becomes 1."""
    values = torch.nn.functional.one_hot(torch.from_numpy(codes.astype(np.int64)), classes).double()
    return _batch(x, values, weight, True)


def number_batch(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Batch:
    """Rows with (rows, outputs) numbers; the mean of their weights becomes 1."""
    return _batch(x, torch.from_numpy(np.ascontiguousarray(y)), weight, False)


def _batch(x: np.ndarray, values: Tensor, weight: np.ndarray, classes: bool) -> Batch:
    share = torch.from_numpy(weight / weight.mean())
    return Batch(torch.from_numpy(np.ascontiguousarray(x)), Target(values, share, classes))


def _check(recipe: Recipe, rows: Batch, valid: Batch | None) -> None:
    task = "classification" if rows.target.classes else "regression"
    for part in recipe:
        if task not in part.tasks:
            raise RecipeError(
                f"{part.name} is for {' and '.join(sorted(part.tasks))}, and this is {task}.",
                fix=f"Leave {part.name} out of the recipe.",
                code="WF-A71",
            )
        if valid is None and _judges(part):
            raise RecipeError(
                f"{part.name} reads a validation loss, and no rows are kept back to take it from.",
                fix="Set validation_fraction=0.1, or leave it out of the recipe.",
                code="WF-A72",
            )


def _judges(part: Regularizer) -> bool:
    """Whether a part may read the loss of an epoch; of those that act after one, SWA alone is known not to."""
    return "after_epoch" in part.stages and not issubclass(leaf_class(part), SWA)


def _resampled(recipe: Recipe, rows: Batch, seed: int) -> Batch:
    if "resample" not in recipe.stages:
        return rows
    target = rows.target
    if not target.classes and target.values.shape[1] > 1:
        parts = " and ".join(p.name for p in recipe if "resample" in p.stages)
        raise RecipeError(
            f"{parts} makes training rows anew for one target, and there are {target.values.shape[1]}.",
            fix="Fit one regressor per target: sklearn.multioutput.MultiOutputRegressor.",
            code="WF-A73",
        )
    classes = target.values.shape[1] if target.classes else 0
    labels = target.values.argmax(1) if classes else target.values[:, 0]
    made = recipe.resample(Fold(rows.x, labels, target.weight, classes), Now.at(0, seed))
    if not len(made) or not float(made.weight.sum()) > 0:
        raise DataError("the recipe's data-level parts left no training row.", fix="Weaken them.", code="WF-A74")
    x, weight = made.x.numpy(), made.weight.numpy()
    if classes:
        return class_batch(x, made.labels.numpy(), weight, classes)
    return number_batch(x, made.labels.numpy()[:, None], weight)
