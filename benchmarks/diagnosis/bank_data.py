"""The rows of one case: split, damaged as planted, scaled by its training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from bank_case import Case
from bank_sources import Source, read
from torch import Tensor

Array = npt.NDArray[Any]
TEST = 4000  # rows at most: enough to see 5 % of a loss
THINNED = 0.04  # share that is left of a class made rare
STRETCHED = 1e3  # how much too large unscaled inputs are


@dataclasses.dataclass(frozen=True)
class Rows:
    """Inputs and targets: class numbers, or standardized numbers of shape (rows, 1)."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """The rows of one case; ``test`` is clean, and nobody but the truth reads it.

    Attributes:
        fresh: of the validation rows, which are not copies of training rows.
    """

    train: Rows
    valid: Rows
    test: Rows
    classes: int
    kind: str
    fresh: Tensor


def draw(case: Case, folder: Path) -> Drawn:
    """The rows of a case, the same at every call."""
    source = read(folder, case.data, case.net.kind == "bag")
    return arrange(case, dataclasses.replace(source, x=_shaped(source.x, case.net.kind)))


def _shaped(x: Array, kind: str) -> Array:
    return x if kind in ("cnn", "bag") else x.reshape(len(x), -1)


def arrange(case: Case, source: Source) -> Drawn:
    """Split, plant, scale.

    Raises:
        ValueError: where fewer than 60 rows would be left to test on.
    """
    random = np.random.default_rng([case.seed, case.rows, case.valid])
    order = random.permutation(len(source.y))
    if case.plant.damage == "rare class":
        order = _thinned(order, source, random)
    seen, rest = order[: case.rows + case.valid], order[case.rows + case.valid :]
    if case.plant.damage == "rare class":
        rest = random.permutation(np.setdiff1d(np.arange(len(source.y)), seen))  # all classes as they come
    if len(rest) < 60:
        raise ValueError(f"{case.name} leaves {len(rest)} of {len(source.y)} rows to test on; 60 are the least.")
    x, y, test_y = source.x[seen], source.y[seen].copy(), source.y[rest[:TEST]]
    test_x = source.x[rest[:TEST]]
    y = _noisy(y, case.plant.noise, source.classes, random)
    x, test_x = _scaled(x, test_x, case.rows)
    x, y, test_x = DAMAGES[case.plant.damage](x, y, test_x, random)
    fresh = np.ones(case.valid, dtype=bool)
    copies = random.permutation(case.valid)[: round(case.plant.copies * case.valid)]
    fresh[copies] = False
    taken = random.integers(0, case.rows, len(copies))
    x[case.rows + copies], y[case.rows + copies] = x[taken], y[taken]
    scale = (y[: case.rows].mean(), max(1e-12, y[: case.rows].std())) if not source.classes else None
    parts = [_rows(x[: case.rows], y[: case.rows], scale), _rows(x[case.rows :], y[case.rows :], scale)]
    return Drawn(*parts, _rows(test_x, test_y, scale), source.classes, source.kind, torch.as_tensor(fresh))


def _rows(x: Array, y: Array, scale: tuple[float, float] | None) -> Rows:
    inputs = torch.as_tensor(x if x.dtype == np.int64 else x.astype(np.float32))
    if scale is None:
        return Rows(inputs, torch.as_tensor(y, dtype=torch.int64))
    return Rows(inputs, torch.as_tensor((y - scale[0]) / scale[1], dtype=torch.float32).unsqueeze(1))


def _thinned(order: Array, source: Source, random: np.random.Generator) -> Array:
    """The order without most rows of the class that is rarest anyway."""
    rare = np.bincount(source.y).argmin()
    kept = (source.y[order] != rare) | (random.random(len(order)) < THINNED)
    return order[kept]


def _noisy(y: Array, share: float, classes: int, random: np.random.Generator) -> Array:
    """A share of the labels moved to another class, all others alike."""
    wrong = random.permutation(len(y))[: round(share * len(y))]
    if len(wrong):
        y[wrong] = (y[wrong] + random.integers(1, classes, len(wrong))) % classes
    return y


def _scaled(x: Array, test: Array, rows: int) -> tuple[Array, Array]:
    """Table columns and pictures' channels standardized by the training rows; word numbers are left alone."""
    if x.dtype == np.int64:
        return x.copy(), test
    axes = (0, 2, 3) if x.ndim == 4 else 0
    middle = x[:rows].mean(axes, keepdims=True)
    spread = x[:rows].std(axes, keepdims=True)
    spread = np.where(spread > 1e-8, spread, 1.0)
    # 8: a column that is nearly constant in the training rows must not blow up a test row
    return ((x - middle) / spread).clip(-8, 8), ((test - middle) / spread).clip(-8, 8)


def _same(x: Array, y: Array, test: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    return x, y, test


def _permuted(x: Array, y: Array, test: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    return x, random.permutation(y), test


def _constant(x: Array, y: Array, test: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    return x, np.full_like(y, np.bincount(y).argmax()), test


def _missing(x: Array, y: Array, test: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """One column is not a number in a tenth of the rows."""
    x[random.random(len(x)) < 0.1, x.shape[1] // 2] = np.nan
    return x, y, test


def _stretched(x: Array, y: Array, test: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    return STRETCHED * x, y, STRETCHED * test


Damage = Callable[[Array, Array, Array, np.random.Generator], tuple[Array, Array, Array]]
DAMAGES: dict[str, Damage] = {
    "": _same,
    "rare class": _same,
    "permuted labels": _permuted,
    "constant label": _constant,
    "missing inputs": _missing,
    "unscaled inputs": _stretched,
}
