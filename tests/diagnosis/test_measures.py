"""Calibration, decomposition, mislabeled rows, shift, layers: against outside libraries and planted truths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from torch import nn

from wellfit.diagnosis import bias_variance, gap, norms, shift
from wellfit.diagnosis.calibration import reliability
from wellfit.diagnosis.decomposition import squared, zero_one
from wellfit.diagnosis.layers import _share, _units, spread
from wellfit.diagnosis.studies import _power_law, suspected
from wellfit.diagnosis.variants import widened
from wellfit.errors import DataError

RANDOM = np.random.default_rng(0)


def test_reliability_is_scikit_learns_curve():
    p = RANDOM.uniform(0.5, 1.0, 4000)
    right = RANDOM.random(4000) < p**2  # too sure
    found = reliability(np.stack([1 - p, p], 1), right.astype(int), bins=10)
    true, mean = calibration_curve(right, p, n_bins=10)
    np.testing.assert_allclose([b["accuracy"] for b in found["bins"]], true)
    np.testing.assert_allclose([b["confidence"] for b in found["bins"]], mean)
    share = np.array([b["count"] for b in found["bins"]]) / 4000
    assert found["ece"] == pytest.approx(float((share * np.abs(true - mean)).sum()))


def test_chance_is_taken_off_the_calibration_error():
    """Perfectly calibrated: what is left is far below the plain error of few rows."""
    plain, left = [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        p = random.uniform(0.5, 1.0, 300)
        found = reliability(np.stack([1 - p, p], 1), (random.random(300) < p).astype(int))
        plain.append(found["ece"])
        left.append(found["ece_debiased"])
    assert np.mean(plain) > 0.05
    assert np.mean(left) < 0.3 * np.mean(plain)


def test_squared_error_is_taken_apart_exactly():
    truth = RANDOM.standard_normal(50)
    predicted = truth + 0.7 + 0.5 * RANDOM.standard_normal((200, 50))
    found = squared(predicted, truth)
    assert found.bias == pytest.approx(0.49, abs=0.02)
    assert found.variance == pytest.approx(0.25, abs=0.01)
    assert found.bias + found.variance == pytest.approx(found.error, rel=1e-2)
    assert found.bias_interval[0] < found.bias < found.bias_interval[1]


def test_zero_one_loss_of_two_classes():
    """Row 0: always right. Row 1: right in 3 of 4. Row 2: wrong in 3 of 4."""
    truth = np.array([1, 1, 1])
    predicted = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 0, 1]])
    found = zero_one(predicted, truth)
    assert found.bias == pytest.approx(1 / 3)
    assert found.variance == pytest.approx(1 / 6)
    assert found.error == pytest.approx(4 / 12)


def test_linear_fits_have_the_variance_that_theory_says():
    """The variance of a polynomial fit of degree d, at its own points, is noise * (d + 1) / rows on average."""
    found = bias_variance((0, 3, 8), rows=30, rounds=400, noise=2.0, seed=1)
    np.testing.assert_allclose(found.variance, [4 / 30, 16 / 30, 36 / 30], rtol=0.08)
    assert abs(found.bias[1]) < 0.02  # the curve is a cubic
    assert found.bias[0] > 1.0
    assert all(low < v < high for v, (low, high) in zip(found.variance, found.variance_intervals, strict=True))


def test_suspected_labels_are_the_wrong_ones():
    labels = RANDOM.integers(0, 3, 300)
    given = labels.copy()
    given[:30] = (given[:30] + 1) % 3
    found = np.full((300, 3), 0.1) + 0.7 * np.eye(3)[labels] + RANDOM.uniform(0, 0.02, (300, 3))
    rows = suspected(found / found.sum(1, keepdims=True), given)
    assert set(rows) == set(range(30))


def test_power_law_goes_on():
    sizes = np.array([100, 200, 400, 800])
    law = _power_law(sizes, 0.2 + 3.0 * sizes**-0.5)
    assert law(1600) == pytest.approx(0.2 + 3.0 * 1600**-0.5, rel=0.01)
    assert _power_law(sizes, np.ones(4))(1600) == pytest.approx(1.0)


def test_a_hard_group_is_no_shifted_group():
    x = RANDOM.standard_normal((600, 3))
    groups = np.repeat(["a", "b"], 300)
    noise = np.where(groups == "a", 0.1, 2.0)
    y = (x[:, 0] + noise * RANDOM.standard_normal(600) > 0).astype(int)
    assert not shift(x, y, groups).found
    turned = np.where(groups == "b", 1 - y, y)
    assert shift(x, turned, groups).found
    with pytest.raises(DataError):
        shift(x, y, np.zeros(600))


def test_units_and_gradients():
    network = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3), nn.Tanh())
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-99.0, -99.0, 0.0, 0.0]))
        network[2].bias.fill_(50.0)
    found = _units(network, torch.randn(64, 2))
    assert found["0"]["dead"] == pytest.approx(0.5)
    assert found["2"]["saturated"] == 1.0
    assert _share(nn.Sigmoid(), torch.tensor([[0.5, 0.999]]))["saturated"] == 0.5
    assert (
        spread(
            [{"gradient_ratio": 1e-6, "gradient_ratio_end": 1.0}, {"gradient_ratio": 1.0, "gradient_ratio_end": 1.0}]
        )
        == 1e-6
    )


def test_widening_keeps_inputs_and_outputs():
    def make():
        return nn.Sequential(
            nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(),
            nn.Linear(48, 5), nn.ReLU(), nn.Linear(5, 2),
        )  # fmt: skip

    wide = widened(make, torch.randn(6, 16))()
    assert wide(torch.randn(6, 16)).shape == (6, 2)
    assert wide[5].weight.shape == (20, 192)
    assert widened(lambda: nn.Linear(3, 2), torch.randn(4, 3)) is None


def test_measures_of_the_sources():
    assert norms(torch.tensor([[3.0], [-4.0]]).numpy())["l2"] == 5.0
    assert gap(1.0, 1.5)["log_ratio"] == pytest.approx(np.log(1.5))
    assert "log_ratio" not in gap(0.0, 1.0)
