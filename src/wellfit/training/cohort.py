"""A cohort: members that train side by side, their stacked state, and the best each has been."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from wellfit.draws import member_key
from wellfit.recipe import Recipe
from wellfit.stacking import stack
from wellfit.target import Target
from wellfit.training.apart import together
from wellfit.training.step import State, Trainer, network_weights


@dataclasses.dataclass(frozen=True)
class Member:
    """One training: its recipe, learning rate, seed, and the fold of the data that it sees."""

    recipe: Recipe
    rate: float
    seed: int
    fold: int = 0
    label: str = ""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The data of a study: encoded inputs, targets, and the folds as row numbers (train, valid).

    Attributes:
        outputs: the shape of what a network gives for one row, where it is not that of the row's target.
        own: how many of the folds, from the first on, are of the rows as they are; what stands behind them is the same
            made anew by data-level recipes. None where all are.
    """

    x: Tensor
    target: Target
    folds: tuple[tuple[Tensor, Tensor], ...]
    outputs: tuple[int, ...] | None = None
    own: int | None = None

    def to(self, device: torch.device) -> Rows:
        target = dataclasses.replace(
            self.target, values=self.target.values.to(device), weight=self.target.weight.to(device)
        )
        folds = tuple((a.to(device), b.to(device)) for a, b in self.folds)
        return dataclasses.replace(self, x=self.x.to(device), target=target, folds=folds)


@dataclasses.dataclass(frozen=True)
class Best:
    """The best evaluation of each member so far, members first in every tensor.

    Attributes:
        loss: (members,) validation loss, infinite before the first finite one.
        step: (members,) the step it was reached at.
        weights: the weights to hand over, as they were then.
        outputs: (members, rows, ...) on the validation rows.
    """

    loss: Tensor
    step: Tensor
    weights: dict[str, Tensor]
    outputs: Tensor


_pytree.register_pytree_node(
    Best,
    lambda b: ([b.loss, b.step, b.weights, b.outputs], None),
    lambda leaves, _: Best(*leaves),  # type: ignore[misc]
)


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Members in training.

    Attributes:
        members: who they are.
        state: their stacked state.
        step: steps taken by all of them.
        best: the best of each so far.
        last_loss: (members,) validation loss at the last evaluation.
        history: one (step, training losses, validation losses) per evaluation, (members,) each.
        traces: one (members, rows) per evaluation, losses of the first validation rows, where a course asks for them.
        settled: the weights as they were handed over at the last evaluation, where statistics of norms were taken anew
            for them; empty where the state says it all.
    """

    members: tuple[Member, ...]
    state: State
    step: int
    best: Best
    last_loss: Tensor
    history: tuple[tuple[int, Tensor, Tensor], ...] = ()
    traces: tuple[Tensor, ...] = ()
    settled: dict[str, Tensor] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.members)

    def keys(self) -> Tensor:
        device = self.best.loss.device
        return torch.stack([member_key(m.seed) for m in self.members]).to(device)

    def rates(self) -> Tensor:
        like = next(iter(self.state.params.values()))
        return like.new_tensor([m.rate for m in self.members])

    def take(self, chosen: Sequence[int]) -> Cohort:
        """The members at these places, in this order: what halving keeps."""
        index = torch.as_tensor(list(chosen), dtype=torch.int64, device=self.best.loss.device)
        parts = (self.state, self.best, self.last_loss, self.settled)
        tree = _pytree.tree_map(lambda leaf: leaf[index], parts)
        history = tuple((step, train[index], valid[index]) for step, train, valid in self.history)
        traces = tuple(t[index] for t in self.traces)
        members = tuple(self.members[i] for i in chosen)
        return Cohort(members, tree[0], self.step, tree[1], tree[2], history, traces, tree[3])

    def last_weights(self) -> dict[str, Tensor]:
        """The weights of the last step, (members, ...) each, as they would be handed over."""
        return self.settled or torch.vmap(State.deployed)(self.state)

    def to(self, device: torch.device | str) -> Cohort:
        parts = (self.state, self.best, self.last_loss, self.settled)
        tree = _pytree.tree_map(lambda leaf: leaf.to(device), parts)
        history = tuple((step, train.to(device), valid.to(device)) for step, train, valid in self.history)
        traces = tuple(t.to(device) for t in self.traces)
        return dataclasses.replace(
            self, state=tree[0], best=tree[1], last_loss=tree[2], history=history, traces=traces, settled=tree[3]
        )


def join(cohorts: Sequence[Cohort]) -> Cohort:
    """Several cohorts that stand at the same step as one; raises ValueError where they do not."""
    if any(c.step != cohorts[0].step for c in cohorts):
        raise ValueError("cohorts at different steps do not join")
    trees = [(c.state, c.best, c.last_loss, tuple(h[1:] for h in c.history), c.settled) for c in cohorts]
    joined = _cat(trees)
    history = tuple((h[0], *losses) for h, losses in zip(cohorts[0].history, joined[3], strict=True))
    members = tuple(m for c in cohorts for m in c.members)
    alike = len({(len(c.traces), *(t.shape[1] for t in c.traces[:1])) for c in cohorts}) == 1
    traces = tuple(torch.cat(row) for row in zip(*(c.traces for c in cohorts), strict=True)) if alike else ()
    return Cohort(members, joined[0], cohorts[0].step, joined[1], joined[2], history, traces, joined[4])


def _cat(trees: Sequence[Any]) -> Any:
    leaves = [_pytree.tree_leaves(t) for t in trees]
    spec = _pytree.tree_structure(trees[0])
    return _pytree.tree_unflatten([torch.cat(row) for row in zip(*leaves, strict=True)], spec)


def start(trainer: Trainer, make: Callable[[], nn.Module], members: Sequence[Member], rows: Rows) -> Cohort:
    """Build the members' networks, each from its own seed, and stack them; torch's generator is left as it was."""
    states = [trainer.start(seeded(make, m.seed), m.recipe) for m in members]
    plain = [(s.params, s.buffers, s.moments) for s in states]
    params, buffers, moments = together(plain)
    first = next(iter(params.values()))
    recipes = stack([Recipe(*s.recipe) for s in states], first[0])
    state = State(params, buffers, moments, recipes)
    held = max(len(valid) for _, valid in rows.folds)
    shape = rows.target.values.shape[-1:] if rows.outputs is None else rows.outputs
    outputs = first.new_zeros((len(members), held, *shape))
    infinite = first.new_full((len(members),), torch.inf)
    weights = {n: w.clone() for n, w in network_weights(state.weights()).items()}
    best = Best(infinite, torch.zeros(len(members), dtype=torch.int64, device=first.device), weights, outputs)
    return Cohort(tuple(members), state, 0, best, infinite.clone())


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network whose first weights follow from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
