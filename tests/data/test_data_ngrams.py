"""Words, pairs and pieces of words as numbers: against scikit-learn's analyzers, and where there is nothing to read."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from wellfit.data import NgramVocabulary
from wellfit.data.ngrams import MOST_PIECES, pieces_of, sets_of
from wellfit.data.vocabulary import FIRST_WORD, LONGEST, PADDING
from wellfit.errors import RunFolderError, UsageError

TEXTS = ["a fine film", "a dull film, not a fine one", "it's so-so", ""]
WORDS = st.lists(st.text("abcdef", min_size=1, max_size=9), max_size=12)
CHARACTERS = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
PAIRS = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+").build_analyzer()


@given(WORDS)
def test_sets_are_those_of_scikit_learn(words):
    text = " ".join(words)
    ours, theirs = sets_of(text), (PAIRS(text), CHARACTERS(text))
    for mine, other in zip(ours, theirs, strict=True):
        assert set(mine) == set(other) and len(set(mine)) == len(mine)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8), st.integers(1, 60))
def test_every_number_is_of_what_the_text_holds(texts, size):
    vocabulary = NgramVocabulary.fit(texts, size=size)
    rows, first = vocabulary.encode(texts), FIRST_WORD + len(vocabulary.words)
    assert rows.shape == (len(texts), vocabulary.length + vocabulary.piece_length) and len(vocabulary.words) <= size
    for row, text in zip(rows, texts, strict=True):
        words, pieces = row[: vocabulary.length], row[vocabulary.length :]
        held = [vocabulary.words[n - FIRST_WORD] for n in words if n], [vocabulary.pieces[n - first] for n in pieces if n]
        known, places = (vocabulary.words, vocabulary.pieces), (vocabulary.length, vocabulary.piece_length)
        for found, there, names, most in zip(held, sets_of(text), known, places, strict=True):
            assert found == [thing for thing in there if thing in set(names)][:most]


def test_what_most_texts_hold_comes_first_and_counts_once():
    vocabulary = NgramVocabulary.fit(TEXTS)
    assert vocabulary.words[0] == "a" and "a fine" in vocabulary.words and "film ," in vocabulary.words
    one, other = vocabulary.encode(["a a a a fine", "a fine a a"])
    assert (one == FIRST_WORD).sum() == (other == FIRST_WORD).sum() == 1


def test_a_word_that_training_never_saw_is_known_by_its_pieces():
    vocabulary = NgramVocabulary.fit(TEXTS)
    row = vocabulary.encode(["finest"])[0]
    known = {vocabulary.pieces[n - FIRST_WORD - len(vocabulary.words)] for n in row if n != PADDING}
    assert known == set(pieces_of("finest")) & set(vocabulary.pieces) and " fine" in known


def test_rows_are_bounded_and_texts_of_nothing_are_padding():
    long = " ".join(f"word{i}abcdefgh" for i in range(5000))
    vocabulary = NgramVocabulary.fit([long])
    assert (vocabulary.length, vocabulary.piece_length) == (2 * LONGEST, MOST_PIECES)
    assert not NgramVocabulary.fit(["", " "]).encode(["", "new"]).any()
    assert NgramVocabulary.fit(TEXTS).encode([]).shape[0] == 0


def test_vocabularies_of_folds_have_one_form():
    one, other = NgramVocabulary.shared_form([NgramVocabulary.fit(TEXTS), NgramVocabulary.fit(TEXTS[:1])])
    assert len(one) == len(other) and one.encode(TEXTS).shape == other.encode(TEXTS).shape
    numbers = set(other.encode(["a fine film"])[0][other.length :]) - {PADDING}
    read = {other.pieces[n - FIRST_WORD - len(other.words)] for n in numbers}
    assert read == set(sets_of("a fine film")[1]) & set(other.pieces)


def test_words_without_end_and_encoders_on_their_way_to_another_process():
    """A long word is of one text alone: its pieces are not kept; what was kept goes along, and changes nothing."""
    vocabulary = NgramVocabulary.fit([*TEXTS, "\u4f60\u597d" * 500])
    rows = vocabulary.encode([*TEXTS, "\u4f60\u597d" * 500])
    assert rows[-1].any() and all(len(word) < 100 for word in vocabulary._kept_numbers)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(vocabulary)).encode(TEXTS), rows[:-1])


def test_it_is_stored_as_names_and_numbers_and_read_with_care():
    vocabulary = NgramVocabulary.fit(TEXTS)
    again = NgramVocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    np.testing.assert_array_equal(again.encode(TEXTS), vocabulary.encode(TEXTS))
    form = vocabulary.to_json()
    for wrong in ({"words": ["a", "a"]}, {"words": "abc"}, {"pieces": [1]}, {"pieces": {"a": 1}}, {"length": 0}, {"piece_length": 10**9}, {"column": 3}):
        with pytest.raises(RunFolderError):
            NgramVocabulary.from_json({**form, **wrong})
    with pytest.raises(RunFolderError):
        NgramVocabulary.from_json({"pieces": []})
    with pytest.raises(UsageError):
        NgramVocabulary.fit(TEXTS, size=0)
