"""Normalization against an independent word on what it computes: torch, Keras, NumPy."""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from worlds import now_at

from wellfit import (
    BatchNorm,
    FreezeStatistics,
    GhostBatchNorm,
    GroupNorm,
    LayerNorm,
    Recipe,
    RecipeError,
    SkipConnection,
    SpectralNorm,
    WeightStandardization,
)  # fmt: skip
from wellfit.regularizers.connections import Skip
from wellfit.stacking import stack
from wellfit.testing.outcome import draw_sample, small_network
from wellfit.testing.stacks import train_alone, train_stacked
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.step import Batch, Trainer

DOUBLE = torch.float64


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def dense(*layers):
    return nn.Sequential(*layers, nn.Linear(12, 3)).double()


def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


def keras_of(layer, h, channels_first=False):
    """What a Keras layer computes; its channels come last."""
    x = h.movedim(1, -1) if channels_first else h
    out = torch.as_tensor(keras().ops.convert_to_numpy(layer(x.numpy())))
    return out.movedim(-1, 1) if channels_first else out


def test_oracle_LayerNorm():
    network = LayerNorm(eps=1e-3).rewrite(dense(nn.Linear(5, 12), nn.GELU()))
    h, norm = normal(7, 12) * 3 + 1, network[0][1]
    assert_close(norm(h).detach(), keras_of(keras().layers.LayerNormalization(epsilon=1e-3, dtype="float64"), h))
    rows = h.numpy()
    by_hand = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(norm(h).detach().numpy(), by_hand, rtol=0, atol=1e-12)
    assert network[0][0].bias is not None, "a row's mean does not take a unit's bias away"


def test_layer_norm_behind_a_convolution_is_over_channels_and_positions():
    network = LayerNorm().rewrite(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).double())
    h = normal(2, 4, 5, 5)
    assert_close(network[0][1](h).detach(), nn.functional.layer_norm(h, (4, 5, 5)))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_oracle_GroupNorm(groups):
    network = GroupNorm(groups, eps=1e-3).rewrite(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).double())
    h, norm = normal(2, 8, 5, 4) * 2 + 1, network[0][1]
    theirs = keras().layers.GroupNormalization(groups, epsilon=1e-3, dtype="float64")
    assert_close(norm(h).detach(), keras_of(theirs, h, channels_first=True), rtol=0, atol=2e-6)  # Keras sums in float32
    parts = h.numpy().reshape(2, groups, -1)
    by_hand = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + 1e-3)
    np.testing.assert_allclose(norm(h).detach().numpy().reshape(parts.shape), by_hand, rtol=0, atol=1e-12)


def test_groups_divide_the_units_there_are():
    def groups(asked, units):
        return GroupNorm(asked).rewrite(nn.Sequential(nn.Linear(2, units), nn.ReLU()))[0][1].num_groups

    assert [groups(32, n) for n in (128, 64, 12, 7, 3)] == [32, 16, 3, 1, 1]
    assert groups(8, 12) == 3
    convolution = GroupNorm(32).rewrite(nn.Sequential(nn.Conv1d(2, 12, 3), nn.ReLU()))
    assert convolution[0][1].num_groups == 12
    with pytest.raises(RecipeError, match="groups"):
        GroupNorm(0)


