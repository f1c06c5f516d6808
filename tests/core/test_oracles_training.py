"""What acts on gradients, averages and stopping, against an independent word: torch, Keras, NumPy, hand."""

from __future__ import annotations

import copy
import math
import os
import types

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close
from worlds import now_at

from wellfit import (
    ASAM,
    SAM,
    SWA,
    AdaptiveClip,
    ClipNorm,
    ClipValue,
    EarlyStopping,
    GradientCentralization,
    Lookahead,
    MaxNorm,
    Recipe,
    RecipeError,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.testing.outcome import draw_sample, slope, small_network
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer

DOUBLE = torch.float64


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def mixed_grads():
    """Gradients of a convolution, a linear layer and a bias; a row of the linear one is 0."""
    grads = {"conv": normal(4, 3, 2, 2), "linear": normal(5, 6, seed=1), "bias": normal(7, seed=2)}
    grads["linear"][2] = 0.0
    return grads


# Gradients


@pytest.mark.parametrize("limit", [0.1, 1.0, math.inf])
def test_oracle_ClipValue(limit):
    grads = mixed_grads()
    peers = [nn.Parameter(torch.zeros_like(g)) for g in grads.values()]
    for peer, g in zip(peers, grads.values(), strict=True):
        peer.grad = g.clone()
    nn.utils.clip_grad_value_(peers, limit)
    for form in (limit, torch.tensor(limit, dtype=DOUBLE)):
        ours = ClipValue(form).gradient(lambda _: grads, grads, now_at())
        assert all(torch.equal(g, peer.grad) for g, peer in zip(ours.values(), peers, strict=True))


def test_clips_keep_nan_visible():
    """A gradient that is NaN must not become a small number: the loss would look healthy."""
    grads = {"w": torch.tensor([[math.nan, 1.0]])}
    for part in (ClipValue(0.5), ClipNorm(0.5), AdaptiveClip(0.5)):
        assert part.gradient(lambda _: grads, grads, now_at())["w"].isnan().any()


@pytest.mark.parametrize("limit", [0.02, 0.5])
def test_oracle_AdaptiveClip(limit):
    """The formula of section 4.1 in NumPy, rows one by one."""
    grads = mixed_grads()
    params = {n: 0.3 * normal(*g.shape, seed=9) for n, g in grads.items()}
    params["linear"][1] = 0.0  # its gradient may be as long as eps allows
    ours = AdaptiveClip(limit, eps=1e-3).gradient(lambda _: grads, params, now_at())
    clipped = 0
    for name, g in grads.items():
        rows = g.numpy().reshape(len(g) if g.ndim > 1 else 1, -1)
        weights = params[name].numpy().reshape(rows.shape)
        for i, (row, w) in enumerate(zip(rows, weights, strict=True)):
            most, length = limit * max(np.linalg.norm(w), 1e-3), np.linalg.norm(row)
            clipped += length > most
            expected = row * most / length if length > most else row
            np.testing.assert_allclose(ours[name].numpy().reshape(rows.shape)[i], expected, rtol=1e-12, atol=0)
    assert clipped >= 3


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-3, 10.0), st.integers(0, 50))
def test_adaptive_clip_bounds_every_unit(limit, seed):
    w, g = normal(4, 5, seed=seed), 10.0 * normal(4, 5, seed=seed + 1)
    once = AdaptiveClip(limit).gradient(lambda _: {"w": g}, {"w": w}, now_at())["w"]
    assert (once.norm(dim=1) <= limit * w.norm(dim=1).clamp(min=1e-3) * (1 + 1e-12)).all()
    assert (nn.functional.cosine_similarity(once, g) > 1 - 1e-12).all()


def test_oracle_GradientCentralization():
    """Phi(g) = P g with P = I - e e^T, e the unit vector of ones (equation 2 of the source)."""
    grads = {n: g for n, g in mixed_grads().items() if g.ndim > 1}
    ours = GradientCentralization().gradient(lambda _: grads, grads, now_at())
    for name, g in grads.items():
        flat = g.numpy().reshape(len(g), -1)
        e = np.ones((flat.shape[1], 1)) / math.sqrt(flat.shape[1])
        projector = np.eye(flat.shape[1]) - e @ e.T
        np.testing.assert_allclose(ours[name].numpy().reshape(len(g), -1), flat @ projector.T, rtol=0, atol=1e-14)


