"""Mixup of words' vectors against networks for texts computed by hand on blended vectors."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from worlds import now_at

from wellfit import Recipe
from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.models.text_cnn import TextCNN
from wellfit.models.transformer import RegularizedTransformer, positions
from wellfit.regularizers import WordMixup
from wellfit.regularizers.mixing import mixing_share
from wellfit.target import Target
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer

TOKENS = torch.tensor([[5, 7, 9, 0, 0, 0], [3, 0, 0, 0, 0, 0], [8, 2, 6, 4, 3, 9], [1, 5, 0, 0, 0, 0]])
TARGET = Target(torch.eye(2, dtype=torch.float64)[[0, 1, 1, 0]], torch.ones(4, dtype=torch.float64), True)


def made(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(12, 2, width=8).double().eval()


def loss_of(network, part, step=4):
    trainer = Trainer(network, SGD())
    now = now_at(dict(network.named_parameters()), step)
    return float(trainer.step(trainer.start(network, Recipe(part)), Batch(TOKENS, TARGET), now)[1])


def bag_by_hand(network, vectors, there):
    mean = vectors.sum(1) / there.sum(1).clamp(min=1).sqrt().unsqueeze(-1)
    return network.head(torch.relu(network.layer(mean)))


def cnn_by_hand(network, vectors, there):
    h = nn.functional.pad(vectors.transpose(1, 2), (5, 5))
    return network.head(torch.cat([torch.relu(f(h)).amax(-1) for f in network.filters], 1))


def transformer_by_hand(network, vectors, there):
    there = there.bool()
    h = vectors + positions(there, vectors)
    for block in network.blocks:
        h = block(h, there)
    counts = there.unsqueeze(-1)
    return network.head((network.norm(h) * counts).sum(1) / counts.sum(1))


CASES = [
    (BagOfEmbeddings, bag_by_hand, 2, 1.0), (TextCNN, cnn_by_hand, 2, 1.0),
    (RegularizedTransformer, transformer_by_hand, 1, 8**0.5),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "by_hand", "first", "size"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_oracle_WordMixup(kind, by_hand, first, size):
    """The loss of a step is that of vectors blended place by place, texts as long as the longer, labels alike."""
    network, now = made(kind), now_at(step=4).of("WordMixup")
    share, partner = mixing_share(0.8, now).double(), now.permutation(4, "partner")
    assert 0.02 < share < 0.98
    assert not torch.equal(partner, torch.arange(4))
    real = (first <= TOKENS).double()
    vectors = network.vectors.weight[TOKENS] * size * real.unsqueeze(-1)
    outputs = by_hand(network, share * vectors + (1 - share) * vectors[partner], torch.maximum(real, real[partner]))
    labels = TARGET.values.argmax(1)
    one, other = (nn.functional.cross_entropy(outputs, y) for y in (labels, labels[partner]))
    expected = float((share * one + (1 - share) * other).detach())
    assert loss_of(network, WordMixup(0.8)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", [BagOfEmbeddings, TextCNN, RegularizedTransformer])
def test_WordMixup_at_zero_changes_nothing(kind):
    network = made(kind)
    assert loss_of(network, WordMixup(0.0)) == float(TARGET.loss(network(TOKENS)).detach())


def test_WordMixup_leaves_a_network_without_words_alone():
    network = nn.Sequential(nn.Linear(6, 2)).double()
    x = TOKENS.double()
    trainer = Trainer(network, SGD())
    now = now_at(dict(network.named_parameters()), 4)
    found = trainer.step(trainer.start(network, Recipe(WordMixup(0.8))), Batch(x, TARGET), now)[1]
    assert float(found) == float(TARGET.loss(network(x)).detach())
