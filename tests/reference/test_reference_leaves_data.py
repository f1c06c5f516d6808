"""wellfit's cutting, noise, dropout masks and SMOTE against the reference, given the engine's own draws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from wellfit import (
    SMOTE,
    BatchNorm,
    CutMix,
    Cutout,
    GaussianDropout,
    GroupNorm,
    InputNoise,
    SpatialDropout,
    reference,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.fold import Fold
from wellfit.regularizers.cutting import drawn_centers
from wellfit.sites import Site
from wellfit.target import Target

SITE = Site("hidden", "hidden")


def _now(step):
    return Now.at(step).of("Part")


def _pictures(rows=6, size=(12, 20)):
    draw = np.random.default_rng(0)
    labels = np.eye(3)[np.arange(rows) % 3]
    target = Target(torch.from_numpy(labels), torch.ones(rows, dtype=torch.float64), classes=True)
    return draw.random((rows, 2, *size)), labels, target


def _hole(array, box):
    """The reference's pictures have their channels last, ours first."""
    return np.moveaxis(reference.cutout(np.moveaxis(array, 0, 2), box), 2, 0)


@pytest.mark.parametrize("step", range(8))
def test_cutout(step):
    x, _, target = _pictures(size=(12, 12))
    out, same = Cutout(0.5).batch(torch.from_numpy(x), target, _now(step))
    rows, columns = (t.tolist() for t in drawn_centers((12, 12), (6,), _now(step)))
    for i in range(6):
        box = reference.box_around(rows[i], columns[i], 6, 12, 12)
        np.testing.assert_array_equal(out[i], _hole(x[i], box))
    assert same is target


@pytest.mark.parametrize("step", range(8))
def test_cutmix(step):
    """One box for the batch, its share as drawn; labels by the area that the border leaves."""
    x, labels, target = _pictures(size=(16, 16))
    out, soft = CutMix(1.0).batch(torch.from_numpy(x), target, _now(step))
    side = reference.cutmix_side(16, float(_now(step).beta(1.0, "share")))
    row, column = (int(t) for t in drawn_centers((16, 16), (), _now(step)))
    box = reference.box_around(row, column, side, 16, 16)
    partner = _now(step).permutation(6, "partner").numpy()
    for i, j in enumerate(partner):
        pair = [(np.moveaxis(x[k], 0, 2), labels[k]) for k in (i, j)]
        picture, label = reference.cutmix(*pair, box)
        np.testing.assert_array_equal(out[i], np.moveaxis(picture, 2, 0))
        np.testing.assert_allclose(soft.values[i], label, atol=1e-12)


@pytest.mark.parametrize("family", ["gaussian", "uniform", "laplace"])
def test_noise(family):
    peer = getattr(reference, f"{family}_noise")
    x = np.full((5000, 4), 1.5)
    ours, _ = InputNoise(0.2, family=family).batch(torch.from_numpy(x), None, _now(0))
    theirs = peer(x, 0.2, np.random.default_rng(0))
    assert scipy.stats.ks_2samp(ours.numpy().ravel(), theirs.ravel()).pvalue > 1e-3


def test_noise_of_counts():
    """A rate of 10 * 0.4, which is inverted exactly: the same counts as often."""
    x = np.full((20_000, 1), 0.4)
    ours, _ = InputNoise(10**-0.5, family="poisson").batch(torch.from_numpy(x), None, _now(0))
    theirs = reference.poisson_noise(x, 10.0, np.random.default_rng(0))
    table = [np.bincount(np.rint(10 * v).astype(int).ravel(), minlength=12)[:12] for v in (ours.numpy(), theirs)]
    table = np.array(table)[:, :10]
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-3


def test_masks():
    ones = torch.ones(200, 30, 3, 4, dtype=torch.float64)
    ours = SpatialDropout(0.25).activation(ones, SITE, {}, _now(0)).numpy()
    theirs = np.ones(ones.shape) * reference.spatial_dropout_mask(ones.shape, 0.25, np.random.default_rng(0))
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs))
    assert abs((ours == 0).mean() - (theirs == 0).mean()) < 0.04
    assert (ours == ours[:, :, :1, :1]).all()
    ours = GaussianDropout(0.3).activation(torch.ones(200, 100, dtype=torch.float64), SITE, {}, _now(0)).numpy()
    theirs = reference.gaussian_dropout_mask((200, 100), 0.3, np.random.default_rng(0))
    assert scipy.stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3


def test_batch_norm_in_a_network():
    x = torch.from_numpy(np.random.default_rng(0).normal(1.0, 2.0, size=(9, 3))).requires_grad_()
    norm = BatchNorm(momentum=0.2).rewrite(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU()).double())[0][1]
    towards = np.random.default_rng(1).normal(size=(9, 3))
    ours = norm(x)
    ours.backward(torch.from_numpy(towards))
    theirs, seen = reference.batch_norm_train(x.detach().numpy(), np.ones(3), np.zeros(3))
    np.testing.assert_allclose(ours.detach(), theirs, atol=1e-12)
    grads = reference.batch_norm_backward(towards, np.ones(3), seen)
    for mine, grad in zip(grads, (x.grad, norm.weight.grad, norm.bias.grad), strict=True):
        np.testing.assert_allclose(mine, grad, atol=1e-11)


def test_group_norm_is_the_same_over_a_row():
    """Normalizing over the units of a row in place of the rows of a unit: the reference on the transposed batch."""
    network = GroupNorm(groups=1).rewrite(torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU()).double())
    h = np.random.default_rng(0).normal(size=(5, 6))
    theirs, _ = reference.batch_norm_train(h.T, np.ones(5), np.zeros(5))
    np.testing.assert_allclose(network[0][1](torch.from_numpy(h)).detach(), theirs.T, atol=1e-12)


def test_smote():
    """Every row that ours makes lies between a row and one of the neighbors that the reference names, on one scale."""
    draw = np.random.default_rng(0)
    x, labels = draw.normal(size=(48, 3)) * [1.0, 100.0, 0.01], np.repeat([0, 1], [40, 8])
    data = Fold(torch.from_numpy(x), torch.from_numpy(labels), torch.ones(48), 2)
    made = SMOTE(1.0, k=3).resample(data, _now(0)).x[48:].numpy() / x.std(0)
    rare = x[labels == 1] / x.std(0)
    neighbors = reference.nearest_neighbors(rare, 3)
    assert len(made) == 32
    for row in made:
        best = min(_off(row, rare[i], rare[j]) for i in range(8) for j in neighbors[i])
        assert best < 1e-9


def _off(row, one, other):
    along = other - one
    share = np.clip((row - one) @ along / (along @ along), 0.0, 1.0)
    return np.abs(reference.between(one, other, share) - row).max()
