"""Each forward pass of the reference against another library: Keras, torch, scikit-learn, OpenCV, SciPy."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.metrics import log_loss

from wellfit import reference

DRAW = np.random.default_rng(5)
W = DRAW.normal(size=(4, 3))
X = DRAW.normal(size=(60, 4))
Y = X @ np.array([2.0, -1.5, 0.0, 0.0]) + 0.3 * DRAW.normal(size=60)


def _keras():
    return pytest.importorskip("keras")


def test_penalties_are_those_of_keras():
    regularizers, w = _keras().regularizers, torch.from_numpy(W)
    pairs = [
        (reference.l1_penalty(W, 0.01), regularizers.L1(0.01)),
        (reference.l2_penalty(W, 0.01), regularizers.L2(0.01)),
        (reference.half_l2_penalty(W, 0.02), regularizers.L2(0.01)),
        (reference.plain_elastic_net_penalty(W, 0.02, 0.5), regularizers.L1L2(0.01, 0.01)),
        (reference.elastic_net_penalty(W, 0.04, 0.5), regularizers.L1L2(0.02, 0.01)),
    ]
    for ours, theirs in pairs:
        assert ours == pytest.approx(float(theirs(w)), rel=1e-6)


def _least(penalty, weights):
    """Squared error as scikit-learn counts it, and penalty: at these weights, and the least that a search finds."""

    def cost(w):
        return np.square(Y - X @ w).sum() / (2 * len(Y)) + penalty(w)

    return cost(weights), scipy.optimize.minimize(cost, weights, method="Powell", options={"xtol": 1e-10}).fun


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_elastic_net_is_that_of_sklearn(ratio):
    """Scikit-learn's solution is where the sum of squared error and our penalty is least."""
    found = ElasticNet(alpha=0.2, l1_ratio=ratio, fit_intercept=False, tol=1e-12).fit(X, Y).coef_
    here, least = _least(lambda w: reference.elastic_net_penalty(w, 0.2, ratio), found)
    assert here == pytest.approx(least, abs=1e-9)
    slope = X.T @ (X @ found - Y) / len(Y) + reference.elastic_net_gradient(found, 0.2, ratio)
    np.testing.assert_allclose(slope[found != 0], 0.0, atol=1e-8)


def test_lasso_and_ridge_are_those_of_sklearn():
    lasso = Lasso(alpha=0.2, fit_intercept=False, tol=1e-12).fit(X, Y).coef_
    stepped = lasso
    for _ in range(10):  # a proximal step stands still at the solution
        stepped = reference.soft_threshold(stepped - 0.1 * X.T @ (X @ stepped - Y) / len(Y), 0.1 * 0.2)
    np.testing.assert_allclose(stepped, lasso, atol=1e-9)
    assert (lasso[2:] == 0).all()
    ridge = Ridge(alpha=3.0, fit_intercept=False).fit(X, Y).coef_
    np.testing.assert_allclose(2 * X.T @ (X @ ridge - Y) + reference.l2_gradient(ridge, 3.0), 0.0, atol=1e-9)


def test_half_l2_is_the_weight_decay_of_torch():
    w = torch.nn.Parameter(torch.from_numpy(W.copy()))
    optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0.3)
    w.grad = torch.zeros_like(w)
    optimizer.step()
    np.testing.assert_allclose(w.detach().numpy(), W - 0.1 * reference.half_l2_gradient(W, 0.3), atol=1e-15)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.floats(0, 3))
@settings(deadline=None)
def test_soft_threshold_is_softshrink_of_torch(values, threshold):
    w = np.array(values)
    theirs = torch.nn.functional.softshrink(torch.from_numpy(w), threshold)
    np.testing.assert_allclose(reference.soft_threshold(w, threshold), theirs, atol=1e-15)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1.0])
