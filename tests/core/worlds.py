"""What the core tests share: a small study in float64, recipes of everything, and one training without vmap."""

from __future__ import annotations

import contextlib
import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

import wellfit
from wellfit import (
    EMA,
    L1,
    L2,
    SAM,
    ClipNorm,
    Dropout,
    EarlyStopping,
    ElasticNet,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    Recipe,
    RecipeError,
    WeightDecay,
    after,
    ramp,
    schedule,
    where,
)  # fmt: skip
from wellfit.draws import Now, member_key
from wellfit.models.mlp import MLP, Shape
from wellfit.regularizer import REGISTRY
from wellfit.sites import Site
from wellfit.target import Target
from wellfit.training.cohort import Cohort, Member, Rows, seeded, start
from wellfit.training.optimizers import Adam
from wellfit.training.order import epoch_rows
from wellfit.training.population import Course, Population
from wellfit.training.statistics import BATCHES, settled
from wellfit.training.step import Batch, State, Trainer

LEAVES = tuple(REGISTRY[name] for name in wellfit.regularizers.__all__)


def _taken_by(wrap):
    """The leaves that a wrapper takes; which it refuses stands in test_wrappers."""
    found = []
    for cls in LEAVES:
        with contextlib.suppress(RecipeError):
            wrap(cls())
            found.append(cls)
    return tuple(found)


CONFINED = _taken_by(lambda part: where(part, "*"))
DIALED = _taken_by(lambda part: schedule(part, ramp(4)))
SHAPE = Shape(inputs=5, outputs=3, width=8, depth=2)
COURSE = Course(until=24, batch=8, evaluate_every=3, mode="eager")
INF = math.inf


def make() -> MLP:
    return MLP(SHAPE).double()


def make_normalized() -> torch.nn.Module:
    return wellfit.BatchNorm().rewrite(make())


