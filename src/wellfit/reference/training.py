"""Training by hand: one loop in which every method of this package has its place.

The order within a step is the point: noise and mixing on the batch, forward with a mask, backward with the same mask,
the penalty's gradient, the clip, the step, then what acts on the new weights: the proximal step of L1, and max norm.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from wellfit.reference.constraints import clip_norm, max_norm
from wellfit.reference.dropout import dropout_mask
from wellfit.reference.losses import cross_entropy, cross_entropy_backward
from wellfit.reference.mixing import mixing_share, mixup
from wellfit.reference.network import MATRICES, Weights, backward, forward, predict
from wellfit.reference.noise import gaussian_noise
from wellfit.reference.normalization import Running
from wellfit.reference.penalties import l1_penalty, l2_gradient, l2_penalty, soft_threshold
from wellfit.reference.stopping import EarlyStopping

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to train with; every method is off at its default.

    Attributes:
        rate: learning rate of plain gradient descent.
        epochs: passes over the rows, at most.
        batch: rows a step.
        l1, l2: strengths, per unit of |w| and of w ** 2; both together are an elastic net.
        dropout: probability that a hidden value is dropped.
        noise: standard deviation of normal noise on the inputs.
        mixup: alpha of the Beta distribution of shares.
        max_norm: the largest length of a unit's incoming weights.
        clip: the largest length of the gradient.
        patience: epochs without progress on the validation rows that are borne.

    >>> Plan(l2=0.01).dropout
    0.0
    """

    rate: float = 0.1
    epochs: int = 50
    batch: int = 32
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    noise: float = 0.0
    mixup: float = 0.0
    max_norm: float = math.inf
    clip: float = math.inf
    patience: float = math.inf


@dataclasses.dataclass
class Result:
    """A trained network: the best weights, its norm's statistics then, and (training, validation) loss per epoch.

    The losses are those of the clean rows without penalty or dropout, so that the two can be compared.

    >>> Result({}, None).losses
    []
    """

    weights: Weights
    running: Running | None
    losses: list[tuple[float, float]] = dataclasses.field(default_factory=list)


def penalty(weights: Weights, plan: Plan) -> float:
    """What the weight matrices cost under a plan; biases cost nothing.

    >>> penalty({"w1": np.ones((1, 2)), "w2": np.ones((2, 1)), "b1": np.ones(2)}, Plan(l1=1.0, l2=0.5))
    6.0
    """
    return sum(l1_penalty(weights[n], plan.l1) + l2_penalty(weights[n], plan.l2) for n in MATRICES)


def step(weights: Weights, x: Array, labels: Array, mask: Array, plan: Plan) -> tuple[Weights, Array]:
    """One step on a batch: the new weights, and what the batch norm would read, (rows, hidden).

    Args:
        weights: before.
        x, labels: (rows, inputs) and (rows, classes).
        mask: (rows, hidden) of the dropout.
        plan: what to train with.

    >>> weights = {"w1": np.ones((1, 2)), "b1": np.zeros(2), "w2": np.ones((2, 2)), "b2": np.zeros(2)}
    >>> later, _ = step(weights, np.ones((1, 1)), np.array([[1.0, 0.0]]), np.ones((1, 2)), Plan(rate=0.1))
    >>> later["b2"].tolist()
    [0.05, -0.05]
    """
    out, trace = forward(weights, x, mask)
    gradients = backward(weights, trace, cross_entropy_backward(out, labels))
    for name in MATRICES:
        gradients[name] = gradients[name] + l2_gradient(weights[name], plan.l2)
    clipped = dict(zip(gradients, clip_norm(list(gradients.values()), plan.clip), strict=True))
    later = {name: w - plan.rate * clipped[name] for name, w in weights.items()}
    for name in MATRICES:
        later[name] = max_norm(soft_threshold(later[name], plan.rate * plan.l1), plan.max_norm)
    return later, trace.linear


def train(
    weights: Weights, rows: tuple[Array, Array], valid: tuple[Array, Array], plan: Plan, generator: np.random.Generator
) -> Result:
    """Train a network and return it as it was at its best on the validation rows.

    Args:
        weights: the first ones, as ``start_weights`` makes them; they are left alone.
        rows, valid: (inputs, labels) to train on and to judge by; labels are (rows, classes) probabilities.
        plan: what to train with.
        generator: draws orders, masks, noise and shares.

    >>> from wellfit.reference.network import start_weights
    >>> draw = np.random.default_rng(0)
    >>> x = draw.standard_normal((64, 2))
    >>> labels = np.eye(2)[(x[:, 0] > 0).astype(int)]
    >>> found = train(start_weights(2, 8, 2, draw), (x, labels), (x, labels), Plan(epochs=30), draw)
    >>> found.losses[-1][0] < 0.3
    True
    """
    running = Running.start(len(weights["scale"])) if "scale" in weights else None
    stopper = EarlyStopping(plan.patience)
    found = Result(weights, running)
    for _ in range(plan.epochs):
        weights, running = _epoch(weights, running, rows, plan, generator)
        losses = [cross_entropy(predict(weights, x, running), labels) for x, labels in (rows, valid)]
        found.losses.append((losses[0], losses[1]))
        if losses[1] < stopper.best_loss:
            found.running = running
        if stopper.look(losses[1], weights):
            break
    found.weights = stopper.best_weights or found.weights
    return found


def _epoch(
    weights: Weights, running: Running | None, rows: tuple[Array, Array], plan: Plan, generator: np.random.Generator
) -> tuple[Weights, Running | None]:
    order = generator.permutation(len(rows[0]))
    for begin in range(0, len(order), plan.batch):
        chosen = order[begin : begin + plan.batch]
        x, labels = gaussian_noise(rows[0][chosen], plan.noise, generator), rows[1][chosen]
        share, partner = mixing_share(plan.mixup, generator), generator.permutation(len(chosen))
        x, labels = mixup(x, x[partner], share), mixup(labels, labels[partner], share)
        mask = dropout_mask((len(x), weights["w1"].shape[1]), plan.dropout, generator)
        weights, linear = step(weights, x, labels, mask, plan)
        running = running.after(linear) if running is not None and len(x) > 1 else running
    return weights, running
