"""What a kind of data is to the job: everything that differs between tables, images and texts, in one place each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor, nn

from wellfit.data import Labeled, Note

if TYPE_CHECKING:
    from wellfit.job.prepare import Material
    from wellfit.recipe import Recipe

Predictor = Callable[[np.ndarray], np.ndarray]
"""Row numbers of the study's data to (rows, classes) probabilities, or (rows,) numbers."""


class Shape(Protocol):
    """What decides a network's structure: numbers and names only, so that it can be stored."""

    @property
    def outputs(self) -> int: ...

    @property
    def values(self) -> int:
        """The most numbers that a layer makes of one row: what decides how many rows are predicted at once."""
        ...

    def network(self, widths: tuple[int, ...] = ()) -> nn.Module:
        """A network of this shape, its weights from torch's generator; ``widths`` as after pruning, for tables."""
        ...


@dataclasses.dataclass(frozen=True)
class NewRows:
    """Rows to predict.

    Attributes:
        features: as encoders read them.
        names: what each row is called, where it has a name; else empty.
        notes: what a person should know.
    """

    features: Any
    names: list[str]
    notes: list[Note]


class Fitter(Protocol):
    """Fits a model that a network has to beat, on all rows but the test's."""

    def __call__(self, material: Material, seed: int) -> tuple[str, Predictor]: ...


class Kind(Protocol):
    """One kind of data. An encoder is what a kind makes it: it is fitted on some rows and turns rows into inputs.

    Attributes:
        name: ``table``, ``image`` or ``text``: the word by which regularizers say what they are standard for.
        stacks: whether networks always train side by side; where not, a probe tries that against one by one.
        stacks_from: seconds of budget from which the probe tries stacks.
        proven: whether every part that is standard for the kind is known to work with its networks: none is tried.
        baselines: what a network has to beat: a key, what it is called, and how it is fitted.
    """

    @property
    def name(self) -> str: ...

    @property
    def stacks(self) -> bool: ...

    @property
    def stacks_from(self) -> float: ...

    @property
    def proven(self) -> bool: ...

    @property
    def baselines(self) -> tuple[tuple[str, str, Fitter], ...]: ...

    # Training

    def encoders(self, data: Any, parts: Sequence[np.ndarray]) -> list[Any]:
        """One encoder for each part, fitted on its rows alone; all of them make inputs of one form."""
        ...

    def training_rows(self, data: Any, rows: np.ndarray, encoders: Sequence[Any]) -> Tensor:
        """The inputs of these rows once per encoder, one after the other: a tensor, or what is indexed like one."""
        ...

    def inputs(self, features: Any, encoder: Any) -> Tensor:
        """The inputs of rows that are only predicted: a tensor, or what is sliced like one."""
        ...

    def size(self, rows: int, budget: float, encoder: Any) -> tuple[int, int]:
        """Width and depth of the network for so many training rows and seconds."""
        ...

    def shape(self, encoder: Any, outputs: int, width: int, depth: int) -> Shape: ...

    def blocks(self, encoder: Any) -> tuple[tuple[int, int], ...]:
        """(start, width) of each block of 0/1 columns that codes one category."""
        ...

    def pixels(self, encoder: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """What black and white are in a network's inputs, by channel, where the data are pictures of bytes."""
        ...

    def levels(self, data: Any) -> tuple[Recipe, ...]:
        """Data-level recipes that a default search may put under its candidates; each is one more set of rows."""
        ...

    def with_variants(self, material: Material, recipes: Sequence[Recipe], seed: int) -> Material:
        """The material with further folds for recipes that make training rows anew; raises where one cannot."""
        ...

    # Records

    def describe(self, data: Any, encoder: Any) -> dict[str, Any]:
        """What the record says of the data beyond what every kind has: names and numbers."""
        ...

    def told(self, data: Any) -> str:
        """The rows in a few words: how many, and of what."""
        ...

    def encoder_from_json(self, form: Any) -> Any: ...

    def shape_to_json(self, shape: Any) -> dict[str, Any]: ...

    def shape_from_json(self, form: Any) -> Shape: ...

    # Prediction

    def read_new(self, path: str | Path, encoder: Any) -> NewRows:
        """Rows of a file or folder to predict."""
        ...

    def new_rows(self, x: Any, encoder: Any) -> Any:
        """Features from what Python hands over."""
        ...


__all__ = ["Fitter", "Kind", "Labeled", "NewRows", "Predictor", "Shape"]