def test_gradient_centralization_keeps_sums_and_leaves_biases():
    network = small_network("classification").double()
    trainer = Trainer(network, SGD())
    state = first = trainer.start(network, Recipe(GradientCentralization()))
    for step in range(5):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step))
    for name, w in state.params.items():
        moved = w - first.params[name]
        assert moved.abs().max() > 1e-3
        if w.ndim > 1:
            assert moved.sum(-1).abs().max() < 1e-12
    assert (state.params["blocks.0.linear.bias"] - first.params["blocks.0.linear.bias"]).sum().abs() > 1e-3


def test_oracle_ASAM():
    """Two steps by hand with autograd: climb by rho t^2 g / |t g|, t = |w| + eta on weights and 1 on biases."""
    network, sample = small_network("classification").double(), draw_sample(5)
    ours = ASAM(0.7, eta=0.02).gradient(lambda p: slope(network, sample, p), sample.params, now_at())
    peer = copy.deepcopy(network)
    peer.load_state_dict(sample.params)
    labels = sample.target.values.argmax(1)
    nn.functional.cross_entropy(peer(sample.x), labels).backward()
    sizes = [p.detach().abs() + 0.02 if p.ndim > 1 else 1.0 for p in peer.parameters()]
    norm = torch.sqrt(sum(((t * p.grad) ** 2).sum() for t, p in zip(sizes, peer.parameters(), strict=True)))
    with torch.no_grad():
        for t, p in zip(sizes, peer.parameters(), strict=True):
            p += 0.7 * t * t * p.grad / norm
    peer.zero_grad()
    nn.functional.cross_entropy(peer(sample.x), labels).backward()
    for name, p in peer.named_parameters():
        assert_close(ours[name], p.grad, rtol=0, atol=1e-12)
    there = SAM(0.7).gradient(lambda p: slope(network, sample, p), sample.params, now_at())
    assert max(float((ours[n] - there[n]).abs().max()) for n in ours) > 1e-3


def test_asam_does_not_feel_a_change_of_scale():
    """ReLU layers scaled by s and 1/s compute the same; with eta 0 and no biases ASAM climbs to the same outputs."""
    w, v, x = normal(6, 5), normal(1, 6, seed=1), normal(8, 5, seed=2)
    places = []

    def climbed(scale):
        def grad_of(params):
            places.append((x @ params["w"].T).relu() @ params["v"].T)
            return torch.func.grad(lambda p: (((x @ p["w"].T).relu() @ p["v"].T - 1) ** 2).mean())(dict(params))

        ASAM(0.5, eta=0.0).gradient(grad_of, {"w": w * scale, "v": v / scale}, now_at())
        return places[-1]

    assert_close(climbed(1.0), climbed(16.0), rtol=1e-10, atol=1e-10)
    assert (places[0] - places[1]).abs().max() > 1e-2


# Averages


def walked(network, step):
    """Move a network's weights a little, always the same way."""
    with torch.no_grad():
        for i, p in enumerate(network.parameters()):
            p += 0.1 * torch.sin(torch.arange(p.numel(), dtype=p.dtype) + i + step).view(p.shape)


def test_oracle_SWA():
    network = small_network("classification").double()
    peer = torch.optim.swa_utils.AveragedModel(network)
    part = SWA(start_epoch=3.0).start(dict(network.named_parameters()))
    for epoch in range(1, 9):
        walked(network, epoch)
        weights = {n: p.detach().clone() for n, p in network.named_parameters()}
        part = part.after_epoch(weights, {"loss": torch.tensor(1.0)}, Now.at(10 * epoch, epoch=float(epoch)))
        if epoch < 3:
            assert all(torch.equal(part.deploy(weights)[n], weights[n]) for n in weights)
        else:
            peer.update_parameters(network)
    for (name, ours), theirs in zip(part.deploy(weights).items(), peer.module.parameters(), strict=True):
        assert_close(ours, theirs.detach(), rtol=0, atol=1e-12)
        assert not torch.equal(ours, weights[name])


