"""Shares of variance against functions whose shares are known."""

from __future__ import annotations

import numpy as np
import pytest

from wellfit.proof.importance import importance


def _candidates(count=160, seed=0):
    return np.random.default_rng(seed).random((count, 4))


GROUPS = {"first": [0], "second": [1, 2], "idle": [3]}


def test_shares_of_a_sum_are_those_of_its_parts():
    """f = 2 a + b: the variances are 4 to 1."""
    x = _candidates()
    found = {s.name: s for s in importance(x, 2.0 * x[:, 0] + x[:, 1], GROUPS)}
    assert found["first"].value == pytest.approx(0.8, abs=0.12)
    assert found["second"].value == pytest.approx(0.2, abs=0.1)
    assert found["idle"].value < 0.03
    assert found["first"].low > found["second"].high
    for share in found.values():
        assert 0.0 <= share.low <= share.value <= share.high <= 1.0


def test_interplay_is_nobodys_own():
    """f = (a - 1/2) (b - 1/2): alone, neither says anything."""
    x = _candidates(300)
    found = importance(x, (x[:, 0] - 0.5) * (x[:, 1] - 0.5), GROUPS)
    assert sum(s.value for s in found) < 0.35


def test_a_diverged_training_is_not_all_of_the_variance():
    x = _candidates()
    losses = x[:, 0].copy()
    losses[:3] = 1e6
    assert importance(x, losses, GROUPS)[0].name == "first"
    assert importance(x, losses, GROUPS)[0].value > 0.8


def test_the_same_candidates_give_the_same_shares_and_equal_losses_none():
    x = _candidates(60)
    assert importance(x, x[:, 1], GROUPS, seed=3) == importance(x, x[:, 1], GROUPS, seed=3)
    assert all(s.value == 0.0 for s in importance(x, np.ones(60), GROUPS))
