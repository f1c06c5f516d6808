"""Fresh folds: validation rows that a search never scores on, held back out of its training rows."""

from __future__ import annotations

import dataclasses

import numpy

from wellfit.data.draw import cut_by_time, draw_part
from wellfit.data.labeled import Labeled
from wellfit.data.split import Split
from wellfit.data.units import content_hash, make_units

FRESH_FOLDS = 2
"""One that finalists are re-scored on, and one that a leaner recipe is proved on."""

ENOUGH_VALID = 30_000
"""Validation rows above which the luck of choosing on them is small beside what a further copy of the rows costs."""

_LEAST_SHARE = 0.5  # of the search's training rows that a fold in time order has to train on


def hold_back(split: Split, table: Labeled, seed: int, given: bool) -> Split:
    """The split with folds that validate on rows which only train during the search.

    A fresh fold's validation rows are drawn out of the search's training rows; it trains on all other rows but the
    test's, in time order on the earlier ones alone. Nothing is lost to the search: it trains on these rows and never
    scores on them. Where no fold can be held back, ``unfresh`` says why.

    Args:
        given: whether a person gave the validation rows.
    """
    train, valid = split.folds[0]
    if given:
        return dataclasses.replace(split, unfresh="the validation rows were given, and no others stand for them")
    if len(split.folds) > 1:
        why = f"each of the {len(train) + len(valid):,} rows validates in one of {len(split.folds)} folds"
        return dataclasses.replace(split, unfresh=why)
    if len(valid) > ENOUGH_VALID:
        return dataclasses.replace(split, unfresh=f"{len(valid):,} validation rows leave little to luck")
    fresh = _by_time(table, train, len(valid)) if table.time is not None else _by_content(table, split, seed)
    return dataclasses.replace(split, fresh=fresh, unfresh="" if fresh else "too few rows or times are left for one")


def _by_content(table: Labeled, split: Split, seed: int) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    train, valid = split.folds[0]
    development = make_units(table, numpy.concatenate([train, valid]), seed, content_hash(table)).rows
    fresh, left, wanted = [], train, len(valid)
    for number in range(FRESH_FOLDS):
        units = make_units(table, left, seed + 1 + number, content_hash(table))
        if len(units.size) < 2:
            break
        drawn = units.rows_of(draw_part(units, min(0.5, wanted / len(left))))
        fresh.append((development[~numpy.isin(development, drawn)], drawn))
        left = left[~numpy.isin(left, drawn)]
    return fresh


def _by_time(table: Labeled, train: numpy.ndarray, wanted: int) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    time = numpy.asarray(table.time)
    fresh, left = [], train
    for _ in range(FRESH_FOLDS):
        if len(numpy.unique(time[left])) < 3:
            break
        late = cut_by_time(time[left], min(0.5, wanted / len(left)), 1)
        if (~late).sum() < _LEAST_SHARE * len(train):
            break
        fresh.append((left[~late], left[late]))
        left = left[~late]
    return fresh
