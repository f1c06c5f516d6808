"""Words as numbers, and texts as people have them."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.feature_extraction.text import CountVectorizer

from wellfit.data.texts import hashes_of, read_texts, texts_of
from wellfit.data.vocabulary import FIRST_WORD, PADDING, UNKNOWN, Vocabulary, tokens_of
from wellfit.errors import DataError, RunFolderError, UsageError

TEXTS = ["The cat sat.", "A dog, the dog!", "the end"]


def test_words_are_those_of_an_outside_count():
    counted = CountVectorizer(token_pattern=r"\w+(?:['’]\w+)*|[^\w\s]").fit(TEXTS)
    assert set(Vocabulary.fit(TEXTS).words) == set(counted.vocabulary_)


def test_the_most_frequent_word_has_the_first_number():
    found = Vocabulary.fit(TEXTS, size=2)
    assert found.words == ("the", "dog")
    assert found.encode(["dog the cat"])[0].tolist()[:3] == [FIRST_WORD + 1, FIRST_WORD, UNKNOWN]


def test_composed_and_decomposed_letters_are_one_word():
    assert tokens_of("caf\u00e9") == tokens_of("cafe\u0301")


def test_rows_end_in_padding_and_long_texts_are_cut():
    found = Vocabulary.fit(TEXTS, length=2)
    coded = found.encode(["", "cat", "cat sat the end"])
    assert coded.shape == (3, 2)
    assert coded[0].tolist() == [PADDING, PADDING]
    assert coded[1, 1] == PADDING
    assert coded[2].min() > UNKNOWN


@given(some.lists(some.text(max_size=40), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_text_is_coded_and_the_form_comes_back(texts):
    found = Vocabulary.fit(texts)
    coded = found.encode(texts)
    assert coded.shape == (len(texts), found.length)
    assert coded.min(initial=0) >= 0
    assert coded.max(initial=0) < len(found)
    assert Vocabulary.from_json(found.to_json()) == found


def test_folds_share_one_form():
    one, other = Vocabulary.shared_form([Vocabulary.fit(TEXTS), Vocabulary.fit(TEXTS[:1], length=7)])
    assert len(one) == len(other)
    assert one.length == other.length == 7


@pytest.mark.parametrize(
    "form",
    [{}, {"words": ["a", "a"], "length": 3}, {"words": [1], "length": 3}, {"words": ["a"], "length": 0}],
)
def test_damaged_forms_are_refused(form):
    with pytest.raises(RunFolderError):
        Vocabulary.from_json(form)


def test_numbers_below_one_are_refused():
    with pytest.raises(UsageError):
        Vocabulary.fit(TEXTS, size=0)


def _labels(count):
    return pd.Series(["a", "b"] * (count // 2))


def test_missing_texts_are_left_out_and_said():
    cells = ["a text"] * 38 + [None, "  "]
    read = read_texts(cells, _labels(40), "t", "y", None)
    assert len(read) == 38
    assert any("2 rows without a text" in n.sentence for n in read.notes)
    assert read.rows.tolist() == list(range(38))


def test_missing_labels_are_left_out_and_said():
    labels = pd.Series(["NA", "b", "c"] * 20)
    read = read_texts(["a text"] * 60, labels, "t", "y", None)
    assert len(read) == 40 and read.classes == ["b", "c"]
    assert [(n.code, n.sentence) for n in read.notes] == [("WF-D61", '20 rows without a value of "y" left out.')]
    read = read_texts(["a text"] * 60, labels, "t", "y", None, markers=False)
    assert read.classes == ["NA", "b", "c"] and not read.notes
    with pytest.raises(DataError, match=r'16 texts with a value of "y"'):
        read_texts(["a text"] * 24, labels[:24], "t", "y", None)


def test_undecodable_and_endless_texts_are_treated_and_said():
    found, there, notes = texts_of([b"caf\xe9", "x" * 200_000, "nul\0byte", 3.5])
    assert there.all()
    assert "\ufffd" in found[0]
    assert len(found[1]) == 100_000
    assert "\0" not in found[2]
    assert len(notes) == 2


def test_halves_of_characters_are_replaced_and_said():
    found, there, notes = texts_of(["good \ud800", "fine", None])
    assert found.tolist() == ["good \ufffd", "fine", ""] and there.tolist() == [True, True, False]
    assert "1 text holds signs that could not be decoded" in notes[0].sentence


def test_a_column_of_numbers_is_no_column_of_texts():
    with pytest.raises(DataError, match="numbers"):
        read_texts([str(i) for i in range(40)], _labels(40), "t", "y", None)


def test_few_texts_and_one_class_are_refused():
    with pytest.raises(DataError):
        read_texts(["a"] * 10, _labels(10), "t", "y", None)
    with pytest.raises(DataError):
        read_texts(["a word"] * 40, pd.Series(["a"] * 40), "t", "y", None)


def test_copies_hash_alike():
    assert np.unique(hashes_of(np.array(["A  b", "a b", "a c"], dtype=object))).size == 2


@pytest.mark.parametrize(
    "text",
    ["यह फिल्म बहुत अच्छी नहीं है", "র‌্যাব ছবিটি খুব ভালো", "படம் நன்றாக", "หนังเรื่องนี้ สนุกมาก", "הַסֶּרֶט הָיָה", "نمی‌خواهم كَانَ",
     "q\u0301a x\u0308y"],
)  # fmt: skip
def test_marks_belong_to_their_words(text):
    assert tokens_of(text) == unicodedata.normalize("NFC", text).lower().split()


def test_a_picture_s_look_belongs_to_no_word():
    assert tokens_of("good\u2764\ufe0ffilm") == ["good", "\u2764", "\ufe0f", "film"]


@given(some.text(some.sampled_from("aZé09_ '’-.,!?\n❤\ufe0f不"), max_size=30))
def test_tokens_of_texts_without_marks_are_what_they_were(text):
    old = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
    assert tokens_of(text) == old.findall(unicodedata.normalize("NFC", text).lower())
