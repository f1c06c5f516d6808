"""wellfit's regularizers against the reference: two pieces of code, written apart, that say the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wellfit import (
    L1,
    L2,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    ElasticNet,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    Recipe,
    reference,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.reference import Plan
from wellfit.sites import Site
from wellfit.target import Target
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer

SITE = Site("hidden", "hidden")
WEIGHTS = arrays.arrays(np.float64, (3, 4), elements=st.floats(-4, 4, width=32))
STRENGTHS = st.floats(0, 2)


def _now(step=0, rate=0.1):
    return Now.at(step, rates={"w": torch.tensor(rate, dtype=torch.float64)}).of("Part")


def _params(w):
    return {"w": torch.from_numpy(w)}


@given(WEIGHTS, STRENGTHS, st.floats(0, 1))
@settings(deadline=None)
def test_penalties_and_their_gradients(w, strength, ratio):
    assert float(L2(strength).penalty(_params(w), _now())) == pytest.approx(reference.l2_penalty(w, strength))
    ours = L2(strength).penalty_gradient(_params(w), _now())["w"]
    np.testing.assert_allclose(ours, reference.l2_gradient(w, strength), atol=1e-12)
    smooth = ElasticNet(strength, ratio)
    expected = reference.half_l2_penalty(w, strength * (1 - ratio))
    assert float(smooth.penalty(_params(w), _now())) == pytest.approx(expected)
    gradient = smooth.penalty_gradient(_params(w), _now())["w"]
    np.testing.assert_allclose(gradient, reference.half_l2_gradient(w, strength * (1 - ratio)), atol=1e-12)


@given(WEIGHTS, STRENGTHS, st.floats(0, 1))
@settings(deadline=None)
def test_proximal_steps(w, strength, ratio):
    ours = L1(strength).project(_params(w), _now())["w"]
    np.testing.assert_allclose(ours, reference.soft_threshold(w, 0.1 * strength), atol=1e-12)
    ours = ElasticNet(strength, ratio).project(_params(w), _now())["w"]
    np.testing.assert_allclose(ours, reference.soft_threshold(w, 0.1 * strength * ratio), atol=1e-12)


@given(WEIGHTS, st.floats(0.01, 10))
@settings(deadline=None)
def test_limits(w, limit):
    """Ours is (outputs, inputs), as in torch: the norm of a unit runs over axis 1."""
    ours = MaxNorm(limit).project(_params(w), _now())["w"]
    np.testing.assert_allclose(ours, reference.max_norm(w, limit, axis=1), atol=1e-12)
    clipped = ClipNorm(limit).gradient(lambda _: _params(w), _params(w), _now())["w"]
    np.testing.assert_allclose(clipped, reference.clip_norm([w], limit)[0], rtol=1e-3, atol=1e-5)  # torch's 1e-6


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout_forward_and_backward(p):
    h = torch.from_numpy(np.random.default_rng(0).normal(size=(30, 6))).requires_grad_()
    out = Dropout(p).activation(h, SITE, {}, _now())
    mask = Dropout(p).activation(torch.ones(30, 6, dtype=torch.float64), SITE, {}, _now()).numpy()
    np.testing.assert_allclose(np.unique(mask), np.unique(reference.dropout_mask((999,), p, np.random.default_rng(0))))
    out.sum().backward()
    np.testing.assert_allclose(out.detach(), reference.dropout_forward(h.detach().numpy(), mask))
    np.testing.assert_allclose(h.grad, reference.dropout_backward(np.ones((30, 6)), mask))


def test_mixing_and_noise():
    draw = np.random.default_rng(0)
    x, labels = draw.normal(size=(10, 3)), np.eye(2)[np.arange(10) % 2]
    target = Target(torch.from_numpy(labels), torch.ones(10, dtype=torch.float64), classes=True)
    mixed, soft = Mixup(1.0).batch(torch.from_numpy(x), target, _now(4))
    share, partner = _now(4).beta(1.0, "share").double().item(), _now(4).permutation(10, "partner").numpy()
    assert 0 < share < 1
    np.testing.assert_allclose(mixed, reference.mixup(x, x[partner], share), atol=1e-12)
    np.testing.assert_allclose(soft.values, reference.mixup(labels, labels[partner], share), atol=1e-7)
    noisy = InputNoise(0.2).batch(torch.zeros(40_000, 1, dtype=torch.float64), target, _now())[0].numpy()
    peer = reference.gaussian_noise(np.zeros(40_000), 0.2, draw)
    assert noisy.std() == pytest.approx(peer.std(), rel=0.03)


def test_losses_and_smoothing():
    draw = np.random.default_rng(0)
    z, soft = draw.normal(size=(8, 3)), draw.dirichlet(np.ones(3), size=8)
    target = Target(torch.from_numpy(soft), torch.ones(8, dtype=torch.float64), classes=True)
    logits = torch.from_numpy(z).requires_grad_()
    loss = target.loss(logits)
    loss.backward()
    assert loss.item() == pytest.approx(reference.cross_entropy(z, soft), rel=1e-12)
    np.testing.assert_allclose(logits.grad, reference.cross_entropy_backward(z, soft), atol=1e-14)
    smoothed = LabelSmoothing(0.1).batch(logits, target, _now())[1].loss(torch.from_numpy(z)).item()
    assert smoothed == pytest.approx(reference.cross_entropy(z, reference.mixup(soft, np.full((8, 3), 1 / 3), 0.9)))


@given(
    st.lists(st.one_of(st.integers(0, 8).map(lambda i: i / 8), st.just(math.nan)), max_size=20),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.125, 0.25]),
)
@settings(max_examples=60, deadline=None)
def test_early_stopping(losses, patience, min_delta):
    ours = EarlyStopping(patience, min_delta).start({"w": torch.zeros(1, dtype=torch.float64)})
    peer = reference.EarlyStopping(patience, min_delta)
    for loss in losses:
        ours = ours.after_epoch({}, {"loss": torch.tensor(loss, dtype=torch.float64)}, Now.at(0))
        stop = peer.look(loss, {})
        assert bool(ours.stop()) == stop
        assert float(ours.best) == peer.to_beat
        if stop:
            break


def test_a_training_by_the_engine_is_the_training_by_hand():
    """Batch norm, dropout with the engine's own masks, L2, L1, a clip and max norm: twenty steps, the same weights."""
    weights = reference.start_weights(4, 5, 3, np.random.default_rng(1), normalized=True)
    plan = Plan(rate=0.3, l1=0.04, l2=0.02, clip=0.5, max_norm=1.0)
    norm = BatchNorm()
    recipe = Recipe(norm, L1(plan.l1), L2(plan.l2), ClipNorm(plan.clip), MaxNorm(plan.max_norm), Dropout(0.4))
    plain = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)).double()
    network = norm.rewrite(plain)
    names = {"w1": "0.0.weight", "scale": "0.1.weight", "shift": "0.1.bias", "w2": "2.weight", "b2": "2.bias"}
    network.load_state_dict(
        {names[n]: torch.from_numpy(w.T.copy()) for n, w in weights.items() if n in names}, strict=False
    )
    trainer = Trainer(network, SGD())
    state, draw, running = trainer.start(network, recipe), np.random.default_rng(2), reference.Running.start(5)
    for step in range(20):
        x, labels = draw.normal(size=(12, 4)), np.eye(3)[draw.integers(3, size=12)]
        now = Now.at(step, 5, rates={n: torch.tensor(plan.rate, dtype=torch.float64) for n in state.params})
        ones = torch.ones(12, 5, dtype=torch.float64)
        mask = recipe["Dropout"].activation(ones, Site("1", "hidden"), {}, now.of("Dropout")).numpy()
        target = Target(torch.from_numpy(labels), torch.ones(12, dtype=torch.float64), classes=True)
        state, _ = trainer.step(state, Batch(torch.from_numpy(x), target), now)
        weights, linear = reference.step({**weights, "b1": np.zeros(5)}, x, labels, mask, plan)
        running = running.after(linear)
    for name, place in names.items():
        np.testing.assert_allclose(state.params[place], weights[name].T, atol=1e-5, err_msg=name)  # the clip's 1e-6
    assert (weights["w1"] == 0).any()
    np.testing.assert_allclose(state.buffers["0.1.running_mean"], running.mean, atol=1e-5)
    np.testing.assert_allclose(state.buffers["0.1.running_var"], running.variance, atol=1e-5)
    used = trainer.predict(state.deployed(), torch.from_numpy(x))
    np.testing.assert_allclose(used, reference.predict({**weights, "b1": np.zeros(5)}, x, running), atol=1e-4)
