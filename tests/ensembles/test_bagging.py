"""Bagging against scikit-learn's on the same samples; that samples are bootstraps, and out-of-bag rows unseen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from wellfit import UsageError
from wellfit.ensembles import Bagging, DeepEnsemble, NetClassifier, NetRegressor
from wellfit.ensembles.bagging import bootstrap, fit_bagged


@pytest.mark.parametrize(
    "load, peer, learner",
    [
        (load_wine, BaggingClassifier, KNeighborsClassifier(4)),
        (load_diabetes, BaggingRegressor, KNeighborsRegressor(4)),
    ],
    ids=["classes", "numbers"],
)
def test_oracle_Bagging(load, peer, learner):
    """The same samples in scikit-learn's own: predictions, and out-of-bag answers and score."""
    x, y = load(return_X_y=True)
    theirs = peer(learner, n_estimators=40, oob_score=True, random_state=0).fit(x, y)
    ours = fit_bagged(learner, x, y, theirs.estimators_samples_, [0] * 40)
    kind, told = ("predict_proba", "decision_function") if load is load_wine else ("predict", "prediction")
    np.testing.assert_allclose(getattr(ours, kind)(x), getattr(theirs, kind)(x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.out_of_bag, getattr(theirs, f"oob_{told}_"), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.out_of_bag_score, theirs.oob_score_, rtol=1e-12)


class Mean:
    """Says the mean of the target it was fitted to: what it saw can be read from it."""

    def fit(self, x, y):
        fitted = Mean()
        fitted.seen = y.mean()
        return fitted

    def predict(self, x):
        return np.full(len(x), self.seen)


def test_bagging_is_the_mean_over_bootstrap_samples():
    x, y = np.arange(50.0)[:, None], np.arange(50.0) ** 2
    bagged = Bagging(Mean(), members=30, seed=4).fit(x, y)
    assert {r.shape for r in bagged.rows} == {(50,)} and len(bagged.rows) == 30
    np.testing.assert_allclose(bagged.predict(x), np.mean([y[r].mean() for r in bagged.rows]))
    for row in range(50):
        free = [y[r].mean() for r in bagged.rows if row not in r]
        np.testing.assert_allclose(bagged.out_of_bag[row], np.mean(free))
    expected = 1 - ((y - bagged.out_of_bag) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    np.testing.assert_allclose(bagged.out_of_bag_score, expected)


def test_samples_are_bootstraps_and_no_partition():
    n, members = 2000, 40
    rows = [bootstrap(n, seed) for seed in range(members)]
    distinct = np.array([len(np.unique(r)) / n for r in rows])
    # variance of the share of rows that are drawn: (1/e)(1 - 2/e) / n
    assert abs(distinct.mean() - (1 - 1 / np.e)) < 5 * np.sqrt(np.exp(-1) * (1 - 2 * np.exp(-1)) / n / members)
    counts = np.bincount(np.concatenate(rows), minlength=n)
    assert abs(counts.mean() - members) < 1e-9 and abs(counts.var() / members - 1) < 0.15
    shared = len(np.intersect1d(rows[0], rows[1])) / n
    assert abs(shared - (1 - 1 / np.e) ** 2) < 0.05
    assert (bootstrap(n, 3) == rows[3]).all()


def test_out_of_bag_rows_are_unseen():
    """One neighbor knows every row it saw; of labels without sense it knows nothing else."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(300, 2)), draw.integers(2, size=300)
    bagged = Bagging(KNeighborsClassifier(1), members=25).fit(x, y)
    assert (bagged.predict(x) == y).mean() > 0.95
    assert 0.4 < bagged.out_of_bag_score < 0.6


def test_out_of_bag_of_networks_is_unseen_too():
    """Networks that learn labels by heart, their best epoch chosen on rows of their own sample."""
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(120, 8)), draw.integers(2, size=120)
    bagged = Bagging(NetClassifier(width=64, epochs=30, rate=0.02, holdout=0.0), members=6).fit(x, y)
    assert (bagged.predict(x) == y).mean() > 0.9
    assert 0.3 < bagged.out_of_bag_score < 0.7


def test_where_no_row_is_left_out_there_is_no_score():
    every = np.arange(6)
    bagged = fit_bagged(Mean(), np.zeros((6, 1)), np.arange(6.0), [every], [0])
    assert np.isnan(bagged.out_of_bag).all() and np.isnan(bagged.out_of_bag_score)


def test_a_class_that_a_sample_lacks_gets_nothing_from_that_member():
    x, y = np.arange(8.0)[:, None], np.array(list("aaaabbbc"))
    lacking, having = np.arange(7), np.arange(8)
    bagged = fit_bagged(DecisionTreeClassifier(), x, y, [lacking, having], [0, 0])
    np.testing.assert_allclose(bagged.predict_proba(x)[7], [0.0, 0.5, 0.5])


def test_more_members_do_not_change_the_first_ones():
    x, y = np.arange(30.0)[:, None], np.arange(30.0)
    few, many = (Bagging(DecisionTreeRegressor(max_features=1), m, seed=2).fit(x, y) for m in (3, 6))
    assert all((a == b).all() for a, b in zip(few.rows, many.rows[:3], strict=True))
    np.testing.assert_array_equal(few.each(x), many.each(x)[:3])


def test_the_learner_is_left_as_it_was():
    learner = DecisionTreeRegressor()
    Bagging(learner, 2).fit(np.arange(9.0)[:, None], np.arange(9.0))
    assert not hasattr(learner, "tree_") and learner.random_state is None


@pytest.mark.parametrize("bad", [0, -3, 1.5, True, "5"])
def test_a_number_of_members_that_is_none_is_refused(bad):
    for kind in (Bagging, DeepEnsemble):
        with pytest.raises(UsageError, match="members"):
            kind(NetRegressor(), members=bad)
