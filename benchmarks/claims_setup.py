"""What the measurements of claims share: tables, splits, stacked trainings, and the rule for a verdict."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.stats
import torch
from sklearn import datasets
from torch import Tensor, nn

from wellfit import Recipe
from wellfit.models.mlp import MLP, Shape
from wellfit.target import Target
from wellfit.training.cohort import Cohort, Member, Rows, start
from wellfit.training.optimizers import Adam, Optimizer
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer

SPLITS = 10
STEPS = 600
"""Steps of 32 rows, unless said otherwise: with early stopping, enough for nearly all to have passed their best."""
RATE = 2e-3
"""Adam's learning rate in every comparison that is not about learning rates."""

Arm = tuple[Recipe, float]
Array = np.ndarray


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one claim came to: the figure, with its interval, and the verdict."""

    figure: str
    verdict: str


@dataclasses.dataclass(frozen=True)
class Claim:
    """One statement of the sources, in our words, and how it is measured.

    Attributes:
        name: what ``--only`` takes.
        sources: numbers of the documents that make it.
        says: the statement.
        how: the set-up, fixed before the first run.
        measure: runs it.
    """

    name: str
    sources: str
    says: str
    how: str
    measure: Callable[[], Finding]


@dataclasses.dataclass(frozen=True)
class Task:
    """Rows, and splits of them: (train, valid, test) row numbers each."""

    x: Tensor
    target: Target
    splits: tuple[tuple[Tensor, Tensor, Tensor], ...]

    @property
    def outputs(self) -> int:
        return self.target.values.shape[1]

    def with_train(self, train: Sequence[Tensor]) -> Task:
        """The same validation and test rows with other training rows."""
        kept = zip(train, self.splits, strict=True)
        return dataclasses.replace(self, splits=tuple((rows, valid, test) for rows, (_, valid, test) in kept))

    def fewer(self, rows: int) -> Task:
        return self.with_train([train[:rows] for train, _, _ in self.splits])


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the members of one arm came to, (splits,) each; ``best`` is the epoch of the least validation loss,
    and ``weights`` are those of then."""

    valid: Array
    best: Array
    last: Array
    wrong: Array
    wrong_last: Array
    train_last: Array
    right_train: Array
    best_step: Array
    history: tuple[tuple[int, Array, Array], ...]
    weights: dict[str, Tensor]


def targets(y: Array, classes: int) -> Target:
    """Class numbers as one-hot rows, or standardized numbers where ``classes`` is 0."""
    if classes:
        values = torch.nn.functional.one_hot(torch.as_tensor(y, dtype=torch.int64), classes).float()
    else:
        values = torch.as_tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
    return Target(values, torch.ones(len(y)), bool(classes))


def split_rows(count: int, train: int, valid: int, splits: int = SPLITS) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
    """Random splits, one a seed; what is neither training nor validation is test."""
    found = []
    for seed in range(splits):
        order = torch.as_tensor(np.random.default_rng(seed).permutation(count))
        found.append((order[:train], order[train : train + valid], order[train + valid :]))
    return tuple(found)


def task_of(x: Array, y: Array, classes: int, train: int, valid: int, splits: int = SPLITS) -> Task:
    """A table as a task: columns standardized, constant columns left at 0."""
    spread = x.std(0)
    standard = (x - x.mean(0)) / np.where(spread > 0, spread, 1.0)
    inputs = torch.as_tensor(standard, dtype=torch.float32)
    return Task(inputs, targets(y, classes), split_rows(len(x), train, valid, splits))


@functools.cache
def table(name: str, train: int = 0) -> Task:
    """One of the four tables of the comparisons; ``train`` rows to train on, or as many as is usual here."""
    if name == "digits":
        return task_of(*datasets.load_digits(return_X_y=True), 10, train or 200, 150)
    if name == "breast cancer":
        return task_of(*datasets.load_breast_cancer(return_X_y=True), 2, train or 120, 80)
    if name == "diabetes":
        return task_of(*datasets.load_diabetes(return_X_y=True), 0, train or 140, 80)
    x, y = datasets.make_classification(
        3000, 20, n_informative=6, n_redundant=4, n_classes=3, class_sep=1.2, flip_y=0.15, random_state=7
    )
    return task_of(x, y, 3, train or 200, 150)


TABLES = ("digits", "breast cancer", "diabetes", "generated")


def net(task: Task, width: int = 64, depth: int = 2) -> Callable[[], nn.Module]:
    return lambda: MLP(Shape(task.x.shape[1], task.outputs, width, depth))


