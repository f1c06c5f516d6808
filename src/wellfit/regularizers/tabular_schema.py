"""Data level: synthetic rows where density or categories decide how they are made."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from wellfit.draws import Now
from wellfit.errors import DataError
from wellfit.fold import Fold
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.resampling import as_numpy, seed_of
from wellfit.regularizers.tabular import (
    append_rows,
    codes_of,
    fit_sampler,
    grow_classes,
    rows_wanted,
    settle,
    spread,
    whole_categories,
)


class ADASYN(Regularizer):
    """Add synthetic rows of the smaller classes, most where a row has the most neighbors of other classes.

    As SMOTE, but row i gets a share of the new rows in proportion to how many of its k nearest rows are of other
    classes; the counts come close to the ratio rather than meet it.

    Args:
        ratio: rows of each smaller class over rows of the largest, 0 (neutral) to 1; classes beyond it stay.
        k: neighbors, whole, 1 and up; 5 is usual.
        grow: "all" smaller classes, or the "smallest" alone.

    Shapes:
        data: (rows, columns) in, more rows out; columns and dtype are kept.

    Raises:
        DataError: a class that is to grow has k rows or fewer or no neighbor of another class, or the target is a
            number.

    Example:
        >>> ADASYN(0.8, k=3).is_neutral(), ADASYN(0.0).is_neutral()
        (False, True)

    Source:
        He, Bai, Garcia & Li, ADASYN: Adaptive Synthetic Sampling Approach for Imbalanced Learning, IJCNN 2008.
    """

    formula = "x_i + u * (x_j - x_i), as often as the share of other classes among the k nearest of x_i"
    source = "He, Bai, Garcia & Li, ADASYN, IJCNN 2008"
    use_when = "a rare class has regions that are hard to tell apart and others that are easy"
    avoid_when = "calibrated probabilities are wanted, or rows of the rare class are mislabeled: noise attracts rows"
    grade = "B"
    tasks = frozenset({"classification"})
    ratio: float = knob(1.0, low=0.8, high=1.0, neutral=0.0, maximum=1.0)
    k: int = static(5)
    grow: str = static("all")

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, k=self.k, grow=self.grow)

    def resample(self, data: Fold, now: Now) -> Fold:
        from imblearn.over_sampling import ADASYN as Sampler

        def sampler(goal: dict[int, int], seed: int) -> Any:
            return Sampler(sampling_strategy=goal, random_state=seed, n_neighbors=self.k)

        return grow_classes(self, data, now, sampler)


class SMOTENC(Regularizer):
    """Add synthetic rows of the smaller classes in tables with categories: numbers between, categories by majority.

    Numbers lie between a row and a neighbor as in SMOTE; each category is the most frequent one among the k neighbors.
    Two rows that differ in a category are as far apart there as the median standard deviation of the numbers. In a
    table of categories only, neighbors are found by the value difference of their categories (SMOTEN).

    Args:
        ratio: rows of each smaller class over rows of the largest, 0 (neutral) to 1; classes beyond it stay.
        k: neighbors to choose from, whole, 1 and up; 5 is usual.
        grow: "all" smaller classes, or the "smallest" alone.

    Shapes:
        data: (rows, columns) in, more rows out; columns and dtype are kept, blocks of categories stay one-hot.

    Raises:
        DataError: there are no categories (use SMOTE), a class that is to grow has k rows or fewer, or the target is a
            number.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0, 1, 0], [0.5, 0, 1], [1.0, 1, 0], [2.0, 0, 1], [3.0, 0, 1]])
        >>> data = Fold(x, torch.tensor([0, 0, 0, 1, 1]), torch.ones(5), 2, categories=((1, 2),))
        >>> SMOTENC(1.0, k=1).resample(data, Now.at(0)).x[-1, 1:].tolist()
        [0.0, 1.0]

    Source:
        Chawla, Bowyer, Hall & Kegelmeyer, SMOTE, JAIR 16, 2002, section 6.1, arXiv 1106.1813.
    """

    formula = "numbers x_i + u * (x_j - x_i); categories: the most frequent among the k nearest of the class"
    source = "Chawla, Bowyer, Hall & Kegelmeyer, SMOTE (section 6.1), JAIR 16, 2002, arXiv 1106.1813"
    use_when = "a rare class is to be found more often, and the table has categories"
    avoid_when = "calibrated probabilities are wanted: it shifts them, and a temperature does not bring them back"
    grade = "B+"
    tasks = frozenset({"classification"})
    ratio: float = knob(1.0, low=0.5, high=1.0, neutral=0.0, maximum=1.0)
    k: int = static(5)
    grow: str = static("all")

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, k=self.k, grow=self.grow)

    def resample(self, data: Fold, now: Now) -> Fold:
        wanted = rows_wanted(self, data)
        if not wanted:
            return data
        if not data.categories:
            raise DataError("SMOTENC: the table has no categories.", fix="Use SMOTE.", code="WF-D82")
        numbers = _number_columns(data)
        scale = spread(data)[numbers]
        codes = codes_of(data.x.double(), data.categories)
        table = np.concatenate([as_numpy(data.x)[:, numbers] / scale, codes.numpy()], 1)
        sampler = self._sampler(len(numbers), table.shape[1], wanted, seed_of(now, "rows"))
        found, labels = fit_sampler(self.name, sampler, table, data.labels)
        made = torch.zeros(len(found) - len(data), data.x.shape[1], dtype=torch.float64)
        made[:, numbers] = torch.from_numpy(found[len(data) :, : len(numbers)] * scale)
        codes = torch.from_numpy(found[len(data) :, len(numbers) :])
        return append_rows(data, whole_categories(made, data.categories, codes), labels[len(data) :])

    def _sampler(self, numbers: int, columns: int, wanted: dict[int, int], seed: int) -> Any:
        from imblearn.over_sampling import SMOTEN
        from imblearn.over_sampling import SMOTENC as Sampler

        if not numbers:
            return SMOTEN(sampling_strategy=wanted, random_state=seed, k_neighbors=self.k)
        places = list(range(numbers, columns))
        return Sampler(places, sampling_strategy=wanted, random_state=seed, k_neighbors=self.k)


def _number_columns(data: Fold) -> list[int]:
    held = {c for start, width in data.categories for c in range(start, start + width)}
    return [c for c in range(data.x.shape[1]) if c not in held]
