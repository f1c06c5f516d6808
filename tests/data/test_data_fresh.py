"""Fresh folds: rows that the search trains on and never scores on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellfit.data import hold_back, split_given, split_table, table_from_arrays


def _table(rows: int, seed: int = 0, **roles):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3)).round(1)
    return table_from_arrays(x, np.where(draw.random(rows) < 0.3, "a", "b"), task=None, **roles)


def _apart(split):
    """No validation row of any fold is a test row, a training row of its fold, or one of another fold's."""
    valid = np.concatenate([split.folds[0][1], *(v for _, v in split.fresh)])
    assert len(np.unique(valid)) == len(valid)
    assert not np.isin(valid, split.test).any()
    for train, held in split.fresh:
        assert not np.isin(held, train).any()
        assert np.isin(held, split.folds[0][0]).all(), "the search trains on it"


@settings(max_examples=15, deadline=None)
@given(st.integers(1200, 3000), st.integers(0, 50))
def test_fresh_rows_are_scored_on_by_nobody_else(rows, seed):
    table = _table(rows, seed)
    split = hold_back(split_table(table, seed=seed), table, seed, given=False)
    if len(split.folds) > 1:
        assert not split.fresh
        return
    _apart(split)
    assert len(split.fresh) == 2
    for train, held in split.fresh:
        assert len(train) + len(held) == sum(len(p) for p in split.folds[0])
        assert len(held) == pytest.approx(len(split.folds[0][1]), rel=0.1)
        assert np.mean(table.target[held]) == pytest.approx(np.mean(table.target), abs=0.06)


def test_groups_stay_on_one_side():
    table = _table(2000, groups=np.repeat(np.arange(400), 5), weight=None, time=None)
    split = hold_back(split_table(table), table, 0, given=False)
    _apart(split)
    for train, held in split.fresh:
        assert not np.isin(table.group[held], table.group[train]).any()


def test_in_time_order_no_fresh_fold_trains_on_the_future():
    table = _table(3000, time=pd.date_range("2020", periods=3000), weight=None, groups=None)
    split = hold_back(split_table(table), table, 0, given=False)
    _apart(split)
    assert split.fresh
    for train, held in split.fresh:
        assert table.time[train].max() < table.time[held].min()
        assert len(train) >= 0.5 * len(split.folds[0][0])


@pytest.mark.parametrize(("rows", "given", "why"), [(300, False, "folds"), (2000, True, "given")])
def test_where_none_is_held_back_it_says_why(rows, given, why):
    table = _table(rows)
    split = split_table(table)
    if given:
        split = split_given(np.concatenate(split.folds[0]), split.test, None, table)
    found = hold_back(split, table, 0, given=given)
    assert found.fresh == []
    assert why in found.unfresh


def test_same_rows_in_any_order_are_held_back():
    table = _table(1500)
    order = np.random.default_rng(1).permutation(1500)
    mixed = table_from_arrays(table.frame.iloc[order], np.asarray(table.classes)[table.target[order]], task=None)
    one, other = (hold_back(split_table(t), t, 0, given=False) for t in (table, mixed))
    for (_, a), (_, b) in zip(one.fresh, other.fresh, strict=True):
        assert np.array_equal(np.sort(table.frame.iloc[a].to_numpy(), 0), np.sort(mixed.frame.iloc[b].to_numpy(), 0))
