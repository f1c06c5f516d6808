"""Rows 52, 53 and 65 of tests/data/seed-rows.csv: the sources' own networks, with their recipes."""

from __future__ import annotations

import torch
from torch import nn

from source_worlds import classes
from wellfit import Dropout, Recipe, SpatialDropout, where
from wellfit.draws import Now
from wellfit.models.cnn import RegularizedCNN
from wellfit.models.recurrent import RegularizedLSTM
from wellfit.models.transformer import RegularizedTransformer
from wellfit.sites import find_sites
from wellfit.training.optimizers import Adam
from wellfit.training.step import Batch, Trainer


def _trained(network, recipe, x, labels, steps=25, rate=0.01):
    """The loss in use before and after some steps on one batch."""
    trainer, target = Trainer(network, Adam()), classes(labels, int(labels.max()) + 1, torch.float32)
    state = trainer.start(network, recipe)
    losses = [float(target.loss(trainer.predict(state.deployed(), x)))]
    for i in range(steps):
        rates = dict.fromkeys(state.params, torch.tensor(rate))
        state, _ = trainer.step(state, Batch(x, target), Now.at(i, rates=rates))
    return [*losses, float(target.loss(trainer.predict(state.deployed(), x)))]


def test_row_52_regularized_cnn():
    """Convolutions of 64 and 128 channels with batch norm, 512 units, any size; channels go, then single units."""
    network = RegularizedCNN(10, grid=16).eval()
    shapes = [tuple(m.weight.shape) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert shapes == [(64, 3, 3, 3), (128, 64, 3, 3), (512, 128 * 16 * 16), (10, 512)]
    assert sum(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in network.modules()) == 3
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    small = RegularizedCNN(2, widths=(8, 8), grid=2, hidden=16)
    for size in (9, 28, 33):
        assert small.eval()(torch.zeros(2, 3, size, size)).shape == (2, 2)
    recipe = Recipe(where(SpatialDropout(0.25), "first.hidden|second.hidden"), where(Dropout(0.5), "dense.hidden"))
    reached = {n: [p.name.partition("@")[0] for p in recipe if p.selects_site(s)] for n, s in find_sites(small).items()}
    assert reached["first.hidden"] == reached["second.hidden"] == ["SpatialDropout"]
    assert reached["dense.hidden"] == ["Dropout"]
    labels = torch.arange(32) % 2
    before, after = _trained(small, recipe, torch.randn(32, 3, 12, 12) + labels.view(-1, 1, 1, 1), labels)
    assert after < 0.5 * before


def test_row_53_regularized_transformer():
    """It runs, what is padded changes nothing, branches stand beside a free way, and it learns with dropout 0.1."""
    network = RegularizedTransformer(50, 2, width=16, heads=2).eval()
    tokens = torch.randint(1, 50, (3, 12))
    padded = torch.cat([tokens, torch.zeros(3, 5, dtype=torch.int64)], 1)
    torch.testing.assert_close(network(padded), network(tokens), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(network(tokens.flip(1)), network(tokens), atol=1e-4), "order counts"
    kinds = [s.kind for s in find_sites(network).values()]
    assert kinds.count("branch") == 4
    widths = [(m.in_features, m.out_features) for m in network.modules() if isinstance(m, nn.Linear)]
    assert widths.count((16, 64)) == 2, "the feed-forward layers are four times as wide"
    labels = torch.arange(48) % 2
    texts = torch.randint(1, 25, (48, 8)) + 24 * labels[:, None]
    before, after = _trained(network, Recipe(Dropout(0.1)), texts, labels)
    assert after < 0.5 * before


def test_row_65_recurrent_networks():
    """Time by time it is torch's LSTM; a gradient arrives over a hundred times, as it does not in an RNN."""
    network = RegularizedLSTM(4, 2, width=8).double()
    peer, layer = nn.LSTM(4, 8, batch_first=True).double(), network.layers[0]
    with torch.no_grad():
        peer.weight_ih_l0.copy_(layer.input.weight)
        peer.weight_hh_l0.copy_(layer.recurrent.weight)
        peer.bias_ih_l0.copy_(layer.input.bias)
        peer.bias_hh_l0.zero_()
    x = torch.randn(3, 100, 4, dtype=torch.float64)
    torch.testing.assert_close(network(x), network.head(peer(x)[0][:, -1]))
    plain = nn.RNN(4, 8, batch_first=True).double()
    arrived = []
    for model in (lambda x: layer(x)[:, -1], lambda x: plain(x)[0][:, -1]):
        held = x.clone().requires_grad_()
        model(held).square().sum().backward()
        arrived.append(float(held.grad[:, 0].norm() / held.grad[:, -1].norm()))
    assert arrived[0] > 1e3 * arrived[1]
