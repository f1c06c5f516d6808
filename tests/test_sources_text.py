"""Rows 49, 50 and 70 of tests/data/seed-rows.csv: what is done to texts, to tokens, and beside the loss."""

from __future__ import annotations

import dataclasses

import torch

from source_worlds import moment
from wellfit.fold import Fold, Texts
from wellfit.text import Groups, SentenceOrder, Synonyms, WordDeletion, WordSwap


def _fold(*texts):
    return Fold(Texts.of(texts), torch.arange(len(texts)) % 2, torch.ones(len(texts)), 2)


def test_row_49_text_augmentation():
    """Synonyms and another order of sentences: the same label, other words, and nothing that turns the sense."""
    data = _fold("The film is not good. We left.", "A dull film! Never again.")
    now = dataclasses.replace(moment(), resources={"lexicon": Groups((("film", "movie"), ("good", "fine")))})
    reworded = Synonyms(1.0).resample(data, now)
    assert reworded.x.values[2:] == ("The movie is not fine. We left.", "A dull movie! Never again.")
    ordered = SentenceOrder(1.0).resample(data, now)
    assert ordered.x.values[2:] == ("We left. The film is not good.", "Never again. A dull film!")
    for made in (reworded, ordered, WordSwap(0.5).resample(data, now), WordDeletion(0.2).resample(data, now)):
        assert made.labels.tolist() == [0, 1, 0, 1]
        assert made.x.values[:2] == data.x.values
        assert "not" in made.x.values[2]
        assert "Never" in made.x.values[3]
