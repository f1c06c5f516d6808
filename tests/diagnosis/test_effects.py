"""Gains and intervals: against scipy and a worked table, and under a null in which no epoch is better than another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wellfit.diagnosis.effects import bca, paired, stopped
from wellfit.proof import Cell, holm, paired_difference


def test_bca_is_scipys():
    random = np.random.default_rng(1)
    train, valid = random.exponential(1.0, 80), random.exponential(1.5, 60)
    ours = bca(train, valid, draws=9999)
    theirs = stats.bootstrap(
        (valid, train), lambda a, b, axis=-1: a.mean(axis) - b.mean(axis), method="BCa", n_resamples=9999, rng=2
    ).confidence_interval
    spread = theirs.high - theirs.low
    assert ours.value == pytest.approx(valid.mean() - train.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * spread)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * spread)


def test_bca_is_not_the_percentile_interval_where_losses_are_skewed():
    random = np.random.default_rng(3)
    valid = random.exponential(1.0, 30) ** 2
    found = bca(np.zeros(2), valid, draws=9999)
    assert found.high - found.value > 1.15 * (found.value - found.low)


def test_holm_of_a_worked_table():
    """p 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never below the one before."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_holm_lies_between_raw_and_bonferroni(values):
    p = np.array(values)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1.0, len(p) * p) + 1e-12).all()


def test_stopping_scored_on_other_rows_raises_no_false_alarm():
    """No epoch is truly better. Chosen and scored on the same rows early stopping seems to gain all the same."""
    crossed = same = 0
    runs = 200
    for seed in range(runs):
        random = np.random.default_rng(seed)
        curves = random.exponential(1.0, 50) + random.normal(0.0, 0.3, (3, 20, 50))
        last = curves[:, -1]
        crossed += paired(last - stopped(curves, seed)[0], 0.95, seed).low > 0
        at = curves.mean(2).argmin(1)
        same += paired(last - curves[np.arange(3), at], 0.95, seed).low > 0
    assert crossed / runs <= 0.04
    assert same / runs > 0.08


def test_the_stop_is_never_chosen_on_the_rows_that_score_it():
    """One row is far better at one evaluation: it may choose that evaluation for other rows, never for itself."""
    curves = np.ones((1, 4, 10))
    curves[0, 2, 3] = -100.0
    found, chosen = stopped(curves)
    assert found[0, 3] == 1.0
    assert sorted(chosen[0]) == [0, 2]


def test_a_true_gain_is_found_and_its_interval_holds_it():
    held = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        gains = 0.3 + random.normal(0.0, 1.0, (1, 150)) + random.normal(0.0, 0.05, (3, 1))
        effect = paired(gains, 0.95, seed)
        held += effect.low <= 0.3 <= effect.high
    assert held >= 53


def test_seeds_that_disagree_widen_the_interval():
    agree, differ = np.zeros((3, 100)) + 1.0, np.array([0.0, 1.0, 2.0])[:, None] + np.zeros((1, 100))
    assert paired(agree, 0.99).high == 1.0
    assert paired(differ, 0.99).low <= 0.0 < 2.0 <= paired(differ, 0.99).high
    assert paired(differ, 0.99).resolvable > 1.0


def test_groups_are_drawn_whole_where_rows_come_in_groups():
    """Gains that go with the group: counted by rows a useless change seems to help, counted by groups it does not."""
    rows_say = groups_say = 0
    for seed in range(120):
        random = np.random.default_rng(seed)
        names = np.repeat(np.arange(20), random.integers(2, 12, 20))
        gains = random.normal(size=20)[names] + 0.2 * random.normal(size=(3, len(names)))
        rows_say += paired(gains, 0.95, seed).low > 0
        groups_say += paired(gains, 0.95, seed, names).low > 0
    assert rows_say / 120 > 0.12
    assert groups_say / 120 <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 120)


def test_groups_of_one_row_are_rows_by_the_t_test():
    gains = np.random.default_rng(0).normal(size=(3, 30))
    ours = paired(gains, 0.95, 1, np.arange(30))
    theirs = paired_difference([Cell(gains, np.zeros_like(gains), np.ones(30))], lambda means: means).interval(0.95)
    assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high))


def test_no_group_stands_on_both_sides_of_a_stop():
    """One row of a group is far better at one evaluation: no row of that group is scored there."""
    names = np.repeat(np.arange(6), [1, 7, 3, 4, 2, 3])
    curves = np.ones((1, 4, 20))
    curves[0, 2, 9] = -100.0
    found, _ = stopped(curves, 5, names)
    assert (found[0, names == names[9]] == 1.0).all()
    assert np.isfinite(stopped(curves, 5, np.zeros(20))[0]).all()


@pytest.mark.parametrize("groups", [1, 2, 3, 5])
def test_few_groups_confirm_no_chance(groups):
    found = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        names = np.repeat(np.arange(groups), 15)
        gains = random.normal(size=groups)[names] + 0.2 * random.normal(size=(3, len(names)))
        found += paired(gains, 0.95, seed, names).low > 0
    assert found / 200 <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 200)
