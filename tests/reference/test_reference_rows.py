"""New rows and noisy rows of the reference against imbalanced-learn, scikit-learn and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE
from sklearn.neighbors import NearestNeighbors

from wellfit import reference


def _two_classes(counts=(40, 8), columns=3, seed=0):
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    return draw.normal(size=(len(labels), columns)) + labels[:, None], labels


def test_neighbors_are_those_of_sklearn():
    x, _ = _two_classes()
    theirs = NearestNeighbors(n_neighbors=6).fit(x).kneighbors(return_distance=False)
    np.testing.assert_array_equal(reference.nearest_neighbors(x, 6), theirs)


def _share_between(point, one, other):
    """Where on the line from one to the other a point lies; NaN where it lies beside it."""
    along = other - one
    share = (point - one) @ along / (along @ along)
    return share if np.abs(one + share * along - point).max() < 1e-9 and -1e-9 <= share <= 1 + 1e-9 else math.nan


def _pairs(points, minority, k):
    """For each point the (row, neighbor) pairs of our own neighbor search that it lies between, and where."""
    neighbors = reference.nearest_neighbors(minority, k)
    for point in points:
        shares = [
            (i, j, _share_between(point, minority[i], minority[j])) for i in range(len(minority)) for j in neighbors[i]
        ]
        yield [s for s in shares if not math.isnan(s[2])]


def test_smote_of_imblearn_lies_between_our_neighbors_and_ours_likewise():
    x, labels = _two_classes()
    theirs, their_labels = SMOTE(k_neighbors=5, random_state=0).fit_resample(x, labels)
    ours, our_labels = reference.smote(x, labels, np.random.default_rng(0), k=5)
    np.testing.assert_array_equal(our_labels, their_labels)
    np.testing.assert_array_equal(ours[:48], theirs[:48])
    for rows in (theirs, ours):
        assert all(_pairs(rows[48:], x[labels == 1], 5))
        assert len(np.unique(rows[48:], axis=0)) == 32


def test_smote_has_the_distribution_of_imblearn():
    x, labels = _two_classes((3000, 8), 1)
    theirs, _ = SMOTE(k_neighbors=3, random_state=0).fit_resample(x, labels)
    ours, _ = reference.smote(x, labels, np.random.default_rng(0), k=3)
    assert scipy.stats.ks_2samp(ours[3008:, 0], theirs[3008:, 0]).pvalue > 1e-3


def test_smote_refuses_too_few_rows_as_imblearn_does():
    x, labels = _two_classes((20, 4))
    with pytest.raises(ValueError, match=r"Expected n_neighbors|n_neighbors"):
        SMOTE(k_neighbors=5).fit_resample(x, labels)
    with pytest.raises(ValueError, match="no 5 neighbors"):
        reference.smote(x, labels, np.random.default_rng(0), k=5)
    assert len(reference.smote(x, labels, np.random.default_rng(0), k=3)[0]) == 40


def test_smote_leaves_balanced_rows_alone():
    x, labels = _two_classes((6, 6))
    rows, names = reference.smote(x, labels, np.random.default_rng(0))
    np.testing.assert_array_equal(rows, x)
    np.testing.assert_array_equal(names, labels)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_synthetic_rows_stay_within_the_range_of_their_class(rows, columns, seed):
    draw = np.random.default_rng(seed)
    minority = draw.normal(size=(rows, columns))
    made = reference.synthetic_rows(minority, 20, 1, draw)
    assert (made >= minority.min(0) - 1e-12).all()
    assert (made <= minority.max(0) + 1e-12).all()


NOISES = {
    "gaussian": (reference.gaussian_noise, lambda std: scipy.stats.norm(0, std)),
    "uniform": (reference.uniform_noise, lambda std: scipy.stats.uniform(-std * math.sqrt(3), 2 * std * math.sqrt(3))),
    "laplace": (reference.laplace_noise, lambda std: scipy.stats.laplace(0, std / math.sqrt(2))),
}


@pytest.mark.parametrize("family", NOISES)
def test_noise_has_its_distribution_and_std(family):
    noise, law = NOISES[family]
    x = np.full(40_000, 2.0)
    added = noise(x, 0.1, np.random.default_rng(1)) - x
    assert scipy.stats.kstest(added, law(0.1).cdf).pvalue > 1e-3
    assert law(0.1).std() == pytest.approx(0.1)
    assert added.std() == pytest.approx(0.1, rel=0.03)
    np.testing.assert_array_equal(noise(x, 0.0, np.random.default_rng(1)), x)


def test_poisson_noise_counts():
    counts = 20 * reference.poisson_noise(np.full(20_000, 0.35), 20.0, np.random.default_rng(1))
    seen = np.bincount(np.rint(counts).astype(int), minlength=25)[:25]
    expected = scipy.stats.poisson(7.0).pmf(np.arange(25)) * 20_000
    large = expected > 5
    observed = [*seen[large], 20_000 - seen[large].sum()]
    assert scipy.stats.chisquare(observed, [*expected[large], 20_000 - expected[large].sum()]).pvalue > 1e-3


def test_salt_and_pepper_replaces_its_share():
    x = np.full(50_000, 0.5)
    noisy = reference.salt_and_pepper(x, 0.1, np.random.default_rng(1))
    for value, share in ((0.0, 0.05), (1.0, 0.05), (0.5, 0.9)):
        assert abs((noisy == value).mean() - share) < 5 * math.sqrt(share * (1 - share) / len(x))
    np.testing.assert_array_equal(reference.salt_and_pepper(x, 0.0, np.random.default_rng(1)), x)
    assert set(reference.salt_and_pepper(x, 1.0, np.random.default_rng(1))) == {0.0, 1.0}
