"""Keras's regularizers and its decoupled decay, by the weights that a layer comes to."""

from __future__ import annotations

import numpy as np
import pytest
from canonical_minimum import minimum, problem

from wellfit.translator import translate

keras = pytest.importorskip("keras")

L1, L2 = 0.12, 0.05


def penalty(name: str, values: dict) -> float:
    """What a regularizer of Keras adds to a loss for these weights."""
    return float(getattr(keras.regularizers, name)(**values)(keras.ops.array([[1.5], [-2.0], [0.25]], dtype="float64")))


@pytest.mark.parametrize(("name", "l1", "l2"), [("L1", L1, 0.0), ("L2", 0.0, L2), ("L1L2", L1, L2)])
def test_oracle_regularizer_is_the_canonical_penalty(name, l1, l2):
    values = translate("canonical", f"keras.{name}", {"L1": l1, "L2": l2}).values
    # float32 is as close as Keras keeps its strengths
    assert penalty(name, values) == pytest.approx(l1 * 3.75 + l2 * (2.25 + 4.0 + 0.0625), rel=1e-6)


def layer_fitted(steps: int, momentum: float = 0.0, falling: bool = True, kernel_regularizer=None, weight_decay=None):
    """A layer of Keras after full batches of mean squared error under Keras's SGD."""
    x, y = problem()
    net = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(1, kernel_initializer="zeros", kernel_regularizer=kernel_regularizer)]
    )
    rate = 0.15 * (1 - momentum)
    rate = keras.optimizers.schedules.CosineDecay(rate, steps) if falling else rate
    rule = keras.optimizers.SGD(rate, momentum=momentum, weight_decay=weight_decay)
    if weight_decay is not None:
        rule.exclude_from_weight_decay(var_names=["bias"])
    net.compile(rule, "mean_squared_error")
    for _ in range(steps):
        net.train_on_batch(x.astype("float32"), y[:, None].astype("float32"))
    return np.append(*(np.ravel(w) for w in net.get_weights()))


@pytest.mark.parametrize(("l1", "l2", "tolerance"), [(0.0, L2, 2e-5), (L1, L2, 2e-3)])
def test_oracle_regularizer_reaches_the_canonical_minimum(l1, l2, tolerance):
    """A subgradient of L1 comes near its zeros only."""
    values = translate("canonical", "keras.L1L2", {"L1": l1, "L2": l2}).values
    found = layer_fitted(400, kernel_regularizer=keras.regularizers.L1L2(**values))
    np.testing.assert_allclose(found, np.append(*minimum(*problem(), l1, l2)), atol=tolerance)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_oracle_decoupled_sgd_rests_where_the_penalty_says(momentum):
    """Its note frees the bias; momentum makes the gradient count more often than the decay, at a constant rate."""
    found = translate("sklearn.Ridge alpha=3", f"keras.SGD momentum={momentum}", n=60)
    assert "exclude_from_weight_decay" in " ".join(found.notes)
    weights = layer_fitted(500, momentum, False, weight_decay=found.values["weight_decay"])
    np.testing.assert_allclose(weights, np.append(*minimum(*problem(), 0.0, L2)), atol=2e-4)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_oracle_one_step_takes_a_share(name):
    w = keras.Variable(np.array([2.0], "float32"))
    rule = getattr(keras.optimizers, name)(0.1, weight_decay=0.01)
    rule.apply([keras.ops.zeros((1,))], [w])
    assert float(np.asarray(w.value.detach())[0]) == pytest.approx(1.998, abs=1e-6)
