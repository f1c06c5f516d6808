"""Each regularizer against an independent word on what it computes: sklearn, torch, scipy, NumPy, or hand."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn
from torch.testing import assert_close
from worlds import HIDDEN, linear_problem, now_at

from wellfit import (
    EMA,
    L2,
    SAM,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    Recipe,
)  # fmt: skip
from wellfit.target import Target
from wellfit.testing.outcome import draw_sample, slope, small_network
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer


def test_oracle_Dropout_moments():
    h = torch.full((400, 500), 2.0, dtype=torch.float64)
    for p in (0.1, 0.3, 0.8):
        out = Dropout(p).activation(h, HIDDEN, {}, now_at())
        assert abs(out.mean() - 2.0) < 5 * 2.0 * math.sqrt(p / (1 - p) / h.numel())
        assert abs(out.var() / (4 * p / (1 - p)) - 1) < 0.02
        values = out.unique()
        assert_close(values, torch.tensor([0.0, 2.0 / (1 - p)], dtype=torch.float64))


def test_oracle_Dropout_at_one_is_zero_not_nan():
    for p in (1.0, torch.tensor(1.0)):
        assert torch.equal(Dropout(p).activation(torch.ones(3, 4), HIDDEN, {}, now_at()), torch.zeros(3, 4))
    grad = torch.func.grad(lambda h: Dropout(1.0).activation(h, HIDDEN, {}, now_at()).sum())(torch.ones(3, 4))
    assert torch.equal(grad, torch.zeros(3, 4))


def test_oracle_Dropout_on_a_linear_model_is_ridge():
    """E||b - (A * m / (1 - p)) w||^2 = ||b - A w||^2 + p / (1 - p) * sum_j ||A_j||^2 w_j^2."""
    draw = np.random.RandomState(0)
    a, w = torch.from_numpy(draw.randn(50, 3)), torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    b = torch.from_numpy(draw.randn(50))
    many = a.repeat(40_000, 1)
    loss = ((b.repeat(40_000) - Dropout(0.3).activation(many, HIDDEN, {}, now_at()) @ w) ** 2).view(-1, 50).sum(1)
    exact = ((b - a @ w) ** 2).sum() + 0.3 / 0.7 * ((a**2).sum(0) * w**2).sum()
    assert abs(loss.mean() - exact) < 5 * loss.std() / math.sqrt(40_000)
    assert abs(exact - 437.2096853325477) < 1e-6


def test_oracle_InputNoise_on_a_linear_model_is_ridge():
    """E mean (y - (x + s e) w)^2 = mean (y - x w)^2 + s^2 sum w^2, so L2's strength is s^2."""
    x, y = (torch.from_numpy(a) for a in linear_problem())
    w = torch.linspace(-1, 2, 6, dtype=torch.float64)
    target = Target(y.repeat(20_000)[:, None], torch.ones(60 * 20_000, dtype=torch.float64), classes=False)
    noisy, same = InputNoise(0.3).batch(x.repeat(20_000, 1), target, now_at())
    losses = same.row_losses((noisy @ w)[:, None]).view(-1, 60).mean(1)
    exact = ((y - x @ w) ** 2).mean() + L2(0.3**2).penalty({"w": w[None]}, now_at())
    assert abs(losses.mean() - exact) < 5 * losses.std() / math.sqrt(20_000)
    assert abs((noisy - x.repeat(20_000, 1)).std() - 0.3) < 1e-3


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_oracle_Mixup_share_is_beta(alpha):
    x, target = torch.tensor([[1.0], [0.0]], dtype=torch.float64), Target(torch.eye(2), torch.ones(2), classes=True)
    shares, steps = [], 1500
    for step in range(steps):
        mixed, soft = Mixup(alpha).batch(x, target, now_at(step=step, seed=7).of("Mixup"))
        if mixed[0, 0] != 1.0 or mixed[1, 0] != 0.0:  # the two rows were partners of each other
            shares.append(float(mixed[0, 0]))
            assert abs(float(soft.values[0, 0]) - shares[-1]) < 1e-6
    assert len(shares) > steps * 0.35
    reference = np.random.default_rng(0).beta(alpha, alpha, 20_000).astype(np.float32)
    reference = reference[reference != 1.0]  # those look like rows without a partner
    assert scipy.stats.ks_2samp(shares, reference).pvalue > 1e-3
    assert len(set(shares)) > 0.5 * len(shares)


