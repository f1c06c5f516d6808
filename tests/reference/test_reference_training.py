"""The reference's network and its training against the same in torch and scikit-learn; and what each method does."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

from wellfit import reference
from wellfit.reference import Plan

DRAW = np.random.default_rng(9)
X = DRAW.normal(size=(12, 4))
LABELS = np.eye(3)[np.arange(12) % 3]


def _peer(weights):
    """The same network in torch, with the reference's names."""
    norm = [nn.BatchNorm1d(5)] if "scale" in weights else []
    network = nn.Sequential(nn.Linear(4, 5), *norm, nn.ReLU(), nn.Linear(5, 3)).double()
    places = {"w1": network[0].weight, "b1": network[0].bias, "w2": network[-1].weight, "b2": network[-1].bias}
    if norm:
        places |= {"scale": norm[0].weight, "shift": norm[0].bias}
    with torch.no_grad():
        for name, w in weights.items():
            places[name].copy_(torch.from_numpy(w.T.copy()))
    return network, places


@pytest.mark.parametrize("normalized", [False, True])
def test_steps_are_those_of_torch(normalized):
    """Ten steps with L1, L2, clip and max norm: SGD, clip_grad_norm_, softshrink by rate * strength, renorm."""
    weights = reference.start_weights(4, 5, 3, np.random.default_rng(1), normalized=normalized)
    network, places = _peer(weights)
    plan, running = Plan(rate=0.3, l1=0.05, l2=0.02, clip=0.5, max_norm=1.5), reference.Running.start(5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
    x, labels = torch.from_numpy(X), torch.from_numpy(LABELS)
    for _ in range(10):
        weights, linear = reference.step(weights, X, LABELS, np.ones((12, 5)), plan)
        running = running.after(linear)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), labels)
        (loss + 0.02 * sum((places[n] ** 2).sum() for n in ("w1", "w2"))).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        with torch.no_grad():
            for name in ("w1", "w2"):
                shrunk = nn.functional.softshrink(places[name], 0.3 * 0.05)
                places[name].copy_(torch.renorm(shrunk, 2, 0, 1.5))
    for name, w in weights.items():
        np.testing.assert_allclose(w.T, places[name].detach(), rtol=1e-4, atol=1e-5, err_msg=name)  # torch's epsilons
    used = reference.predict(weights, X, running if normalized else None)
    np.testing.assert_allclose(used, network.eval()(x).detach(), rtol=1e-4, atol=1e-4)


def _tumors():
    """Few rows to train on, so that there is something to overfit: (training, validation), standardized."""
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x = (x - x.mean(0)) / x.std(0)
    rows, valid = order[:60], order[60:360]
    return (x[rows], np.eye(2)[y[rows]]), (x[valid], np.eye(2)[y[valid]])


def _trained(seed=0, normalized=False, **knobs):
    rows, valid = _tumors()
    draw = np.random.default_rng(seed)
    weights = reference.start_weights(30, 32, 2, draw, normalized=normalized)
    return reference.train(weights, rows, valid, Plan(**{"epochs": 120, "rate": 0.2, **knobs}), draw)


def test_training_learns_real_data_as_well_as_sklearn_does():
    from sklearn.neural_network import MLPClassifier

    rows, valid = _tumors()
    found = _trained()
    right = (reference.predict(found.weights, valid[0]).argmax(1) == valid[1].argmax(1)).mean()
    peer = MLPClassifier((32,), solver="sgd", learning_rate_init=0.2, batch_size=32, max_iter=120, random_state=0)
    peer.fit(rows[0], rows[1].argmax(1))
    assert right > peer.score(valid[0], valid[1].argmax(1)) - 0.02
    assert right > 0.93


def test_the_result_is_the_best_epoch_and_not_the_last():
    _, valid = _tumors()
    found = _trained(epochs=300)
    lowest = min(loss for _, loss in found.losses)
    assert found.losses[-1][1] > lowest, "it should overfit for this test to say anything"
    assert reference.cross_entropy(reference.predict(found.weights, valid[0]), valid[1]) == pytest.approx(lowest)
    assert len(_trained(epochs=300, patience=5).losses) < 300