def train(
    task: Task, arms: Mapping[str, Arm], make: Callable[[], nn.Module] | None = None, *, steps: int = STEPS,
    batch: int = 32, every: int = 30, optimizer: Optimizer | None = None,
) -> dict[str, Outcome]:  # fmt: skip
    """Train every arm on every split; arms of one structure share a stack."""
    make = make or net(task)
    groups: dict[object, list[str]] = {}
    for name, (recipe, _) in arms.items():
        groups.setdefault(recipe.parts_key(), []).append(name)
    found: dict[str, Outcome] = {}
    for names in groups.values():
        found |= _train_stack(task, {n: arms[n] for n in names}, make, Course(steps, batch, every), optimizer or Adam())
    return {name: found[name] for name in arms}


def _train_stack(
    task: Task, arms: Mapping[str, Arm], make: Callable[[], nn.Module], course: Course, optimizer: Optimizer
) -> dict[str, Outcome]:
    first = next(iter(arms.values()))[0]
    build = lambda: first.rewrite(make())  # noqa: E731 - parts that change the network are alike within a stack
    rows = Rows(task.x, task.target, tuple((train, valid) for train, valid, _ in task.splits))
    trainer = Trainer(build(), optimizer)
    population = Population(trainer, rows)
    splits = range(len(task.splits))
    members = [Member(recipe, rate, seed, seed, name) for name, (recipe, rate) in arms.items() for seed in splits]
    cohort = population.train(start(trainer, build, members, rows), course)
    return {name: _outcome(task, population, cohort, name) for name in arms}


def _outcome(task: Task, population: Population, cohort: Cohort, name: str) -> Outcome:
    places = [i for i, m in enumerate(cohort.members) if m.label == name]
    own = cohort.take(places)
    tests = [test for _, _, test in task.splits]
    last = own.last_weights()
    best_loss, wrong = _judged_on(task, population, own.best.weights, tests)
    last_loss, wrong_last = _judged_on(task, population, last, tests)
    train_loss, wrong_train = _judged_on(task, population, last, [train for train, _, _ in task.splits])
    history = tuple((step, a.numpy(), b.numpy()) for step, a, b in own.history)
    return Outcome(
        own.best.loss.numpy(), best_loss, last_loss, wrong, wrong_last, train_loss, 1.0 - wrong_train,
        own.best.step.numpy(), history, own.best.weights,
    )  # fmt: skip


def _judged_on(
    task: Task, population: Population, weights: Mapping[str, Tensor], rows: Sequence[Tensor]
) -> tuple[Array, Array]:
    """(splits,) mean loss and share of wrong answers (0 for numbers) on each split's own rows."""
    losses, wrong = [], []
    for place, chosen in enumerate(rows):
        one = {n: w[place : place + 1] for n, w in weights.items()}
        outputs = population.outputs(one, chosen)[0]
        target = task.target.take(chosen)
        losses.append(float(target.row_losses(outputs).mean()))
        wrong.append(float((outputs.argmax(1) != target.values.argmax(1)).float().mean()) if target.classes else 0.0)
    return np.array(losses), np.array(wrong)


def chosen(outcomes: Mapping[str, Outcome], names: Sequence[str], what: str = "best") -> Array:
    """(splits,) of the arm of the least validation loss on the split: at its best epoch, or at its last for "last"."""
    judged = [outcomes[n].history[-1][2] if what == "last" else outcomes[n].valid for n in names]
    pick = np.nan_to_num(np.stack(judged), nan=np.inf).argmin(0)
    return np.stack([getattr(outcomes[n], what) for n in names])[pick, np.arange(len(pick))]


def gain(arm: Array, plain: Array) -> Array:
    """(splits,) how much less than ``plain`` the arm is, as a logarithm: 0.1 is about 10 % less."""
    return np.log(np.maximum(plain, 1e-12) / np.maximum(arm, 1e-12))


def interval(values: Array) -> tuple[float, float, float]:
    """Mean, and the ends of Student's 95 % interval."""
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def percent(values: Array) -> str:
    """A mean log ratio with its interval as percent less: '+5.0% (2.1 to 7.8)'."""
    middle, low, high = (100.0 * (1.0 - math.exp(-v)) for v in interval(values))
    return f"{middle:+.1f}% ({low:.1f} to {high:.1f})"


def plain_interval(values: Array, digits: int = 3) -> str:
    middle, low, high = interval(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def pooled(gains: Mapping[str, Array]) -> Array:
    """(splits,) the mean over tables, split by split."""
    return np.mean(list(gains.values()), axis=0)


def verdict(gains: Mapping[str, Array]) -> str:
    """Held: the mean over tables is above 0, and no table is below. In part: one of the two, or some table is above."""
    over = interval(pooled(gains))[1] > 0
    tables = [interval(g) for g in gains.values()]
    if over and not any(high < 0 for _, _, high in tables):
        return "held"
    return "held in part" if over or any(low > 0 for _, low, _ in tables) else "did not hold"


def spread_out(gains: Mapping[str, Array]) -> str:
    """The figure of a comparison over tables: the mean, then each table."""
    each = "; ".join(f"{name} {percent(g)}" for name, g in gains.items())
    return f"mean {percent(pooled(gains))}; {each}" if len(gains) > 1 else each
