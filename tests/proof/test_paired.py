"""Tests over seeds and rows, Holm's adjustment and non-inferiority, against tables, scipy and simulated truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wellfit.proof import (
    Cell,
    Difference,
    drawn_rows,
    furthest,
    gathered,
    holm,
    non_inferior,
    paired_difference,
    paired_gain,
    score_interval,
)


def _same(means):
    return means


def _losses(draw, seeds, rows, gain=0.0, by_seed=0.0, by_row=0.0, both=0.1):
    """Losses of two recipes whose difference has a part of the seed, one of the row, and one of both."""
    base = draw.exponential(1.0, (seeds, rows))
    moved = gain + by_seed * draw.normal(size=(seeds, 1)) + by_row * draw.normal(size=(1, rows))
    return base, base - moved - both * draw.normal(size=(seeds, rows))


def test_holm_against_a_table():
    """Five p-values worked by hand: .01 5, .02 4, .03 3, .04 2, .05 1, each at least the one before."""
    found = holm([0.04, 0.01, 0.05, 0.03, 0.02])
    assert found == pytest.approx([0.09, 0.05, 0.09, 0.09, 0.08])
    assert holm([]).size == 0


def test_holm_is_that_of_r():
    """p.adjust(c(.0001, .004, .006, .02, .6), "holm") of R's documentation of the method."""
    assert holm([0.0001, 0.004, 0.006, 0.02, 0.6]) == pytest.approx([0.0005, 0.016, 0.018, 0.04, 0.6])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_nothing_and_bonferroni(p_values):
    found = holm(p_values)
    assert (found >= np.array(p_values) - 1e-12).all()
    assert (found <= np.minimum(1.0, len(p_values) * np.array(p_values)) + 1e-12).all()
    assert (np.diff(found[np.argsort(p_values, kind="stable")]) >= 0).all()


def test_one_row_of_seeds_is_the_paired_t_test():
    """Rows that all say the same leave the seeds' means: scipy's paired t test."""
    draw = np.random.default_rng(0)
    base, other = draw.normal(size=(5, 1)), draw.normal(size=(5, 1))
    cell = Cell(np.repeat(base, 40, 1), np.repeat(other, 40, 1), np.ones(40))
    assert paired_difference([cell], _same).p == pytest.approx(stats.ttest_rel(base[:, 0], other[:, 0]).pvalue)


def test_seeds_that_all_say_the_same_leave_the_rows_t_test():
    draw = np.random.default_rng(1)
    base, other = (np.repeat(draw.normal(size=(1, 300)), 4, 0) for _ in range(2))
    found = paired_difference([Cell(base, other, np.ones(300))], _same)
    assert found.error == pytest.approx((base - other)[0].std(ddof=1) / np.sqrt(300))
    assert found.p == pytest.approx(stats.ttest_rel(base[0], other[0]).pvalue)


