"""The sources' networks against torch's own layers, and at their edges."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from wellfit import (
    DropConnect,
    Recipe,
    RegularizedCNN,
    RegularizedLSTM,
    RegularizedTransformer,
    ShakeShake,
    StochasticDepth,
    UsageError,
    where,
)
from wellfit.draws import Now
from wellfit.sites import find_sites
from wellfit.target import Target
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer


@pytest.fixture(autouse=True)
def same_weights():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def target(rows, classes=2):
    values = nn.functional.one_hot(torch.arange(rows) % classes, classes).double()
    return Target(values, torch.ones(rows, dtype=torch.float64), classes=True)


def test_cnn_is_the_row_of_layers_of_the_source():
    """At 32 by 32 and a grid of 16 the adaptive average is the identity; layers before a norm need no bias."""
    network = RegularizedCNN(10, widths=(4, 6), grid=16, hidden=12).double()
    peer = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 16 * 16, 12), nn.BatchNorm1d(12), nn.ReLU(),
        nn.Linear(12, 10),
    ).double()  # fmt: skip
    for theirs, ours in zip((0, 3, 8), (network.first, network.second, network.dense), strict=True):
        peer[theirs].weight.data = ours.layer.weight.data
    peer[11].load_state_dict(network.head.state_dict())
    x = torch.randn(5, 3, 32, 32, dtype=torch.float64)
    assert_close(network(x), peer(x))  # the biases of the peer's layers are taken out by its norms
    for theirs, ours in zip((0, 3, 8), (network.first, network.second, network.dense), strict=True):
        nn.init.zeros_(peer[theirs].bias)
        peer[theirs + 1].load_state_dict(ours.norm.state_dict())
    assert_close(network.eval()(x), peer.eval()(x))


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (8, 8), (31, 17), (64, 48)])
def test_cnn_takes_pictures_of_any_size(size):
    network = RegularizedCNN(4, channels=1, widths=(3, 5), grid=3, hidden=6)
    x = torch.randn(2, 1, *size, requires_grad=True)
    network(x).square().sum().backward()
    assert torch.isfinite(x.grad).all()
    kinds = {s.name: s.kind for s in find_sites(network).values()}
    assert [n for n, k in kinds.items() if k == "hidden"] == ["first.hidden", "second.hidden", "dense.hidden"]


def test_cnn_blocks_add_the_mean_of_two_branches_and_are_where_ShakeShake_acts():
    """By hand: the shares that the draws give, forward; in evaluation the even mixture."""
    network = RegularizedCNN(2, widths=(3, 4), grid=2, hidden=5, blocks=2).double()
    sites = [s for s in find_sites(network).values() if s.kind == "branches"]
    assert [s.name for s in sites] == ["blocks.0.branches", "blocks.1.branches"]
    assert not [s for s in find_sites(RegularizedCNN(2)).values() if s.kind == "branches"]
    block, h = network.blocks[0], torch.randn(6, 4, 5, 5, dtype=torch.float64)
    assert_close(block(h), h + (block.one(h) + block.other(h)) / 2)

    x = torch.randn(6, 3, 8, 8, dtype=torch.float64)
    rates = {n: torch.tensor(0.1).double() for n, _ in network.named_parameters()}
    trainer, now = Trainer(network, SGD()), Now.at(0, rates=rates)
    shaken, plain = (
        trainer.step(trainer.start(network, recipe), Batch(x, target(6)), now)[1]
        for recipe in (Recipe(ShakeShake()), Recipe())
    )
    maps = network.train().second(network.first(x))
    for each, site in zip(network.blocks, sites, strict=True):
        both = torch.stack([each.one(maps), each.other(maps)])
        maps = maps + ShakeShake().activation(both, site, {}, now.of("ShakeShake")).mean(0)
    outputs = network.head(network.dense(network.fit(network.pool(maps)).flatten(1)))
    assert_close(shaken, target(6).loss(outputs).detach())
    assert abs(float(plain - shaken)) > 1e-6
    with pytest.raises(UsageError, match="blocks from 0"):
        RegularizedCNN(2, blocks=-1)


def _encoder(network, heads):
    """torch's encoder layers with the weights of a RegularizedTransformer's blocks."""
    made = []
    for block in network.blocks:
        width, own = block.norm.normalized_shape[0], block.attention
        peer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        ).double()
        parts = (own.query, own.key, own.value)
        feed = block.fed.layers
        pairs = {
            "self_attn.in_proj_weight": torch.cat([p.weight for p in parts]),
            "self_attn.in_proj_bias": torch.cat([p.bias for p in parts]),
        }
        for name, module in {
            "self_attn.out_proj": own.out, "norm1": block.norm, "norm2": feed[0], "linear1": feed[1], "linear2": feed[4]
        }.items():  # fmt: skip
            pairs |= {f"{name}.{n}": w for n, w in module.named_parameters()}
        peer.load_state_dict({n: w.detach() for n, w in pairs.items()})
        made.append(peer)
    return made


def test_transformer_blocks_are_torchs_pre_norm_layers():
    network = RegularizedTransformer(30, 3, width=8, heads=2, depth=2).double()
    with torch.no_grad():
        for weight in network.parameters():  # norms and biases other than one and zero
            weight.add_(0.1 * torch.randn_like(weight))
    tokens = torch.randint(1, 30, (4, 9))
    tokens[1, 5:], tokens[2, 2:] = 0, 0
    real = tokens != 0
    h = theirs = torch.randn(4, 9, 8, dtype=torch.float64)
    for block, peer in zip(network.blocks, _encoder(network, 2), strict=True):
        h, theirs = block(h, real), peer(theirs, src_key_padding_mask=~real)
    assert_close(h[real], theirs[real])


def test_padding_anywhere_changes_nothing():
    network = RegularizedTransformer(30, 3, width=8, heads=2).double()
    tokens = torch.randint(1, 30, (3, 6))
    nothing = torch.zeros(3, 4, dtype=torch.int64)
    plain = network(tokens)
    for padded in ([tokens, nothing], [nothing, tokens], [tokens[:, :2], nothing, tokens[:, 2:]]):
        assert_close(network(torch.cat(padded, 1)), plain)
    assert not torch.allclose(network(tokens.flip(1)), plain, atol=1e-3), "the order of words counts"
    assert_close(network(torch.cat([tokens, nothing + 5], 1))[0].shape, plain[0].shape)
    assert not torch.allclose(network(torch.cat([tokens, nothing + 5], 1)), plain, atol=1e-3), "other words count"


def test_a_text_without_words_has_a_finite_answer_and_gradient():
    network = RegularizedTransformer(30, 3, width=8, heads=2)
    out = network(torch.tensor([[0, 0, 0], [4, 0, 2]]))
    out.square().sum().backward()
    assert torch.isfinite(out).all()
    assert all(torch.isfinite(w.grad).all() for w in network.parameters())
    assert_close(out[0], network.head.bias.detach() + 0 * out[0].detach())


def test_branches_that_are_dropped_are_not_computed_and_the_result_is_the_same():
    network = RegularizedTransformer(30, 2, width=8, heads=2).double()
    recipe, rates = Recipe(StochasticDepth(0.5)), {n: torch.tensor(0.1).double() for n, _ in network.named_parameters()}
    batch = Batch(torch.randint(1, 30, (8, 5)), target(8))
    ends, counted = [], []
    for skips in (False, True):
        rows = []
        module = copy.deepcopy(network)
        module.blocks[1].fed.layers[1].register_forward_hook(lambda _m, args, _o, rows=rows: rows.append(len(args[0])))
        trainer = Trainer(module, SGD(), skips=skips)
        state, _ = trainer.step(trainer.start(module, recipe), batch, Now.at(0, rates=rates))
        ends.append(state.params)
        counted.append(sum(rows))
    assert counted[1] < counted[0] == 8
    for name, weight in ends[0].items():
        assert_close(ends[1][name], weight)


def test_lstm_of_two_layers_is_torchs():
    network = RegularizedLSTM(3, 2, width=5, depth=2).double()
    peer = nn.LSTM(3, 5, num_layers=2, batch_first=True).double()
    with torch.no_grad():
        for i, layer in enumerate(network.layers):
            getattr(peer, f"weight_ih_l{i}").copy_(layer.input.weight)
            getattr(peer, f"weight_hh_l{i}").copy_(layer.recurrent.weight)
            getattr(peer, f"bias_ih_l{i}").copy_(layer.input.bias)
            getattr(peer, f"bias_hh_l{i}").zero_()
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    assert_close(network.layers(x), peer(x)[0])
    assert_close(network(x), network.head(peer(x)[0][:, -1]))


def test_drop_connect_takes_the_same_connections_at_every_time():
    """One step under DropConnect is the gradient step of an nn.LSTM-like network whose recurrent weights are masked."""
    network = RegularizedLSTM(3, 2, width=5).double()
    part = where(DropConnect(0.5), "layers.*.recurrent.weight")
    name = "layers.0.recurrent.weight"
    params = {n: w.detach() for n, w in network.named_parameters()}
    rates = {n: torch.tensor(0.1).double() for n in params}
    now = Now.at(3, 1, rates=rates)
    used = part.weights(part.select(params), now.of(part.name))
    assert set(used) == {name}
    mask = used[name] / params[name]
    assert sorted(mask.unique().round().tolist()) == [0.0, 2.0]
    batch = Batch(torch.randn(6, 8, 3, dtype=torch.float64), target(6))
    trainer = Trainer(network, SGD())
    state, _ = trainer.step(trainer.start(network, Recipe(part)), batch, now)
    masked = copy.deepcopy(network)
    masked.layers[0].recurrent.weight.data = used[name]
    batch.target.loss(masked(batch.x)).backward()
    gradients = {n: w.grad for n, w in masked.named_parameters()}
    gradients[name] = gradients[name] * mask  # the chain rule through w * mask
    for n, weight in params.items():
        assert_close(state.params[n], weight - 0.1 * gradients[n])


@pytest.mark.parametrize(
    "make",
    [
        lambda: RegularizedCNN(0),
        lambda: RegularizedCNN(2, widths=(4, 0)),
        lambda: RegularizedTransformer(10, 2, width=9, heads=3),
        lambda: RegularizedTransformer(10, 2, width=8, heads=3),
        lambda: RegularizedLSTM(4, 2, depth=0),
        lambda: RegularizedLSTM(4, 2)(torch.zeros(2, 0, 4)),
    ],
)
def test_sizes_that_cannot_be_are_refused(make):
    with pytest.raises(UsageError, match="WF-A60"):
        make()
