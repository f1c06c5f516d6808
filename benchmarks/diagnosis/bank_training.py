"""Trainings of the truth: arms of one case side by side on several seeds, judged on its test rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from bank_data import Drawn, Rows, draw
from bank_nets import maker
from bank_remedies import Arm
from torch import Tensor

from wellfit.target import Target
from wellfit.training.cohort import Cohort, Member, start
from wellfit.training.cohort import Rows as StudyRows
from wellfit.training.optimizers import Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Trainer

Array = npt.NDArray[np.float64]
CEILING = 50.0  # of a row's loss: what diverged counts as this bad
LOOKS = 30  # evaluations of a training, one of which early stopping chooses


@dataclasses.dataclass(frozen=True)
class Judged:
    """Losses of each seed's training on each row; ``wrong`` are 0 and 1, empty for numbers.

    Attributes:
        test, valid: (seeds, rows) losses at the last step.
        early: (seeds, test rows) losses at the evaluation of the least validation loss.
        cooled: (seeds, test rows) losses at the last step after temperature scaling on the validation rows.
    """

    test: Array
    valid: Array
    early: Array
    cooled: Array
    wrong: Array
    early_wrong: Array


def judge(arms: list[Arm], folder: Path, seeds: int) -> dict[str, Judged]:
    """Train all arms, those of one structure, network and data in one stack."""
    groups: dict[object, list[Arm]] = {}
    for arm in arms:
        key = (arm.recipe.parts_key(), arm.case.net, arm.case.epochs, arm.case.plant, arm.weighted)
        groups.setdefault(key, []).append(arm)
    found: dict[str, Judged] = {}
    for group in groups.values():
        found |= _stack(group, draw(group[0].case, folder), seeds)
    return found


def _stack(arms: list[Arm], drawn: Drawn, seeds: int) -> dict[str, Judged]:
    case, first = arms[0].case, arms[0].recipe
    build = lambda: first.rewrite(maker(case, drawn)())  # noqa: E731 - what changes the network is alike in a stack
    parts = (drawn.train, drawn.valid, drawn.test)
    x, target = torch.cat([p.x for p in parts]), targets(parts, drawn.classes, arms[0].weighted)
    ends = np.cumsum([len(p) for p in parts])
    rows = [torch.arange(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    study = StudyRows(x, target, ((rows[0], rows[1]),))
    population = Population(Trainer(build(), Adam()), study)
    members = [Member(arm.recipe, arm.rate, 1000 * case.seed + s, 0, arm.name) for arm in arms for s in range(seeds)]
    cohort = start(population.trainer, build, members, study)
    cohort = population.train(cohort, Course(case.steps, case.batch, max(1, case.steps // LOOKS)))
    return {arm.name: _judged(population, cohort, target, rows, arm.name) for arm in arms}


def targets(parts: tuple[Rows, ...], classes: int, weighted: bool) -> Target:
    """All rows' targets; with weights, each class of the training rows counts alike."""
    y = torch.cat([p.y for p in parts])
    if not classes:
        return Target(y, torch.ones(len(y)), False)
    weight = torch.ones(len(y))
    if weighted:
        counts = torch.bincount(parts[0].y, minlength=classes).float()
        weight = (len(parts[0]) / (counts > 0).sum() / counts.clamp(min=1.0))[y]
    return Target(torch.nn.functional.one_hot(y, classes).float(), weight, True)


def _judged(population: Population, cohort: Cohort, target: Target, rows: list[Tensor], name: str) -> Judged:
    own = cohort.take([i for i, m in enumerate(cohort.members) if m.label == name])
    last, best = own.last_weights(), own.best.weights
    ends = [population.outputs(last, r) for r in rows[1:]]
    early = population.outputs(best, rows[2])
    cooled = ends[1]
    if target.classes:
        truth = target.take(rows[1])
        cooled = torch.stack([out / temperature(held, truth) for out, held in zip(ends[1], ends[0], strict=True)])
    judged = [_losses(target.take(r), out) for r, out in zip([rows[2], rows[1]], ends[::-1], strict=True)]
    more = [_losses(target.take(rows[2]), out) for out in (early, cooled)]
    wrong = [_wrong(target.take(rows[2]), out) for out in (ends[1], early)]
    return Judged(*judged, *more, *wrong)


def _losses(target: Target, outputs: Tensor) -> Array:
    losses = torch.stack([target.row_losses(out) for out in outputs])
    return losses.nan_to_num(CEILING, CEILING, CEILING).clamp(max=CEILING).double().numpy()


def _wrong(target: Target, outputs: Tensor) -> Array:
    if not target.classes:
        return np.zeros((len(outputs), 0))
    return (outputs.argmax(-1) != target.values.argmax(-1)).double().numpy()


def temperature(outputs: Tensor, target: Target) -> float:
    """What logits are divided by for the least loss on the validation rows, of 41 values from 1/4 to 16."""
    grid = torch.logspace(-2, 4, 41, base=2.0)
    losses = torch.stack([target.row_losses(outputs / t).mean() for t in grid])
    return float(grid[losses.nan_to_num(torch.inf).argmin()])


def balanced(losses: Array, y: Tensor) -> Array:
    """(seeds, rows) losses weighted so that each class counts alike."""
    counts = torch.bincount(y).double()
    weight = (len(y) / (counts > 0).sum() / counts)[y].numpy()
    return losses * weight

