"""Units of a split: rows that must stay on one side, in an order that depends on their content and the seed only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
import pandas

from wellfit.data.labeled import Labeled

# Strata of a regression target: deciles, fewer when the rows are few.
QUANTILE_BINS = 10
_ROWS_PER_BIN = 10


@dataclass(frozen=True)
class Units:
    """Rows in content order, grouped into units.

    Args:
        rows: (rows,) table rows in content order.
        unit: (rows,) the unit of each row, 0 to units - 1.
        label: (rows,) the stratum of each row: its class, or its quantile bin.
        size: (units,) rows in each unit.
        key: (units,) uint64 that orders the units at random, fixed by content and seed.
        stratum: (units,) the most frequent stratum in each unit.
    """

    rows: numpy.ndarray
    unit: numpy.ndarray
    label: numpy.ndarray
    size: numpy.ndarray
    key: numpy.ndarray
    stratum: numpy.ndarray

    def rows_of(self, chosen: numpy.ndarray) -> numpy.ndarray:
        """Table rows of the chosen units, (units,) bool, in content order."""
        return self.rows[chosen[self.unit]]

    def only(self, chosen: numpy.ndarray) -> Units:
        """The chosen units as units of their own."""
        rank = numpy.cumsum(chosen) - 1
        keep = chosen[self.unit]
        return Units(
            self.rows[keep],
            rank[self.unit[keep]],
            self.label[keep],
            self.size[chosen],
            self.key[chosen],
            self.stratum[chosen],
        )


def content_hash(table: Labeled) -> numpy.ndarray:
    """Hash the features of every row, (rows,) uint64: equal features, equal hash, in any row order."""
    return table.hashes()


def make_units(table: Labeled, rows: numpy.ndarray, seed: int, hashes: numpy.ndarray) -> Units:
    """Group rows into units: one per group if the table has groups, else one per distinct feature row.

    Args:
        rows: the table rows to split.
        hashes: (all rows,) from ``content_hash``.
    """
    owner = hashes if table.group is None else _mix(table.group.astype(numpy.uint64), 0)
    target = pandas.util.hash_array(table.target, categorize=False)
    row_key = _mix(hashes[rows] ^ (target[rows] >> numpy.uint64(1)), seed)
    rows = rows[numpy.lexsort((target[rows], hashes[rows], row_key))]
    distinct, unit = numpy.unique(owner[rows], return_inverse=True)
    size = numpy.bincount(unit)
    key = _mix(distinct, seed)
    label = table.target[rows] if table.task != "regression" else _bins(table.target[rows])
    return Units(
        rows, unit, label.astype(numpy.int64), size, key, _majority(unit, label.astype(numpy.int64), len(size))
    )


def _bins(target: numpy.ndarray) -> numpy.ndarray:
    """Quantile bins of a numeric target, (rows,) int64; equal values share a bin."""
    bins = max(1, min(QUANTILE_BINS, len(target) // _ROWS_PER_BIN))
    edges = numpy.unique(numpy.quantile(target, numpy.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else numpy.empty(0)
    return numpy.searchsorted(edges, target, side="right")


def _majority(unit: numpy.ndarray, label: numpy.ndarray, units: int) -> numpy.ndarray:
    """The most frequent label of each unit; of two equally frequent, the smaller."""
    width = int(label.max()) + 1
    pairs, counts = numpy.unique(unit * width + label, return_counts=True)
    order = numpy.lexsort((-pairs, counts))
    result = numpy.zeros(units, dtype=numpy.int64)
    result[pairs[order] // width] = pairs[order] % width  # the last write, the most frequent, stays
    return result


def _mix(values: numpy.ndarray, seed: int) -> numpy.ndarray:
    """Scramble uint64 values with a seed: the finalizer of splitmix64 (Steele, Lea, Flood, 2014), modulo 2^64."""
    start = (seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) & 0xFFFFFFFFFFFFFFFF
    mixed = values.astype(numpy.uint64) + numpy.uint64(start)
    mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> numpy.uint64(31))
