"""Snapshots: one training whose learning rate falls again and again, and the network at the end of each fall."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from wellfit.ensembles.members import Ensemble, check_members, equal_shares, rows_of
from wellfit.ensembles.net_training import NetTraining
from wellfit.ensembles.nets import FittedClassifier, FittedRegressor, Net, one_hot, standard
from wellfit.errors import UsageError
from wellfit.recipe import Recipe
from wellfit.regularizers import SnapshotCycle


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Average one training over time: the learning rate falls to zero ``cycles`` times, each end is a member.

    prediction = mean over cycles of f(x; weights at the end of the cycle). The training is as long as that of one
    network (its ``epochs`` in all), on all rows; ``SnapshotCycle(epochs / cycles)`` joins its recipe.

    Args:
        learner: a net of this package; its ``holdout`` is not used.
        cycles: how many members, from 1; 3 to 6 is usual.

    Shapes:
        x: (rows, columns); y: (rows,).

    Raises:
        UsageError: the learner is no net, has a cycle in its recipe, or there are more cycles than epochs.
        DataError: inputs and target do not fit each other, or are no finite numbers.

    Example:
        >>> import numpy as np
        >>> from wellfit.ensembles import NetRegressor
        >>> x = np.linspace(-1, 1, 40)[:, None]
        >>> len(Snapshot(NetRegressor(width=8, epochs=6), cycles=3).fit(x, x[:, 0]).members)
        3

    Source:
        Huang, Li, Pleiss, Liu, Hopcroft & Weinberger, Snapshot Ensembles: Train 1, Get M for Free, ICLR 2017, arXiv
        1704.00109.
    """

    learner: Net
    cycles: int = 5

    def __post_init__(self) -> None:
        check_members("Snapshot", "cycles", self.cycles)
        if not isinstance(self.learner, Net):
            raise UsageError("Snapshot takes a net of this package: it sets its learning rate.", fix="NetClassifier().")
        if any(p.name == "SnapshotCycle" for p in self.learner.recipe):
            raise UsageError("the learner's recipe has SnapshotCycle; Snapshot adds it.", fix="Drop it there.")
        if self.learner.epochs < 2 * self.cycles:
            raise UsageError(
                f"{self.learner.epochs} epochs are too few for {self.cycles} cycles; two each are the least."
            )

    def fit(self, x: Any, y: Any) -> Ensemble:
        inputs, target = rows_of(x, y)
        learner, every = self.learner, [np.arange(len(inputs))]
        cycle = SnapshotCycle(learner.epochs / self.cycles)
        plan = dataclasses.replace(learner.plan(), recipe=Recipe(*learner.recipe, cycle), holdout=0.0)
        if learner.classifies:
            values, classes = one_hot(target)
            training = NetTraining(plan, inputs, every, values.shape[1], learner.resources)
            nets = training.snapshots(values, learner.seed, True, self.cycles)
            return Ensemble(tuple(FittedClassifier(n, classes) for n in nets), equal_shares(len(nets)), classes)
        center, scale = standard(np.asarray(target, dtype=np.float64)[:, None])
        training = NetTraining(plan, inputs, every, 1, learner.resources)
        nets = training.snapshots((target[:, None] - center) / scale, learner.seed, False, self.cycles)
        fitted = tuple(FittedRegressor(n, center, scale, True) for n in nets)
        return Ensemble(fitted, equal_shares(len(nets)), None)
