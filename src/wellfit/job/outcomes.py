"""What trainings gave on validation rows, and how two recipes differ, paired over seeds and rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from wellfit.job.metrics import Metric
from wellfit.job.stage import Stage
from wellfit.proof import Cell, Difference, drawn_rows, gathered, paired_difference
from wellfit.searching.halving import Entrant

_CUSTOM_DRAWS = 60
"""Bootstrap samples of rows where each needs calls of somebody's function: a spread needs fewer than a tail."""


@dataclasses.dataclass(frozen=True)
class ValidRows:
    """The validation rows of some folds, one fold after the other, and the metric that decides.

    Attributes:
        truth, weight: (rows,).
        folds: (rows,) the fold that each row validates in.
        groups: (rows,) of rows that belong together; None where each row stands for itself.
    """

    metric: Metric
    truth: np.ndarray
    weight: np.ndarray
    folds: np.ndarray
    groups: np.ndarray | None = None

    def score(self, predicted: np.ndarray) -> float:
        """Mean score of predictions (seeds, rows, ...), in the metric's own sense."""
        return float(np.mean([self.metric.score(self.truth, p, self.weight) for p in predicted]))

    def difference(self, base: np.ndarray, other: np.ndarray) -> Difference:
        """How much better the other is than the base; both are (seeds, rows, ...), of the same seeds."""
        if self.metric.custom is not None:
            return self._by_calls(base, other)
        losses = [np.stack([self.metric.row_losses(self.truth, p) for p in x]) for x in (base, other)]
        cells = []
        for fold in np.unique(self.folds):
            here = self.folds == fold
            groups = None if self.groups is None else self.groups[here]
            (before, weight), (after, _) = (gathered(x[:, here], self.weight[here], groups) for x in losses)
            cells.append(Cell(before, after, weight))
        return paired_difference(cells, self.metric.of_means)

    def _by_calls(self, base: np.ndarray, other: np.ndarray) -> Difference:
        """The same for a metric that is no mean over rows: seeds as they are, rows by a bootstrap."""
        draw, count = np.random.default_rng(0), len(self.truth)
        each = self._gains(base, other, np.arange(count))
        drawn = [self._gains(base, other, drawn_rows(draw, count, self.groups)).mean() for _ in range(_CUSTOM_DRAWS)]
        seeds, rows = float(each.var(ddof=1)) / len(each), float(np.nanvar(drawn, ddof=1))
        variance = max(seeds + rows, 1e-30)
        freedom = (len(each) - 1) * (variance / seeds) ** 2 if seeds > 0 else math.inf
        return Difference(float(each.mean()), math.sqrt(variance), min(freedom, float(_CUSTOM_DRAWS)))

    def _gains(self, base: np.ndarray, other: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(seeds,) how much better the other is on these rows; NaN where they have no score."""
        sign = 1.0 if self.metric.lower_is_better else -1.0
        truth, weight = self.truth[rows], self.weight[rows]
        try:
            scores = [[self.metric.score(truth, p[rows], weight) for p in x] for x in (base, other)]
        except ValueError:  # a class is missing from these rows
            return np.full(len(base), np.nan)
        return sign * (np.array(scores[0]) - np.array(scores[1]))


def judges_of(stage: Stage, folds: Sequence[int]) -> ValidRows:
    """The validation rows of these folds."""
    parts = [stage.material.valid_target(f) for f in folds]
    truth, weight = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    groups = [stage.material.groups_of(stage.material.valid_rows(f)) for f in folds]
    return ValidRows(
        stage.metric, truth, weight, np.repeat(np.asarray(folds), [len(p[0]) for p in parts]),
        np.concatenate(groups) if groups[0] is not None else None,  # type: ignore[arg-type]
    )  # fmt: skip


def predictions_of(stage: Stage, entrant: Entrant) -> np.ndarray | None:
    """Calibrated predictions on the validation rows of the entrant's folds; None where they are no numbers."""
    if entrant.cohort is None or not math.isfinite(entrant.score):
        return None
    outputs = [o.numpy() for o in entrant.cohort.best.outputs]
    return stage.validated(outputs, [stage.material.view(m.fold) for m in entrant.cohort.members])[1]
