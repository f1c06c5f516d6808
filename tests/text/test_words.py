"""Words, sentences and kept places of a text: of any script, in linear time, and with one answer to a bad span."""

from __future__ import annotations

import re
import time
import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellfit.errors import UsageError
from wellfit.text import SMALL, back_translate, delete_words, insert_words, order_sentences, replace_words, swap_words
from wellfit.text.words import kept_in, sentences_of, words_of

EDITS = {
    "replace": lambda *given, **more: replace_words(*given, SMALL, **more),
    "insert": lambda *given, **more: insert_words(*given, SMALL, **more),
    "swap": swap_words, "delete": delete_words, "order": order_sentences,
}  # fmt: skip


def _seconds(text):
    start = time.process_time()
    words_of(text, protect="x y")
    kept_in(text)
    sentences_of(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ("!", "x"), ("a.", ""), (".", "!"), ("a-", ""), ("a--", ""), ("a+", ""), ("…", "x"), ("! ", "x"), ("a. ", ""),
        ("mr. ", ""), ("a ... ", ""), ('." ', ""), ("a@", ""), ("x_", ""), (" ", "a"), ("\u0301", ""), ("a\u0301", ""),
        ("%(a", ""), ("[A", ""), ("www.", ""), ("1,", ""), ("$", ""),
    ],
)  # fmt: skip
def test_a_text_of_marks_takes_time_in_proportion_to_its_length(body, end):
    small, large = (min(_seconds(body * (size // len(body)) + end) for _ in range(2)) for size in (10_000, 100_000))
    assert large < 60 * small + 0.2  # squares would be 100 times as much, and the large one at least 5 s
    assert large < 5


SCRIPTS = {
    "Hindi": "यह फिल्म बहुत अच्छी नहीं है",
    "Bengali": "র‌্যাব ছবিটি খুব ভালো",
    "Tamil": "படம் மிகவும் நன்றாக இருந்தது",
    "Thai": "หนังเรื่องนี้ สนุกมาก ที่นี่",
    "Hebrew": "הַסֶּרֶט הָיָה טוֹב",
    "Arabic": "كَانَ الفِيلْمُ جَيِّدًا",
    "Persian": "نمی‌خواهم این فیلم را",
    "decomposed": unicodedata.normalize("NFD", "un café très léger à Đà Nẵng"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_marks_belong_to_their_words(script):
    text = SCRIPTS[script]
    assert [w.text for w in words_of(text)] == text.split()
    for seed in range(5):
        assert set(delete_words(text, Random(seed), 0.5).lower().split()) < set(text.lower().split())
        assert sorted(swap_words(text, Random(seed), 1.0).lower().split()) == sorted(text.lower().split())


def test_a_picture_s_look_belongs_to_no_word():
    assert [w.text for w in words_of("good\u2764\ufe0ffilm")] == ["good", "film"]


@given(st.text(st.sampled_from("aZé09_ '’-.,!?\n"), max_size=30))
def test_words_without_marks_are_runs_of_letters_and_digits(text):
    assert [w.text for w in words_of(text)] == re.findall(r"[^\W_]+(?:['’\-][^\W_]+)*", text)


# What is kept


@pytest.mark.parametrize("name", EDITS)
@given(text=st.lists(st.sampled_from(["film", "so", "dull.", "kid"]), max_size=6).map(" ".join), data=st.data())
def test_a_span_stays_with_its_blanks(name, text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert text[start:end] in EDITS[name](text, Random(0), 1.0, spans=[(start, end)])


def test_the_blank_at_the_edge_of_a_span_is_not_deleted():
    assert delete_words("I love New York now", Random(0), 1.0, spans=[(7, 16)]) == " New York "
    assert delete_words("now New York", Random(0), 1.0, spans=iter([(3, 12)])) == " New York"


@pytest.mark.parametrize("name", EDITS)
def test_a_text_names_phrases_with_commas_between(name):
    text = "we saw the acme film. they saw the dull tale."
    for seed in range(10):
        out = EDITS[name](text, Random(seed), 1.0, protect="acme film, dull  tale")
        assert "acme film" in out
        assert "dull tale" in out
        assert out == EDITS[name](text, Random(seed), 1.0, protect=["acme film", "dull tale"])


@pytest.mark.parametrize("protect", [None, 3, b"film", ["film", None], [b"film"]])
def test_what_is_no_phrase_is_refused(protect):
    for edit in EDITS.values():
        with pytest.raises(UsageError, match="protect"):
            edit("a film", Random(0), 1.0, protect=protect)
    with pytest.raises(UsageError, match="protect"):
        back_translate(["a film"], lambda texts: texts, protect=protect)


@pytest.mark.parametrize(
    "spans",
    [None, 3, "ab", [None], [3], [(-1, 2)], [(3, 1)], [(0.0, 2.0)], [(0, 99)], [(0, 1, 2)], [(0,)], [("0", "1")],
     [(0, float("nan"))]],
)  # fmt: skip
def test_what_is_no_span_is_refused_everywhere(spans):
    for edit in EDITS.values():
        with pytest.raises(UsageError, match=r"WF-X08.*spans"):
            edit("a film. a tale.", Random(0), 1.0, spans=spans)
    with pytest.raises(UsageError, match=r"WF-X08.*spans"):
        back_translate(["a film. a tale."], lambda texts: pytest.fail("it was translated"), spans=[spans])


@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf"), 1.5])
@pytest.mark.parametrize("name", EDITS)
def test_a_share_that_is_none_is_refused(share, name):
    for text in ("A funny film. A tale.", ""):
        with pytest.raises(UsageError, match="share"):
            EDITS[name](text, Random(0), share)


def test_sentences_that_hold_a_phrase_stay_wherever_it_stands():
    for text, phrase in (
        ("It rained. We left Acme. Acme stayed. They ran.", "acme"),
        ("İİİ. We saw Big\n Mac.", "big mac"),
        ("It rained. We saw New   York.", "New York"),
    ):
        for seed in range(6):
            out = order_sentences(text, Random(seed), 1.0, protect=[phrase])
            assert [m.start() for m in re.finditer("Acme|Big|New", out)] == [
                m.start() for m in re.finditer("Acme|Big|New", text)
            ]
    assert order_sentences("Alas. We left.", Random(0), 1.0, protect=["Al"]) == "We left. Alas."


def test_a_last_sentence_gets_its_period_where_it_moves():
    assert order_sentences("It rained. We left", Random(0), 1.0) == "We left. It rained."
    assert order_sentences("Really?! We left\n", Random(0), 1.0) == "We left. Really?!\n"
    assert order_sentences('It rained. He said "go"', Random(0), 1.0) == 'He said "go". It rained.'
    assert order_sentences("It rained. We left,", Random(0), 1.0) == "It rained. We left,"


NEGATIVE = [
    "no-one", "No‑one", "nobody's", "dont", "cant", "isnt", "wont", "doesnt", "didnt", "don't", "don’t", "don`t",
    "don´t", "donʼt", "don‘t", "Doesn´t", "not-so-good", "nothing’s",
]  # fmt: skip


@pytest.mark.parametrize("word", NEGATIVE)
def test_negations_stay_however_they_are_written(word):
    text = f"they say {word} like it"
    for seed in range(10):
        assert word in delete_words(text, Random(seed), 1.0)
        assert swap_words(f"say {word}", Random(seed), 1.0) == f"say {word}"
