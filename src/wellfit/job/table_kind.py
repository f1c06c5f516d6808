"""Tables as a kind of data: columns become numbers by an encoder of their own, and a perceptron reads those."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from wellfit.data import Encoder, Note, Table, check_columns, frame_from_arrays, read_table, shared_widths
from wellfit.job.baselines import fit_boosting, fit_dummy, fit_linear
from wellfit.job.kind import Fitter, NewRows
from wellfit.job.plan import size_network
from wellfit.job.variants import category_blocks, with_variants
from wellfit.models.mlp import Shape
from wellfit.recipe import Recipe

if TYPE_CHECKING:
    from wellfit.job.prepare import Material

_WAVES = 12
"""Periodic features of each number; fewer where numbers are many, so that they do not outgrow the first layer."""

_EMBEDDED_FROM = 9  # columns: smaller blocks of 0/1 columns go into the first layer as they are


@dataclasses.dataclass(frozen=True)
class TableKind:
    """See ``Kind``."""

    name: ClassVar[str] = "table"
    stacks: ClassVar[bool] = True
    stacks_from: ClassVar[float] = 0.0
    proven: ClassVar[bool] = False
    baselines: ClassVar[tuple[tuple[str, str, Fitter], ...]] = (
        ("dummy", "the majority", fit_dummy),
        ("linear", "the linear model", fit_linear),
        ("boosting", "boosted trees", fit_boosting),
    )

    def encoders(self, data: Table, parts: Sequence[np.ndarray]) -> list[Encoder]:
        encoders = [Encoder.fit(data.frame, data.columns, rows=rows) for rows in parts]
        widths = shared_widths(encoders)
        return [e.pad_to(widths) for e in encoders]

    def training_rows(self, data: Table, rows: np.ndarray, encoders: Sequence[Encoder]) -> Tensor:
        frame = data.take(rows)
        return torch.from_numpy(np.concatenate([e.transform(frame) for e in encoders]))

    def inputs(self, features: Any, encoder: Encoder) -> Tensor:
        return torch.from_numpy(encoder.transform(features))

    def size(self, rows: int, budget: float, encoder: Encoder) -> tuple[int, int]:
        return size_network(rows, encoder.width, budget)

    def shape(self, encoder: Encoder, outputs: int, width: int, depth: int) -> Shape:
        groups = tuple(
            (b.start, b.width, min(24, round(1.6 * b.width**0.5)))
            for b in encoder.blocks
            if b.kind == "category" and b.width >= _EMBEDDED_FROM
        )
        numbers = tuple(c for b in encoder.blocks if b.kind == "number" for c in range(b.start, b.start + b.width))
        waves = min(_WAVES, width // len(numbers)) if numbers else 0
        return Shape(encoder.width, outputs, width, depth, False, groups, numbers, waves if waves > 1 else 0)

    def blocks(self, encoder: Encoder) -> tuple[tuple[int, int], ...]:
        return category_blocks(encoder)

    def pixels(self, encoder: Encoder) -> None:
        return None

    def with_variants(self, material: Material, recipes: Sequence[Recipe], seed: int) -> Material:
        return with_variants(material, recipes, seed)

    def levels(self, data: Any) -> tuple[Recipe, ...]:
        return ()

    def describe(self, data: Table, encoder: Encoder) -> dict[str, Any]:
        columns = [{"name": c.name, "kind": c.kind, "reason": c.reason} for c in data.columns]
        return {"features": data.frame.shape[1], "encoded": encoder.width, "columns": columns}

    def told(self, data: Table) -> str:
        kinds = [c.kind for c in data.columns]
        return (
            f"{len(data):,} rows, {data.frame.shape[1]} features ({kinds.count('number')} number, "
            f"{kinds.count('category')} category, {kinds.count('date')} date)"
        )

    def encoder_from_json(self, form: Any) -> Encoder:
        return Encoder.from_json(form)

    def shape_to_json(self, shape: Shape) -> dict[str, Any]:
        listed = {n: list(getattr(shape, n)) for n in ("numbers", "widths")}
        return {**vars(shape), "embeddings": [list(e) for e in shape.embeddings], **listed}

    def shape_from_json(self, form: Any) -> Shape:
        groups = tuple(tuple(e) for e in form["embeddings"])
        listed = {n: tuple(form.get(n, ())) for n in ("numbers", "widths")}
        return Shape(**{**form, "embeddings": groups, **listed})

    def read_new(self, path: str | Path, encoder: Encoder) -> NewRows:
        frame = read_table(path)
        notes = [Note(*n) for n in frame.attrs.get("notes", [])] + check_columns(frame, encoder)
        return NewRows(frame, [], notes)

    def new_rows(self, x: Any, encoder: Encoder) -> Any:
        frame = frame_from_arrays(x)
        check_columns(frame, encoder)
        return frame


TABLE = TableKind()