@pytest.mark.parametrize(("rows", "sizes"), [(12, [4, 4, 4]), (14, [5, 5, 4]), (3, [3])])
def test_oracle_GhostBatchNorm(rows, sizes):
    """nn.BatchNorm1d on one part after the other, forward, backward and running statistics."""
    network = GhostBatchNorm(size=4, momentum=0.2, eps=1e-3).rewrite(dense(nn.Linear(5, 12), nn.ReLU()))
    norm, peer = network[0][1], nn.BatchNorm1d(12, momentum=0.2, eps=1e-3).double()
    for step in range(3):
        h, slope = normal(rows, 12, seed=step).requires_grad_(), normal(rows, 12, seed=step + 9)
        other = h.detach().clone().requires_grad_()
        ours, theirs = norm.train()(h), torch.cat([peer.train()(part) for part in other.split(sizes)])
        assert_close(ours, theirs, rtol=0, atol=1e-14)
        (ours * slope).sum().backward()
        (theirs * slope).sum().backward()
        assert_close(h.grad, other.grad, rtol=0, atol=1e-14)
    assert_close(norm.running_mean, peer.running_mean, rtol=0, atol=1e-14)
    assert_close(norm.running_var, peer.running_var, rtol=0, atol=1e-14)
    assert_close(norm.eval()(h), peer.eval()(h), rtol=0, atol=1e-14)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_ghosts_in_a_stack_are_ghosts_alone(task):
    parts = [Recipe(GhostBatchNorm(size=4)) for _ in range(3)]
    network = parts[0].rewrite(small_network(task).double())
    trainer = Trainer(network, Adam(eps=1e-4))
    states = []
    for seed, part in enumerate(parts):
        filled = copy.deepcopy(network)
        for i, p in enumerate(filled.parameters()):
            p.data.add_(0.3 * normal(*p.shape, seed=10 * seed + i))
        states.append(trainer.start(filled, part))
    stacked = train_stacked(trainer, states, task)
    for seed, state in enumerate(states):
        for name, weight in train_alone(trainer, state, seed, task).deployed().items():
            assert_close(stacked[name][seed], weight, rtol=0, atol=1e-10)
    assert stack(parts, network.head.weight) is not None


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(5, 6), nn.Conv1d(3, 6, 3), nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3), nn.Conv3d(1, 6, 2)],
    ids=lambda m: type(m).__name__,
)
def test_oracle_WeightStandardization(layer):
    """Equation 12 of the source in NumPy, put into a plain layer."""
    plain = nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.LazyLinear(2)).double()
    x = normal(2, *{nn.Linear: (5,), nn.Conv1d: (3, 7), nn.Conv2d: (3, 8, 8)}.get(type(layer), (1, 4, 4, 4)))
    plain(x)
    changed = WeightStandardization(eps=1e-4).rewrite(plain)
    by_hand = copy.deepcopy(plain)
    w = plain[0].weight.detach().numpy()
    axes = tuple(range(1, w.ndim))
    expected = (w - w.mean(axes, keepdims=True)) / np.sqrt(w.var(axes, keepdims=True) + 1e-4)
    by_hand[0].weight.data = torch.from_numpy(expected)
    assert_close(changed(x), by_hand(x), rtol=0, atol=1e-12)
    assert type(plain[0]) is type(layer)
    assert torch.equal(changed[0].weight, plain[0].weight), "what is stored are the plain weights"
    assert type(changed[3]) is type(plain[3]), "the last layer stays as it is"
    changed(x).sum().backward()
    assert changed[0].weight.grad.sum(axes).abs().max() < 1e-10, "no gradient along what is taken out"


def test_weight_standardization_stands_before_a_norm():
    for norm in (BatchNorm(), GroupNorm(2), LayerNorm(), GhostBatchNorm()):
        for recipe in (Recipe(norm, WeightStandardization()), Recipe(WeightStandardization(), norm)):
            network = recipe.rewrite(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)))
            assert type(network[0][0]).__name__ == "StandardizedConv2d"
            assert network(torch.zeros(2, 3, 3, 3)).shape == (2, 2)
    foreign = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    assert type(WeightStandardization().rewrite(foreign)[0]).__name__ == "StandardizedConv2d"


def steps_of(network, recipe, count=4):
    trainer = Trainer(copy.deepcopy(network), SGD())
    state = trainer.start(network, recipe)
    for step in range(count):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step))
    return trainer, state


def normalized():
    """A network with two batch norms that have seen data, as a pretrained one has."""
    network = BatchNorm().rewrite(small_network("classification").double())
    for step in range(30):
        network.train()(draw_sample(100 + step).x * 2 + 1)
    return network


def test_oracle_FreezeStatistics():
    """torch's way: the norms in eval mode during training; the first one's name is asked for."""
    before = normalized()
    first = next(n for n, m in before.named_modules() if isinstance(m, nn.BatchNorm1d))
    network = FreezeStatistics(first).rewrite(before)
    _, state = steps_of(network, Recipe())
    peer = copy.deepcopy(before)
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.1)
    for step in range(4):
        peer.train().get_submodule(first).eval()
        optimizer.zero_grad()
        nn.functional.cross_entropy(peer(draw_sample(step).x), draw_sample(step).target.values).backward()
        optimizer.step()
    for name, value in peer.state_dict().items():
        assert_close(state.weights()[name], value, rtol=0, atol=1e-12)
        if name.endswith(("running_mean", "running_var")):
            assert torch.equal(value, before.state_dict()[name]) == name.startswith(first)


