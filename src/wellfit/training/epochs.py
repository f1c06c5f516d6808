"""One network trained by itself, epoch by epoch: its best weights come back, and the recipe says when to stop."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from wellfit.draws import Now, Pixels, member_key
from wellfit.errors import DataError, RecipeError, TrainingError
from wellfit.recipe import Recipe
from wellfit.regularizers.levels import check_pixels
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam, Optimizer
from wellfit.training.order import epoch_rows
from wellfit.training.statistics import BATCHES, settled
from wellfit.training.step import Batch, State


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network after training.

    Attributes:
        network: with the weights of its best epoch, in evaluation mode.
        losses: (training, validation) of each epoch. The first is the mean over its batches, as trained (recipe on,
            penalties left out); the second that of the weights to hand over, with the recipe off.
        best: the epoch, counted from 1, whose validation loss is the least.
        stopped: whether the recipe stopped it before the last epoch.
        recipe: as it stands at the end, with what its parts remember.
        note: why steps ran uncompiled although they were to be compiled; else empty.
    """

    network: nn.Module
    losses: tuple[tuple[float, float], ...]
    best: int
    stopped: bool
    recipe: Recipe
    note: str = ""


def train_epochs(
    network: nn.Module, recipe: Recipe, rows: Batch, valid: Batch, *, epochs: int, batch: int = 32, rate: float = 1e-3,
    seed: int = 0, optimizer: Optimizer | None = None, mode: str = "eager",
    resources: Mapping[str, Callable[[Tensor], Tensor]] | None = None, pixels: Pixels | None = None,
) -> Trained:  # fmt: skip
    """Train a copy of a network on rows that fit into memory, and return it as it was at its best.

    The best weights are kept whatever the recipe holds; a part such as EarlyStopping only says when to stop.

    Args:
        network: to start from; it is left alone.
        recipe: what it trains under.
        rows, valid: to train on, and to judge by after each epoch.
        epochs: passes over the rows, at most.
        batch: rows a step; what is left over of an epoch is another remainder each time.
        rate: learning rate.
        seed: what the order of rows and every draw follow from.
        optimizer: the update rule; Adam where none is given.
        mode: how steps run, see ``Lone``.
        resources: what the recipe names and cannot hold, such as a teacher: functions of the inputs.
        pixels: the values of black and of white in each channel of pictures, where they are scaled; see ``Now``.

    Raises:
        DataError: there are fewer training rows than a batch has, or no validation rows.
        RecipeError: a part makes rows anew (``resample``), which needs a table: ``wellfit.fit`` has it.
        TrainingError: no validation loss was a number.

    Example:
        >>> from wellfit.target import Target
        >>> x = torch.linspace(-1, 1, 40)[:, None]
        >>> rows = Batch(x, Target(3 * x, torch.ones(40), classes=False))
        >>> trained = train_epochs(nn.Linear(1, 1), Recipe(), rows, rows, epochs=40, batch=20, rate=0.1)
        >>> round(trained.network.weight.item(), 1)
        3.0
    """
    _check(recipe, rows, valid, batch)
    steps = len(rows.x) // batch
    rule = optimizer or Adam()
    lone = Lone(
        network, recipe, rule, rate=rate, seed=seed, mode=mode, epoch_steps=steps, resources=resources,
        pixels=check_pixels(pixels),
    )
    key, everything = member_key(seed).unsqueeze(0), torch.arange(len(rows.x))
    losses: list[tuple[float, float]] = []
    least, best, kept = float("inf"), 0, lone.weights()
    for epoch in range(epochs):
        order = epoch_rows([everything], key, epoch, batch, steps)[:, 0]
        seen = torch.stack([lone.step(rows.x[r], rows.target.take(r)) for r in order])
        weights = settled(lone.trainer, lone.state, rows.x[order[:BATCHES]])
        loss = _loss(lone, weights, valid)
        losses.append((float(seen.mean()), float(loss)))
        if losses[-1][1] < least:
            least, best = losses[-1][1], epoch + 1
            kept = {n: w.clone() for n, w in weights.items()}  # a compiled step writes over what it trains
        rates = {n: w.new_tensor(rate) for n, w in lone.state.params.items()}
        now = Now(key[0], torch.tensor(lone.steps), torch.tensor(epoch + 1.0), rates, moment=lone.steps)
        lone.state = _after_epoch(lone.state, loss, now)
        if bool(lone.state.recipe.stop()):
            break
    if not best:
        raise TrainingError(
            f"no validation loss of {len(losses)} epochs was a number.", fix="Lower the rate.", code="WF003"
        )
    network = filled_with(lone.network, kept)
    return Trained(network, tuple(losses), best, len(losses) < epochs, lone.state.recipe, lone.note)


def _check(recipe: Recipe, rows: Batch, valid: Batch, batch: int) -> None:
    if not 1 <= batch <= len(rows.x) or not len(valid.x):
        raise DataError(
            f"{len(rows.x)} training rows and {len(valid.x)} validation rows do not make batches of {batch}.",
            fix="Take a smaller batch, or more rows.",
            code="WF-A61",
        )
    for part in recipe:
        if "resample" in part.stages:
            raise RecipeError(
                f"{part.name} makes training rows anew, which train_epochs does not do.",
                fix="Resample the rows first, or use wellfit.fit on a table.",
                code="WF-A62",
            )


@torch.no_grad()
def _loss(lone: Lone, weights: dict[str, Tensor], valid: Batch) -> Tensor:
    """The weighted mean loss on the validation rows, () as the engine's populations have it."""
    losses = valid.target.row_losses(lone.trainer.predict(weights, valid.x))
    return (losses * valid.target.weight).sum() / valid.target.weight.sum()


def _after_epoch(state: State, loss: Tensor, now: Now) -> State:
    """The state whose recipe has seen the epoch's loss."""
    return state._replace(recipe=state.recipe.after_epoch(state.weights(), {"loss": loss}, now))


def filled_with(network: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """A copy of the network with these weights; by name, since a state dictionary lists tied weights twice."""
    filled = copy.deepcopy(network)
    with torch.no_grad():
        for name, held in (*filled.named_parameters(), *filled.named_buffers()):
            held.copy_(weights[name])
    return filled.eval()