def make_rows(rows: int = 48, valid: tuple[int, ...] = (16, 16), seed: int = 0) -> Rows:
    """A classification study with a fold for each number in ``valid``: as many rows are held out there."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, SHAPE.inputs, generator=generator, dtype=torch.float64)
    labels = (x[:, 0] + 0.5 * torch.randn(rows, generator=generator) > 0).long() + (x[:, 1] > 0.5).long()
    values = torch.nn.functional.one_hot(labels, SHAPE.outputs).double()
    weight = 0.5 + torch.rand(rows, generator=generator, dtype=torch.float64)
    orders = [torch.randperm(rows, generator=generator) for _ in valid]
    folds = tuple((order[held:], order[:held]) for order, held in zip(orders, valid, strict=True))
    return Rows(x, Target(values, weight / weight.mean(), classes=True), folds)


def everything(strength: float = 1.0) -> Recipe:
    """Every regularizer that does not change the network, at strengths that are felt within a few steps."""
    s = strength
    return Recipe(
        L1(1e-3 * s), L2(2e-3 * s), ElasticNet(1e-3 * s, 0.3), WeightDecay(0.1 * s), Dropout(min(0.6, 0.2 * s)),
        InputNoise(0.1 * s), Mixup(0.3 * s), LabelSmoothing(min(0.5, 0.1 * s)), ClipNorm(2.0 / s), MaxNorm(2.0 / s),
        SAM(0.05 * s), EMA(0.9), EarlyStopping(patience=3, min_delta=1e-3), where(L1(1e-3 * s), "head.*"),
        schedule(where(Dropout(0.1 * s), "*.0.hidden"), ramp(3)), schedule(where(L2(1e-2 * s), "*.bias"), after(2)),
    )  # fmt: skip


def neutral_in(recipe: Recipe, *names: str) -> Recipe:
    """The recipe with the named parts at their neutral value."""
    return Recipe(*(p.neutral() if p.name in names else p for p in recipe))


def six_members() -> list[Member]:
    """Six trainings of one structure: knobs, rates, seeds and folds differ, each of several parts is off somewhere."""
    recipes = [
        everything(),
        neutral_in(everything(2.0), "Dropout", "SAM", "L1"),
        neutral_in(everything(0.5), "Mixup", "EMA", "MaxNorm", "L1@head.*"),
        neutral_in(everything(1.5), "ClipNorm", "InputNoise", "ElasticNet", "EarlyStopping"),
        everything().neutral(),
        neutral_in(everything(3.0), "LabelSmoothing", "WeightDecay", "L2", "Dropout@*.0.hidden"),
    ]
    return [Member(r, 0.01 * (1 + i), seed=40 + i, fold=i % 2) for i, r in enumerate(recipes)]


def trainer_for(build=make) -> Trainer:
    return Trainer(seeded(build, 0), Adam())


def train(members, rows: Rows | None = None, course: Course = COURSE, build=make) -> Cohort:
    """Members trained as one stack."""
    trainer = trainer_for(build)
    rows = rows or make_rows()
    return Population(trainer, rows).train(start(trainer, build, members, rows), course)


@dataclasses.dataclass
class Lone:
    """What one training without a stack ends with."""

    state: State
    best_loss: float = INF
    best_step: int = 0
    best_weights: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    losses: list[float] = dataclasses.field(default_factory=list)


def train_alone(member: Member, rows: Rows | None = None, course: Course = COURSE, build=make) -> Lone:
    """One member by a plain loop over ``Trainer.step``: no vmap, no population, nothing prepared ahead."""
    rows = rows or make_rows()
    trainer = trainer_for(build)
    lone = Lone(trainer.start(seeded(build, member.seed), Recipe(*member.recipe)))
    train_rows, valid = rows.folds[member.fold]
    epoch_steps = len(train_rows) // course.batch
    for step in range(course.until):
        epoch, place = divmod(step, epoch_steps)
        order = epoch_rows([train_rows], member_key(member.seed)[None], epoch, course.batch, epoch_steps)
        picked = order[place, 0]
        rates = {n: torch.tensor(member.rate, dtype=torch.float64) for n in lone.state.params}
        now = Now.at(step, member.seed, rates=rates, epoch=step / epoch_steps)
        lone.state, _ = trainer.step(lone.state, Batch(rows.x[picked], rows.target.take(picked)), now)
        if (step + 1) % course.evaluate_every == 0 or step + 1 == course.until:
            x = rows.x[order[:BATCHES, 0]]
            then = Now.at(step + 1, member.seed, rates=rates, epoch=(step + 1) / epoch_steps)
            _evaluate(lone, trainer, rows, valid, x, then, step + 1)
    return lone


def _evaluate(lone: Lone, trainer: Trainer, rows: Rows, valid: Tensor, x: Tensor, now: Now, step: int) -> None:
    weights = settled(trainer, lone.state, x)
    target = rows.target.take(valid)
    losses = target.row_losses(trainer.predict(weights, rows.x[valid]))
    loss = float((losses * target.weight).sum() / target.weight.sum())
    lone.losses.append(loss)
    if loss < lone.best_loss and not bool(lone.state.recipe.stop()):
        lone.best_loss, lone.best_step = loss, step
        lone.best_weights = {n: w.clone() for n, w in weights.items()}
    recipe = lone.state.recipe.after_epoch(lone.state.weights(), {"loss": torch.tensor(loss, dtype=torch.float64)}, now)
    lone.state = lone.state._replace(recipe=recipe)


def linear_problem(rows=60, columns=6, seed=0):
    """Centered data whose target uses half of the columns."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((rows, columns))
    y = x @ np.array([2.0, -1.5, 1.0, 0, 0, 0])[:columns] + 0.3 * draw.standard_normal(rows)
    return x - x.mean(0), y - y.mean()


HIDDEN = Site("hidden", "hidden")


def now_at(params=(), step=0, rate=0.1, seed=0):
    """The moment of a lone part outside a training: every named parameter has the same rate."""
    return Now.at(step, seed, rates={n: torch.tensor(rate, dtype=torch.float64) for n in params}).of("Part")
