"""Each backward pass of the reference against finite differences of its forward pass."""

from __future__ import annotations

import numpy as np
import pytest
from slopes import slope

from wellfit import reference

DRAW = np.random.default_rng(3)
W = DRAW.normal(size=(4, 3))
LABELS = DRAW.dirichlet(np.ones(3), size=6)
CLOSE = {"rtol": 1e-6, "atol": 1e-7}

PENALTIES = [
    (reference.l1_penalty, reference.l1_gradient, (0.3,)),
    (reference.l2_penalty, reference.l2_gradient, (0.3,)),
    (reference.half_l2_penalty, reference.half_l2_gradient, (0.3,)),
    *((reference.elastic_net_penalty, reference.elastic_net_gradient, (0.7, r)) for r in (0.0, 0.4, 1.0)),
    *((reference.plain_elastic_net_penalty, reference.plain_elastic_net_gradient, (0.7, r)) for r in (0.0, 0.4, 1.0)),
]


@pytest.mark.parametrize(("cost", "gradient", "knobs"), PENALTIES, ids=lambda v: getattr(v, "__name__", str(v)))
def test_gradient_of_a_penalty_is_its_slope(cost, gradient, knobs):
    np.testing.assert_allclose(gradient(W, *knobs), slope(lambda w: cost(w, *knobs), W), **CLOSE)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_dropout_backward_is_the_slope_under_the_same_mask(p):
    mask = reference.dropout_mask(W.shape, p, np.random.default_rng(0))
    towards = DRAW.normal(size=W.shape)
    found = slope(lambda h: float((towards * reference.dropout_forward(h, mask)).sum()), W)
    np.testing.assert_allclose(reference.dropout_backward(towards, mask), found, **CLOSE)


def test_batch_norm_backward_is_the_slope_through_mean_and_variance():
    x, scale, shift = DRAW.normal(1.0, 2.0, size=(6, 4)), DRAW.normal(size=4), DRAW.normal(size=4)
    towards = DRAW.normal(size=(6, 4))

    def cost(x, scale, shift):
        return float((towards * reference.batch_norm_train(x, scale, shift)[0]).sum())

    found = reference.batch_norm_backward(towards, scale, reference.batch_norm_train(x, scale, shift)[1])
    np.testing.assert_allclose(found[0], slope(lambda v: cost(v, scale, shift), x), **CLOSE)
    np.testing.assert_allclose(found[1], slope(lambda v: cost(x, v, shift), scale), **CLOSE)
    np.testing.assert_allclose(found[2], slope(lambda v: cost(x, scale, v), shift), **CLOSE)


def test_batch_norm_backward_is_blind_to_what_it_takes_away():
    """A batch moved or stretched as a whole gives the same output: the gradient has nothing along those directions."""
    x = DRAW.normal(1.0, 2.0, size=(9, 4))
    _, seen = reference.batch_norm_train(x, np.ones(4), np.zeros(4), eps=0.0)
    found = reference.batch_norm_backward(DRAW.normal(size=(9, 4)), np.ones(4), seen)[0]
    np.testing.assert_allclose(found.sum(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose((found * seen.normalized).sum(axis=0), 0.0, atol=1e-12)


def test_relu_and_cross_entropy_backward():
    z = DRAW.normal(size=(6, 3))
    towards = DRAW.normal(size=(6, 3))
    found = slope(lambda v: float((towards * reference.relu(v)).sum()), z)
    np.testing.assert_allclose(reference.relu_backward(towards, z), found, **CLOSE)
    found = slope(lambda v: reference.cross_entropy(v, LABELS), z)
    np.testing.assert_allclose(reference.cross_entropy_backward(z, LABELS), found, **CLOSE)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.5])
def test_backward_of_the_network_is_the_slope_of_its_loss(normalized, p):
    x = DRAW.normal(size=(6, 4))
    weights = reference.start_weights(4, 5, 3, np.random.default_rng(1), normalized=normalized)
    weights = {n: w + 0.1 * np.random.default_rng(2).normal(size=w.shape) for n, w in weights.items()}
    mask = reference.dropout_mask((6, 5), p, np.random.default_rng(4))

    def cost(name, w):
        return reference.cross_entropy(reference.forward({**weights, name: w}, x, mask)[0], LABELS)

    out, trace = reference.forward(weights, x, mask)
    found = reference.backward(weights, trace, reference.cross_entropy_backward(out, LABELS))
    assert found.keys() == weights.keys()
    for name, w in weights.items():
        np.testing.assert_allclose(found[name], slope(lambda v, n=name: cost(n, v), w), err_msg=name, **CLOSE)
    assert np.abs(found["w1"]).max() > 1e-3


def test_a_step_follows_the_slope_of_loss_and_penalty():
    """Under L2 the whole step is the rate times the slope of the whole objective."""
    plan = reference.Plan(rate=0.05, l2=0.02)
    weights = reference.start_weights(4, 5, 3, np.random.default_rng(1))
    x, mask = DRAW.normal(size=(6, 4)), np.ones((6, 5))

    def objective(name, w):
        changed = {**weights, name: w}
        return reference.cross_entropy(reference.forward(changed, x, mask)[0], LABELS) + reference.penalty(
            changed, plan
        )

    later, _ = reference.step(weights, x, LABELS, mask, plan)
    for name, w in weights.items():
        found = (w - later[name]) / plan.rate
        np.testing.assert_allclose(found, slope(lambda v, n=name: objective(n, v), w), err_msg=name, **CLOSE)
