"""SMOTE by hand: new rows of a rare class, between rows that are neighbors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def nearest_neighbors(x: Array, k: int) -> NDArray[np.int64]:
    """The k nearest other rows of each row by Euclidean distance, nearest first: (rows, features) -> (rows, k).

    Raises:
        ValueError: there are not k other rows.

    >>> nearest_neighbors(np.array([[0.0], [1.0], [5.0]]), 1).tolist()
    [[1], [0], [1]]
    """
    if len(x) <= k:
        raise ValueError(f"{len(x)} rows have no {k} neighbors each; take k below {len(x)} or gather more rows.")
    distances = np.square(x[:, None, :] - x[None, :, :]).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def between(one: Array, other: Array, share: Array | float) -> Array:
    """A point on the line from one to the other: one + share * (other - one).

    >>> between(np.array([1.0, 1.0]), np.array([3.0, 5.0]), 0.25).tolist()
    [1.5, 2.0]
    """
    return one + share * (other - one)


def synthetic_rows(minority: Array, count: int, k: int, generator: np.random.Generator) -> Array:
    """New rows of one class, (count, features): a row, one of its k neighbors, and a point between them, at random.

    >>> synthetic_rows(np.array([[0.0], [1.0]]), 3, 1, np.random.default_rng(0)).shape
    (3, 1)
    """
    neighbors = nearest_neighbors(minority, k)
    rows = generator.integers(len(minority), size=count)
    others = neighbors[rows, generator.integers(k, size=count)]
    return between(minority[rows], minority[others], generator.random((count, 1)))


def smote(
    x: Array, labels: NDArray[np.int64], generator: np.random.Generator, k: int = 5
) -> tuple[Array, NDArray[np.int64]]:
    """Fill every class up to the size of the largest; the given rows come first and stay as they are.

    Only for training rows, after the split: a row between two rows of which one is a test row would carry it over. And
    only for numbers on one scale: there is nothing between two categories.

    Args:
        x: (rows, features).
        labels: (rows,) class numbers.
        generator: draws rows, neighbors and places.
        k: how many neighbors a row has.

    Raises:
        ValueError: a class that has to grow has k rows or fewer.

    Source: Chawla, Bowyer, Hall & Kegelmeyer, SMOTE: Synthetic Minority Over-sampling Technique, JAIR 16, 2002.

    >>> draw = np.random.default_rng(0)
    >>> x, labels = smote(draw.normal(size=(12, 2)), np.array([0] * 8 + [1] * 4), draw, k=3)
    >>> np.bincount(labels).tolist()
    [8, 8]
    """
    classes, counts = np.unique(labels, return_counts=True)
    rows, names = [x], [labels]
    for name, count in zip(classes, counts, strict=True):
        missing = int(counts.max() - count)
        if missing:
            rows.append(synthetic_rows(x[labels == name], missing, k, generator))
            names.append(np.full(missing, name))
    return np.concatenate(rows), np.concatenate(names)
