"""Averages and votes against scikit-learn's, the greedy choice against the choice by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_wine
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from wellfit import DataError, UsageError
from wellfit.ensembles import Averaging, GreedySelection, Voting
from wellfit.ensembles.averaging import Voted
from wellfit.ensembles.members import Ensemble
from wellfit.proof import greedy_weights

WEIGHTS = [None, [1.0, 2.0, 0.5], [0.0, 1.0, 0.0]]


def classifiers():
    return [GaussianNB(), KNeighborsClassifier(3), DecisionTreeClassifier(max_depth=2, random_state=0)]


def regressors():
    return [LinearRegression(), KNeighborsRegressor(3), DecisionTreeRegressor(max_depth=2, random_state=0)]


def named(learners):
    return [(str(i), learner) for i, learner in enumerate(learners)]


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_oracle_Averaging(weights):
    x, y = load_wine(return_X_y=True)
    theirs = VotingClassifier(named(classifiers()), voting="soft", weights=weights).fit(x[::2], y[::2])
    ours = Averaging(classifiers(), weights).fit(x[::2], y[::2])
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-12, atol=1e-15)
    assert (ours.predict(x) == theirs.predict(x)).all()
    x, y = load_diabetes(return_X_y=True)
    theirs = VotingRegressor(named(regressors()), weights=weights).fit(x[::2], y[::2])
    ours = Averaging(regressors(), weights).fit(x[::2], y[::2])
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_oracle_Voting(weights):
    x, y = load_wine(return_X_y=True)
    labels = np.array(["a", "b", "c"])[y]
    theirs = VotingClassifier(named(classifiers()), voting="hard", weights=weights).fit(x[::2], labels[::2])
    ours = Voting(classifiers(), weights).fit(x[::2], labels[::2])
    assert (ours.predict(x) == theirs.predict(x)).all()


class Says:
    """A fitted classifier that says what it is told, row by row."""

    classifies = True

    def __init__(self, answers):
        self.answers = np.asarray(answers)

    def fit(self, x, y):
        return self

    def predict(self, x):
        return self.answers


@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_a_vote_is_the_most_frequent_answer_and_ties_go_to_the_first(seed, members, classes):
    answers = np.random.default_rng(seed).integers(classes, size=(members, 9))
    shares = np.full(members, 1 / members)
    voted = Voted(Ensemble(tuple(Says(a) for a in answers), shares, np.arange(classes)))
    expected = [np.bincount(column, minlength=classes).argmax() for column in answers.T]
    assert voted.predict(np.zeros((9, 1))).tolist() == expected
    np.testing.assert_allclose(voted.votes(np.zeros((9, 1))).sum(1), 1.0)


def test_a_learner_without_probabilities_averages_by_its_choice():
    x, y = load_wine(return_X_y=True)
    svm = LinearSVC(random_state=0, max_iter=50).fit(x, y)
    found = Averaging([LinearSVC(random_state=0, max_iter=50), GaussianNB()]).fit(x, y).predict_proba(x)
    expected = (np.eye(3)[svm.predict(x)] + GaussianNB().fit(x, y).predict_proba(x)) / 2
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_an_average_is_never_worse_than_its_members_are_on_average(seed):
    """Jensen: log loss and squared error are convex, whatever the members say."""
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(60, 3)), draw.integers(3, size=60)
    ensemble = Averaging(classifiers()).fit(x[:30], y[:30])
    if len(ensemble.classes_) < 3:
        return
    own = ensemble.each(x[30:])[:, np.arange(30), y[30:]].clip(1e-9)
    mean = ensemble.predict_proba(x[30:])[np.arange(30), y[30:]].clip(1e-9)
    assert -np.log(mean).mean() <= -np.log(own).mean() + 1e-9


def test_oracle_GreedySelection():
    """The rows that choose by hand, and the weights of the ICML 2004 procedure on them."""
    x, y = load_diabetes(return_X_y=True)
    library = [*regressors(), DummyRegressor(), Ridge(1e-3)]
    ours = GreedySelection(library, holdout=0.3, picks=15, seed=5).fit(x, y)
    order = np.random.Generator(np.random.Philox(5)).permutation(len(x))
    held, train = order[: round(0.3 * len(x))], order[round(0.3 * len(x)) :]
    each = np.stack([m.fit(x[train], y[train]).predict(x[held]) for m in library])
    losses = [((p - y[held]) ** 2).mean() for p in each]
    weights = greedy_weights(each, lambda p: float(((p - y[held]) ** 2).mean()), 15)
    np.testing.assert_allclose(ours.predict(x[held]), weights @ each, rtol=1e-10)
    assert len(ours.members) == (weights > 0).sum() < len(library)
    assert ((ours.predict(x[held]) - y[held]) ** 2).mean() <= min(losses)


def test_greedy_selection_of_classifiers_drops_what_knows_nothing():
    x, y = load_wine(return_X_y=True)
    chosen = GreedySelection([DummyClassifier(strategy="uniform", random_state=0), GaussianNB()]).fit(x, y)
    assert [type(m).__name__ for m in chosen.members] == ["GaussianNB"]
    assert (chosen.predict(x) == y).mean() > 0.95


def test_a_class_that_only_held_out_rows_have_does_no_harm():
    x = np.arange(24.0)[:, None]
    for seed in range(12):
        y = np.where(np.arange(24) == 7, "rare", np.where(np.arange(24) < 12, "low", "high"))
        chosen = GreedySelection([GaussianNB(), DecisionTreeClassifier()], seed=seed).fit(x, y)
        assert np.isfinite(chosen.predict_proba(x)).all()


@pytest.mark.parametrize("kind", [Averaging, Voting, GreedySelection])
def test_what_combinations_refuse(kind):
    with pytest.raises(UsageError, match="list of learners"):
        kind([])
    with pytest.raises(UsageError, match="classes and of numbers"):
        kind([GaussianNB(), Ridge()])
    x, y = np.zeros((6, 1)), np.array([0, 1] * 3)
    with pytest.raises(DataError, match="rows of inputs"):
        kind([GaussianNB()]).fit(x, y[:5])
    with pytest.raises(DataError, match="shape"):
        kind([GaussianNB()]).fit(x[:, 0], y)
    with pytest.raises(DataError, match="missing or infinite"):
        kind([GaussianNB()]).fit(np.full((6, 1), np.nan), y)
    with pytest.raises(DataError, match="numbers"):
        kind([GaussianNB()]).fit([["a"]] * 6, y)


@pytest.mark.parametrize("bad", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_weights_that_make_no_average_are_refused(bad):
    for kind in (Averaging, Voting):
        with pytest.raises(UsageError, match="weights"):
            kind([GaussianNB(), GaussianNB()], bad)


def test_voting_and_probabilities_of_numbers_are_refused():
    with pytest.raises(UsageError, match="takes classifiers"):
        Voting([Ridge()])
    with pytest.raises(UsageError, match="no probabilities"):
        Averaging([Ridge()]).fit(np.zeros((3, 1)), [1.0, 2.0, 3.0]).predict_proba(np.zeros((1, 1)))
    for bad in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match="holdout"):
            GreedySelection([Ridge()], holdout=bad)
