"""A network of two layers by hand: x -> linear -> (batch norm) -> ReLU -> dropout -> linear -> numbers per class.

Weights are a plain dictionary: ``w1`` (inputs, hidden), ``b1`` (hidden,), ``w2`` (hidden, classes), ``b2`` (classes,);
and, in a network with batch norm, ``scale`` and ``shift`` (hidden,).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from wellfit.reference.dropout import dropout_backward, dropout_forward
from wellfit.reference.losses import relu, relu_backward
from wellfit.reference.normalization import Running, Seen, batch_norm_backward, batch_norm_train, batch_norm_use

Array = NDArray[np.float64]
Weights = dict[str, Array]

MATRICES = ("w1", "w2")
"""What penalties and limits act on: weights, not biases, and not the scales of a norm."""


@dataclasses.dataclass(frozen=True)
class Trace:
    """What backward needs of a forward pass in training.

    Attributes:
        x: (rows, inputs), what came in.
        before: (rows, hidden), what entered the ReLU.
        mask: (rows, hidden), of the dropout.
        hidden: (rows, hidden), what entered the second layer.
        seen: what the batch norm saw; None without one.
        linear: (rows, hidden), what the batch norm read.
    """

    x: Array
    before: Array
    mask: Array
    hidden: Array
    seen: Seen | None
    linear: Array


def start_weights(
    inputs: int, hidden: int, classes: int, generator: np.random.Generator, *, normalized: bool = False
) -> Weights:
    """First weights: normal with variance 2 / inputs, so that values neither grow nor fade from layer to layer.

    Drawn with variance 1 (as often seen) a layer of 784 inputs gives values of size 28, and a softmax that is certain
    of something wrong.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015, arXiv 1502.01852.

    >>> sorted(start_weights(3, 5, 2, np.random.default_rng(0)))
    ['b1', 'b2', 'w1', 'w2']
    """
    weights = {
        "w1": generator.standard_normal((inputs, hidden)) * np.sqrt(2.0 / inputs),
        "b1": np.zeros(hidden),
        "w2": generator.standard_normal((hidden, classes)) * np.sqrt(2.0 / hidden),
        "b2": np.zeros(classes),
    }
    return {**weights, "scale": np.ones(hidden), "shift": np.zeros(hidden)} if normalized else weights


def forward(weights: Weights, x: Array, mask: Array) -> tuple[Array, Trace]:
    """A pass in training: (rows, inputs) -> (rows, classes) numbers before the softmax, and the trace.

    Args:
        weights: of the network.
        x: the batch.
        mask: (rows, hidden) of the dropout; all ones for none.

    >>> weights = start_weights(3, 5, 2, np.random.default_rng(0))
    >>> forward(weights, np.ones((4, 3)), np.ones((4, 5)))[0].shape
    (4, 2)
    """
    linear = x @ weights["w1"] + weights["b1"]
    before, seen = linear, None
    if "scale" in weights:
        before, seen = batch_norm_train(linear, weights["scale"], weights["shift"])
    hidden = dropout_forward(relu(before), mask)
    return hidden @ weights["w2"] + weights["b2"], Trace(x, before, mask, hidden, seen, linear)


def backward(weights: Weights, trace: Trace, grad: Array) -> Weights:
    """The gradient on every weight, from that on the numbers that ``forward`` returned: the chain rule, from the end.

    >>> weights = start_weights(3, 5, 2, np.random.default_rng(0))
    >>> out, trace = forward(weights, np.ones((4, 3)), np.ones((4, 5)))
    >>> backward(weights, trace, np.ones_like(out))["b2"].tolist()
    [4.0, 4.0]
    """
    found = {"w2": trace.hidden.T @ grad, "b2": grad.sum(axis=0)}
    g = relu_backward(dropout_backward(grad @ weights["w2"].T, trace.mask), trace.before)
    if trace.seen is not None:
        g, found["scale"], found["shift"] = batch_norm_backward(g, weights["scale"], trace.seen)
    return {**found, "w1": trace.x.T @ g, "b1": g.sum(axis=0)}


def predict(weights: Weights, x: Array, running: Running | None = None) -> Array:
    """A pass in use: no dropout, and the running statistics in place of the batch's.

    >>> predict(start_weights(3, 5, 2, np.random.default_rng(0)), np.ones((1, 3))).shape
    (1, 2)
    """
    before = x @ weights["w1"] + weights["b1"]
    if running is not None:
        before = batch_norm_use(before, weights["scale"], weights["shift"], running)
    return relu(before) @ weights["w2"] + weights["b2"]