def test_frozen_statistics_compute_the_same_in_training_and_evaluation():
    network, x = FreezeStatistics().rewrite(normalized()), draw_sample(7).x
    assert torch.equal(network.train()(x), network.eval()(x))
    assert not torch.equal(normalized().train()(x), network.eval()(x))
    again = FreezeStatistics().rewrite(GhostBatchNorm(size=2).rewrite(small_network("classification").double()))
    assert torch.equal(again.train()(x), again.eval()(x))
    with pytest.raises(RecipeError, match="pattern"):
        FreezeStatistics(3)


class OutOfOrder(nn.Module):
    """Registers its last layer first, shares one ReLU, and drops values between a layer and its activation."""

    def __init__(self):
        super().__init__()
        self.out, self.act, self.a = nn.Linear(6, 3), nn.ReLU(), nn.Linear(5, 6)
        self.drop, self.b = nn.Dropout(0.5), nn.Linear(6, 6)

    def forward(self, x):
        return self.out(self.act(self.drop(self.b(self.act(self.a(x))))))


class Functional(nn.Module):
    """Calls its activations as functions, and one layer twice: with an activation behind it, and without."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.twice, self.out = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        h = self.b(nn.functional.gelu(self.a(x))).relu()
        return self.out(self.twice(torch.tanh(self.twice(h))))


class Untraceable(nn.Module):
    """Its forward depends on values: only the tree of its modules can be read."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, x):
        return self.layers(x if x.sum() > 0 else -x)


@pytest.mark.parametrize("part", [BatchNorm(), GhostBatchNorm(), LayerNorm(), GroupNorm(2)], ids=lambda p: p.name)
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (OutOfOrder(), {"a", "b"}),
        (Functional(), {"a", "b"}),
        (Untraceable(), {"layers.0"}),
        (nn.Sequential(nn.Linear(5, 6), nn.Dropout(), nn.ReLU(), nn.Linear(6, 3)), {"0"}),
    ],
    ids=["out of order", "functions", "tree", "dropout between"],
)
def test_norms_follow_the_order_of_computing(part, network, expected):
    changed = part.rewrite(network)
    normed = {n for n, m in changed.named_modules() if isinstance(m, nn.Sequential) and "Norm" in str(list(m)[-1:])}
    normed |= {n for n, m in changed.named_modules() if isinstance(m, nn.Sequential) and "Ghosts" in str(list(m)[-1:])}
    assert normed == expected
    rows = normal(8, 5).float()
    assert changed.train()(rows).shape == (8, 3)
    last = [m for m in changed.modules() if isinstance(m, nn.Linear) and m.out_features == 3]
    assert last[0].bias is not None, "the outputs keep their bias"


def test_a_layer_of_two_names_is_changed_under_both():
    layer = nn.Linear(5, 5)
    changed = BatchNorm().rewrite(nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), nn.Linear(5, 2)))
    assert changed[0] is changed[2]
    assert isinstance(changed[0][1], nn.BatchNorm1d)


@pytest.mark.parametrize("part", [BatchNorm(), GhostBatchNorm(), LayerNorm(), GroupNorm(), WeightStandardization()])
def test_norms_say_where_they_find_nothing(part):
    for network in (nn.Sequential(nn.Linear(5, 3)), nn.Linear(5, 3), nn.Sequential(nn.ReLU(), nn.Linear(5, 3))):
        with pytest.raises(RecipeError, match=f"{part.name} finds no") as caught:
            part.rewrite(network)
        assert caught.value.code == "WF-R12"


def test_standardized_layers_get_ways_past_them_and_no_spectral_norm():
    network = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2)).double()
    changed = Recipe(SkipConnection(0.5), WeightStandardization()).rewrite(network)
    x = normal(7, 4)
    w = [network[i].weight.detach().numpy() for i in (0, 2)]
    w = [torch.from_numpy((a - a.mean(1, keepdims=True)) / np.sqrt(a.var(1, keepdims=True) + 1e-5)) for a in w]
    h = torch.relu(x @ w[0].T + network[0].bias)
    h = torch.relu(h @ w[1].T + network[2].bias + 0.5 * h)
    assert_close(changed(x), network[4](h))
    with pytest.raises(RecipeError, match="SpectralNorm and WeightStandardization") as caught:
        Recipe(WeightStandardization(), SpectralNorm()).rewrite(network)
    assert caught.value.code == "WF-R13"
    assert isinstance(Recipe(SpectralNorm(), SkipConnection()).rewrite(network)[2], Skip)
