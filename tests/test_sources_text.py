"""Rows 49, 50 and 70 of tests/data/seed-rows.csv: what is done to texts, to tokens, and beside the loss."""

from __future__ import annotations

import dataclasses

import torch

from source_worlds import classes, moment
from wellfit import MaskedTokens, Recipe, TokenMask
from wellfit.fold import Fold, Texts
from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.text import BackTranslation, Groups, SentenceOrder, Synonyms, WordDeletion, WordSwap
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam


def _fold(*texts):
    return Fold(Texts.of(texts), torch.arange(len(texts)) % 2, torch.ones(len(texts)), 2)


def test_row_49_text_augmentation():
    """Synonyms, back-translation, another order: the same label, other words, and nothing that turns the sense."""
    data = _fold("The film is not good. We left.", "A dull film! Never again.")
    now = dataclasses.replace(moment(), resources={"lexicon": Groups((("film", "movie"), ("good", "fine")))})
    reworded = Synonyms(1.0).resample(data, now)
    assert reworded.x.values[2:] == ("The movie is not fine. We left.", "A dull movie! Never again.")
    ordered = SentenceOrder(1.0).resample(data, now)
    assert ordered.x.values[2:] == ("We left. The film is not good.", "Never again. A dull film!")
    script = {
        "The film is not good. We left.": "The movie is not any good, so we left.",
        "A dull film! Never again.": "",
    }
    translator = dataclasses.replace(now, resources={"translator": lambda texts: [script.get(t, t) for t in texts]})
    translated = BackTranslation(1.0).resample(data, translator)
    assert translated.x.values[2:] == ("The movie is not any good, so we left.",)
    assert translated.labels.tolist() == [0, 1, 0]
    for made in (reworded, ordered, WordSwap(0.5).resample(data, now), WordDeletion(0.2).resample(data, now)):
        assert made.labels.tolist() == [0, 1, 0, 1]
        assert made.x.values[:2] == data.x.values
        assert "not" in made.x.values[2]
        assert "Never" in made.x.values[3]


def test_row_50_masking_as_cutout_of_text():
    """15 of 100 words are hidden, wherever they stand; the class has to be told from the others, and can be."""
    tokens = torch.randint(5, 100, (200, 50))
    out, _ = TokenMask(0.15).batch(tokens, None, moment())
    assert abs(float((out != tokens).double().mean()) - 0.15) < 0.02
    assert set(out[out != tokens].tolist()) == {2}
    x, held = torch.randint(5, 100, (300, 12)), torch.randint(5, 100, (300, 12))
    network = BagOfEmbeddings(100, 2, width=16, hidden=16)
    lone = Lone(network, Recipe(TokenMask(0.15)), Adam(), rate=1e-2)
    for i in range(150):
        rows = (torch.arange(64) + 64 * i) % 300
        lone.step(x[rows], classes((x[rows] > 52).sum(1) > 6, dtype=torch.float32))
    right = lone.trainer.predict(lone.state.deployed(), held).argmax(1) == ((held > 52).sum(1) > 6)
    assert right.double().mean() > 0.75


def test_row_70_masked_token_objective():
    """Hidden words are guessed beside the task: the loss of guessing falls far below that of their frequencies."""
    x = torch.randint(0, 20, (300, 1)) + torch.arange(10)
    x = 3 + x % 20  # each word says which comes next
    target = classes(x[:, 0] % 2, dtype=torch.float32)
    lone = Lone(BagOfEmbeddings(23, 2, width=16, hidden=8), Recipe(MaskedTokens(1.0)), Adam(), rate=2e-2)
    losses = [float(lone.step(x[r], target.take(r))) for r in (torch.randperm(300)[:64] for _ in range(150))]
    frequencies = float(torch.log(torch.tensor(20.0)))  # all 20 words come equally often
    assert losses[0] > frequencies
    assert sum(losses[-10:]) / 10 < 0.5 * frequencies
