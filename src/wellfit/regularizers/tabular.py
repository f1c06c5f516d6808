"""Data level: synthetic rows for the smaller classes, made between neighbors inside the training fold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold
from wellfit.knobs import shortened
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.resampling import as_numpy, class_counts, seed_of, wanted_counts

GROWN = ("all", "smallest")


def settle(part: Regularizer, **fields: Any) -> None:
    """Check static fields and keep whole numbers as such: a recipe file gives them back as floats."""
    for name, value in fields.items():
        if name == "grow":
            if value not in GROWN:
                raise RecipeError(
                    f"{part.name}.grow is {shortened(value)}; allowed are {', '.join(GROWN)}.", code="WF-R03"
                )
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        whole = number and value == int(value)
        if not whole or not 1 <= value <= 1000:
            raise RecipeError(
                f"{part.name}.{name} is {shortened(value)}; allowed are whole numbers from 1 to 1000.",
                fix="5 neighbors are usual.",
                code="WF-R03",
            )
        object.__setattr__(part, name, int(value))


def rows_wanted(part: Any, data: Fold) -> dict[int, int]:
    """The classes that grow, with the rows each is to have; refused where one has too few rows for k neighbors."""
    counts = class_counts(data, part.name)
    wanted = wanted_counts(counts, float(part.ratio))
    if part.grow == "smallest":
        fewest = min((n for n in counts if n), default=0)
        smallest = min((c for c in wanted if counts[c] == fewest), default=None)
        wanted = {c: n for c, n in wanted.items() if c == smallest}
    for one in wanted:
        if counts[one] <= part.k:
            lower = f"Lower k to {counts[one] - 1}." if counts[one] > 1 else "Use OverSample."
            raise DataError(
                f"{part.name}: class {one} has {counts[one]} training rows; {part.k} neighbors need {part.k + 1}.",
                fix=lower,
                code="WF-D80",
            )
    return wanted


def grow_classes(part: Any, data: Fold, now: Now, sampler: Any) -> Fold:
    """The fold with the rows that ``sampler(goal, seed)``, imbalanced-learn's, makes of standardized columns."""
    wanted = rows_wanted(part, data)
    if not wanted:
        return data
    scale = spread(data)
    x, labels = fit_sampler(part.name, sampler(wanted, seed_of(now, "rows")), as_numpy(data.x) / scale, data.labels)
    made = torch.from_numpy(x[len(data) :] * scale)
    return append_rows(data, whole_categories(made, data.categories), labels[len(data) :])


def fit_sampler(owner: str, sampler: Any, x: np.ndarray, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """All rows after sampling, those there were first; what the library refuses is refused by our name."""
    try:
        return sampler.fit_resample(x, labels.long().numpy())
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:160]
        raise DataError(
            f"{owner} cannot make rows here: {reason}", fix="Use SMOTE or OverSample.", code="WF-D82"
        ) from error


def spread(data: Fold) -> np.ndarray:
    """(columns,) the standard deviation of each number, so that all count alike in a distance; 1 for categories."""
    scale = as_numpy(data.x).std(0)
    scale[scale == 0] = 1.0  # a constant column adds nothing to a distance
    for start, width in data.categories:
        scale[start : start + width] = 1.0
    return scale


def append_rows(data: Fold, made: Tensor, labels: np.ndarray) -> Fold:
    """The fold with rows at its end that weigh what a row of their class weighs on average."""
    old, new = data.labels.long(), torch.from_numpy(labels)
    totals = torch.zeros(data.classes, dtype=torch.float64).index_add(0, old, data.weight.to(torch.float64))
    mean = totals / torch.bincount(old, minlength=data.classes).clamp(min=1)
    return data.add(made, new, mean[new])


def codes_of(x: Tensor, categories: tuple[tuple[int, int], ...]) -> Tensor:
    """(rows, blocks) the category of each block, the width itself where all its columns are 0; nearest, where between.

    A block of one column keeps its value, rounded to 0, 1/2 or 1: 1/2 stands for a category not seen in training.
    """
    codes = []
    for start, width in categories:
        block = x[:, start : start + width]
        none = 1.0 - block.sum(1, keepdim=True)
        codes.append((block[:, 0] * 2).round() / 2 if width == 1 else torch.cat([block, none], 1).argmax(1).to(x.dtype))
    return torch.stack(codes, 1) if codes else x.new_zeros(len(x), 0)


def whole_categories(x: Tensor, categories: tuple[tuple[int, int], ...], codes: Tensor | None = None) -> Tensor:
    """The rows with every block of 0/1 columns whole again: a mixed block takes the category of the nearer parent."""
    codes = codes_of(x, categories) if codes is None else codes
    x = x.clone()
    for place, (start, width) in enumerate(categories):
        if width == 1:
            x[:, start] = torch.where(codes[:, place] >= 0.5, 1.0, 0.0)
        else:
            rows = torch.nn.functional.one_hot(codes[:, place].long(), width + 1)
            x[:, start : start + width] = rows[:, :width].to(x.dtype)
    return x


