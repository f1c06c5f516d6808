"""What every kind of data is to splits and comparisons: rows with a target, and a content that can be told apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy

from wellfit.data.mapped import Mapped
from wellfit.data.notes import Note


class Labeled(Protocol):
    """Rows with a known target: a table, images or texts.

    Attributes:
        target: (rows,) int64 class codes, or float64 for regression.
        task: ``"binary"``, ``"multiclass"`` or ``"regression"``.
        classes: the classes as written in the data, by code; empty for regression.
        class_values: the classes as Python values, by code.
        weight: (rows,) float64, or None.
        group: (rows,) int64 codes of the groups, or None.
        time: (rows,) sortable numbers, or None.
        notes: what a person should know.
        target_name: the target's clean name.
        rows: (rows,) positions of the kept rows in the data as given.
        cross_below: with fewer rows to train and validate on, five folds validate in place of one slice.
    """

    target: numpy.ndarray
    task: str
    classes: list[str]
    class_values: list[object]
    weight: numpy.ndarray | None
    group: numpy.ndarray | None
    time: numpy.ndarray | None
    notes: list[Note]
    target_name: str
    rows: numpy.ndarray

    @property
    def cross_below(self) -> int: ...

    @property
    def feature_names(self) -> list[str]:
        """The columns, or the one name of what each row is."""
        ...

    def __len__(self) -> int: ...

    def unsplit(self) -> tuple[str, str]:
        """Why there may be too few distinct rows to split, and what to do about it; empty where nothing is known."""
        ...

    def take(self, rows: numpy.ndarray) -> Any:
        """The features of these rows, as an encoder of this kind reads them."""
        ...

    def hashes(self) -> numpy.ndarray:
        """(rows,) uint64 of each row's features: equal features, equal hash."""
        ...


@dataclass
class Samples:
    """Images or texts with their classes; attributes as in ``Labeled``.

    Args:
        features: (rows, ...) texts as an array of objects, or pixels in memory or in a file.
        feature: what each row is: ``image``, or the name of the texts' column.
        content: (rows,) uint64 of each row's features.
        column: the name of the texts' column in the data; empty for pictures, and for texts that came as a list.
        names: (rows,) what each row is called, such as its file; empty where rows have no names.
        cross_below: rows from which one slice validates; a training on images is dear, so that five folds are worth it
            on the smallest data alone.
    """

    features: Any
    feature: str
    content: numpy.ndarray
    target: numpy.ndarray
    task: str
    classes: list[str]
    class_values: list[object]
    notes: list[Note]
    target_name: str
    weight: numpy.ndarray | None = None
    group: numpy.ndarray | None = None
    time: numpy.ndarray | None = None
    rows: numpy.ndarray = field(default_factory=lambda: numpy.arange(0))
    names: list[str] = field(default_factory=list)
    cross_below: int = 300
    column: str = ""

    @property
    def feature_names(self) -> list[str]:
        return [self.feature]

    def unsplit(self) -> tuple[str, str]:
        return "", ""

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: numpy.ndarray) -> Any:
        return self.features.pick(rows) if isinstance(self.features, Mapped) else self.features[rows]

    def hashes(self) -> numpy.ndarray:
        return self.content
