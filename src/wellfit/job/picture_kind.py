"""Images as a kind of data: bytes of one size, a small convolutional network, and a linear model on pixels to beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from wellfit.data import (
    Mapped,
    NpzFile,
    PictureEncoder,
    Samples,
    bad_notes,
    clean,
    decode,
    find_files,
    judge_none,
    read_header,
    read_new_array,
    read_new_pixels,
    treatment_notes,
)
from wellfit.data.pictures import Form
from wellfit.job.baselines import fit_dummy, fit_flat_linear
from wellfit.job.kind import Fitter, NewRows
from wellfit.job.pixel_rows import PixelInputs, PixelRows
from wellfit.job.variants import refuse_new_rows
from wellfit.models.picture_shape import PictureShape
from wellfit.recipe import Recipe

if TYPE_CHECKING:
    from wellfit.job.prepare import Material

_WIDTHS = ((120.0, 16), (600.0, 24), (float("inf"), 32))
"""Channels of the first convolution by budget in seconds: a short budget buys a small network, well trained."""


@dataclasses.dataclass(frozen=True)
class PictureKind:
    """See ``Kind``."""

    name: ClassVar[str] = "image"
    stacks: ClassVar[bool] = False
    stacks_from: ClassVar[float] = 120.0
    proven: ClassVar[bool] = True
    baselines: ClassVar[tuple[tuple[str, str, Fitter], ...]] = (
        ("dummy", "the majority", fit_dummy),
        ("linear", "the linear model on pixels", fit_flat_linear),
    )

    def encoders(self, data: Samples, parts: Sequence[np.ndarray]) -> list[PictureEncoder]:
        return PictureEncoder.fit_each(data.features, parts)

    def training_rows(self, data: Samples, rows: np.ndarray, encoders: Sequence[PictureEncoder]) -> Tensor:
        return PixelRows.of(data.features, rows, encoders)  # type: ignore[return-value]

    def inputs(self, features: Any, encoder: PictureEncoder) -> Tensor:
        return PixelInputs(features, encoder)  # type: ignore[return-value]

    def size(self, rows: int, budget: float, encoder: PictureEncoder) -> tuple[int, int]:
        return next(width for limit, width in _WIDTHS if budget < limit), 0

    def shape(self, encoder: PictureEncoder, outputs: int, width: int, depth: int) -> PictureShape:
        return PictureShape(
            encoder.channels, encoder.height, encoder.width, outputs, width, 2 * width, 128, 4, depth
        )  # fmt: skip

    def blocks(self, encoder: PictureEncoder) -> tuple[tuple[int, int], ...]:
        return ()

    def with_variants(self, material: Material, recipes: Sequence[Recipe], seed: int) -> Material:
        for recipe in recipes:
            refuse_new_rows(recipe, "images")
        return material

    def levels(self, data: Any) -> tuple[Recipe, ...]:
        return ()

    def describe(self, data: Samples, encoder: PictureEncoder) -> dict[str, Any]:
        form = Form(encoder.height, encoder.width, encoder.channels)
        inputs = encoder.channels * encoder.height * encoder.width
        return {"features": inputs, "encoded": inputs, "columns": [], "about": form.told}

    def told(self, data: Samples) -> str:
        _, channels, height, width = data.features.shape
        held = f"{data.features.megabytes:,.1f} MB of pixels in a temporary file until the end"
        return f"{len(data):,} images, {Form(height, width, channels).told} ({held})"

    def encoder_from_json(self, form: Any) -> PictureEncoder:
        return PictureEncoder.from_json(form)

    def shape_to_json(self, shape: PictureShape) -> dict[str, Any]:
        return dict(vars(shape))

    def shape_from_json(self, form: Any) -> PictureShape:
        return PictureShape(**{f.name: int(form[f.name]) for f in dataclasses.fields(PictureShape)})

    def read_new(self, path: str | Path, encoder: PictureEncoder) -> NewRows:
        place, form = Path(path), Form(encoder.height, encoder.width, encoder.channels)
        if place.suffix.lower() == ".npz" and not place.is_dir():
            file = NpzFile(place)
            return NewRows(read_new_pixels(file.pixels(file.images), encoder), [], [])
        found = find_files(place)
        pixels, bad = decode(found.files, form)
        judge_none(bad, len(found.files))
        base, lost = place if place.is_dir() else place.parent, {path for path, _ in bad}
        names = [clean(str(p.relative_to(base))) for p in found.files if p not in lost]
        heads = [read_header(p) for p in found.files if p not in lost]
        return NewRows(pixels, names, [*found.notes, *treatment_notes(heads), *bad_notes(bad)])

    def new_rows(self, x: Any, encoder: PictureEncoder) -> Mapped:
        return read_new_array(x, encoder)

    def pixels(self, encoder: PictureEncoder) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """What black and white are in the network's inputs, by channel, where pixels are bytes."""
        if not encoder.whole:
            return None
        white = torch.full((encoder.channels,), 255.0)
        mean, std = torch.tensor(encoder.mean), torch.tensor(encoder.std)
        return tuple((-mean / std).tolist()), tuple(((white - mean) / std).tolist())


PICTURES = PictureKind()
