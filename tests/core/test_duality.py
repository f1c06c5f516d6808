"""Penalty form and constraint form: one solution, found from either side, beside scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.datasets
import sklearn.linear_model
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_fit import fit_linear
from worlds import linear_problem

from wellfit import L1, L2, Ball, Dropout, ElasticNet
from wellfit.duality import (
    equivalent_ball,
    equivalent_penalty,
    equivalent_radius,
    equivalent_strength,
    fit_constrained,
    fit_penalized,
)
from wellfit.errors import RecipeError
from wellfit.training.optimizers import SGD, Adam

PENALTIES = [L1(0.4), L2(0.07), ElasticNet(0.6, 0.3), ElasticNet(0.6, 0.3, half=False), ElasticNet(0.5, 0.0)]


def _iris():
    x, labels = sklearn.datasets.load_iris(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), labels


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_penalty_and_ball_have_one_solution(penalty):
    x, y = linear_problem()
    ball = equivalent_ball(x, y, penalty)
    penalized, constrained = fit_penalized(x, y, penalty), fit_constrained(x, y, ball)
    assert (penalized - constrained).abs().max() < 1e-7
    assert ((penalized == 0) == (constrained == 0)).all()
    assert abs(float(ball.measure({"w": constrained})) - ball.limit) < 1e-8, "it lies on the edge"
    free = fit_penalized(x, y, L2(0.0))
    assert float(ball.measure({"w": free})) > ball.limit * 1.01, "the ball binds"


@pytest.mark.parametrize(
    ("penalty", "peer"),
    [
        (L1(0.4), sklearn.linear_model.Lasso(alpha=0.2, tol=1e-14)),
        (L2(0.07), sklearn.linear_model.Ridge(alpha=60 * 0.07)),
        (ElasticNet(0.6, 0.3), sklearn.linear_model.ElasticNet(alpha=0.3, l1_ratio=0.3, tol=1e-14)),
    ],
    ids=["Lasso", "Ridge", "ElasticNet"],
)
def test_oracle_both_forms_are_scikit_learns(penalty, peer):
    x, y = linear_problem()
    x, y = x + 3.0, y - 5.0  # the intercept is free in all of them
    theirs = peer.fit(x, y).coef_
    ball = equivalent_ball(x, y, penalty)
    assert np.abs(fit_penalized(x, y, penalty)[0].numpy() - theirs).max() < 1e-7
    assert np.abs(fit_constrained(x, y, ball)[0].numpy() - theirs).max() < 1e-7


def test_oracle_classes_are_scikit_learns_logistic_regression():
    """C = 1 / (2 * n * strength) for L2; at the radius of its solution the constrained fit is the same."""
    x, labels = _iris()
    peer = sklearn.linear_model.LogisticRegression(C=1 / (2 * len(x) * 0.01), tol=1e-10, max_iter=10_000)
    theirs = peer.fit(x, labels).coef_
    ours = fit_penalized(x, labels, L2(0.01)).numpy()
    assert np.abs(ours - theirs).max() < 1e-4
    ball = equivalent_ball(x, labels, L2(0.01))
    assert abs(ball.limit - np.linalg.norm(theirs)) < 1e-4
    assert np.abs(fit_constrained(x, labels, ball).numpy() - theirs).max() < 1e-4
    assert abs(equivalent_strength(x, labels, ball) - 0.01) < 1e-6


@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=["SGD", "Adam"])
@pytest.mark.parametrize("penalty", [L1(0.4), ElasticNet(0.6, 0.3, half=False)], ids=["L1", "ElasticNet"])
def test_training_in_either_form_ends_at_one_solution(penalty, optimizer):
    """The penalty as a part of a recipe, and the ball as one: the same weights, whatever the optimizer."""
    x, y = linear_problem()
    steps, rate = (150, 0.2) if isinstance(optimizer, SGD) else (500, 0.03)
    ball = equivalent_ball(x, y, penalty)
    as_penalty = fit_linear(penalty, x, y, steps, rate, optimizer)
    as_ball = fit_linear(ball, x, y, steps, rate, optimizer)
    assert np.abs(as_ball - fit_penalized(x, y, penalty)[0].numpy()).max() < 1e-6
    assert np.abs(as_penalty - as_ball).max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(st.floats(-2.5, 0.0), st.sampled_from(["l1", "l2", "elastic"]), st.floats(0.1, 0.9))
def test_strength_to_radius_and_back(log_strength, kind, ratio):
    x, y = linear_problem()
    strength = 10**log_strength
    penalty = {"l1": L1(strength), "l2": L2(strength), "elastic": ElasticNet(strength, ratio, half=False)}[kind]
    ball = equivalent_ball(x, y, penalty)
    assert ball.kind == kind
    back = equivalent_penalty(x, y, ball)
    assert type(back) is type(penalty)
    assert abs(back.strength / strength - 1) < 1e-5
    stronger = equivalent_radius(x, y, penalty.replace(strength=strength * 1.3))
    assert stronger < ball.limit, "a higher price is a smaller ball"


def test_edges_of_the_duality():
    x, y = linear_problem()
    assert equivalent_strength(x, y, Ball(100.0, kind="l1")) < 1e-9, "room to spare costs nothing"
    assert equivalent_strength(x, y, Ball(math.inf)) < 1e-9
    assert equivalent_radius(x, y, L1(1e4)) == 0.0
    with pytest.raises(RecipeError, match="limit is 0"):
        equivalent_ball(x, y, L1(1e4))
    with pytest.raises(RecipeError, match="no constraint form"):
        equivalent_radius(x, y, Dropout(0.5))
    with pytest.raises(RecipeError, match="shapes"):
        equivalent_radius(x, y[:-1], L1(0.1))
    with pytest.raises(RecipeError, match="shapes"):
        equivalent_radius(torch.zeros(0, 3), torch.zeros(0), L1(0.1))
