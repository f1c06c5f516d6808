"""Rows 27 to 35 of tests/data/seed-rows.csv: limits, rates, stopping, first weights."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from scripted import scripted
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler
from torch import nn

from source_worlds import amounts, classes, last_losses, moment, numbers, step, study, tumors
from wellfit import (
    BatchNorm,
    ClipNorm,
    EarlyStopping,
    MaxNorm,
    Recipe,
    ReduceOnPlateau,
    reference,
)  # fmt: skip
from wellfit.models.mlp import MLP, Shape


def test_row_27_max_norm():
    w = np.arange(1.0, 6.0)
    assert np.linalg.norm(w) == pytest.approx(math.sqrt(55))
    clipped = MaxNorm(6.0).project({"w": numbers([w])}, moment())["w"][0].numpy()
    np.testing.assert_allclose(clipped, w * 6 / math.sqrt(55))
    np.testing.assert_allclose(reference.max_norm(w, 6.0), clipped)
    for small, limit in ((np.ones(2), 6.0), (w, 8.0), (np.zeros(3), 6.0)):
        np.testing.assert_array_equal(MaxNorm(limit).project({"w": numbers([small])}, moment())["w"][0], small)


def test_row_28_gradient_clipping():
    """Steps of SGD with rate 1 are the clipped gradient: as long as the limit, where it was longer."""
    network, x, y = nn.Linear(3, 1).double(), 10 * np.ones((4, 3)), np.full(4, 50.0)
    later = step(network, Recipe(ClipNorm(1.0)), x, amounts(y), rate=1.0).params
    moved = torch.cat([(w - later[n]).detach().flatten() for n, w in network.named_parameters()])
    assert float(moved.norm()) == pytest.approx(1.0, abs=1e-5)
    peer = copy.deepcopy(network)
    nn.functional.mse_loss(peer(numbers(x)), numbers(y)[:, None]).backward()
    nn.utils.clip_grad_norm_(peer.parameters(), 1.0)
    torch.testing.assert_close(moved, torch.cat([p.grad.flatten() for p in peer.parameters()]))


def test_row_29_rate_on_a_plateau():
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
    part = ReduceOnPlateau(patience=3).start({"w": torch.zeros(1, dtype=torch.float64)})
    rates = []
    for loss in [1.0, 0.9, *[0.9] * 6, math.nan, *[0.95] * 8, 0.5, *[0.6] * 9]:
        theirs.step(loss)
        part = part.after_epoch({}, {"loss": numbers(loss)}, moment())
        rates.append(float(part.rate({"w": numbers(0.1)}, moment())["w"]))
        assert rates[-1] == pytest.approx(optimizer.param_groups[0]["lr"])
    assert len(set(np.round(rates, 12))) >= 3


def _stopped(part, losses):
    part = part.start({"w": torch.zeros(1, dtype=torch.float64)})
    for i, loss in enumerate(losses, 1):
        part = part.after_epoch({}, {"loss": numbers(loss)}, moment(epoch=float(i)))
        if bool(part.stop()):
            return i
    return 0


@pytest.mark.parametrize("patience", [5, 10])
def test_row_30_early_stopping_counter(patience):
    """Falls under min_delta do not count; EarlyStopping's own defaults are the source's."""
    assert (EarlyStopping().patience, EarlyStopping().min_delta) == (5.0, 0.001)
    falling = [1.0, 0.9] + [0.9 - 1e-4 * i for i in range(1, 9)]
    assert _stopped(EarlyStopping(patience, 0.001), [*falling, *[0.9] * 20]) == 2 + patience
    assert _stopped(EarlyStopping(patience, 0.001), [1.0 - 0.01 * i for i in range(50)]) == 0


def test_row_31_early_stopping_with_rollback():
    """The engine hands over the weights of the lowest loss, as they were then, whether or not it stopped."""
    run = scripted([1.0, 9.0], [0.1, 0.5], Recipe(EarlyStopping(5, 0.0)))
    assert (run.best_weight, run.last_weight) == (1.0, 9.0)
    flat = scripted([1.0, 1.5, 1.75], [0.2, 0.3, 0.5], Recipe(EarlyStopping(1, 0.0)))
    assert bool(flat.recipe.stop())
    assert flat.best_weight == 1.0


def test_row_32_early_stopping_of_keras():
    import keras

    class Peer:
        stop_training = False

    draw = np.random.default_rng(0)
    for _ in range(30):
        losses = [1.0, *np.round(draw.random(40), 1)]
        callback = keras.callbacks.EarlyStopping(monitor="val_loss", patience=5)
        callback.set_model(peer := Peer())
        callback.on_train_begin()
        stopped = 0
        for epoch, loss in enumerate(losses):
            callback.on_epoch_end(epoch, {"val_loss": loss})
            if peer.stop_training:
                stopped = epoch + 1
                break
        assert stopped == _stopped(EarlyStopping(5, 0.0), losses) > 0


def test_row_33_early_stopping_of_sklearn():
    """SGDClassifier stops by the same count and keeps its last weights; our engine keeps its best."""
    x, y = load_breast_cancer(return_X_y=True)
    x, facts = StandardScaler().fit_transform(x), {"early_stopping": True, "validation_fraction": 0.1}
    found = SGDClassifier(**facts, n_iter_no_change=5, random_state=3, tol=1e-3).fit(x, y)
    split = StratifiedShuffleSplit(test_size=0.1, random_state=3)
    _, held = next(split.split(np.zeros(len(y)), y))
    scores, ends = [], []
    with pytest.warns(match="Maximum number of iteration"):
        for epochs in range(1, found.n_iter_ + 1):
            short = SGDClassifier(**facts, n_iter_no_change=5, random_state=3, tol=1e-3, max_iter=epochs).fit(x, y)
            scores.append(short.score(x[held], y[held]))
            ends.append(short.coef_)
    np.testing.assert_array_equal(found.coef_, ends[-1])
    assert _stopped(EarlyStopping(5, 1e-3), [-s for s in scores]) == found.n_iter_
    assert scores[-1] < max(scores), "what it hands over is not the best it has seen"
    cohort = study([Recipe(EarlyStopping(5))], *_split(*tumors()), until=300)
    assert float(cohort.best.loss[0]) < last_losses(cohort)[0]


def _split(x, y):
    return x, classes(y), 100, Shape(30, 2, 16, 1)


def test_row_34_first_weights():
    """Values keep their size through layers, biases are 0, and the first loss is that of knowing nothing."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(500, 784))
    ours = reference.relu(x @ reference.start_weights(784, 784, 10, draw)["w1"])
    assert np.square(ours).mean() == pytest.approx(1.0, rel=0.1)
    assert np.square(reference.relu(x @ draw.normal(size=(784, 784)))).mean() > 300, "randn unscaled"
    torch.manual_seed(0)
    network = MLP(Shape(64, 10, 128, 6))
    h = torch.randn(500, 64)
    for layer in network.blocks:
        assert (layer.linear.bias == 0).all()
        h = layer(h)
    assert 0.3 < float(h.detach().square().mean()) < 3.0


def test_row_35_vanishing_and_exploding_gradients():
    """In ten sigmoid layers the first sees 1e-6 of what the last sees; with batch norm, or ReLU, far more."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 8, dtype=torch.float64), torch.arange(64) % 2

    def first_over_last(activation, normalized):
        layers = [m for _ in range(10) for m in (nn.Linear(8, 8), activation())]
        network = nn.Sequential(*layers, nn.Linear(8, 2)).double()
        network = BatchNorm().rewrite(network) if normalized else network
        nn.functional.cross_entropy(network(x), y).backward()
        weights = [p for p in network.parameters() if p.ndim == 2]
        return float(weights[0].grad.norm() / weights[-1].grad.norm())

    vanished = first_over_last(nn.Sigmoid, False)
    assert vanished < 1e-5
    assert first_over_last(nn.Sigmoid, True) > 1e3 * vanished
    assert first_over_last(nn.ReLU, False) > 1e2 * vanished
    huge = {"w": torch.full((3, 3), 1e6)}
    assert float(ClipNorm(1.0).gradient(lambda _: huge, huge, moment())["w"].norm()) == pytest.approx(1.0, abs=1e-4)
