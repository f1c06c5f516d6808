"""Changes of texts: what they change, and what no change may touch; the same for a seed, in any company."""

from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wellfit as wf
from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold, Texts
from wellfit.text import (
    SMALL,
    Groups,
    coverage,
    delete_words,
    insert_words,
    order_sentences,
    replace_words,
    swap_words,
    varied,
)
from wellfit.text.words import NEGATIONS, sentences_of

REPLACE = functools.partial(replace_words, lexicon=SMALL)
INSERT = functools.partial(insert_words, lexicon=SMALL)
EDITS = {"replace": REPLACE, "insert": INSERT, "swap": swap_words, "delete": delete_words, "order": order_sentences}
TEXT = (
    "A funny movie, @anna! See https://films.example/big?a=1 or mail big.film@film.org. The story of Mary Big is "
    "not dull at all. It costs $9.99 and [MASK] says <big> films are #awful; buy it."
)
KEPT = (
    "@anna",
    "https://films.example/big?a=1",
    "big.film@film.org",
    "Mary",
    "Big",
    "$9.99",
    "[MASK]",
    "<big>",
    "#awful",
)
SENTENCES = st.lists(
    st.sampled_from(["a", "funny", "movie", "NOT", "not", "big", "films", "Anna", "7", "[MASK]", "won't", "tale", "."]),
    max_size=14,
).map(" ".join)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("seed", range(20))
def test_protected_spans_never_change(name, seed):
    out = EDITS[name](TEXT, Random(seed), 1.0)
    assert out != TEXT
    assert all(out.count(span) == TEXT.count(span) for span in KEPT)
    assert Counter(re.findall(r"\bnot\b", out)) == {"not": 1}


@pytest.mark.parametrize("name", EDITS)
def test_what_a_person_protects_stays(name):
    text = "A funny movie. A big story."
    for seed in range(10):
        out = EDITS[name](text, Random(seed), 1.0, protect=("funny movie", "BIG"))
        assert "funny movie" in out
        assert "big" in out
        place = text.index("story")
        assert "story" in EDITS[name](text, Random(seed), 1.0, spans=[(place, place + 5)])


@given(SENTENCES, st.integers(0, 99), st.sampled_from(sorted(EDITS)))
def test_at_share_zero_the_text_is_as_it_was_and_a_seed_says_all(text, seed, name):
    edit = EDITS[name]
    assert edit(text, Random(seed), 0.0) == text
    assert edit(text, Random(seed), 0.7) == edit(text, Random(seed), 0.7)


@given(SENTENCES, st.integers(0, 99))
def test_words_are_moved_not_made(text, seed):
    assert Counter(swap_words(text, Random(seed), 1.0).lower().split()) == Counter(text.lower().split())
    left = Counter(delete_words(text, Random(seed), 0.5).lower().split())
    assert not left - Counter(text.lower().split())
    for word in NEGATIONS:
        assert left[word] == Counter(text.lower().split())[word]