def test_dropout_forward_and_backward_are_those_of_torch(p):
    """Torch's mask, read off ones, is put into our passes."""

    def draw(h):
        torch.manual_seed(3)
        return torch.nn.functional.dropout(h, p)

    mask = draw(torch.ones(50, 20, dtype=torch.float64)).numpy()
    h = torch.from_numpy(DRAW.normal(size=(50, 20))).requires_grad_()
    out = draw(h)
    towards = torch.from_numpy(DRAW.normal(size=(50, 20)))
    out.backward(towards)
    np.testing.assert_allclose(reference.dropout_forward(h.detach().numpy(), mask), out.detach(), atol=1e-14)
    np.testing.assert_allclose(reference.dropout_backward(towards.numpy(), mask), h.grad, atol=1e-14)
    ours = reference.dropout_mask((50, 20), p, np.random.default_rng(0))
    np.testing.assert_allclose(np.unique(ours), np.unique(mask), atol=1e-14)
    assert abs((ours == 0).mean() - (mask == 0).mean()) < 0.06  # 4 standard deviations of 1000 draws each


def test_spatial_and_gaussian_masks_are_like_torch_and_keras():
    h = torch.ones(40, 30, 4, 5, dtype=torch.float64)
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout2d(h, 0.25)
    ours = np.ones(h.shape) * reference.spatial_dropout_mask(h.shape, 0.25, np.random.default_rng(0))
    for masks in (theirs.numpy(), ours):
        assert (masks == masks[:, :, :1, :1]).all()
        np.testing.assert_allclose(np.unique(masks), [0.0, 4 / 3])
        assert abs((masks == 0).mean() - 0.25) < 0.05
    keras = _keras()
    theirs = np.asarray(keras.layers.GaussianDropout(0.3, seed=1)(keras.ops.ones((200, 200)), training=True))
    ours = reference.gaussian_dropout_mask((200, 200), 0.3, np.random.default_rng(0))
    assert theirs.std() == pytest.approx(math.sqrt(3 / 7), rel=0.02)
    assert scipy.stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3


def test_batch_norm_is_that_of_torch():
    peer = torch.nn.BatchNorm1d(4, momentum=0.2, eps=1e-3).double()
    with torch.no_grad():
        peer.weight.copy_(torch.tensor([1.0, 2.0, -0.5, 0.1]))
        peer.bias.copy_(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    scale, shift, running = peer.weight.detach().numpy(), peer.bias.detach().numpy(), reference.Running.start(4)
    for rows in (9, 2, 30):
        batch = DRAW.normal(3.0, 2.0, size=(rows, 4))
        x = torch.from_numpy(batch).requires_grad_()
        towards = torch.from_numpy(DRAW.normal(size=(rows, 4)))
        peer.zero_grad()
        theirs = peer(x)
        theirs.backward(towards)
        out, seen = reference.batch_norm_train(batch, scale, shift, eps=1e-3)
        running = running.after(batch, momentum=0.2)
        np.testing.assert_allclose(out, theirs.detach(), atol=1e-12)
        for ours, grad in zip(
            reference.batch_norm_backward(towards.numpy(), scale, seen),
            (x.grad, peer.weight.grad, peer.bias.grad),
            strict=True,
        ):
            np.testing.assert_allclose(ours, grad, atol=1e-11)
        np.testing.assert_allclose(running.mean, peer.running_mean, atol=1e-12)
        np.testing.assert_allclose(running.variance, peer.running_var, atol=1e-12)
    used = reference.batch_norm_use(batch, scale, shift, running, eps=1e-3)
    np.testing.assert_allclose(used, peer.eval()(torch.from_numpy(batch)).detach(), atol=1e-12)


def test_running_statistics_are_those_of_keras():
    """Keras counts the weight of the old value, and keeps the biased variance."""
    keras = _keras()
    peer, running = keras.layers.BatchNormalization(momentum=0.9), reference.Running.start(3)
    for _ in range(4):
        batch = DRAW.normal(1.0, 2.0, size=(8, 3))
        peer(batch, training=True)
        running = running.after(batch, momentum=0.1, ddof=0)
    np.testing.assert_allclose(running.mean, np.asarray(peer.moving_mean.value.detach()), rtol=1e-5)
    np.testing.assert_allclose(running.variance, np.asarray(peer.moving_variance.value.detach()), rtol=1e-5)


@given(
    st.lists(st.one_of(st.integers(0, 8).map(lambda i: i / 8), st.just(math.nan)), min_size=1, max_size=20),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.125, 0.25]),
)
@settings(max_examples=60, deadline=None)
def test_early_stopping_stops_when_keras_does(losses, patience, min_delta):
    callback = _keras().callbacks.EarlyStopping(monitor="val_loss", patience=patience, min_delta=min_delta)
    losses = [1.0, *losses]  # where the first loss is NaN Keras waits one epoch more

    class Peer:
        stop_training = False

    callback.set_model(peer := Peer())
    callback.on_train_begin()
    stopper = reference.EarlyStopping(patience, min_delta)
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        assert stopper.look(loss, {}) == peer.stop_training
        if peer.stop_training:
            break