def test_oracle_Mixup_loss_of_mixed_labels_is_mixed_loss():
    sample = draw_sample(3)
    mixed, soft = Mixup(1.0).batch(sample.x, sample.target, now_at(step=2).of("Mixup"))
    now = now_at(step=2).of("Mixup")
    partner = now.permutation(len(sample.x), "partner")
    share = now.beta(1.0, "share").double()
    assert 0.01 < share < 0.99
    logits = sample.hidden[:, :3]
    labels = sample.target.values.argmax(1)
    one = nn.functional.cross_entropy(logits, labels, reduction="none")
    other = nn.functional.cross_entropy(logits, labels[partner], reduction="none")
    assert_close(soft.row_losses(logits), share * one + (1 - share) * other)
    assert_close(mixed, share * sample.x + (1 - share) * sample.x[partner])


def test_oracle_LabelSmoothing():
    logits = torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(20) % 4
    target = Target(nn.functional.one_hot(labels, 4).double(), torch.ones(20, dtype=torch.float64), classes=True)
    for epsilon in (0.0, 0.1, 0.4, 1.0):
        ours = LabelSmoothing(epsilon).batch(logits, target, now_at())[1].loss(logits)
        assert_close(ours, nn.CrossEntropyLoss(label_smoothing=epsilon)(logits, labels), rtol=0, atol=1e-14)


@pytest.mark.parametrize("limit", [0.01, 1.0, 100.0])
def test_oracle_ClipNorm(limit):
    grads = slope(small_network("classification"), (sample := draw_sample(4)), sample.params)
    peers = [nn.Parameter(torch.zeros_like(g)) for g in grads.values()]
    for peer, g in zip(peers, grads.values(), strict=True):
        peer.grad = g.clone()
    nn.utils.clip_grad_norm_(peers, limit)
    ours = ClipNorm(limit).gradient(lambda _: grads, sample.params, now_at())
    for g, peer in zip(ours.values(), peers, strict=True):
        assert_close(g, peer.grad, rtol=0, atol=1e-15)


@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 3, 3)])
@pytest.mark.parametrize("limit", [0.5, 2.0, 50.0])
def test_oracle_MaxNorm(shape, limit):
    w = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    # torch.renorm has 1e-7 in its denominator
    assert_close(MaxNorm(limit).project({"w": w}, now_at())["w"], torch.renorm(w, 2, 0, limit), rtol=1e-6, atol=0)


def test_oracle_SAM():
    """Two steps by hand with autograd: climb to w + rho g / |g|, take the gradient there."""
    network, sample = small_network("classification").double(), draw_sample(5)
    ours = SAM(0.3).gradient(lambda p: slope(network, sample, p), sample.params, now_at())
    peer = copy.deepcopy(network)
    peer.load_state_dict(sample.params)
    labels = sample.target.values.argmax(1)
    nn.functional.cross_entropy(peer(sample.x), labels).backward()
    norm = torch.sqrt(sum((p.grad**2).sum() for p in peer.parameters()))
    with torch.no_grad():
        for p in peer.parameters():
            p += 0.3 * p.grad / norm
    peer.zero_grad()
    nn.functional.cross_entropy(peer(sample.x), labels).backward()
    for name, p in peer.named_parameters():
        assert_close(ours[name], p.grad, rtol=0, atol=1e-12)
    flat = slope(network, sample, sample.params)
    assert max(float((ours[n] - flat[n]).abs().max()) for n in ours) > 1e-3


