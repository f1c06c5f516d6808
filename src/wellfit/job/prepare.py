"""From data to what networks train on: encoders fitted on training rows, inputs, targets, folds."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np
import torch

from wellfit.data import Labeled, Split
from wellfit.errors import DataError
from wellfit.job.kind import Kind
from wellfit.job.table_kind import TABLE
from wellfit.recipe import Recipe
from wellfit.target import Target
from wellfit.training.cohort import Rows


@dataclasses.dataclass(frozen=True)
class View:
    """How one fold reads the data: its encoder and, for numbers, the scale of its target."""

    encoder: Any
    center: float = 0.0
    scale: float = 1.0


@dataclasses.dataclass(frozen=True)
class Material:
    """What a study works on.

    Attributes:
        table: rows with clean features and target: a table, images or texts.
        split: test rows, and (training, validation) rows of each fold.
        views: one per fold of the search, one fitted on all rows but the test's, and one per fresh fold.
        rows: encoded inputs and targets of all rows but the test's, once per view; the fold ``folds`` trains on all.
        development: the table's row numbers of all rows but the test's.
        kind: what differs between tables, images and texts.
        weight: (table rows,) how much each counts, class weights included.
        variants: data-level recipes; the first leaves the rows as they are. ``rows.folds`` holds every view's fold once
            for each: variant v of view i is fold v * len(views) + i, with the validation rows of view i.
        told: how many rows each of them makes, a sentence each.
    """

    table: Labeled
    split: Split
    views: tuple[View, ...]
    rows: Rows
    development: np.ndarray
    weight: np.ndarray
    kind: Kind
    variants: tuple[Recipe, ...] = (Recipe(),)
    told: tuple[str, ...] = ()

    @property
    def folds(self) -> int:
        return len(self.split.folds)

    @property
    def judging(self) -> tuple[int, ...]:
        """The folds that finalists are re-scored on: one that the search never scored on, where there is one."""
        return (self.folds + 1,) if self.split.fresh else tuple(range(self.folds))

    @property
    def proving(self) -> tuple[int, ...]:
        """The folds that a leaner recipe is proved on: one that nothing was scored on yet, where there is one."""
        return (self.folds + len(self.split.fresh),) if self.split.fresh else tuple(range(self.folds))

    @property
    def outputs(self) -> int:
        return max(1, len(self.table.classes))

    @property
    def fewest(self) -> int:
        """Training rows of the search's smallest fold, in whatever variant."""
        return min(len(train) for i, (train, _) in enumerate(self.rows.folds) if self.view(i) <= self.folds)

    def view(self, fold: int) -> int:
        """The view that a fold of ``rows`` reads the table with, whichever rows it trains on."""
        return fold % len(self.views)

    def first_fold(self, data: Recipe) -> int:
        """Where the folds of a data-level recipe begin; it is one of ``variants``."""
        return self.variants.index(data) * len(self.views)

    def valid_target(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of a fold's validation rows, in the table's units."""
        valid = self.valid_rows(fold)
        return self.table.target[valid], self.weight[valid]

    def valid_rows(self, fold: int) -> np.ndarray:
        """Row numbers of a fold's validation rows, the same in each of its variants."""
        fold = self.view(fold)
        return (self.split.folds[fold] if fold < self.folds else self.split.fresh[fold - self.folds - 1])[1]

    def groups_of(self, rows: np.ndarray) -> np.ndarray | None:
        """(rows,) what tells apart the rows that belong together; None where each stands for itself."""
        return None if self.table.group is None else self.table.group[rows]

    def inputs(self, rows: np.ndarray, view: int) -> torch.Tensor:
        """What a view makes of rows of the table: a tensor, or what is sliced like one."""
        return self.kind.inputs(self.table.take(rows), self.views[view].encoder)

    def shape(self, width: int, depth: int) -> Any:
        """The network's shape; all views make inputs of one form."""
        return self.kind.shape(self.views[0].encoder, self.outputs, width, depth)

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """(start, width) of each block of 0/1 columns that codes one category; all views have the same."""
        return self.kind.blocks(self.views[0].encoder)

    @property
    def pixels(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        return self.kind.pixels(self.views[0].encoder)


def make_material(table: Labeled, split: Split, class_weight: str | None, kind: Kind = TABLE) -> Material:
    """Fit encoders on the training rows of each fold and encode; the test rows stay out."""
    development = split.development
    parts = [*(train for train, _ in split.folds), development, *(train for train, _ in split.fresh)]
    encoders = kind.encoders(table, parts)
    weight = _weights(table, development, class_weight)
    _require_weight(split, weight)
    views = tuple(_view(e, table, rows) for e, rows in zip(encoders, parts, strict=True))
    values = np.concatenate([target_values(table, development, v) for v in views])
    target = Target(
        torch.from_numpy(values),
        torch.from_numpy(np.tile(weight[development], len(views)).astype(np.float32)),
        classes=table.task != "regression",
    )
    rows = Rows(kind.training_rows(table, development, encoders), target, _folds(split, development, len(table)))
    return Material(table, split, views, rows, development, weight, kind)


def _require_weight(split: Split, weight: np.ndarray) -> None:
    every = [*split.folds, *split.fresh]
    parts = [("training", t) for t, _ in every] + [("validation", v) for _, v in every]
    for name, rows in [*parts, ("test", split.test)]:
        if len(rows) and not weight[rows].sum() > 0:
            raise DataError(
                f"all weights of the {name} rows are 0.", fix="Give more rows a weight above 0.", code="WF-D25"
            )


def _view(encoder: Any, table: Labeled, rows: np.ndarray) -> View:
    if table.task != "regression":
        return View(encoder)
    scale = float(table.target[rows].std())
    return View(encoder, float(table.target[rows].mean()), scale if scale > 0 else 1.0)


def target_values(table: Labeled, rows: np.ndarray, view: View) -> np.ndarray:
    """(rows, classes) one-hot, or (rows, 1) standardized numbers, float32."""
    if table.task == "regression":
        return ((table.target[rows] - view.center) / view.scale).astype(np.float32)[:, None]
    return np.eye(len(table.classes), dtype=np.float32)[table.target[rows]]


def _weights(table: Labeled, development: np.ndarray, class_weight: str | None) -> np.ndarray:
    weight = np.ones(len(table)) if table.weight is None else table.weight.astype(np.float64)
    if class_weight == "balanced" and table.classes:
        totals = np.bincount(table.target[development], weights=weight[development], minlength=len(table.classes))
        weight = weight * (1.0 / np.maximum(totals, 1e-12))[table.target]
    return weight / weight[development].mean()


def _folds(split: Split, development: np.ndarray, count: int) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
    """Row numbers into the stacked views; the fold after the search's trains on every row and validates on none."""
    place = np.full(count, -1)
    place[development] = np.arange(len(development))
    n, searched = len(development), len(split.folds)

    def numbers(pair: tuple[np.ndarray, np.ndarray], view: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(place[pair[0]] + view * n), torch.from_numpy(place[pair[1]] + view * n)

    everything = torch.arange(n) + searched * n
    folds = [numbers(pair, i) for i, pair in enumerate(split.folds)]
    fresh = [numbers(pair, searched + 1 + i) for i, pair in enumerate(split.fresh)]
    return (*folds, (everything, everything[: min(n, 64)]), *fresh)


def data_hash(table: Labeled) -> str:
    """A short name of the content: the same data give the same, whatever the file is called."""
    digest = hashlib.sha256()
    for name in (*table.feature_names, table.target_name):
        digest.update(str(name).encode() + b"\0")
    digest.update(np.sort(table.hashes()).tobytes())
    digest.update(np.sort(np.asarray(table.target)).tobytes())
    return digest.hexdigest()[:12]
