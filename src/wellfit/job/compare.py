"""The comparison: everything that was trained, judged on the same test rows, once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from wellfit.errors import WellfitError
from wellfit.job.baselines import Baseline
from wellfit.job.kind import Shape
from wellfit.job.metrics import Metric
from wellfit.job.nets import Nets, sharpen
from wellfit.job.phases import Finalist
from wellfit.job.prepare import Material
from wellfit.job.stage import Stage, temperature_of
from wellfit.proof import Cell, drawn_rows, gathered, paired_difference, score_interval
from wellfit.recipe import Recipe
from wellfit.searching.halving import Entrant

_SIMPLE = ("dummy", "linear", "boosting")
_CUSTOM_DRAWS = 100  # bootstrap draws where each needs a call of somebody's function


class SealedTest:
    """The test rows, which can be read once; the count goes into the report."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self.reads = 0

    def open(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row numbers, targets and weights; raises WellfitError at the second reading."""
        self.reads += 1
        if self.reads > 1:
            raise WellfitError("the test rows were read already; a second look would make them training rows.")
        rows = self._material.split.test
        return rows, self._material.table.target[rows], self._material.weight[rows]


@dataclasses.dataclass(frozen=True)
class Contestant:
    """Something to be judged: its predictions on the test rows, (seeds, rows, ...)."""

    key: str
    label: str
    predicted: np.ndarray
    seeds: int
    detail: str = ""
    seconds: float | None = None


def nets_of(
    stage: Stage, entrants: Sequence[Entrant], weights: Callable[[Entrant], dict[str, torch.Tensor]], last: bool = False
) -> Nets:
    """The networks of entrants of one structure, with one temperature fitted on all their validation rows together."""
    stacked = [weights(e) for e in entrants]
    folds = [stage.material.view(m.fold) for e in entrants for m in e.members]
    joined = {n: torch.cat([w[n] for w in stacked]) for n in stacked[0]}
    structure = Recipe(*(p for p in entrants[0].members[0].recipe if "rewrite" in p.stages))
    nets = Nets(structure, joined, tuple(folds), (1.0,) * len(folds))
    if stage.material.table.task == "regression" or stage.material.folds in folds:
        return nets
    if last:
        shape = stage.material.shape(stage.plan.width, stage.plan.depth)
        outputs = [nets.take([i]).outputs(shape, _valid_inputs(stage.material, f))[0] for i, f in enumerate(folds)]
    else:
        outputs = [o.numpy() for e in entrants if e.cohort for o in e.cohort.best.outputs]
    parts = [stage.material.valid_target(f) for f in folds]
    logits = np.concatenate([o[: len(p[0])] for o, p in zip(outputs, parts, strict=True)]).astype(np.float64)
    truth, weight = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    return dataclasses.replace(nets, temperatures=(temperature_of(logits, truth, weight),) * len(folds))


def _valid_inputs(material: Material, fold: int) -> Callable[[int], torch.Tensor]:
    return lambda _view: material.rows.x[material.rows.folds[fold][1]]


def best_weights(entrant: Entrant) -> dict[str, torch.Tensor]:
    """The weights at the best evaluation of each member, (members, ...)."""
    assert entrant.cohort is not None
    return entrant.cohort.best.weights


def last_weights(entrant: Entrant) -> dict[str, torch.Tensor]:
    """The weights of the last step of each member, (members, ...)."""
    assert entrant.cohort is not None
    return entrant.cohort.last_weights()


def test_inputs(material: Material, rows: np.ndarray) -> Callable[[int], torch.Tensor]:
    """The encoded rows by view, each view encoded once."""
    cache: dict[int, torch.Tensor] = {}

    def inputs(view: int) -> torch.Tensor:
        if view not in cache:
            cache[view] = material.inputs(rows, view)
        return cache[view]

    return inputs


def scales_of(material: Material) -> list[tuple[float, float]] | None:
    """Center and scale of the target by view, for numbers."""
    if material.table.task != "regression":
        return None
    return [(v.center, v.scale) for v in material.views]


def contestants(
    stage: Stage, shape: Shape, finalists: Sequence[Finalist], baselines: Sequence[Baseline], rows: np.ndarray
) -> list[Contestant]:
    """Baselines and re-scored finalists with their predictions on the test rows."""
    inputs, scales = test_inputs(stage.material, rows), scales_of(stage.material)
    found = [Contestant(b.key, b.label, b.predict(rows)[None], 1, "", b.seconds) for b in baselines]

    def enter(key: str, label: str, finalist: Finalist, last: bool = False) -> None:
        nets = nets_of(stage, finalist.entrants, last_weights if last else best_weights, last)
        predicted = nets.predictions(shape, inputs, scales)
        if not np.isfinite(predicted).all():
            stage.progress.say("note", f"{label}: its predictions are no numbers, so it is not compared")
            return
        detail = f"{finalist.candidate.label}; learning rate {finalist.candidate.rate:.2g}"
        found.append(Contestant(key, label, predicted, len(finalist.entrants), detail))

    by_key = {f.key: f for f in reversed(finalists)}
    if "control" in by_key:
        enter("control_last", "no regularization, last epoch", by_key["control"], last=True)
        enter("control_best", "no regularization, best epoch", by_key["control"])
    if "early_stopping" in by_key:
        enter("early_stopping", "early stopping alone", by_key["early_stopping"])
    if "single" in by_key:
        enter("single", "best single regularizer", by_key["single"])
    if "cocktail" in by_key:
        enter("cocktail", "best cocktail", by_key["cocktail"])
    return found


def averaged(predicted: np.ndarray, weights: np.ndarray, temperature: float, classes: bool) -> np.ndarray:
    """The weighted average of predictions (members, rows, ...), calibrated."""
    mean = np.zeros_like(predicted[0])
    for share, one in zip(weights, predicted, strict=True):  # in this order for every row, however many there are
        mean += share * one
    return sharpen(mean, temperature) if classes else mean


@dataclasses.dataclass(frozen=True)
class ScoredRows:
    """The rows that contestants are scored on, and by what.

    Attributes:
        metric: that decides.
        truth, weight: (rows,).
        groups: (rows,) of rows that belong together, such as those of one patient; None where each stands for itself.
    """

    metric: Metric
    truth: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None = None

    def losses(self, one: Contestant) -> tuple[np.ndarray, np.ndarray]:
        """(seeds, rows or groups) losses, and their weights."""
        losses = np.stack([self.metric.row_losses(self.truth, p) for p in one.predicted])
        return gathered(losses, self.weight, self.groups)

    def scored(self, one: Contestant) -> tuple[float, float, float]:
        if self.metric.custom is not None:
            return self._with_ends(self._resampled(one))
        losses, weight = self.losses(one)
        found = score_interval(losses, self.metric.of_means, weight)
        return found.value, found.low, found.high

    def gain(self, base: Contestant, one: Contestant) -> tuple[float, float, float]:
        """How much better one is than the base; positive is better, whatever the metric's sense."""
        if self.metric.custom is not None:
            sign = 1.0 if self.metric.lower_is_better else -1.0
            return self._with_ends(sign * (self._resampled(base) - self._resampled(one)))
        (before, weight), (after, _) = self.losses(base), self.losses(one)
        found = paired_difference([Cell(before, after, weight)], self.metric.of_means).interval()
        return found.value, found.low, found.high

    def _with_ends(self, values: np.ndarray) -> tuple[float, float, float]:
        """A value, and the 95 % interval of the bootstrap values behind it; of a single group it has no ends."""
        if self.groups is not None and len(np.unique(self.groups)) < 2:
            return float(values[0]), -math.inf, math.inf
        low, high = np.nanquantile(values[1:], [0.025, 0.975])
        return float(values[0]), float(low), float(high)

    def _resampled(self, one: Contestant) -> np.ndarray:
        """A custom metric on the rows as they are, then on bootstrap samples of rows and seeds: the same each time."""
        draw = np.random.default_rng(0)
        values = [float(np.mean([_tried(self.metric, self.truth, p, self.weight) for p in one.predicted]))]
        for _ in range(_CUSTOM_DRAWS):
            rows = drawn_rows(draw, len(self.truth), self.groups)
            place = int(draw.integers(10**9)) % len(one.predicted)
            values.append(_tried(self.metric, self.truth[rows], one.predicted[place][rows], self.weight[rows]))
        return np.array(values)


def comparison(found: Sequence[Contestant], judged: ScoredRows) -> list[dict[str, Any]]:
    """One record per contestant: score and gain over the control at its best epoch, each with its interval."""
    base = next((c for c in found if c.key == "control_best"), None)
    records = [_record(c, base, judged) for c in found]
    _lead(found, records, judged)
    return records


def _lead(found: Sequence[Contestant], records: list[dict[str, Any]], judged: ScoredRows) -> None:
    """How far the best simple model is ahead of the best network, paired, with its interval; into that record."""
    sign = 1.0 if judged.metric.lower_is_better else -1.0
    order = sorted(zip(found, records, strict=True), key=lambda pair: sign * pair[1]["score"])
    simple = next((pair for pair in order if pair[0].key in _SIMPLE), None)
    network = next((pair for pair in order if pair[0].key not in _SIMPLE), None)
    if simple and network:
        value, low, high = judged.gain(network[0], simple[0])
        simple[1]["lead"] = {"against": network[0].key, "value": value, "interval": [low, high]}


def _record(one: Contestant, base: Contestant | None, judged: ScoredRows) -> dict[str, Any]:
    score, low, high = judged.scored(one)
    figures = [judged.metric.secondary(judged.truth, p, judged.weight) for p in one.predicted]
    record: dict[str, Any] = {
        "key": one.key, "label": one.label, "score": score, "interval": [low, high], "seeds": one.seeds,
        "secondary": {n: float(np.mean([f[n] for f in figures])) for n in figures[0]}, "detail": one.detail,
        "seconds": one.seconds, "gain": None,
    }  # fmt: skip
    if base is not None and one is not base:
        gain = judged.gain(base, one)
        base_score = abs(judged.scored(base)[0])
        relative = gain[0] / base_score if base_score > 0 else 0.0
        record["gain"] = {"against": base.key, "value": gain[0], "relative": relative, "interval": list(gain[1:])}
    return record


def _tried(metric: Metric, truth: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> float:
    """The score, or NaN: rows without one of the classes have no score under some metrics."""
    try:
        return metric.score(truth, predicted, weight)
    except ValueError:
        return float("nan")
