"""Draws parts out of units: stratified, of the asked size, the same for the same content and seed."""

from __future__ import annotations

import numpy

from wellfit.data.units import Units

# Units are dealt out one by one when one of them holds more than this share of the rows; else by systematic sampling.
_LARGE_SHARE = 0.02
# The class-by-class bookkeeping of dealing out is left away above this many counters.
_MAX_COUNTERS = 5_000_000


def draw_part(units: Units, fraction: float) -> numpy.ndarray:
    """Choose units that hold about ``fraction`` of the rows of every stratum, (units,) bool.

    At least one unit is chosen and one left, and every class with a row left out of the part keeps one there.
    """
    if _lumpy(units):
        chosen = _deal(units, numpy.array([fraction, 1 - fraction])) == 0
    else:
        order = numpy.lexsort((units.key, units.stratum))
        # Systematic sampling: walk through the strata and take a unit whenever another 1 / fraction units have passed.
        # Counting units, not rows, keeps units of many copies from all being taken or all being left.
        chosen = numpy.zeros(len(units.size), dtype=bool)
        chosen[order] = (numpy.arange(0.5, len(order)) * fraction + _phase(units)) % 1.0 < fraction
    return _with_both_sides(units, _keep_classes(units, chosen))


def draw_folds(units: Units, count: int) -> numpy.ndarray:
    """Give every unit the number of the fold that validates on it, (units,) int64; -1 trains in every fold.

    -1 goes to units without which a class would be absent from a training part.
    """
    if _lumpy(units):
        fold = _deal(units, numpy.full(count, 1 / count))
    else:
        fold = numpy.empty(len(units.size), dtype=numpy.int64)
        fold[numpy.lexsort((units.key, units.stratum))] = numpy.arange(len(units.size)) % count
    for number in range(count):
        fold[(fold == number) & ~_keep_classes(units, fold == number)] = -1
    return fold


def cut_by_time(time: numpy.ndarray, fraction: float, spare: int) -> numpy.ndarray:
    """Mark the latest rows, about ``fraction`` of them, (rows,) bool; equal times stay together.

    Args:
        spare: how many distinct times must be left before the cut.
    """
    moments, counts = numpy.unique(time, return_counts=True)
    later = numpy.cumsum(counts[::-1])[::-1]  # rows at or after each moment
    first = max(1, spare)
    best = first + int(numpy.argmin(numpy.abs(later[first:] - fraction * len(time))))
    return time >= moments[best]


def _lumpy(units: Units) -> bool:
    return int(units.size.max()) > max(1, _LARGE_SHARE * len(units.rows))


def _phase(units: Units) -> float:
    """Where systematic sampling starts, in [0, 1): fixed by the units' keys."""
    return float(int(numpy.bitwise_xor.reduce(units.key)) % 2**32) / 2**32


def _deal(units: Units, shares: numpy.ndarray) -> numpy.ndarray:
    """Deal units out, largest first, each to the part that has least of its strata for its share, (units,) int64."""
    counts = _stratum_counts(units)
    wanted = shares[:, None] * numpy.maximum(counts.sum(axis=0), 1)[None, :]
    have = numpy.zeros_like(wanted)
    part = numpy.zeros(len(units.size), dtype=numpy.int64)
    for number in numpy.lexsort((units.key, -units.size)):
        row = counts[number]
        at = numpy.flatnonzero(row)
        filled = ((have[:, at] + row[at]) / wanted[:, at] * row[at]).sum(axis=1)
        best = int(numpy.argmin(filled))
        part[number] = best
        have[best, at] += row[at]
    return part


def _stratum_counts(units: Units) -> numpy.ndarray:
    """Rows of each unit in each stratum, (units, strata) float64; one stratum when there are too many."""
    strata = int(units.label.max()) + 1
    if len(units.size) * strata > _MAX_COUNTERS:
        return units.size[:, None].astype(numpy.float64)
    flat = numpy.bincount(units.unit * strata + units.label, minlength=len(units.size) * strata)
    return flat.reshape(-1, strata).astype(numpy.float64)


def _keep_classes(units: Units, chosen: numpy.ndarray) -> numpy.ndarray:
    """Hand one unit back for every stratum that the chosen units hold entirely, (units,) bool."""
    result = chosen.copy()
    total = numpy.bincount(units.label)
    taken = numpy.bincount(units.label[chosen[units.unit]], minlength=len(total))
    lost = (taken == total) & (total > 0)
    at = numpy.flatnonzero(lost[units.label])
    at = at[numpy.lexsort((units.key[units.unit[at]], units.label[at]))]
    _, first = numpy.unique(units.label[at], return_index=True)
    result[units.unit[at[first]]] = False
    return result


def _with_both_sides(units: Units, chosen: numpy.ndarray) -> numpy.ndarray:
    """Make sure that at least one unit is chosen: the smallest whose stratum survives elsewhere."""
    if chosen.any() or len(chosen) < 2:
        return chosen
    for number in numpy.lexsort((units.key, units.size)):
        trial = chosen.copy()
        trial[number] = True
        if _keep_classes(units, trial)[number]:
            return trial
    trial = chosen.copy()
    trial[numpy.lexsort((units.key, units.size))[0]] = True
    return trial
