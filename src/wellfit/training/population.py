"""The population: many members trained in one loop, evaluated together, each keeping the best it has been."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params
from wellfit.training.apart import member, together
from wellfit.training.cohort import Best, Cohort, Rows
from wellfit.training.order import epoch_rows
from wellfit.training.prepared import Prepared
from wellfit.training.runner import Inputs, Runner
from wellfit.training.statistics import BATCHES, settled, settles
from wellfit.training.step import State, Trainer

_FORGIVEN = 2.5
"""Seconds of tracing that a deadline waits for: a stack that has just been built should train, too."""

_EVALUATED_AT_ONCE = 1024  # rows: larger blocks leave the cache
_NUMBERS_AT_ONCE = 2**23  # of all members' inputs: what networks make of a picture is many times its size
_CACHED = 2**17  # inputs of one member alone, for the same reason: what it makes of them should stay in the cache


@dataclasses.dataclass(frozen=True)
class Course:
    """How a population trains.

    Attributes:
        until: train up to this step.
        batch: rows a step.
        evaluate_every: steps between evaluations; there is always one at the end.
        mode: how steps run, see ``runner.MODES``.
        deadline: ``time.monotonic()`` after which no step starts, once ``least`` are taken.
        precision: of the passes of a step, see ``precision.PRECISIONS``.
        traced: validation rows whose own losses are written down at every evaluation, 0 for none.
    """

    until: int
    batch: int
    evaluate_every: int
    mode: str = "traced"
    deadline: float = float("inf")
    precision: str = "float32"
    least: int = 0
    traced: int = 0


Report = Callable[[int, float], None]


class Population:
    """Trains cohorts on one data set with one network shape; its runners are kept, so that a shape compiles once."""

    def __init__(self, trainer: Trainer, rows: Rows) -> None:
        self.trainer = trainer
        self.rows = rows
        self.latest: Runner | None = None
        self.stepping, self.stepped = 0.0, 0
        self._runners: dict[tuple[object, ...], Runner] = {}

    def building(self) -> float:
        """Seconds that tracing and compiling have taken so far."""
        return sum(r.seconds for r in self._runners.values())

    def train(self, cohort: Cohort, course: Course, report: Report | None = None) -> Cohort:
        """Train a cohort up to ``course.until``, or as far as the deadline allows.

        ``report(step, best loss)`` is called after each evaluation. Afterwards ``stepping`` holds the seconds of all
        steps but the first, which builds, and ``stepped`` counts them.
        """
        loop, built = _Loop(self, cohort, course), self.building()
        self.stepping, self.stepped = 0.0, 0
        while loop.step < course.until:
            begun = time.monotonic()
            late = begun >= course.deadline + min(_FORGIVEN, self.building() - built)
            if late and loop.step >= cohort.step + course.least:
                break
            loss = loop.advance()
            if loop.step > cohort.step + 1:
                self.stepping, self.stepped = self.stepping + time.monotonic() - begun, self.stepped + 1
            if loop.step % course.evaluate_every == 0 or loop.step == course.until:
                loop.evaluate(loss)
                if report:
                    report(loop.step, float(loop.cohort.best.loss.min()))
        if loop.step != loop.evaluated and loop.step > cohort.step:
            loop.evaluate(loss)
        return loop.cohort

    def runner(self, cohort: Cohort, course: Course, inputs: Inputs) -> Runner:
        """The runner for a cohort of this size and structure."""
        key = cohort.state.recipe.parts_key()
        shape = (len(cohort), course.mode, course.precision, tuple(inputs.x.shape), key)
        if shape not in self._runners:
            trainer = dataclasses.replace(self.trainer, precision=course.precision)
            self._runners[shape] = Runner(trainer, cohort.state, inputs, course.mode)
        self.latest = self._runners[shape]
        return self.latest

    def outputs(self, weights: Params, rows: Tensor, apart: bool = False) -> Tensor:
        """(members, rows, ...) of stacked weights on rows that are (rows,) for all or (members, rows).

        Args:
            apart: one member after the other, without vmap.
        """
        own = rows.ndim == 2
        predict = torch.func.vmap(self.trainer.predict, in_dims=(0, 0 if own else None))
        if apart:
            predict = functools.partial(self._outputs_apart, own)
        held = _CACHED if apart else _NUMBERS_AT_ONCE // len(next(iter(weights.values())))
        blocks = rows.split(max(1, min(_EVALUATED_AT_ONCE, held // max(1, self.rows.x[:1].numel()))), dim=-1)
        return torch.cat([predict(dict(weights), self.rows.x[block]) for block in blocks], dim=1)

    def _outputs_apart(self, own: bool, weights: dict[str, Tensor], x: Tensor) -> Tensor:
        count = len(next(iter(weights.values())))
        return torch.stack([self.trainer.predict(member(weights, i), x[i] if own else x) for i in range(count)])


class _Loop:
    """The state of one call of ``Population.train``."""

    def __init__(self, population: Population, cohort: Cohort, course: Course) -> None:
        self.population, self.cohort, self.course = population, cohort, course
        self.step = self.evaluated = cohort.step
        folds = [population.rows.folds[m.fold] for m in cohort.members]
        self.train_rows = [train for train, _ in folds]
        held = max(len(valid) for _, valid in population.rows.folds)
        self.valid_rows, self.valid_weight = _padded([v for _, v in folds], population.rows.target.weight, held)
        # of all of the study's own rows, whoever is in the stack: company changes nothing, nor do rows made anew
        shortest = min(len(train) for train, _ in population.rows.folds[: population.rows.own])
        self.epoch_steps = max(1, shortest // course.batch)
        self.keys, self.rates = cohort.keys(), cohort.rates()
        self.epoch, self.order = -1, torch.empty(0)
        self.draws: Prepared | None = None
        self.runner: Runner | None = None
        self.flat: list[Tensor] = []

    def advance(self) -> Tensor:
        """Take one step; returns the members' training losses."""
        epoch, place = divmod(self.step, self.epoch_steps)
        if epoch != self.epoch:
            rows = self.train_rows
            self.order = epoch_rows(rows, self.keys, epoch, self.course.batch, self.epoch_steps)
            self.epoch = epoch
        rows = self.order[place]
        data = self.population.rows
        step = torch.tensor(self.step, device=rows.device)
        epoch = torch.tensor(self.step / self.epoch_steps, device=rows.device)
        inputs = Inputs(self.keys, self.rates, data.x[rows], data.target.take(rows), step, epoch, [])
        if self.runner is None:
            self.runner = self.population.runner(self.cohort, self.course, inputs)
            self.flat = self.runner.flatten(self.cohort.state)
            self.draws = Prepared(self.runner.requests, self.keys)
        assert self.draws is not None
        self.flat, loss = self.runner.step(self.flat, inputs._replace(draws=self.draws.at(self.step)))
        self.step += 1
        return loss

    def evaluate(self, train_loss: Tensor) -> None:
        """Judge every member on its validation rows and keep the best of each."""
        assert self.runner is not None
        state = self.runner.unflatten(self.flat)
        weights = self._handed_over(state)
        outputs = self.population.outputs(weights, self.valid_rows, self.course.mode == "apart")
        loss = self._valid_loss(outputs)
        old = self.cohort.best
        stopped = _stopped(state)
        better = torch.nonzero((loss < old.loss) & ~stopped).squeeze(1)
        best = Best(
            _renewed(old.loss, better, loss),
            _renewed(old.step, better, torch.full_like(old.step, self.step)),
            {n: _renewed(old.weights[n], better, w) for n, w in weights.items()},
            _renewed(old.outputs, better, outputs),
        )
        state = self._after_epoch(state, loss)
        self.flat = self.runner.flatten(state)
        history = (*self.cohort.history, (self.step, train_loss, loss))
        traces = (*self.cohort.traces, self._trace(outputs)) if self.course.traced else self.cohort.traces
        settled = weights if settles(self.population.trainer, state) else {}
        self.cohort = Cohort(self.cohort.members, state, self.step, best, loss, history, traces, settled)
        self.evaluated = self.step

    def _trace(self, outputs: Tensor) -> Tensor:
        """(members, rows) losses of the first validation rows, as many as every fold has; none of somebody's own loss.

        Such a loss may be no mean over rows.
        """
        folds, target = self.population.rows.folds, self.population.rows.target
        count = min(self.course.traced, *(len(folds[m.fold][1]) for m in self.cohort.members))
        if target.criterion is not None:
            return outputs.new_zeros((len(outputs), 0))
        rows = self.valid_rows if self.valid_rows.ndim == 2 else self.valid_rows.expand(len(outputs), -1)
        return torch.vmap(lambda out, t: t.row_losses(out))(outputs[:, :count], target.take(rows[:, :count]))

    def _valid_loss(self, outputs: Tensor) -> Tensor:
        target = self.population.rows.target
        rows = self.valid_rows if self.valid_rows.ndim == 2 else self.valid_rows.expand(len(outputs), -1)
        if target.criterion is not None:  # of all rows as one batch; somebody's function may know no stacks
            return torch.stack([target.take(r).loss(out) for out, r in zip(outputs, rows, strict=True)])
        losses = torch.vmap(lambda out, t: t.row_losses(out))(outputs, target.take(rows))
        return (losses * self.valid_weight).sum(1) / self.valid_weight.sum(-1)

    def _handed_over(self, state: State) -> dict[str, Tensor]:
        """The members' weights as they would be handed over; statistics come from the epoch's first batches."""
        trainer = self.population.trainer
        if not settles(trainer, state):
            return torch.vmap(State.deployed)(state)
        x = self.population.rows.x[self.order[:BATCHES]]
        if self.course.mode == "apart":
            return together([settled(trainer, member(state, i), x[:, i]) for i in range(len(self.cohort))])
        return torch.func.vmap(functools.partial(settled, trainer), in_dims=(0, 1))(state, x)

    def _after_epoch(self, state: State, loss: Tensor) -> State:
        device = loss.device
        step = torch.tensor(self.step, device=device)
        epoch = torch.tensor(self.step / self.epoch_steps, device=device)

        def one(state: State, loss: Tensor, key: Tensor, rate: Tensor) -> State:
            now = Now(key, step, epoch, dict.fromkeys(state.params, rate), moment=self.step)
            return state._replace(recipe=state.recipe.after_epoch(state.weights(), {"loss": loss}, now))

        return torch.func.vmap(one)(state, loss, self.keys, self.rates)


def _stopped(state: State) -> Tensor:
    answer = torch.vmap(lambda s: torch.as_tensor(s.recipe.stop()))(state)
    return answer


def _renewed(old: Tensor, chosen: Tensor, new: Tensor) -> Tensor:
    """``old`` with the chosen members' entries from ``new``; on CPU many times as fast as ``torch.where``."""
    return old.index_copy(0, chosen, new[chosen])


def _padded(rows: list[Tensor], weight: Tensor, held: int) -> tuple[Tensor, Tensor]:
    """Validation rows of every member filled up to ``held``, with weights that are 0 where they are.

    Members of one fold share one list of rows, (held,); otherwise it is (members, held).
    """
    own = {id(r): r for r in rows}
    filled = {key: torch.cat([r, r[:1].expand(held - len(r))]) for key, r in own.items()}
    counts = {key: torch.arange(held, device=r.device) < len(r) for key, r in own.items()}
    if len(own) == 1:
        (only,) = filled.values()
        return only, (weight[only] * next(iter(counts.values()))).unsqueeze(0)
    stacked = torch.stack([filled[id(r)] for r in rows])
    return stacked, weight[stacked] * torch.stack([counts[id(r)] for r in rows])