def test_oracle_EMA():
    network = BatchNorm().rewrite(small_network("classification").double())

    def blend(average, current, count):
        d = min(0.9, (1 + int(count)) / (10 + int(count)))
        return d * average + (1 - d) * current if current.is_floating_point() else current

    peer = torch.optim.swa_utils.AveragedModel(network, avg_fn=blend, use_buffers=True)
    peer.update_parameters(network)  # torch's first call copies and counts as step 0
    peer.n_averaged.fill_(0)
    part = EMA(0.9).start({**network.state_dict()})
    for step in range(1, 40):
        with torch.no_grad():
            for i, p in enumerate(network.parameters()):
                p += 0.1 * torch.sin(torch.arange(p.numel(), dtype=p.dtype) + i + step).view(p.shape)
        network.train()(draw_sample(step).x)
        peer.n_averaged.fill_(step)
        peer.update_parameters(network)
        part = part.after_step(network.state_dict(), now_at(step=step))
    theirs = peer.module.state_dict()
    for name, value in part.deploy(network.state_dict()).items():
        assert_close(value, theirs[name], rtol=0, atol=1e-12)


def test_oracle_BatchNorm():
    """A stack of training steps under functional_call against nn.BatchNorm1d and against NumPy."""
    plain = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)).double()
    network = BatchNorm(momentum=0.2, eps=1e-3).rewrite(plain)
    assert isinstance(network[0][1], nn.BatchNorm1d)
    assert [type(m).__name__ for m in network[0]] == ["Linear", "BatchNorm1d"]
    peer = nn.Sequential(copy.deepcopy(plain[0]), nn.BatchNorm1d(6, momentum=0.2, eps=1e-3).double(), *plain[1:])
    nn.init.zeros_(peer[0].bias)  # the rewritten layer has none: the norm takes it away with the mean
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.1)
    trainer = Trainer(copy.deepcopy(network), SGD())
    state = trainer.start(network, Recipe(BatchNorm(momentum=0.2, eps=1e-3)))
    mean, var = np.zeros(6), np.ones(6)
    for step in range(10):
        sample = draw_sample(step)
        h = (sample.x @ state.params["0.0.weight"].T).numpy()
        mean, var = 0.8 * mean + 0.2 * h.mean(0), 0.8 * var + 0.2 * h.var(0, ddof=1)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step))
        optimizer.zero_grad()
        nn.functional.cross_entropy(peer(sample.x), sample.target.values).backward()
        optimizer.step()
    assert_close(state.buffers["0.1.running_mean"].numpy(), mean, rtol=0, atol=1e-12)
    assert_close(state.buffers["0.1.running_var"].numpy(), var, rtol=0, atol=1e-12)
    x = draw_sample(99).x
    assert_close(trainer.predict(state.deployed(), x), peer.eval()(x).detach(), rtol=0, atol=1e-12)


def _waited(stopper, losses):
    """After which evaluation it stops, counted from 1; 0 if never."""
    stopper = stopper.start({"w": torch.zeros(1, dtype=torch.float64)})
    for i, loss in enumerate(losses, 1):
        stopper = stopper.after_epoch({}, {"loss": torch.tensor(loss, dtype=torch.float64)}, now_at())
        if bool(stopper.stop()):
            return i
    return 0


def test_oracle_EarlyStopping():
    nan = math.nan
    assert _waited(EarlyStopping(3), [1.0, *[nan] * 10]) == 4
    assert _waited(EarlyStopping(3), [nan] * 10) == 3
    assert _waited(EarlyStopping(3), [nan, 1.0, nan, nan, 0.5, nan, nan, nan]) == 8
    assert _waited(EarlyStopping(3), [math.inf] * 10) == 3
    assert _waited(EarlyStopping(3), [0.5] * 60) == 4
    assert _waited(EarlyStopping(2, 0.125), [1.0, 0.875, 0.75, 0.625]) == 0
    assert _waited(EarlyStopping(2, 0.125), [1.0, 0.875, 0.875, 0.1]) == 3
    assert _waited(EarlyStopping(1), [3.0, 2.0, 1.0, 1.5]) == 4
    assert _waited(EarlyStopping(math.inf), [0.5] * 200) == 0
    stopper = EarlyStopping(2).start({"w": torch.zeros(1)})
    for loss in (1.0, nan, 2.0, 0.1):
        stopper = stopper.after_epoch({}, {"loss": torch.tensor(loss)}, now_at())
    assert bool(stopper.stop()), "once stopped it stays stopped"
    assert float(stopper.best) == 1.0