@pytest.mark.parametrize("limit", [0.5, 2.0, 50.0])
def test_max_norm_is_that_of_keras_and_torch(limit):
    theirs = _keras().constraints.MaxNorm(limit, axis=0)(torch.from_numpy(W))
    np.testing.assert_allclose(reference.max_norm(W, limit), np.asarray(theirs), rtol=1e-6)  # Keras has an epsilon
    by_unit = torch.renorm(torch.from_numpy(W.T.copy()), 2, 0, limit)
    np.testing.assert_allclose(reference.max_norm(W.T, limit, axis=1), by_unit, rtol=1e-6)
    kernels = DRAW.normal(size=(6, 3, 3, 3))
    theirs = torch.renorm(torch.from_numpy(kernels), 2, 0, limit)
    np.testing.assert_allclose(reference.max_norm(kernels, limit, axis=(1, 2, 3)), theirs, rtol=1e-6)
    assert not np.isnan(reference.max_norm(np.zeros((3, 2)), limit)).any()


@pytest.mark.parametrize("limit", [0.01, 1.0, 100.0])
def test_clip_is_that_of_torch(limit):
    gradients = [DRAW.normal(size=s) for s in ((3, 4), (5,))]
    peers = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients]
    for peer, g in zip(peers, gradients, strict=True):
        peer.grad = torch.from_numpy(g.copy())
    torch.nn.utils.clip_grad_norm_(peers, limit)
    for ours, peer in zip(reference.clip_norm(gradients, limit), peers, strict=True):
        np.testing.assert_allclose(ours, peer.grad, rtol=1e-6)  # torch has 1e-6 in the denominator


def test_mixing_is_that_of_opencv():
    one, other = DRAW.random((2, 16, 24, 3))
    np.testing.assert_allclose(reference.mixup(one, other, 0.7), cv2.addWeighted(one, 0.7, other, 0.3, 0), atol=1e-12)
    for row, column, side in ((8, 12, 6), (0, 0, 7), (15, 23, 9), (3, 20, 5)):
        box = reference.box_around(row, column, side, 16, 24)
        mask = np.zeros((16, 24), np.uint8)
        low = (column - side // 2, row - side // 2)
        cv2.rectangle(mask, low, (low[0] + side - 1, low[1] + side - 1), 1, -1)  # OpenCV counts the last pixel in
        assert box.area == mask.sum()
        holed = other.copy()
        holed[mask == 1] = 0
        np.testing.assert_array_equal(reference.cutout(other, box), holed)
        labels = np.eye(2)
        picture, label = reference.cutmix((one, labels[0]), (other, labels[1]), box)
        np.testing.assert_array_equal(picture, cv2.copyTo(other, mask, one.copy()))
        np.testing.assert_allclose(label, [1 - mask.mean(), mask.mean()], atol=1e-12)


def test_shares_of_mixing_are_beta():
    shares = [reference.mixing_share(0.4, DRAW) for _ in range(2000)]
    assert scipy.stats.kstest(shares, scipy.stats.beta(0.4, 0.4).cdf).pvalue > 1e-3


def test_softmax_and_cross_entropy_are_those_of_torch_and_sklearn():
    z, labels = 5 * DRAW.normal(size=(30, 4)), np.arange(30) % 4
    soft = np.eye(4)[labels]
    np.testing.assert_allclose(reference.softmax(z), torch.from_numpy(z).softmax(1), atol=1e-14)
    theirs = torch.nn.functional.cross_entropy(torch.from_numpy(z), torch.from_numpy(labels))
    assert reference.cross_entropy(z, soft) == pytest.approx(float(theirs), rel=1e-12)
    assert reference.cross_entropy(z, soft) == pytest.approx(log_loss(labels, reference.softmax(z)), rel=1e-9)
    assert np.isfinite(reference.cross_entropy(np.array([[1e4, -1e4]]), np.array([[0.0, 1.0]])))