class SMOTE(Regularizer):
    """Add synthetic rows of the smaller classes, each between a row and one of its neighbors of the same class.

    x_new = x_i + u * (x_j - x_i), u ~ U(0, 1), x_j one of the k nearest rows of the class; numbers are standardized for
    the distance, and a category is that of the nearer parent. The rows there are come first and stay. It acts once on
    the rows of a training fold, so that no synthetic row has a parent among validation or test rows.

    Args:
        ratio: rows of each smaller class over rows of the largest, 0 (neutral) to 1; classes beyond it stay.
        k: neighbors to choose from, whole, 1 and up; 5 is usual.
        grow: "all" smaller classes, or the "smallest" alone (imbalanced-learn's "minority").

    Shapes:
        data: (rows, columns) in, more rows out; columns and dtype are kept.

    Raises:
        DataError: a class that is to grow has k rows or fewer, or the target is a number.

    Example:
        >>> import torch
        >>> x, labels = torch.tensor([[0.0], [1.0], [2.0], [9.0], [8.0]]), torch.tensor([0, 0, 0, 1, 1])
        >>> data = Fold(x, labels, torch.ones(5), 2)
        >>> made = SMOTE(1.0, k=1).resample(data, Now.at(0))
        >>> made.labels.tolist(), bool(8 <= made.x[-1] <= 9)
        ([0, 0, 0, 1, 1, 1], True)

    Source:
        Chawla, Bowyer, Hall & Kegelmeyer, SMOTE: Synthetic Minority Over-sampling Technique, JAIR 16, 2002,
        arXiv 1106.1813.
    """

    formula = "x_i + u * (x_j - x_i), u ~ U(0, 1), x_j among the k nearest of the class"
    source = "Chawla et al., SMOTE: Synthetic Minority Over-sampling Technique, JAIR 16, 2002, arXiv 1106.1813"
    use_when = "a rare class is to be found more often, and most columns are numbers"
    avoid_when = "calibrated probabilities are wanted: it shifts them, and a temperature does not bring them back"
    grade = "A-"
    tasks = frozenset({"classification"})
    ratio: float = knob(1.0, low=0.5, high=1.0, neutral=0.0, maximum=1.0)
    k: int = static(5)
    grow: str = static("all")

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, k=self.k, grow=self.grow)

    def resample(self, data: Fold, now: Now) -> Fold:
        from imblearn.over_sampling import SMOTE as Sampler

        return grow_classes(
            self, data, now, lambda goal, seed: Sampler(sampling_strategy=goal, random_state=seed, k_neighbors=self.k)
        )


class BorderlineSMOTE(Regularizer):
    """Add synthetic rows of the smaller classes near the border: between rows that stand in danger and their neighbors.

    A row is in danger where half or more of its m nearest rows, but not all, are of other classes. Where no row is,
    none is added. Otherwise as SMOTE.

    Args:
        ratio: rows of each smaller class over rows of the largest, 0 (neutral) to 1; classes beyond it stay.
        k: neighbors of the class to choose from, whole, 1 and up; 5 is usual.
        m: neighbors that decide on danger, whole, 1 and up; 10 is usual.
        grow: "all" smaller classes, or the "smallest" alone.

    Shapes:
        data: (rows, columns) in, more rows out; columns and dtype are kept.

    Raises:
        DataError: a class that is to grow has k rows or fewer, or the target is a number.

    Example:
        >>> BorderlineSMOTE(0.8, k=3).is_neutral(), BorderlineSMOTE(0.0).is_neutral()
        (False, True)

    Source:
        Han, Wang & Mao, Borderline-SMOTE: A New Over-Sampling Method in Imbalanced Data Sets Learning, ICIC 2005.
    """

    formula = "x_i + u * (x_j - x_i), x_i with m / 2 to m - 1 of its m nearest rows in other classes"
    source = "Han, Wang & Mao, Borderline-SMOTE, ICIC 2005"
    use_when = "a rare class overlaps another, and what matters is the border between them"
    avoid_when = "calibrated probabilities are wanted, or labels near the border are noisy"
    grade = "B"
    tasks = frozenset({"classification"})
    ratio: float = knob(1.0, low=0.5, high=1.0, neutral=0.0, maximum=1.0)
    k: int = static(5)
    m: int = static(10)
    grow: str = static("all")

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, k=self.k, m=self.m, grow=self.grow)

    def resample(self, data: Fold, now: Now) -> Fold:
        from imblearn.over_sampling import BorderlineSMOTE as Sampler

        def sampler(goal: dict[int, int], seed: int) -> Any:
            return Sampler(sampling_strategy=goal, random_state=seed, k_neighbors=self.k, m_neighbors=self.m)

        return grow_classes(self, data, now, sampler)