def test_oracle_Lookahead():
    """Algorithm 1 of the source around torch's SGD, written out."""
    network = small_network("classification").double()
    peer = copy.deepcopy(network)
    slow = [p.detach().clone() for p in peer.parameters()]
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.1, momentum=0.9)
    trainer = Trainer(copy.deepcopy(network), SGD(momentum=0.9))
    state = trainer.start(network, Recipe(Lookahead(alpha=0.3, steps=4)))
    for step in range(14):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step))
        optimizer.zero_grad()
        nn.functional.cross_entropy(peer(sample.x), sample.target.values).backward()
        optimizer.step()
        if (step + 1) % 4 == 0:
            for old, p in zip(slow, peer.parameters(), strict=True):
                old += 0.3 * (p.detach() - old)
                p.data.copy_(old)
        assert_close(list(state.params.values()), [p.detach() for p in peer.parameters()], rtol=0, atol=1e-12)
        assert_close(list(state.deployed().values()), slow, rtol=0, atol=1e-12)
    assert step % 4 == 1, "fast and slow weights differ at the end"
    assert not torch.equal(state.params["head.weight"], state.deployed()["head.weight"])


def test_lookahead_takes_its_slow_weights_after_max_norm():
    part = Recipe(Lookahead(0.5, steps=1), MaxNorm(1.0)).start({"w": 0.9 * torch.eye(2)})
    moved = part.project({"w": 9.0 * torch.eye(2)}, now_at({"w": 0}))
    part = part.after_step(moved, now_at())
    assert_close(part.deploy({"w": 9.0 * torch.eye(2)})["w"], torch.eye(2))


# Stopping


def stops_at(part, losses):
    part = part.start({"w": torch.zeros(1, dtype=DOUBLE)})
    for epoch, loss in enumerate(losses, 1):
        now = Now.at(epoch, epoch=float(epoch))
        part = part.after_epoch({}, {"loss": torch.tensor(loss, dtype=DOUBLE)}, now)
        if bool(part.stop()):
            return epoch
    return 0


def keras_stops_at(losses, patience, min_delta, start):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    callback = keras.callbacks.EarlyStopping("val_loss", min_delta, patience, mode="min", start_from_epoch=start)
    model = types.SimpleNamespace(stop_training=False)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            return epoch + 1
    return 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5, math.nan]), min_size=1, max_size=20),
    st.integers(2, 4), st.sampled_from([0.0, 0.25, 0.3]), st.integers(0, 5),
)  # fmt: skip
def test_oracle_EarlyStopping_is_that_of_keras(losses, patience, min_delta, start):
    """Keras leaves the first ``start`` evaluations out; ours those before ``warm_up`` epochs; one ends each epoch."""
    assume(not math.isnan(losses[min(start, len(losses) - 1)]))  # below
    theirs = keras_stops_at(losses, patience, min_delta, start)
    assert stops_at(EarlyStopping(patience, min_delta, start + 1 if start else 0), losses) == theirs


def test_a_first_loss_of_nan_is_not_the_best():
    """Keras takes it for the best, and no loss is less than NaN; ours stops two after the best there was."""
    losses = [math.nan, 1.0, 0.5, 0.25, 0.5, 0.5]
    assert stops_at(EarlyStopping(2), losses) == 6
    assert keras_stops_at(losses, 2, 0.0, 0) == 3


def test_early_stopping_defaults_are_the_sources():
    assert (EarlyStopping().patience, EarlyStopping().min_delta) == (5.0, 1e-3)
    assert stops_at(EarlyStopping(), [1.0, *[0.9995] * 5, 0.5]) == 6, "less than min_delta is none"


def test_early_stopping_at_infinity_and_in_bfloat16():
    assert stops_at(EarlyStopping(math.inf), [1.0] * 99) == 0
    part = EarlyStopping(3).start({"w": torch.zeros(1, dtype=torch.bfloat16)})
    for loss in (1.0, 1.0, 1.0, 1.0):
        part = part.after_epoch({}, {"loss": torch.tensor(loss, dtype=torch.bfloat16)}, now_at())
    assert bool(part.stop())


def test_what_counts_is_whole():
    assert Lookahead(steps=5.0) == Lookahead(steps=5)
    assert repr(Lookahead(steps=5.0)) == repr(Lookahead(steps=5))
    for bad in (0, 2.5, -1, math.nan, "5", True):
        with pytest.raises(RecipeError, match="steps"):
            Lookahead(steps=bad)
