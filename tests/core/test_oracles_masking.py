"""Masking of tokens, held against the definition; and hidden words guessed better than by their frequency."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import wellfit as wf
from wellfit.data.vocabulary import FIRST_WORD, MASK
from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.models.mlp import MLP, Shape
from wellfit.models.text_cnn import TextCNN
from wellfit.models.transformer import RegularizedTransformer
from wellfit.sites import find_sites
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam

WORDS = 20


def chain(rows, seed, length=12):
    """Texts in which a word mostly says which comes next: 85 of 100 times."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(WORDS, (rows, length), generator=g)
    for t in range(1, length):
        told = torch.rand(rows, generator=g) < 0.85
        x[:, t] = torch.where(told, (7 * x[:, t - 1] + 3) % WORDS, x[:, t])
    return x + FIRST_WORD


def target(x):
    return Target(nn.functional.one_hot(x.sum(1) % 2, 2).float(), torch.ones(len(x)), classes=True)


def guessed(part, lone, x, step=10_000):
    """What a part guesses of texts, with the weights of a training."""
    state, sites = lone.state, lone.trainer.sites

    def loss_of(x, wanted, now):
        seen = lone.trainer._forward(state, state.params, x, now)
        hidden = {s.name: h for (s, _), h in seen.everywhere.items() if s in sites}
        return wanted.loss(seen.outputs), seen._replace(hidden=hidden, params=state.params)

    now = Now.at(step).of(part.name)
    with torch.no_grad():
        return part.guesses(loss_of, x, target(x), now, state.params)


def test_oracle_TokenMask():
    x = torch.randint(0, 100, (400, 50), generator=torch.Generator().manual_seed(0))
    out, same = wf.TokenMask(0.15).batch(x, "target", Now.at(0).of("TokenMask"))
    drawn = Now.at(0).of("TokenMask").uniform((400, 50), "tokens") < 0.15
    assert torch.equal(out, torch.where(drawn & (x >= FIRST_WORD), MASK, x))
    assert same == "target"
    assert abs(float((out != x)[x >= FIRST_WORD].double().mean()) - 0.15) < 0.01
    assert torch.equal(out[x < FIRST_WORD], x[x < FIRST_WORD])
    assert out.dtype == x.dtype


def test_the_numbers_are_those_of_wellfits_vocabularies_and_can_be_others():
    for part in (wf.TokenMask(), wf.MaskedTokens()):
        assert (part.mask, part.first) == (MASK, FIRST_WORD)
    out, _ = wf.TokenMask(1.0, mask=103, first=999).batch(torch.tensor([[101, 2000, 102, 0]]), None, Now.at(0))
    assert out.tolist() == [[101, 103, 102, 0]]


@pytest.mark.parametrize(
    "x", [torch.rand(4, 5), torch.zeros(4, dtype=torch.int64), torch.zeros(2, 2, dtype=torch.bool)]
)
def test_what_is_no_row_of_tokens_is_refused(x):
    with pytest.raises(RecipeError, match="TokenMask"):
        wf.TokenMask().batch(x, None, Now.at(0))


@pytest.mark.parametrize(
    "make",
    [
        lambda: BagOfEmbeddings(WORDS + 3, 2, width=24, hidden=8),
        lambda: TextCNN(WORDS + 3, 2, width=24, filters=4),
        lambda: RegularizedTransformer(WORDS + 3, 2, width=24, depth=1),
    ],
    ids=["bag", "cnn", "transformer"],
)
def test_oracle_MaskedTokens_accuracy_above_the_unigram_baseline(make):
    """A model of words that sees no context is right as often as the most frequent word comes: about 1 in 18."""
    torch.manual_seed(0)
    part, x, fresh = wf.MaskedTokens(1.0), chain(500, 0), chain(400, 1)
    lone = Lone(make(), wf.Recipe(part), Adam(), rate=1e-2)
    scores, stood, asked = guessed(part, lone, fresh)
    before = float((scores.argmax(-1) == stood)[asked].double().mean())
    for step in range(120):
        some = x[(torch.arange(64) + 64 * step) % 500]
        lone.step(some, target(some))
    scores, stood, asked = guessed(part, lone, fresh)
    right = float((scores.argmax(-1) == stood)[asked].double().mean())
    unigram = float(torch.bincount(fresh.flatten()).max() / fresh.numel())
    assert unigram < 0.1
    assert before < 0.2
    assert right > 0.6
    assert sorted(n for n in lone.state.deployed() if n.startswith("extra.")) == []


