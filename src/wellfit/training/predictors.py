"""Predictors that run a trained network several times: how far its outputs spread is how sure it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError, UsageError
from wellfit.recipe import Recipe
from wellfit.sites import Site, acting
from wellfit.training.statistics import settled, settles
from wellfit.training.step import State, Trainer, network_weights


class Spread(NamedTuple):
    """What several passes gave.

    Attributes:
        mean: (batch, outputs).
        std: (batch, outputs) standard deviation over passes, with n - 1.
    """

    mean: Tensor
    std: Tensor


@dataclasses.dataclass(frozen=True)
class MCDropout:
    """Leave dropout on at prediction: mean and spread of several passes, each with hidden values dropped anew.

    Every part of the recipe that acts on hidden values stays on, at the strength it has at the end of training; one
    that also changes the batch (as manifold mixup does) mixes rows and stays off, as does all else. Batch norm reads
    its running statistics. The draws follow from ``seed``, the pass and the row's place.

    Args:
        passes: how many, 2 and more; the mean's own error falls with their square root.
        seed: of the draws.

    Raises:
        UsageError: passes is no whole number from 2, or the seed no whole number.
        RecipeError: the recipe has no part that could stay on.

    Source:
        Gal & Ghahramani, Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning, ICML
        2016, arXiv 1506.02142.
    """

    passes: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("passes", 2), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(f"MCDropout.{name} is {value!r}; a whole number from {least} is allowed.")

    def predict(
        self, trainer: Trainer, state: State, x: Tensor, read: Callable[[Tensor], Tensor] | None = None,
        rows: Tensor | None = None,
    ) -> Spread:  # fmt: skip
        """Mean and spread for (batch, inputs).

        Args:
            trainer: the network's shape.
            state: the trained model, with its recipe and what that has learned.
            x: what it is to answer.
            read: what is averaged, a function of (batch, outputs): probabilities by ``softmax``, say; the outputs
                themselves where it is left out.
            rows: (batches, rows, columns) training rows, by which running statistics are taken anew where the recipe
                hands over an average of weights; needed in that case alone.

        Raises:
            UsageError: they are needed, and missing.
        """
        mean, squares = torch.zeros(()), torch.zeros(())
        for count, outputs in enumerate(self.outputs(trainer, state, x, rows), start=1):
            value = outputs if read is None else read(outputs)
            difference = value - mean
            mean = mean + difference / count  # Welford's update: nothing is subtracted that is large
            squares = squares + difference * (value - mean)
        return Spread(mean, torch.sqrt(squares / (self.passes - 1)))

    @torch.no_grad()
    def outputs(self, trainer: Trainer, state: State, x: Tensor, rows: Tensor | None = None) -> Iterator[Tensor]:
        """The outputs (batch, outputs) of each pass."""
        recipe = _staying_on(state.recipe)
        weights = _weights(trainer, state, rows)
        sites = [s for s in trainer.sites if recipe.acts_on(s)]
        trainer.network.eval()
        for step in range(self.passes):
            now = Now.at(step, self.seed, epoch=float("inf"))  # where schedules have come to their end
            now = dataclasses.replace(now, key=now.key.to(x.device), epoch=now.epoch.to(x.device), sites=trainer.sites)
            with acting(trainer.network, _acting(recipe, weights, now), sites):
                yield torch.func.functional_call(trainer.network, network_weights(weights), (x,))


def _weights(trainer: Trainer, state: State, rows: Tensor | None) -> dict[str, Tensor]:
    """What is handed over, with statistics that fit it, and what regularizers have added."""
    if not settles(trainer, state):
        return dict(state.recipe.deploy(state.weights()))
    if rows is None:
        raise UsageError(
            "MCDropout is to run averaged weights in a network whose running statistics belong to others.",
            fix="Give it batches of training rows: predict(trainer, state, x, rows=...).",
        )
    return {**state.recipe.deploy(state.weights()), **settled(trainer, state, rows)}


def _staying_on(recipe: Recipe) -> Recipe:
    """The parts that act on hidden values and leave rows apart."""
    parts = [p for p in recipe if "activation" in p.stages and "batch" not in p.stages]
    if not parts:
        raise RecipeError(
            "MCDropout finds no part of the recipe that acts on hidden values, so that all passes would be the same.",
            fix="Train with Dropout, or predict without MCDropout.",
            code="WF-R12",
        )
    return recipe.remember(parts=tuple(parts))


def _acting(recipe: Recipe, weights: dict[str, Tensor], now: Now) -> Callable[[Tensor, Site], Tensor]:
    return lambda h, site: recipe.activation(h, site, weights, now)