def test_best_weights_are_a_copy():
    stopper, weights = reference.EarlyStopping(patience=3), {"w": np.array([1.0])}
    for loss in (0.1, 0.5, np.nan):
        stopper.look(loss, weights)
        weights["w"] *= 9.0
    assert (stopper.best_loss, stopper.best_weights["w"].tolist()) == (0.1, [1.0])


def test_the_result_with_batch_norm_keeps_the_statistics_of_its_epoch():
    _, valid = _tumors()
    found = _trained(normalized=True, epochs=60)
    lowest = min(loss for _, loss in found.losses)
    out = reference.predict(found.weights, valid[0], found.running)
    assert reference.cross_entropy(out, valid[1]) == pytest.approx(lowest)


def _mislabeled(seed, **knobs):
    """Validation loss at the end of a training on 100 rows of which every fifth has the wrong label."""
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, rows, valid = (x - x.mean(0)) / x.std(0), order[:100], order[100:400]
    given = np.where(np.random.default_rng(7).random(100) < 0.2, 1 - y[rows], y[rows])
    draw = np.random.default_rng(seed)
    weights = reference.start_weights(30, 64, 2, draw)
    data = [(x[rows], np.eye(2)[given]), (x[valid], np.eye(2)[y[valid]])]
    return reference.train(weights, *data, Plan(epochs=150, rate=0.2, **knobs), draw).losses[-1][1]


@pytest.mark.parametrize(
    "knobs", [{"l2": 0.02}, {"l1": 0.01}, {"dropout": 0.5}, {"noise": 0.5}, {"mixup": 1.0}, {"max_norm": 0.5}], ids=str
)
def test_each_method_keeps_the_network_from_learning_wrong_labels_by_heart(knobs):
    """Without any the loss on clean rows ends near 0.64; with L1, L2 or max norm near 0.26, the others near 0.45."""
    plain = np.mean([_mislabeled(seed) for seed in range(3)])
    assert plain > 0.5
    assert np.mean([_mislabeled(seed, **knobs) for seed in range(3)]) < 0.9 * plain


def test_l1_makes_exact_zeros_and_l2_none():
    sparse, small = _trained(l1=0.02), _trained(l2=0.02)
    assert (sparse.weights["w1"] == 0).mean() > 0.3
    assert (small.weights["w1"] == 0).sum() == 0
    assert np.abs(small.weights["w1"]).mean() < np.abs(_trained().weights["w1"]).mean()


def test_training_leaves_what_it_is_given_alone_and_repeats_itself():
    rows, valid = _tumors()
    weights = reference.start_weights(30, 8, 2, np.random.default_rng(0), normalized=True)
    before = {n: w.copy() for n, w in weights.items()}
    plan = Plan(epochs=3, dropout=0.3, noise=0.1, mixup=0.2, l1=1e-3, l2=1e-3, max_norm=2.0, clip=1.0)
    ends = [reference.train(weights, rows, valid, plan, np.random.default_rng(4)) for _ in range(2)]
    for name, w in weights.items():
        np.testing.assert_array_equal(w, before[name])
        np.testing.assert_array_equal(ends[0].weights[name], ends[1].weights[name])
        assert (ends[0].weights[name] != w).any()


MODULES = [f"wellfit.reference.{m.name}" for m in pkgutil.iter_modules(reference.__path__)]


@pytest.mark.parametrize("name", ["wellfit.reference", *MODULES])
def test_examples_run_and_all_that_is_public_has_one(name):
    module = importlib.import_module(name)
    ran = doctest.testmod(module)
    assert ran.failed == 0
    assert ran.attempted > 0


def test_public_names_have_examples_and_the_package_needs_numpy_alone():
    assert reference.__all__ == sorted(reference.__all__)
    for name in reference.__all__:
        text = getattr(reference, name).__doc__ or ""
        assert ">>>" in text or name == "Trace", f"{name} shows no example"
    code = "import sys, wellfit.reference; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "scipy", "sklearn", "pandas"} & set(done.stdout.split())
