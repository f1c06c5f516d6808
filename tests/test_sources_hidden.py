"""Rows 17 to 26 of tests/data/seed-rows.csv: dropout of all kinds, and batch norm."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from source_worlds import HIDDEN, classes, moment, numbers, step, thirds
from wellfit import (
    BatchNorm,
    Dropout,
    Recipe,
    RowDropout,
    SpatialDropout,
    StochasticDepth,
    VariationalDropout,
    reference,
    where,
)  # fmt: skip
from wellfit.models.mlp import MLP, Shape
from wellfit.sites import Site, find_sites
from wellfit.training.optimizers import SGD
from wellfit.training.step import Trainer


def _hidden(part, h, i=0, site=HIDDEN):
    return part.activation(h, site, {}, moment(step=i))


def test_row_17_inverted_dropout_with_backward():
    h = torch.randn(200, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    out = _hidden(Dropout(0.5), h)
    mask = _hidden(Dropout(0.5), torch.ones_like(h))
    assert sorted(mask.unique().tolist()) == [0.0, 2.0]
    out.sum().backward()
    assert torch.equal(h.grad, mask)
    np.testing.assert_allclose(reference.dropout_forward(h.detach().numpy(), mask.numpy()), out.detach())
    np.testing.assert_array_equal(reference.dropout_backward(np.ones(h.shape), mask.numpy()), h.grad)


def test_row_18_dropout_in_practice():
    """Half of randn(3, 5) goes; "0.8" for inputs is what is kept, so p is 0.2; the output is no place for it."""
    h = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    out = torch.stack([_hidden(Dropout(0.5), h, i) for i in range(400)])
    assert abs((out == 0).double().mean() - 0.5) < 0.03
    torch.testing.assert_close(out.mean(0), h, rtol=0, atol=0.35 * float(h.abs().max()))
    assert abs((_hidden(Dropout(0.2), torch.ones(100, 100)) != 0).double().mean() - 0.8) < 0.02
    network = MLP(Shape(4, 2, 6, 2))
    inputs = [s.name for s in find_sites(network).values() if where(Dropout(0.2), "input").selects_site(s)]
    assert inputs == ["input"]
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(Dropout(1.0)))
    seen = trainer._forward(state, state.params, torch.ones(3, 4), moment())
    torch.testing.assert_close(seen.outputs, network.head.bias.detach().expand(3, 2))


def test_row_19_keras_dropout():
    import keras

    h = np.ones((300, 64), np.float32)
    layer = keras.layers.Dropout(0.5, seed=3)
    theirs = torch.as_tensor(keras.ops.convert_to_numpy(layer(h, training=True)))
    ours = _hidden(Dropout(0.5), torch.from_numpy(h))
    assert sorted(ours.unique().tolist()) == sorted(theirs.unique().tolist()) == [0.0, 2.0]
    for share, mean in (thirds(0.5, ours), thirds(0.5, theirs)):
        assert abs(share - 0.5) < 0.02
        assert abs(mean - 1.0) < 0.04
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(h, training=False)), h)


def test_row_20_thinned_network():
    """With a mask the gradient is that of the network without the dropped units, on scaled ones."""
    network = MLP(Shape(4, 2, 6, 1)).double()
    recipe, x, target = Recipe(Dropout(0.5)), torch.randn(1, 4, dtype=torch.float64), classes([0])
    now = moment(names=dict(network.named_parameters()))
    kept = recipe.activation(torch.ones(1, 6, dtype=torch.float64), Site("blocks.0.hidden", "hidden"), {}, now)[0] / 2
    ours = step(network, recipe, x, target, rate=1.0)
    moved = {n: w - ours.params[n] for n, w in network.named_parameters()}
    left = kept > 0
    assert 0 < left.sum() < 6
    hidden = torch.relu(x @ network.blocks[0].linear.weight[left].T + network.blocks[0].linear.bias[left]) * 2.0
    thin = nn.functional.cross_entropy(hidden @ network.head.weight[:, left].T + network.head.bias, target.values)
    peers = torch.autograd.grad(thin, [network.blocks[0].linear.weight, network.head.weight])
    torch.testing.assert_close(moved["blocks.0.linear.weight"], peers[0])
    torch.testing.assert_close(moved["head.weight"], peers[1])
    assert (moved["blocks.0.linear.weight"][~left] == 0).all()


def test_row_21_spatial_dropout():
    h = torch.ones(60, 40, 5, 7)
    out = _hidden(SpatialDropout(0.25), h)
    assert torch.equal(out, out[:, :, :1, :1].expand_as(out))
    torch.manual_seed(0)
    for masks in (out, nn.functional.dropout2d(h, 0.25)):
        torch.testing.assert_close(masks.unique(), torch.tensor([0.0, 4 / 3]))
        assert abs((masks == 0).double().mean() - 0.25) < 0.04


def test_row_22_variational_dropout():
    """The noise multiplies: at alpha 1 its standard deviation is the value itself, where the source adds 1 to all."""
    part = VariationalDropout(1.0)
    h = numbers([0.0, 3.0]).expand(20_000, 2)
    extra = part.extend({"w": h}, [HIDDEN])
    out = part.activation(h, HIDDEN, extra, moment())
    assert (out[:, 0] == 0).all()
    assert out[:, 1].std() == pytest.approx(3.0, rel=0.03)
    learned = {n: w.clone().requires_grad_() for n, w in extra.items()}
    part.activation(h, HIDDEN, learned, moment()).square().mean().backward()
    assert all(float(w.grad) > 0 for w in learned.values()), "alpha is learned"


def test_row_23_stochastic_depth():
    """Whole blocks go in training, all are there in use, and the mean of what a block adds stays."""
    network = MLP(Shape(4, 2, 6, 3, residual=True)).double()
    sites = [s for s in find_sites(network).values() if s.kind == "branch"]
    for i, site in enumerate(sites):
        out = StochasticDepth(0.6).activation(torch.ones(20_000, 5, dtype=torch.float64), site, {}, moment())
        assert torch.equal(out, out[:, :1].expand_as(out)), "a row keeps a block or loses it"
        share, mean = thirds(0.6, out)
        assert abs(share - 0.6 * (i + 1) / 3) < 0.02
        assert abs(mean - 1.0) < 0.03
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(StochasticDepth(0.6)))
    x = torch.randn(5, 4, dtype=torch.float64)
    torch.testing.assert_close(trainer.predict(state.deployed(), x), network(x).detach())


def test_row_24_structured_row_dropout():
    out = _hidden(RowDropout(1.0), torch.ones(2000, 3, 4, 6))
    gone = out == 0
    rows, columns = gone.all(3).any((1, 2)), gone.all(2).any((1, 2))
    assert (rows ^ columns).all(), "each map loses a row or a column"
    assert abs(rows.double().mean() - 0.5) < 0.05
    assert abs(out.double().mean() - 1.0) < 0.01


def test_row_25_batch_norm_by_hand():
    """Momentum 0.9 of the old value is 0.1 of ours; in training the batch's biased variance normalizes."""
    network = BatchNorm(momentum=0.1, eps=1e-8).rewrite(nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double())
    norm, x = network[0][1], np.random.default_rng(0).normal(2.0, 3.0, size=(10, 4))
    out, _ = reference.batch_norm_train(x, np.ones(4), np.zeros(4), eps=1e-8)
    np.testing.assert_allclose(norm(numbers(x)).detach(), out, atol=1e-12)
    np.testing.assert_allclose(norm.running_mean, 0.1 * x.mean(0))
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * x.var(0, ddof=1))
    running = reference.Running.start(4).after(x)
    used = reference.batch_norm_use(x, np.ones(4), np.zeros(4), running, eps=1e-8)
    np.testing.assert_allclose(norm.eval()(numbers(x)).detach(), used, atol=1e-12)


def _deep():
    torch.manual_seed(0)
    widths = [5, *[16] * 6]
    layers = [m for a, b in itertools.pairwise(widths) for m in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(16, 2)).double(), torch.randn(64, 5, dtype=torch.float64)


def test_row_26_batch_norm_and_large_rates():
    """Weights ten times as large change nothing behind a norm; six layers learn at a rate of 3, and not without one.

    A row depends on its batch in training alone.
    """
    plain, x = _deep()
    network = BatchNorm().rewrite(plain)
    assert not torch.equal(network(x)[:8], network(x[:8]))
    large = copy.deepcopy(network)
    with torch.no_grad():
        large[0][0].weight *= 10.0
    torch.testing.assert_close(large(x), network(x), rtol=1e-2, atol=1e-3)  # but for eps
    network.eval()
    torch.testing.assert_close(network(x)[:8], network(x[:8]))
    target, losses = classes(x[:, 0] > 0), []
    for model in (plain, BatchNorm().rewrite(plain)):
        end = step(model, Recipe(), x, target, rate=3.0, steps=40)
        losses.append(float(target.loss(Trainer(model, SGD()).predict(end.deployed(), x))))
    assert losses[0] > 0.6, "it knows as little as at the start"
    assert losses[1] < 0.05
