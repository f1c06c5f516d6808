"""The beginning of a search over somebody's model: rows, model, loss, and what the record says before training."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from wellfit.errors import DataError, RecipeError
from wellfit.job.metrics import Metric
from wellfit.job.opening import resolve_device
from wellfit.job.options import Options
from wellfit.job.plan import size_batch
from wellfit.own.functions import can_replace
from wellfit.own.goal import Goal, make_goal
from wellfit.own.maker import Looked, ModelStudy, look_at
from wellfit.own.measure import check_measure, make_measure
from wellfit.own.reading import Part, read_part
from wellfit.own.stage import Ground
from wellfit.recipe import Recipe
from wellfit.target import Target
from wellfit.training.cohort import Rows, seeded

_ENOUGH = 2  # training rows: batch norm has no variance of one


@dataclasses.dataclass(frozen=True)
class Opened:
    """Everything that is known before the first step.

    Attributes:
        sample: one model, to be looked at.
        batch: rows a step.
        notes: what was found on the way, a sentence each.
    """

    study: ModelStudy
    sample: nn.Module
    ground: Ground
    metric: Metric
    goal: Goal
    train: Part
    valid: Part
    test: Part | None
    batch: int
    notes: tuple[str, ...]


def open_search(
    make_model: Any, train: Any, val: Any, test: Any, loss: Any, options: Options, rewrites: bool = False
) -> Opened:
    """Read the rows, look at the model and settle on loss and metric; raises what those raise.

    Args:
        rewrites: whether a recipe is given that changes the model's structure: it acts on the model as it is.
    """
    parts = {"training": read_part(train, "training", options.seed, again=True)}
    for name, data in (("validation", val), ("test", test)):
        if data is not None:
            parts[name] = read_part(data, name, options.seed)
    first = parts["training"]
    _check_alike(parts)
    looked = look_at(make_model, first.x, options.seed)
    parts = {n: dataclasses.replace(p, x=looked.inputs(p.x), y=_numbers(p.y, looked)) for n, p in parts.items()}
    some = parts["training"].y[: len(looked.outputs)]
    goal = _settled(make_goal(loss, parts["training"].y, looked.outputs), parts)
    metric = make_measure(options.metric, goal, looked.dtype)
    check_measure(metric, some, looked.outputs)
    sample = seeded(looked.maker, options.seed)
    functions = not rewrites and can_replace(sample, looked.maker.example)
    device = resolve_device(options.device)
    study = ModelStudy(looked.maker, _rows(parts, goal.on(device), looked), device, functions=functions)
    batch = min(first.batch or size_batch(first.rows), len(first.x))
    ground = Ground(study.rows, goal, parts["validation"], first.rows)
    notes = (*_reading_notes(first), *_model_notes(sample))
    train, valid, test = parts["training"], parts["validation"], parts.get("test")
    return Opened(study, sample, ground, metric, goal, train, valid, test, batch, notes)


def _check_alike(parts: dict[str, Part]) -> None:
    shapes = {(tuple(p.x.shape[1:]), tuple(p.y.shape[1:])) for p in parts.values()}
    if "validation" not in parts or len(shapes) > 1 or parts["training"].rows < _ENOUGH:
        told = ", ".join(f"{n} {tuple(p.x.shape)} and {tuple(p.y.shape)}" for n, p in parts.items())
        raise DataError(
            f"the parts do not fit each other, or are too few: {told}.",
            fix="Bring training rows (two at least) and validation rows of one shape.",
            code="WF-D71",
        )


def _numbers(y: torch.Tensor, looked: Looked) -> torch.Tensor:
    return y.to(looked.dtype) if y.is_floating_point() else y


def _settled(goal: Goal, parts: dict[str, Part]) -> Goal:
    """The goal, once every part's labels are known to be among the classes."""
    for name, part in parts.items():
        if goal.kind == "classes" and (int(part.y.min()) < 0 or int(part.y.max()) >= goal.count):
            raise DataError(
                f"the {name} targets go from {int(part.y.min())} to {int(part.y.max())}, and there are "
                f"{goal.count} classes, counted from 0.",
                fix="Code the classes alike in all parts.",
                code="WF-D67",
            )
    return goal


def _rows(parts: dict[str, Part], goal: Goal, looked: Looked) -> Rows:
    """Training and validation rows, one after the other, with the fold that they make."""
    both = [parts["training"], parts["validation"]]
    target: Target = goal.target(torch.cat([p.y for p in both]), looked.dtype)
    x, held = torch.cat([p.x for p in both]), len(both[0].x)
    places = torch.arange(len(x))
    return Rows(x, target, ((places[:held], places[held:]),), outputs=goal.outputs)


def _reading_notes(train: Part) -> list[str]:
    if train.passes == 1:
        return []
    return [
        f"the training loader gives other values every time: {train.passes} passes of it were read, and training "
        "draws from those"
    ]


def _model_notes(network: nn.Module) -> list[str]:
    """What the model brings of its own that stays on in every comparison."""
    dropping = [n for n, m in network.named_modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0]
    frozen = [n for n, p in network.named_parameters() if not p.requires_grad]
    notes = []
    if dropping:
        notes.append(
            f"the model drops values by itself ({', '.join(dropping[:3])}): that stays on everywhere, also where "
            "no regularization is said"
        )
    if frozen:
        notes.append(f"{len(frozen)} tensors of the model are frozen (requires_grad is False) and stay as they are")
    return notes


def check_given(given: Recipe | None) -> None:
    """Raises RecipeError where a recipe makes training rows anew: somebody's rows are taken as they come."""
    for part in given or ():
        if "resample" in part.stages:
            raise RecipeError(
                f"{part.name} makes training rows anew, which a search over your model does not do.",
                fix="Resample the rows before, or drop it from the recipe.",
                code="WF-A63",
            )


def first_record(opened: Opened, options: Options, loss: Callable[..., Any] | None, folder: str) -> dict[str, Any]:
    """The record as it stands before training: names and numbers only."""
    import wellfit

    network = opened.sample
    parts = {"train": opened.train, "valid": opened.valid, "test": opened.test}
    rows = {f"{n}_rows": p.rows if p is not None else 0 for n, p in parts.items()}
    return {
        "format": "wellfit.run", "version": 1, "kind": "model", "wellfit": wellfit.__version__, "status": "running",
        "name": folder,
        "options": {**options.to_json(), "loss": opened.goal.name if loss is not None else None},
        "data": {
            "file": type(network).__name__, "rows": sum(rows.values()), "task": opened.goal.task, **rows,
            "features": opened.train.x[0].numel(), "shape": list(opened.train.x.shape[1:]),
            "passes": opened.train.passes, "hash": opened.train.hash(), "notes": [], "folds": 1,
            "split": "the parts were given" if opened.test is not None else "the parts were given, without test rows",
        },
        "model": {
            "class": type(network).__name__, "parameters": sum(p.numel() for p in network.parameters()),
            "outputs": list(opened.goal.outputs), "loss": opened.goal.name,
        },
        "metric": {"name": opened.metric.name, "lower_is_better": opened.metric.lower_is_better},
        "machine": {
            "device": opened.study.device, "processors": os.cpu_count(), "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "phases": [], "comparison": [], "events": list(opened.notes),
    }  # fmt: skip
