"""Proximal steps rest where loss + penalty is least, whatever the optimizer gathers: momentum, uneven step sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from linear_fit import fit_linear
from sklearn.linear_model import Lasso
from torch.testing import assert_close

from wellfit import L1, ElasticNet, GroupLasso, Nuclear
from wellfit.training.optimizers import SGD, Adam


def _problem():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 5))
    return x, x @ np.array([3.0, -2.0, 0.0, 0.0, 0.05]) + 0.1 * draw.normal(size=60)


def test_oracle_L1_under_momentum_is_the_Lasso():
    x, y = _problem()
    theirs = Lasso(alpha=0.25, fit_intercept=False, tol=1e-12).fit(x, y).coef_  # 1 / (2 n) against 1 / n: half
    assert (theirs == 0).sum() >= 2
    ours = fit_linear(L1(0.5), x, y, optimizer=SGD(momentum=0.9), rate=0.01)
    assert_close(ours, theirs, rtol=0, atol=1e-6)
    assert np.array_equal(ours == 0, theirs == 0)


@pytest.mark.parametrize("part", [ElasticNet(0.3), GroupLasso(0.2, by="input"), Nuclear(0.2)], ids=lambda p: p.name)
def test_momentum_does_not_change_where_proximal_steps_rest(part):
    x, y = _problem()
    plain = fit_linear(part, x, y, rate=0.05)
    assert_close(fit_linear(part, x, y, optimizer=SGD(momentum=0.9), rate=0.01), plain, rtol=0, atol=1e-6)


def test_without_momentum_the_reach_is_the_rate():
    rates = {"w": torch.tensor(0.1)}
    assert SGD().reach(rates, {}, None) is rates


def test_a_column_without_gradient_does_not_wipe_out_a_layer():
    """Under Adam its weights have step sizes of rate / eps; those of the others stay what they are."""
    x, _ = _problem()
    wanted = x @ np.array([[3.0, 1.0], [-2.0, 0.5], [0.0, 0.0], [0.0, 0.0], [0.05, 1.0]])
    dead = np.concatenate([x, np.zeros((60, 1))], axis=1)
    full = fit_linear(Nuclear(0.02), x, wanted, optimizer=Adam(), rate=0.02)
    kept = fit_linear(Nuclear(0.02), dead, wanted, optimizer=Adam(), rate=0.02)
    assert np.abs(kept[:, :5]).max() > 1.0
    assert_close(kept[:, :5], full, rtol=0.05, atol=0.05)