_CHANCE = {
    "seeds decide": {"by_seed": 0.3}, "rows decide": {"by_row": 1.0}, "both": {"by_seed": 0.1, "by_row": 1.0},
    "neither": {"both": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("chance", _CHANCE)
@pytest.mark.parametrize("seeds", [2, 4])
def test_nothing_is_found_where_nothing_is(chance, seeds):
    """1000 useless ingredients: about 5 % of them are told from nothing, whatever the chance is made of."""
    draw = np.random.default_rng(2)
    cells = [Cell(*_losses(draw, seeds, 100, **_CHANCE[chance]), np.ones(100)) for _ in range(1000)]
    false = np.mean([paired_difference([c], _same).p < 0.05 for c in cells])
    assert false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_bootstrap_over_few_seeds_would_find_too_much():
    """Why there is a test of its own: where seeds decide, the percentile bootstrap errs more than twice as often."""
    draw = np.random.default_rng(3)
    pairs = [_losses(draw, 4, 100, by_seed=0.3) for _ in range(300)]
    found = [paired_gain(base, other, _same, np.ones(100)) for base, other in pairs]
    assert np.mean([not f.low <= 0 <= f.high for f in found]) > 0.1


def test_with_many_seeds_it_agrees_with_the_bootstrap():
    base, other = _losses(np.random.default_rng(4), 40, 400, gain=0.1, by_seed=0.2, by_row=0.5)
    ours = paired_difference([Cell(base, other, np.ones(400))], _same)
    drawn = paired_gain(base, other, _same, np.ones(400))
    assert ours.value == pytest.approx(drawn.value)
    assert ours.interval().high - ours.interval().low == pytest.approx(drawn.high - drawn.low, rel=0.12)


def test_intervals_cover_the_truth_over_folds_and_weights():
    """Five folds of two seeds, as small tables have them; the truth is the weighted mean gain."""
    draw, missed = np.random.default_rng(5), 0
    for _ in range(400):
        cells = [Cell(*_losses(draw, 2, 40, 0.2, 0.3, 0.5), draw.random(40) + 0.5) for _ in range(5)]
        found = paired_difference(cells, _same).interval()
        missed += not found.low <= 0.2 <= found.high
    assert missed / 400 <= 0.09


def test_error_of_a_root_goes_over_the_slope():
    """RMSE of 400 rows: the interval is the bootstrap's."""
    draw = np.random.default_rng(6)
    base = 4.0 * draw.chisquare(1, (8, 400))
    other = base * (0.8 + 0.02 * draw.normal(size=(8, 1)))
    ours = paired_difference([Cell(base, other, np.ones(400))], np.sqrt)
    drawn = paired_gain(base, other, np.sqrt, np.ones(400))
    assert ours.value == pytest.approx(drawn.value)
    assert ours.interval().high - ours.interval().low == pytest.approx(drawn.high - drawn.low, rel=0.25)


def test_a_gain_is_found():
    draw = np.random.default_rng(7)
    found = [
        paired_difference([Cell(*_losses(draw, 4, 300, 0.3, 0.05, 0.5), np.ones(300))], _same).p for _ in range(200)
    ]
    assert np.mean(np.array(found) < 0.05) > 0.9


def test_what_has_one_seed_is_paired_with_every_seed_of_the_other():
    draw = np.random.default_rng(9)
    base, other = draw.normal(size=(1, 50)), draw.normal(size=(4, 50))
    found = paired_difference([Cell(base, other, np.ones(50))], _same)
    again = paired_difference([Cell(np.repeat(base, 4, 0), other, np.ones(50))], _same)
    assert (found.value, found.error, found.freedom) == (again.value, again.error, again.freedom)


def test_with_one_seed_on_both_sides_rows_alone_are_counted():
    draw = np.random.default_rng(10)
    base, other = draw.normal(size=(2, 1, 50))
    found = paired_difference([Cell(base, other, np.ones(50))], _same)
    assert found.error == pytest.approx((base - other)[0].std(ddof=1) / np.sqrt(50))


def test_no_difference_at_all_is_no_finding():
    cell = Cell(np.ones((3, 5)), np.ones((3, 5)), np.ones(5))
    assert paired_difference([cell], _same).p == 1.0


def test_non_inferiority_is_the_interval_above_the_margin():
    sure, vague = Difference(-0.01, 0.004, 1e6), Difference(-0.01, 0.02, 1e6)
    assert non_inferior(sure, 0.02)
    assert not non_inferior(sure, 0.015)
    assert not non_inferior(vague, 0.02), "not worse by this sample, and not shown either"
    assert not non_inferior(Difference(0.0, 0.0, 1.0), 0.0)


def test_what_is_worse_by_the_margin_passes_in_2_5_of_100_cases():
    draw = np.random.default_rng(8)
    cells = [Cell(*_losses(draw, 4, 80, -0.2, 0.1, 0.3), np.ones(80)) for _ in range(1000)]
    passed = np.mean([non_inferior(paired_difference([c], _same), 0.2) for c in cells])
    assert passed <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 1000)


def test_a_chain_ends_at_its_first_failure():
    good, bad = Difference(0.0, 0.001, 1e6), Difference(-1.0, 0.001, 1e6)
    assert furthest([good, good, bad, good], 0.1) == 2
    assert furthest([], 0.1) == 0


def test_rows_that_vary_by_themselves_are_the_paired_t_test():
    draw = np.random.default_rng(11)
    base, other = draw.normal(size=(2, 1, 12))
    found = paired_difference([Cell(base, other, np.ones(12))], _same)
    assert found.p == pytest.approx(stats.ttest_rel(base[0], other[0]).pvalue)


def _clustered(draw, groups=25, each=12):
    """Losses whose difference goes with the group; sizes of groups differ."""
    sizes = draw.integers(1, 2 * each, groups)
    names = np.repeat(np.arange(groups), sizes)
    base = draw.exponential(1.0, (3, len(names)))
    moved = draw.normal(size=groups)[names] + 0.3 * draw.normal(size=(3, len(names)))
    return base, base - moved, np.ones(len(names)), names


def test_where_rows_come_in_groups_rows_would_find_too_much_and_groups_do_not():
    """300 useless changes: counted by rows far more than 5 % are told from nothing, counted by groups about 5 %."""
    draw, by_rows, by_groups = np.random.default_rng(12), [], []
    for _ in range(300):
        base, other, weight, names = _clustered(draw)
        by_rows.append(paired_difference([Cell(base, other, weight)], _same).p < 0.05)
        (before, held), (after, _) = gathered(base, weight, names), gathered(other, weight, names)
        by_groups.append(paired_difference([Cell(before, after, held)], _same).p < 0.05)
    assert np.mean(by_rows) > 0.3
    assert np.mean(by_groups) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


@given(st.integers(0, 2**31), st.integers(1, 30))
def test_gathered_rows_keep_the_weighted_mean(seed, rows):
    draw = np.random.default_rng(seed)
    losses, weight, names = draw.normal(size=(2, rows)), draw.random(rows) + 0.1, draw.integers(0, 5, rows)
    found, held = gathered(losses, weight, names)
    assert found.shape == (2, len(np.unique(names)))
    assert np.average(found, axis=1, weights=held) == pytest.approx(np.average(losses, axis=1, weights=weight))
    same = gathered(losses, weight, None)
    assert same[0] is losses
    assert same[1] is weight


def test_a_group_without_weight_counts_for_nothing():
    losses, held = gathered(np.array([[1.0, 5.0]]), np.array([1.0, 0.0]), np.array([0, 1]))
    assert losses.tolist() == [[1.0, 0.0]]
    assert held.tolist() == [1.0, 0.0]


def test_bootstrap_samples_hold_whole_groups():
    draw, names = np.random.default_rng(13), np.array(["c", "a", "a", "b", "b", "b"])
    for _ in range(30):
        rows = drawn_rows(draw, 6, names)
        for name in "abc":
            counts = np.bincount(rows, minlength=6)[names == name]
            assert len(set(counts)) == 1
    assert sorted(set(drawn_rows(draw, 50, None))) != list(range(50))


def test_interval_of_a_score_over_groups_is_the_cluster_robust_one():
    """Beside the sandwich formula: the spread of group sums around the mean."""
    base, _, weight, names = _clustered(np.random.default_rng(14), groups=60)
    losses, held = gathered(base[:1] + names % 7, weight, names)
    found = score_interval(losses, _same, held)
    parts = held / held.sum() * (losses[0] - found.value)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.sqrt((parts**2).sum()), rel=0.15)


