"""Data level: rows of a training fold repeated, dropped or weighed, so that no class is drowned. No row is invented."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import DataError
from wellfit.fold import Fold
from wellfit.regularizer import Regularizer, knob

_TREES = 100  # of an isolation forest, the paper's number: path lengths have settled by then


def seed_of(now: Now, name: str) -> int:
    """A whole number below 2**24 for libraries that take a seed: a draw like any other."""
    return int(float(now.uniform((1,), name)[0]) * 2**24)


def class_counts(data: Fold, owner: str) -> list[int]:
    """Rows of each class; raises DataError where the labels are no classes."""
    if not data.classes:
        raise DataError(f"{owner} balances classes, and this target is a number.", fix="Drop it.", code="WF-D81")
    return torch.bincount(data.labels.long(), minlength=data.classes).tolist()


def wanted_counts(counts: list[int], ratio: float) -> dict[int, int]:
    """The classes that lie below ``ratio`` times the largest one, each with the rows it is to have; empty ones stay."""
    goal = round(ratio * max(counts))
    return {c: goal for c, n in enumerate(counts) if 0 < n < goal}


def as_numpy(x: Tensor) -> np.ndarray:
    return x.detach().to("cpu", torch.float64).numpy()


class OverSample(Regularizer):
    """Repeat rows of the smaller classes, drawn at random, until each has ratio times as many as the largest class.

    The rows there are come first and stay; the repeated ones follow. It acts once on the rows of a training fold,
    never on validation or test rows.

    Args:
        ratio: rows of each smaller class over rows of the largest, 0 (neutral) to 1; classes beyond it stay.

    Shapes:
        data: (rows, columns) in, more rows out; columns, dtype and device are kept.

    Raises:
        DataError: the target is a number.

    Example:
        >>> import torch
        >>> data = Fold(torch.arange(6.0).view(6, 1), torch.tensor([0, 0, 0, 0, 1, 1]), torch.ones(6), 2)
        >>> OverSample(1.0).resample(data, Now.at(0)).labels.tolist()
        [0, 0, 0, 0, 1, 1, 1, 1]

    Source:
        Batista, Prati & Monard, A Study of the Behavior of Several Methods for Balancing Machine Learning Training
        Data, SIGKDD Explorations 6(1), 2004.
    """

    formula = "n_c <- max(n_c, ratio * max(n)), by rows drawn with replacement"
    source = "Batista, Prati & Monard, Balancing Machine Learning Training Data, SIGKDD Explorations 6(1), 2004"
    use_when = "a rare class has too few rows in each batch, and too few for SMOTE"
    avoid_when = "calibrated probabilities are wanted: it shifts them; class weights do the same without longer epochs"
    grade = "A"
    tasks = frozenset({"classification"})
    ratio: float = knob(1.0, low=0.5, high=1.0, neutral=0.0, maximum=1.0)

    def resample(self, data: Fold, now: Now) -> Fold:
        from imblearn.over_sampling import RandomOverSampler

        wanted = wanted_counts(class_counts(data, self.name), float(self.ratio))
        if not wanted:
            return data
        sampler = RandomOverSampler(sampling_strategy=wanted, random_state=seed_of(now, "rows"))
        sampler.fit_resample(np.zeros((len(data), 1)), data.labels.numpy())
        return data.take(torch.from_numpy(sampler.sample_indices_))


class UnderSample(Regularizer):
    """Drop rows of the larger classes at random, until the smallest has ratio times as many rows as any of them.

    Rows keep their order. It acts once on the rows of a training fold, never on validation or test rows.

    Args:
        ratio: rows of the smallest class over rows of each larger one, 0 (neutral) to 1.

    Shapes:
        data: (rows, columns) in, fewer rows out; columns, dtype and device are kept.

    Raises:
        DataError: the target is a number.

    Example:
        >>> import torch
        >>> data = Fold(torch.arange(6.0).view(6, 1), torch.tensor([0, 0, 0, 0, 1, 1]), torch.ones(6), 2)
        >>> UnderSample(1.0).resample(data, Now.at(0)).labels.tolist()
        [0, 0, 1, 1]

    Source:
        Kubat & Matwin, Addressing the Curse of Imbalanced Training Sets: One-Sided Selection, ICML 1997.
    """

    formula = "n_c <- min(n_c, min(n) / ratio), rows drawn without replacement"
    source = "Kubat & Matwin, Addressing the Curse of Imbalanced Training Sets, ICML 1997"
    use_when = "there are far more rows of the frequent classes than training can read"
    avoid_when = "rows are few, or calibrated probabilities are wanted: it shifts them"
    grade = "A-"
    tasks = frozenset({"classification"})
    ratio: float = knob(1.0, low=0.5, high=1.0, neutral=0.0, maximum=1.0)

    def resample(self, data: Fold, now: Now) -> Fold:
        from imblearn.under_sampling import RandomUnderSampler

        counts, ratio = class_counts(data, self.name), float(self.ratio)
        smallest = min((n for n in counts if n), default=0)
        kept = len(data) if ratio <= 0 else round(smallest / ratio)
        wanted = {c: kept for c, n in enumerate(counts) if n > kept}
        if not wanted:
            return data
        sampler = RandomUnderSampler(sampling_strategy=wanted, random_state=seed_of(now, "rows"))
        sampler.fit_resample(np.zeros((len(data), 1)), data.labels.numpy())
        return data.take(torch.from_numpy(np.sort(sampler.sample_indices_)))


class ClassWeights(Regularizer):
    """Let every class count alike, whatever its rows: weight <- weight * (n / (classes * n_c)) ** strength.

    At strength 1 these are the balanced class weights of scikit-learn; the mean weight stays what it was. It acts once
    on the rows of a training fold: validation and test rows keep their weights, unlike under ``--class-weight``.

    Args:
        strength: 0 (neutral) to 1, where all classes count the same; up to 2, where rare ones count more.

    Shapes:
        data: (rows, columns) in, the same rows out with weights of their own.

    Raises:
        DataError: the target is a number.

    Example:
        >>> import torch
        >>> data = Fold(torch.zeros(4, 1), torch.tensor([0, 0, 0, 1]), torch.ones(4), 2)
        >>> [round(w, 4) for w in ClassWeights(1.0).resample(data, Now.at(0)).weight.tolist()]
        [0.6667, 0.6667, 0.6667, 2.0]

    Source:
        King & Zeng, Logistic Regression in Rare Events Data, Political Analysis 9(2), 2001.
    """

    formula = "weight * (n / (classes * n_c)) ** strength"
    source = "King & Zeng, Logistic Regression in Rare Events Data, Political Analysis 9(2), 2001"
    use_when = "missing a rare class costs more than a false alarm"
    avoid_when = "calibrated probabilities are wanted: it shifts them"
    grade = "A"
    tasks = frozenset({"classification"})
    rank = 90
    strength: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=2.0)

    def resample(self, data: Fold, now: Now) -> Fold:
        class_counts(data, self.name)
        labels, weight = data.labels.long(), data.weight.to(torch.float64)
        totals = torch.zeros(data.classes, dtype=torch.float64).index_add(0, labels, weight)
        present = totals > 0
        balanced = totals.sum() / (present.sum() * torch.where(present, totals, 1.0))
        factor = balanced[labels] ** float(self.strength)
        factor = factor / ((weight * factor).mean() / weight.mean())
        return dataclasses.replace(data, weight=(weight * factor).to(data.weight.dtype))


class OutlierFilter(Regularizer):
    """Drop the rows of each class that an isolation forest finds the strangest: a share of them.

    The forest is grown and the share taken within each class, so that a rare class is not taken for outliers; for
    numbers over all rows. It acts once on the rows of a training fold: strange validation and test rows stay.

    Args:
        share: of the rows of each class, 0 (neutral) to 0.5; a class with fewer than 1 / share rows stays whole.

    Shapes:
        data: (rows, columns) in, fewer rows out, in their order.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [0.1], [0.2], [50.0]])
        >>> OutlierFilter(0.25).resample(Fold(x, torch.zeros(4), torch.ones(4), 0), Now.at(0)).x.flatten().tolist()
        [0.0, 0.10000000149011612, 0.20000000298023224]

    Source:
        Liu, Ting & Zhou, Isolation Forest, ICDM 2008.
    """

    formula = "rows whose isolation depth is not among the shortest share of their class"
    source = "Liu, Ting & Zhou, Isolation Forest, ICDM 2008"
    use_when = "some training rows are errors of measurement or of typing"
    avoid_when = "strange rows are what is to be predicted, or rows are few"
    grade = "B"
    rank = 10
    share: float = knob(0.03, low=0.005, high=0.1, neutral=0.0, maximum=0.5)

    def resample(self, data: Fold, now: Now) -> Fold:
        from sklearn.ensemble import IsolationForest

        labels = data.labels.long().numpy() if data.classes else np.zeros(len(data), dtype=np.int64)
        x, seed = as_numpy(data.x), seed_of(now, "forest")
        kept = np.ones(len(data), dtype=bool)
        for one in np.unique(labels):
            rows = np.flatnonzero(labels == one)
            count = int(float(self.share) * len(rows) + 1e-6)  # 0.1 * 30 is 2.9999999 in single precision
            if count:
                forest = IsolationForest(n_estimators=_TREES, random_state=seed).fit(x[rows])
                strange = np.argsort(forest.score_samples(x[rows]), kind="stable")[:count]
                kept[rows[strange]] = False
        return data if kept.all() else data.take(torch.from_numpy(np.flatnonzero(kept)))