def test_its_loss_is_the_mean_cross_entropy_of_the_hidden_words():
    part, x = wf.MaskedTokens(0.7, share=0.2), chain(16, 2)
    lone = Lone(BagOfEmbeddings(WORDS + 3, 2, width=8, hidden=8), wf.Recipe(part), Adam(), rate=0.0)
    scores, stood, asked = guessed(part, lone, x, step=0)
    assert asked.sum(1).tolist() == [3] * 16  # ceil(.2 * 12)
    expected = nn.functional.cross_entropy(scores[asked], stood[asked])
    plain = Lone(BagOfEmbeddings(WORDS + 3, 2, width=8, hidden=8), wf.Recipe(), Adam(), rate=0.0)
    network = lone.network.state_dict()
    plain.state = plain.state._replace(params={n: lone.state.params[n] for n in network})
    both, alone = lone.step(x, target(x)), plain.step(x, target(x))
    torch.testing.assert_close(both - alone, 0.7 * expected)


def test_eight_tenths_behind_the_mask_a_tenth_behind_another_word():
    part = wf.MaskedTokens(share=0.25)
    x = torch.randint(FIRST_WORD, 1000, (4000, 8), generator=torch.Generator().manual_seed(1))
    x[:, 6:] = torch.tensor([0, 1])  # padding, and a word that training did not know
    shown = []
    table = torch.zeros(1000, 4)

    def loss_of(tokens, _target, _now):
        from wellfit.sites import Site
        from wellfit.training.step import Seen

        shown.append(tokens)
        words = Site("w", "embedding", table="t")
        h = nn.functional.embedding(tokens, table)
        return torch.zeros(()), Seen(torch.zeros(len(x), 2), {}, {"w": h}, {(words, 1): h})

    params = {"t": table, part.extra("bias.t"): torch.zeros(1000), part.extra("context"): torch.zeros(6, 4),
              part.extra("head"): torch.eye(4)}  # fmt: skip
    _, stood, asked = part.guesses(loss_of, x, None, Now.at(0).of("MaskedTokens"), params)
    assert asked.sum(1).tolist() == [2] * 4000  # ceil(.25 * 6) of 8 places
    assert (stood[asked] >= FIRST_WORD).all()
    assert torch.equal(shown[0][:, 6:], x[:, 6:])
    changed = shown[0] != x
    masked = shown[0] == MASK
    total = asked.sum()
    assert abs(float(masked.sum() / total) - 0.8) < 0.02
    assert abs(float((changed & ~masked).sum() / total) - 0.1) < 0.015
    assert (shown[0][changed & ~masked] >= FIRST_WORD).all()


def test_only_frequent_words_are_asked_for_where_answers_are_few():
    part, x = wf.MaskedTokens(words=10, share=0.25), chain(50, 3)
    lone = Lone(BagOfEmbeddings(WORDS + 3, 2, width=8, hidden=8), wf.Recipe(part), Adam(), rate=0.0)
    scores, stood, asked = guessed(part, lone, x)
    assert scores.shape[-1] == 10
    assert (stood[asked] < 10).all()
    assert 0 < asked.sum() < 3 * 50


def test_a_text_without_a_word_costs_nothing():
    part, x = wf.MaskedTokens(), torch.zeros(4, 6, dtype=torch.int64)
    lone = Lone(BagOfEmbeddings(9, 2, width=8, hidden=8), wf.Recipe(part), Adam(), rate=1e-3)
    assert torch.isfinite(lone.step(x, target(x)))
    assert all(torch.isfinite(p).all() for p in lone.state.params.values())


def test_a_network_without_an_embedding_is_refused():
    with pytest.raises(RecipeError, match="MaskedTokens"):
        Lone(MLP(Shape(4, 2, 8, 1)), wf.Recipe(wf.MaskedTokens()), Adam(), rate=1e-3)


class Foreign(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(WORDS + 3, 16)
        self.read = nn.GRU(16, 16, batch_first=True)
        self.act = nn.ReLU()
        self.head = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.head(self.act(self.read(self.table(tokens))[0]).mean(1))


def test_a_models_own_embedding_is_found_and_trained_in_a_loop_of_ones_own():
    torch.manual_seed(0)
    model, x = Foreign(), chain(300, 4)
    assert {s.name: s.table for s in find_sites(model).values() if s.kind == "embedding"} == {"table": "table.weight"}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    labels, losses = x.sum(1) % 2, []
    with wf.Recipe(wf.MaskedTokens(1.0)).attach(model, optimizer) as run:
        for step in range(60):
            rows = (torch.arange(50) + 50 * step) % 300
            seen, wanted = run.batch(x[rows], labels[rows])
            optimizer.zero_grad()
            loss = run.loss(nn.functional.cross_entropy, model(seen), wanted)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert sum(losses[-10:]) < 0.75 * sum(losses[:10])
    assert set(dict(model.named_parameters())) == set(dict(Foreign().named_parameters()))
