"""The contract on training: K members trained as one stack are K trainings."""

from __future__ import annotations

import copy
import functools

import torch
from torch import Tensor, nn

from wellfit.draws import Now, member_key
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.testing.facts import examples, hold
from wellfit.testing.outcome import stack_trees
from wellfit.testing.samples import OUTPUTS, draw_sample, small_network
from wellfit.training.optimizers import Adam, Optimizer
from wellfit.training.step import Batch, State, Trainer

_STEPS, _RATE, _BOUND = 6, 0.02, 1e-10
_OUTPUTS = {"classification": OUTPUTS, "regression": 1}
_ADAM = Adam(eps=1e-4)
"""With 1e-8 the rounding of a gradient that is zero in exact arithmetic (a bias before batch norm) becomes a step."""


def check_stack_training(cls: type[Regularizer], optimizer: Optimizer | None = None) -> None:
    """K stacked trainings end where K lone ones do, in float64, for both tasks; vmap and functional_call included."""
    for task in sorted(cls.tasks):
        recipes = [Recipe(part) for part in examples(cls)]
        network = recipes[0].rewrite(small_network(task, cls.inputs).double())
        brought = {"teacher": functools.partial(_teacher, _OUTPUTS[task]), "transform": torch.fliplr}
        trainer = Trainer(network, optimizer or _ADAM, brought)
        states = [trainer.start(_filled(network, seed), r) for seed, r in enumerate(recipes)]
        stacked = train_stacked(trainer, states, task, cls.inputs)
        for seed, state in enumerate(states):
            lone = train_alone(trainer, state, seed, task, cls.inputs)
            for name, weight in lone.deployed().items():
                difference = float((weight - stacked[name][seed]).abs().max())
                hold(
                    difference <= _BOUND, cls, f"{recipes[seed]!r}: {name} is {difference:.1e} off in a stack ({task})"
                )


def _teacher(outputs: int, x: Tensor) -> Tensor:
    return x.flatten(1)[:, :outputs]


def train_alone(trainer: Trainer, state: State, seed: int, task: str, inputs: str = "any") -> State:
    """Some steps of one model, without vmap."""
    for step in range(_STEPS):
        now = Now.at(step, seed, rates=dict.fromkeys(state.params, torch.tensor(_RATE, dtype=torch.float64)))
        state, _ = trainer.step(state, _batch(seed, step, task, inputs), now)
    return state


def train_stacked(trainer: Trainer, states: list[State], task: str, inputs: str = "any") -> dict[str, Tensor]:
    """The same steps of all models at once; the weights to hand over, members first."""
    state = stack_trees(states)
    keys = torch.stack([member_key(seed) for seed in range(len(states))])
    for step in range(_STEPS):
        batch = stack_trees([_batch(seed, step, task, inputs) for seed in range(len(states))])

        def one(state: State, batch: Batch, key: Tensor, step: int = step) -> tuple[State, Tensor]:
            rates = dict.fromkeys(state.params, torch.tensor(_RATE, dtype=torch.float64))
            return trainer.step(state, batch, Now(key, torch.tensor(step), torch.tensor(0.0), rates, moment=step))

        state, _ = torch.func.vmap(one)(state, batch, keys)
    return torch.func.vmap(State.deployed)(state)


def _batch(seed: int, step: int, task: str, inputs: str) -> Batch:
    sample = draw_sample(1000 * seed + step, task, inputs=inputs)
    return Batch(sample.x, sample.target)


def _filled(network: nn.Module, seed: int) -> nn.Module:
    """The network with weights of its own for each seed."""
    filled = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in filled.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator, dtype=weight.dtype))
    return filled
