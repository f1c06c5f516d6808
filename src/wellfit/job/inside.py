"""A look into the network that is handed over: its layers, how honest its probabilities are, and its classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wellfit.diagnosis.calibration import reliability
from wellfit.diagnosis.layers import look_at
from wellfit.job.compare import best_weights
from wellfit.job.nets import Nets, rows_at_once
from wellfit.job.phases import Finalist
from wellfit.job.stage import Stage, temperature_of
from wellfit.proof import probabilities
from wellfit.recipe import Recipe
from wellfit.searching.halving import Entrant
from wellfit.training.apart import member
from wellfit.training.cohort import seeded
from wellfit.training.epochs import filled_with
from wellfit.training.optimizers import Adam

_ROWS, _CLASS_ROWS = 512, 2000  # training rows that gradients, and accuracies of classes, are taken of
_LAYERS, _CLASSES = 48, 40  # entries that a record holds at most


def inside_record(stage: Stage, chosen: Finalist) -> dict[str, Any]:
    """``layers``, and for classes ``calibration`` and ``classes``, of the chosen recipe's first re-scored training.

    A network that cannot be looked into costs the figure, not the run; the plan's ``skipped`` says so.
    """
    entrant = chosen.entrants[0]
    if entrant.cohort is None:
        return {}
    shape = stage.material.shape(stage.plan.width, stage.plan.depth)
    found = layers_of(stage, shape.network, entrant, min(_ROWS, rows_at_once(shape)))
    if stage.material.table.task != "regression":
        found |= _judged(stage, entrant)
    return found


def layers_of(stage: Stage, make: Callable[[], nn.Module], entrant: Entrant, most: int = 128) -> dict[str, Any]:
    """``layers`` of an entrant's first member; ``make`` builds the network with weights of torch's generator."""
    own, rows = entrant.members[0], stage.material.rows
    structure = Recipe(*(p for p in own.recipe if "rewrite" in p.stages))
    first = seeded(lambda: structure.rewrite(make()), own.seed)
    some = _training_rows(stage, own.fold, most)
    try:
        last = filled_with(first, member(best_weights(entrant), 0))
        found = look_at(first, last, rows.x[some], rows.target.take(some), Adam(), "adam", own.rate)
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        told = f"inside the network: its gradients cannot be taken one by one ({type(error).__name__})"
        stage.skipped.append(told)
        return {}
    return {"layers": found[:_LAYERS]}


def _training_rows(stage: Stage, fold: int, most: int) -> Tensor:
    """Some of a fold's training rows, drawn evenly; what a data level has made anew is left out."""
    train = stage.material.rows.folds[stage.material.view(fold)][0]
    return train[torch.linspace(0, len(train) - 1, min(most, len(train))).long()]


def _judged(stage: Stage, entrant: Entrant) -> dict[str, Any]:
    """Reliability on the validation rows, before any temperature, and each class's accuracy on both sides."""
    assert entrant.cohort is not None
    material = stage.material
    parts = [material.valid_target(material.view(m.fold)) for m in entrant.members]
    outputs = [o[: len(p[0])].double().numpy() for o, p in zip(entrant.cohort.best.outputs, parts, strict=True)]
    logits, truth, weight = np.concatenate(outputs), *(np.concatenate([p[i] for p in parts]) for i in (0, 1))
    if not np.isfinite(logits).all() or not len(truth):
        return {}
    facts = reliability(probabilities(logits), truth)
    facts["temperature"] = temperature_of(logits, truth, weight)
    return {"calibration": facts, "classes": _classes(stage, entrant, logits.argmax(1) == truth, truth)}


def _classes(stage: Stage, entrant: Entrant, right: np.ndarray, truth: np.ndarray) -> list[dict[str, Any]]:
    shape, material, own = stage.material.shape(stage.plan.width, stage.plan.depth), stage.material, entrant.members[0]
    rows = _training_rows(stage, own.fold, _CLASS_ROWS)
    structure = Recipe(*(p for p in own.recipe if "rewrite" in p.stages))
    weights = {n: w[:1] for n, w in best_weights(entrant).items()}
    net = Nets(structure, weights, (material.view(own.fold),), (1.0,))
    seen = material.rows.target.take(rows).values.argmax(1).numpy()
    hits = net.outputs(shape, lambda _view: material.rows.x[rows])[0].argmax(1) == seen
    found = []
    for place, name in enumerate(material.table.classes):
        known, valid = hits[seen == place], right[truth == place]
        if len(known) and len(valid):
            found.append({"name": str(name), "rows": len(valid), **dataclasses.asdict(_gap(known, valid))})
    return sorted(found, key=lambda c: -c["gap"])[:_CLASSES]


@dataclasses.dataclass(frozen=True)
class _Gap:
    train: float
    valid: float
    gap: float
    interval: tuple[float, float]


def _gap(known: np.ndarray, valid: np.ndarray) -> _Gap:
    """Training minus validation accuracy, with Newcombe's interval of the difference of two shares.

    Source:
        Newcombe, Interval Estimation for the Difference between Independent Proportions, Statistics in Medicine 1998.
    """
    (p, low, high), (q, least, most) = _wilson(known), _wilson(valid)
    ends = (p - q - float(np.hypot(p - low, most - q)), p - q + float(np.hypot(high - p, q - least)))
    return _Gap(p, q, p - q, ends)


def _wilson(hits: np.ndarray) -> tuple[float, float, float]:
    from scipy import stats

    share = stats.binomtest(int(hits.sum()), len(hits))
    ends = share.proportion_ci(0.95, method="wilson")
    return float(hits.mean()), float(ends.low), float(ends.high)
