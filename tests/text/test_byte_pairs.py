"""BPE-dropout: without dropout the pieces of tokenizers, with it each way to cut as often as the paper has it."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from random import Random

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from wellfit import BPEDropout
from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError, UsageError
from wellfit.fold import Fold, Texts
from wellfit.text import BytePairs, bpe_dropout

CORPUS = [
    f"the lower newest widest river {w} flows slowly beyond town number {i}" for i in range(30) for w in ("low", "new")
]
MARKS = {
    "none": ({}, pre_tokenizers.Whitespace()),
    "prefix": ({"continuing_subword_prefix": "##"}, pre_tokenizers.Whitespace()),
    "suffix": ({"end_of_word_suffix": "</w>"}, pre_tokenizers.Whitespace()),
    "bytes": ({}, pre_tokenizers.ByteLevel(add_prefix_space=True)),
}


def learned(kind="none"):
    marks, splitter = MARKS[kind]
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", **marks))
    tokenizer.pre_tokenizer = splitter
    trainer = trainers.BpeTrainer(
        vocab_size=90, special_tokens=["[PAD]", "[UNK]", "[MASK]"], show_progress=False, **marks
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


@pytest.mark.parametrize("kind", MARKS)
def test_oracle_BPEDropout_without_dropout_is_the_tokenizer(kind):
    tokenizer = learned(kind)
    for text, pieces in zip(CORPUS[:9], bpe_dropout(tokenizer, CORPUS[:9], 0.0), strict=True):
        assert pieces == tokenizer.encode(text).tokens


def _chances(pieces, ranks, p, joined):
    """How likely each way to cut a word is, by the paper's algorithm 1, every case of it counted."""
    there = sorted((ranks[pair], i) for i, pair in enumerate(itertools.pairwise(pieces)) if pair in ranks)
    found = {tuple(pieces): p ** len(there)}
    for place, (_, i) in enumerate(there):
        chance = p**place * (1 - p)  # those before it are left out, and it is not
        for cut, share in _chances(
            [*pieces[:i], joined(*pieces[i : i + 2]), *pieces[i + 2 :]], ranks, p, joined
        ).items():
            found[cut] = found.get(cut, 0.0) + chance * share
    return found


@pytest.mark.parametrize("word", ["lower", "river", "newest"])
@pytest.mark.parametrize("p", [0.1, 0.4])
def test_oracle_BPEDropout_cuts_a_word_as_often_in_each_way_as_the_paper_says(word, p):
    pairs = BytePairs.of(learned("suffix"))
    letters = [*word[:-1], f"{word[-1]}</w>"]
    chances = _chances(letters, {m: i for i, m in enumerate(pairs.merges)}, p, lambda a, b: a + b)
    assert sum(chances.values()) == pytest.approx(1.0)
    count, random = 4000, Random(0)
    seen = Counter(tuple(pairs.cut(letters, p, random)) for _ in range(count))
    assert set(seen) <= set(chances)
    for cut, chance in chances.items():
        assert abs(seen[cut] / count - chance) < 5 * math.sqrt(chance * (1 - chance) / count) + 1e-9, cut


@pytest.mark.parametrize("kind", MARKS)
def test_the_text_stays_and_a_seed_repeats_it(kind):
    tokenizer = learned(kind)
    marks = ("##", "</w>", "Ġ")

    def letters(pieces):
        whole = "".join(pieces)
        for mark in marks:
            whole = whole.replace(mark, "")
        return whole

    cut = bpe_dropout(tokenizer, CORPUS[:5], 0.5, seed=1)
    assert cut == bpe_dropout(tokenizer, CORPUS[:5], 0.5, seed=1)
    assert cut != bpe_dropout(tokenizer, CORPUS[:5], 0.5, seed=2)
    assert [letters(p) for p in cut] == [t.replace(" ", "") for t in CORPUS[:5]]
    assert max(len(p.removeprefix("##").removesuffix("</w>").removeprefix("Ġ"))
               for p in bpe_dropout(tokenizer, CORPUS[:1], 1.0)[0]) == 1  # fmt: skip


@pytest.mark.parametrize("kind", ["prefix", "suffix", "bytes"])
def test_rows_of_numbers_tell_words_by_the_marks_of_their_pieces(kind):
    """From numbers alone the same comes out as from the tokenizer's own word numbers."""
    tokenizer = learned(kind)
    pairs = BytePairs.of(tokenizer)
    for text in CORPUS[:6]:
        read = tokenizer.encode(text)
        assert pairs.cut_again(read.ids, 0.3, Random(5)) == pairs.cut_again(read.ids, 0.3, Random(5), read.word_ids)


def _now(tokenizer, seed=0):
    return dataclasses.replace(Now.at(0, seed), resources={"tokenizer": tokenizer})


def test_variants_of_rows_keep_length_special_tokens_and_labels():
    tokenizer = learned("bytes")
    ids = [tokenizer.encode(t).ids for t in CORPUS[:4]]
    ids[0] = [2, *ids[0]]  # a mask
    x = torch.tensor([row[:20] + [0] * (20 - len(row)) for row in ids])
    data = Fold(x, torch.tensor([1, 0, 1, 0]), torch.tensor([1.0, 2.0, 3.0, 4.0]), 2)
    made = BPEDropout(0.3, variants=2).resample(data, _now(tokenizer))
    assert torch.equal(made.x[:4], x)
    assert made.x.shape == (12, 20)
    assert made.labels.tolist() == [1, 0, 1, 0] * 3
    assert made.weight.tolist() == [1.0, 2.0, 3.0, 4.0] * 3
    assert (made.x[[0, 4, 8], 0] == 2).all()
    assert not torch.equal(made.x[4:8], made.x[8:])
    assert torch.equal(made.x, BPEDropout(0.3, variants=2).resample(data, _now(tokenizer)).x)
    assert not torch.equal(made.x, BPEDropout(0.3, variants=2).resample(data, _now(tokenizer, seed=1)).x)
    decoded = "".join(tokenizer.id_to_token(n) for n in made.x[5].tolist() if n).replace("Ġ", " ").strip()
    assert CORPUS[1].startswith(decoded)
    assert len(decoded) > 20


def test_what_it_cannot_work_on_is_refused():
    rows = Fold(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2), torch.ones(2), 0)
    with pytest.raises(RecipeError, match="tokenizer"):
        BPEDropout().resample(rows, Now.at(0))
    for x in (Texts.of(["a", "b"]), torch.zeros(2, 3)):
        with pytest.raises(DataError, match="BPEDropout"):
            BPEDropout().resample(dataclasses.replace(rows, x=x), _now(learned()))
    for other in (Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), "gpt2"):
        with pytest.raises(UsageError, match="byte-pair"):
            BytePairs.of(other)
    with pytest.raises(UsageError):
        bpe_dropout(learned(), ["a"], 1.5)
