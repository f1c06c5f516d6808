"""Running statistics of normalization for weights that are an average: taken anew, since no batch has seen those."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from wellfit.regularizer import Params
from wellfit.training.step import State, Trainer, network_weights

BATCHES = 8
"""Training batches that statistics are taken from: as many as running averages of momentum 0.1 reach back, nearly."""


def settled(trainer: Trainer, state: State, x: Tensor) -> dict[str, Tensor]:
    """The weights of one model to evaluate and to hand over, with statistics that fit them.

    Where a part of the recipe (EMA, SWA, Lookahead) hands over other weights than the ones trained, the running
    averages belong to the weights trained. They are replaced by the plain mean, over batches, of what each batch gives
    under the weights handed over, as torch.optim.swa_utils.update_bn does it. Weights handed over as they were trained
    keep their running averages to the last bit, in whatever stack. Statistics that are frozen stay.

    Args:
        x: (batches, rows, columns) training rows.
    """
    weights = state.deployed()
    if not settles(trainer, state):
        return weights
    moved = torch.stack([(weights[n] != w).any() for n, w in network_weights(state.params).items()]).any()
    fresh = mean_statistics(trainer.network, weights, state.buffers, x)
    return {**weights, **{n: torch.where(moved, value, weights[n]) for n, value in fresh.items()}}


def settles(trainer: Trainer, state: State) -> bool:
    """Whether there is anything to take anew: running statistics, and a part that hands over other weights."""
    return "deploy" in state.recipe.stages and bool(keeping_statistics(trainer.network))


def mean_statistics(network: nn.Module, weights: Params, buffers: Params, x: Iterable[Tensor]) -> dict[str, Tensor]:
    """The mean over batches of each running statistic under these weights."""
    names = [f"{n}.{what}".lstrip(".") for n in keeping_statistics(network) for what in ("running_mean", "running_var")]
    found = []
    network.train()
    with _only_the_newest(network):
        for batch in x:
            written = {n: weights[n].clone() for n in buffers}
            torch.func.functional_call(network, {**weights, **written}, (batch,))
            found.append(written)
    return {n: torch.stack([written[n] for written in found]).mean(0) for n in names}


def keeping_statistics(network: nn.Module) -> dict[str, nn.Module]:
    """The modules that keep running statistics."""
    return {n: m for n, m in network.named_modules() if getattr(m, "running_mean", None) is not None}


@contextlib.contextmanager
def _only_the_newest(network: nn.Module) -> Iterator[None]:
    """While the context is open, running averages are the newest batch's alone."""
    before = {m: m.momentum for m in keeping_statistics(network).values()}
    for module in before:
        module.momentum = 1.0
    try:
        yield
    finally:
        for module, momentum in before.items():
            module.momentum = momentum