@given(SENTENCES, st.integers(0, 99), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_deletes_what_a_smaller_one_did(text, seed, one, other):
    few, many = sorted((one, other))
    assert len(delete_words(text, Random(seed), many)) <= len(delete_words(text, Random(seed), few))


def test_forms_case_marks_and_blanks_are_kept():
    lexicon = Groups((("film", "movie"), ("stop", "halt"), ("awful", "terrible"), ("odd", "curious")))
    cases = {
        "The films:  they stopped!\n": "The movies:  they halted!\n",
        "AWFUL FILM": "TERRIBLE MOVIE",
        "Awful, (film)": "Terrible, (movie)",
        "an awful film": "an awful movie",  # no "an terrible"
        "a film of the of": "a movie of the of",
    }
    for text, wanted in cases.items():
        assert replace_words(text, Random(0), 1.0, lexicon) == wanted


def test_insertion_stands_beside_its_word():
    assert insert_words("The dull film.", Random(0), 1.0, Groups((("dull", "dreary"),))) == "The dull dreary film."


def test_a_sentence_begins_with_a_capital_after_its_first_word_is_gone():
    outs = {delete_words("They ran. The old dog slept.", Random(seed), 0.1) for seed in range(40)}
    assert {"They ran. Old dog slept.", "Ran. The old dog slept."} <= outs
    assert delete_words("The Bob I know", Random(0), 0.2) in ("Bob I know", "The Bob know", "The Bob I")


def test_one_word_at_least_stays():
    assert delete_words("nice", Random(0), 1.0) == "nice"
    assert {delete_words("nice and easy", Random(s), 1.0).strip() for s in range(30)} == {"nice", "and", "easy"}


def test_words_are_not_swapped_across_marks_or_negations():
    for seed in range(20):
        assert swap_words("good, bad", Random(seed), 1.0) == "good, bad"
        assert swap_words("good not bad", Random(seed), 1.0) == "good not bad"


def test_sentences_are_found_as_a_reader_finds_them():
    text = "Dr. Who ran!  Really?! Yes, at 3.50 p.m. on day two... Fine"
    assert [text[a:b] for a, b in sentences_of(text)] == [
        "Dr. Who ran!", "Really?!", "Yes, at 3.50 p.m. on day two...", "Fine",
    ]  # fmt: skip
    for pause in ("dull ... and long . fine", "dull . . . and long . fine", "dull… and long. fine"):
        assert len(sentences_of(pause)) == 2
    assert sentences_of("") == sentences_of("  ") == []
    assert order_sentences("One sentence alone.", Random(0), 1.0) == "One sentence alone."
    assert order_sentences("A b.\n\nC d!", Random(0), 1.0) == "C d!\n\nA b."


@pytest.mark.parametrize("text", ["", " ", "...", "42", "[MASK]", "ä ö", "\u200b", "a" * 5000, "不好 看"])
@pytest.mark.parametrize("name", EDITS)
def test_strange_texts_pass(text, name):
    assert isinstance(EDITS[name](text, Random(0), 1.0), str)


def test_many_texts_do_not_depend_on_processes_or_order():
    texts = [f"a funny movie number {i}, a big tale and a silly story" for i in range(400)]
    alone = varied(texts, functools.partial(REPLACE, share=0.5), seed=3)
    assert alone == varied(texts, functools.partial(REPLACE, share=0.5), seed=3, processes=2)
    assert alone[::-1] == varied(texts[::-1], functools.partial(REPLACE, share=0.5), seed=3)
    for other in ({"seed": 4}, {"seed": 3, "variant": 1}):
        assert alone != varied(texts, functools.partial(REPLACE, share=0.5), **other)
    assert coverage(texts, alone) == 1.0


SCRIPT = """
import functools, sys
from wellfit.text import SMALL, coverage, replace_words, varied

edit = functools.partial(replace_words, share=0.2, lexicon=SMALL)
texts = [f"a funny movie number {i}" for i in range(400)]
GUARD
    more = varied(texts, edit, variant=1, processes=2)
    print(more == varied(texts, edit, variant=1), f"{coverage(texts, more):.0%}")
"""


@pytest.mark.parametrize(("guard", "warns"), [('if __name__ == "__main__":', False), ("if True:", True)])
def test_a_script_may_ask_for_processes(guard, warns, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.replace("GUARD", guard))
    done = subprocess.run([sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, timeout=300)
    assert done.stdout == "True 100%\n"
    assert ("RuntimeWarning: no processes could be started" in done.stderr) == warns


# The parts of a recipe

PARTS = (wf.Synonyms, wf.WordSwap, wf.WordDeletion, wf.WordInsertion, wf.SentenceOrder)


def _fold():
    texts = ["A funny movie. It is a big tale.", "[MASK]", "A dull story! I will not buy the picture."]
    return Fold(Texts.of(texts), torch.tensor([1, 0, 0]), torch.tensor([1.0, 2.0, 0.5]), 2)


def _now(step=0, seed=0):
    return dataclasses.replace(Now.at(step, seed), resources={"lexicon": SMALL})


@pytest.mark.parametrize("cls", PARTS, ids=lambda c: c.__name__)
def test_variants_stand_behind_the_originals_with_their_labels(cls):
    data = _fold()
    made = cls(variants=2).resample(data, _now())
    assert made.x.values[:3] == data.x.values
    assert made.x.made.tolist() == [False] * 3 + [True] * (len(made) - 3)
    assert len(made) == 7  # "[MASK]" has no variant
    assert made.labels.tolist()[3:] == [1, 0, 1, 0]
    assert made.weight.tolist()[3:] == [1.0, 0.5, 1.0, 0.5]
    assert not set(made.x.values[3:]) & set(data.x.values)


@pytest.mark.parametrize("cls", PARTS, ids=lambda c: c.__name__)
def test_a_moment_and_a_seed_say_which_variants(cls):
    text = " ".join(f"A funny movie {w}. It is a big tale of a silly child." for w in ("one", "two", "three", "four"))
    data = Fold(Texts.of([text]), torch.tensor([1]), torch.ones(1), 2)
    one = cls().resample(data, _now())
    assert cls().resample(data, _now()).x.values == one.x.values
    others = [cls().resample(data, _now(seed=s)).x.values for s in range(1, 6)]
    others += [cls().resample(data, _now(step=s)).x.values for s in range(1, 6)]
    assert sum(o != one.x.values for o in others) >= 5


def test_parts_of_one_recipe_each_change_the_originals():
    recipe = wf.Recipe(wf.Synonyms(1.0), wf.WordDeletion(0.2))
    made = recipe.resample(_fold(), _now())
    assert len(made) == 3 + 2 + 2


@pytest.mark.parametrize("cls", PARTS, ids=lambda c: c.__name__)
def test_numbers_are_refused_by_name(cls):
    rows = Fold(torch.zeros(3, 2), torch.zeros(3), torch.ones(3), 0)
    with pytest.raises(DataError, match=cls.__name__):
        cls().resample(rows, _now())


def test_numbers_of_regression_are_kept_and_odd_fields_refused():
    data = dataclasses.replace(_fold(), labels=torch.tensor([1.5, 2.5, -1.0]), classes=0)
    assert wf.WordSwap().resample(data, _now()).labels.tolist()[3:] == [1.5, -1.0]
    empty = Fold(Texts.of([]), torch.zeros(0), torch.zeros(0), 0)
    assert len(wf.WordSwap().resample(empty, _now())) == 0
    for fields in ({"variants": 0}, {"variants": True}, {"variants": 99}, {"lexicon": "os.system"}):
        with pytest.raises(RecipeError):
            wf.Synonyms(**fields)
