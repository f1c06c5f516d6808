"""What acts on weights, and the optimizers, against an independent word: sklearn, torch, NumPy, or hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import sklearn.linear_model
import torch
from torch import nn
from torch.testing import assert_close
from worlds import linear_problem, now_at

from wellfit import (
    L1,
    L2,
    ElasticNet,
    Recipe,
    WeightDecay,
)  # fmt: skip
from wellfit.regularizers.penalties import soft_threshold
from wellfit.target import Target
from wellfit.testing.outcome import draw_sample, small_network
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.step import Batch, Trainer


def _fit_linear(recipe, x, y, steps=2500, rate=0.05, optimizer=None):
    """A linear network trained by full-batch gradient descent; returns its weights."""
    network = nn.Linear(x.shape[1], 1, bias=False).double()
    trainer = Trainer(network, optimizer or SGD())
    state = trainer.start(network, recipe)
    target = Target(torch.from_numpy(y)[:, None], torch.ones(len(y), dtype=torch.float64), classes=False)
    for step in range(steps):
        state, _ = trainer.step(state, Batch(torch.from_numpy(x), target), now_at(state.params, step, rate))
    return state.params["weight"][0].numpy()


def test_oracle_L1():
    x, y = linear_problem()
    ours = _fit_linear(Recipe(L1(0.4)), x, y)
    lasso = sklearn.linear_model.Lasso(alpha=0.4 / 2, fit_intercept=False, tol=1e-14).fit(x, y).coef_
    assert np.abs(ours - lasso).max() < 1e-9
    assert ((ours == 0) == (lasso == 0)).all()
    assert 0 < (ours == 0).sum() < 6


def test_oracle_L1_reaches_the_zeros_of_the_lasso_after_adam_too():
    """The proximal step is taken in Adam's own metric; in the Euclidean one 3 of the lasso's 19 zeros appear."""
    x, y = linear_problem()
    ours = _fit_linear(Recipe(L1(0.4)), x, y, 1500, 0.01, Adam())
    lasso = sklearn.linear_model.Lasso(alpha=0.4 / 2, fit_intercept=False, tol=1e-14).fit(x, y).coef_
    assert (ours == 0).sum() >= (lasso == 0).sum()


def test_oracle_L2():
    x, y = linear_problem()
    ours = _fit_linear(Recipe(L2(0.07)), x, y, 1500)
    ridge = sklearn.linear_model.Ridge(alpha=60 * 0.07, fit_intercept=False).fit(x, y).coef_
    assert np.abs(ours - ridge).max() < 1e-10


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_oracle_ElasticNet(l1_ratio):
    """With a squared error without 1/2, sklearn's alpha is half of strength."""
    x, y = linear_problem()
    ours = _fit_linear(Recipe(ElasticNet(0.6, l1_ratio)), x, y)
    peer = sklearn.linear_model.ElasticNet(alpha=0.3, l1_ratio=l1_ratio, fit_intercept=False, tol=1e-14, max_iter=10**5)
    theirs = peer.fit(x, y).coef_
    assert np.abs(ours - theirs).max() < 1e-8
    assert ((ours == 0) == (theirs == 0)).all()


def test_oracle_WeightDecay():
    """Thirty steps are torch.optim.AdamW's; biases do not decay."""
    network = small_network("classification").double()
    peer = copy.deepcopy(network)
    weights = [p for p in peer.parameters() if p.ndim > 1]
    biases = [p for p in peer.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.3}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.02)
    trainer = Trainer(copy.deepcopy(network), Adam())
    state = trainer.start(network, Recipe(WeightDecay(0.3)))
    for step in range(30):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step, 0.02))
        optimizer.zero_grad()
        nn.functional.cross_entropy(peer(sample.x), sample.target.values).backward()
        optimizer.step()
    for name, weight in peer.named_parameters():
        assert_close(state.params[name], weight.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Adam(), lambda p: torch.optim.Adam(p, lr=0.03)),
        (Adam(0.8, 0.95, 1e-5), lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-5)),
        (SGD(), lambda p: torch.optim.SGD(p, lr=0.03)),
        (SGD(0.9), lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9)),
    ],
    ids=["Adam", "Adam-betas", "SGD", "SGD-momentum"],
)
def test_oracle_optimizers(ours, theirs):
    w = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    peer = w.clone().requires_grad_()
    optimizer = theirs([peer])
    params = {"w": w}
    moments = ours.start(params)
    for step in range(60):
        g = torch.sin(torch.arange(15.0, dtype=torch.float64).view(5, 3) * (step + 1)) * 10.0 ** (step % 7 - 3)
        params, moments = ours.update({"w": g}, params, moments, now_at(params, step, 0.03))
        peer.grad = g
        optimizer.step()
    assert_close(params["w"], peer.detach(), rtol=1e-14, atol=1e-13)


def test_soft_threshold_is_the_proximal_step():
    """It minimizes (v - w)^2 / 2 + t |v| over a fine grid."""
    grid = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    for w in (-3.0, -0.5, 0.0, 0.2, 2.5):
        best = grid[((grid - w) ** 2 / 2 + 0.7 * grid.abs()).argmin()]
        assert abs(soft_threshold(torch.tensor([w], dtype=torch.float64), 0.7) - best) <= 1e-3
