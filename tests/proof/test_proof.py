"""Intervals, calibration and the greedy ensemble, against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wellfit.proof import fit_temperature, greedy_weights, paired_gain, probabilities, score_interval


def _same(means):
    return means


def test_interval_of_a_mean_is_the_normal_one():
    generator = np.random.default_rng(0)
    losses = generator.normal(2.0, 1.0, (1, 2000))
    found = score_interval(losses, _same, np.ones(2000))
    se = losses.std(ddof=1) / np.sqrt(2000)
    assert found.value == pytest.approx(losses.mean())
    assert found.low == pytest.approx(losses.mean() - 1.96 * se, abs=0.2 * se)
    assert found.high == pytest.approx(losses.mean() + 1.96 * se, abs=0.2 * se)


@pytest.mark.parametrize("seeds", [1, 4])
def test_paired_interval_covers_the_truth(seeds):
    """True gain 0.1, 200 repetitions; a 95 % interval misses about 5 % of the time."""
    generator = np.random.default_rng(1)
    missed = 0
    for repetition in range(200):
        base = generator.normal(1.0, 1.0, (seeds, 150))
        other = base - 0.1 + generator.normal(0.0, 0.5, (seeds, 150))
        found = paired_gain(base, other, _same, np.ones(150), seed=repetition)
        missed += not found.low <= 0.1 <= found.high
    low, high = (15, 200) if seeds == 4 else (2, 24)
    assert missed <= high
    assert seeds == 4 or missed >= low


def test_pairing_makes_intervals_narrow():
    generator = np.random.default_rng(2)
    base = generator.normal(1.0, 3.0, (1, 300))
    other = base - 0.05
    found = paired_gain(base, other, _same, np.ones(300))
    assert found.high - found.low < 1e-6
    assert found.value == pytest.approx(0.05)


def test_temperature_is_recovered():
    generator = np.random.default_rng(3)
    logits = generator.normal(0.0, 2.0, (20_000, 4))
    classes = np.array([generator.choice(4, p=p) for p in probabilities(logits)])
    assert fit_temperature(3.0 * logits, classes) == pytest.approx(3.0, rel=0.05)
    assert fit_temperature(logits, classes) == pytest.approx(1.0, rel=0.05)


def test_faultless_rows_do_not_make_infinitely_sure():
    """Fifty rows, all right by a wide margin: the chance left for an error is of the order of 1 in 50."""
    logits = np.tile([8.0, 0.0], (50, 1))
    temperature = fit_temperature(logits, np.zeros(50, dtype=int))
    assert 1e-3 < probabilities(logits, temperature)[0, 1] < 0.05


def test_greedy_ensemble_is_never_worse_than_the_best_member():
    generator = np.random.default_rng(4)
    truth = generator.normal(size=400)
    members = np.stack([truth + generator.normal(0, s, 400) for s in (0.5, 0.6, 0.7, 3.0)])

    def loss(p):
        return float(((p - truth) ** 2).mean())

    weights = greedy_weights(members, loss)
    assert weights.sum() == pytest.approx(1.0)
    assert loss(np.tensordot(weights, members, axes=1)) <= min(loss(m) for m in members)
    assert weights[3] < 0.05


def test_greedy_ensemble_of_one_is_a_possible_answer():
    truth = np.zeros(50)
    members = np.stack([truth, truth + 5.0])
    weights = greedy_weights(members, lambda p: float(((p - truth) ** 2).mean()))
    assert weights.tolist() == [1.0, 0.0]


def test_bootstrap_agrees_with_scipy():
    generator = np.random.default_rng(5)
    losses = generator.exponential(1.0, 500)
    ours = score_interval(losses[None], np.sqrt, np.ones(500))
    theirs = stats.bootstrap(
        (losses,), lambda x, axis: np.sqrt(x.mean(axis=axis)), method="percentile", n_resamples=2000, rng=0
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, rel=0.02)
    assert ours.high == pytest.approx(theirs.high, rel=0.02)