def test_of_one_group_nothing_can_be_told():
    cell = Cell(np.ones((4, 1)), np.zeros((4, 1)), np.ones(1))
    found = paired_difference([cell], _same)
    assert (found.value, found.p) == (1.0, 1.0)
    assert found.interval().low == -np.inf
    alone = score_interval(np.ones((4, 1)), _same, np.ones(1))
    assert (alone.low, alone.high) == (-np.inf, np.inf)


def test_folds_of_one_group_each_are_held_against_each_other():
    """Five folds, a group each: the t test of five numbers, whatever a fold's own rows say."""
    draw = np.random.default_rng(15)
    base, other = draw.normal(size=(2, 5))
    cells = [Cell(np.full((3, 1), b), np.full((3, 1), o), np.ones(1)) for b, o in zip(base, other, strict=True)]
    assert paired_difference(cells, _same).p == pytest.approx(stats.ttest_rel(base, other).pvalue)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_few_groups_are_no_proof(groups):
    draw, false = np.random.default_rng(16), 0
    for _ in range(400):
        base, other, weight, names = _clustered(draw, groups=groups)
        (before, held), (after, _) = gathered(base, weight, names), gathered(other, weight, names)
        false += paired_difference([Cell(before, after, held)], _same).p < 0.05
    assert false / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
