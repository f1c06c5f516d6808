"""Finds feature columns that give the target away."""

from __future__ import annotations

import numpy
import pandas

from wellfit.data.notes import Note, listed, shown

# Columns that are no leak contradict themselves within the first rows, so most are settled on a prefix.
_PREFIX = 500
# Correlation of a column that is the target in another unit; float64 rounding leaves about 1e-15.
_SAME = 1 - 1e-12


def find_leaks(cells: dict[str, pandas.Series], target: numpy.ndarray, task: str, target_name: str) -> list[Note]:
    """Name the columns from which the target can be read off: one-to-one with the classes, or linear in the numbers.

    Args:
        cells: cleaned feature columns.
        target: (rows,) class codes or numbers.
    """
    same = _same_number if task == "regression" else _same_classes
    names = [name for name, column in cells.items() if same(_as_numbers(column), target)]
    if not names:
        return []
    verb = "is the target itself" if len(names) == 1 else "are the target itself"
    sentence = (
        f"LEAK: {listed(names)} {verb} under another name: every value gives away {shown(target_name)}. "
        "Scores will be perfect and worthless; drop it unless it is known before the target is."
    )
    return [Note("WF-D72", sentence)]


def _as_numbers(column: pandas.Series) -> numpy.ndarray:
    if isinstance(column.dtype, pandas.CategoricalDtype):
        return column.cat.codes.to_numpy(dtype=numpy.float64)
    if column.dtype.kind == "M":
        return column.to_numpy().astype(numpy.int64).astype(numpy.float64)
    return column.to_numpy()


def _same_classes(values: numpy.ndarray, codes: numpy.ndarray) -> bool:
    return _one_to_one(values[:_PREFIX], codes[:_PREFIX]) and _one_to_one(values, codes)


def _one_to_one(values: numpy.ndarray, codes: numpy.ndarray) -> bool:
    distinct, feature = numpy.unique(values, return_inverse=True)
    classes, code = numpy.unique(codes, return_inverse=True)
    if len(distinct) != len(classes):
        return False
    return len(numpy.unique(feature.astype(numpy.int64) * len(classes) + code)) == len(classes)


def _same_number(values: numpy.ndarray, target: numpy.ndarray) -> bool:
    if len(values) < 3:
        return False
    return _correlated(values[:_PREFIX], target[:_PREFIX]) and _correlated(values, target)


def _correlated(values: numpy.ndarray, target: numpy.ndarray) -> bool:
    filled = ~numpy.isnan(values)
    if filled.sum() < max(3, 0.9 * len(values)):
        return False
    one, other = _centered(values[filled]), _centered(target[filled])
    scale = float(numpy.sqrt((one @ one) * (other @ other)))
    return scale > 0 and abs(float(one @ other)) / scale > _SAME


def _centered(values: numpy.ndarray) -> numpy.ndarray:
    """Center and bring to unit size first, so that 1e308 does not overflow."""
    size = float(numpy.abs(values).max()) or 1.0
    scaled = values / size
    return scaled - scaled.mean()
