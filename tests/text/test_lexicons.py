"""Where synonyms come from: a WordNet folder, nltk, a file, the small list; and what is said where none is there."""

from __future__ import annotations

import pickle
import sys
import types

import pytest
from made_wordnet import write_wordnet

from wellfit.errors import DataError, MissingExtra, RecipeError, RecipeWarning
from wellfit.text import SMALL, WordNet, find_lexicon, groups_from_file
from wellfit.text import lexicon as lexicons
from wellfit.text.forms import bases, cased_like, inflected


@pytest.fixture
def net(tmp_path):
    return WordNet(str(write_wordnet(tmp_path / "dict")))


@pytest.fixture
def bare(monkeypatch):
    """No lexicon anywhere."""
    monkeypatch.delenv(lexicons.VARIABLE, raising=False)
    monkeypatch.setattr(lexicons, "_FOLDERS", ())
    monkeypatch.setitem(sys.modules, "nltk", None)
    monkeypatch.setitem(sys.modules, "nltk.corpus", None)


def test_a_wordnet_folder_gives_synonyms_in_the_form_of_the_word(net):
    assert net.choices("film") == ("movie",)  # not "motion_picture", which is two words
    assert net.choices("films") == ("movies",)
    assert net.choices("bought") == ("purchased",)
    assert net.choices("stopped") == ("halted",)
    assert net.choices("stopping") == ("halting",)
    assert net.choices("quickest") == ("speediest",)
    assert net.choices("kids") == ("children",)
    assert net.choices("unheard") == ()


def test_an_irregular_past_of_two_meanings_is_not_guessed(net):
    assert net.choices("purchased") == ("bought",)
    assert net.choices("purchasing") == ("buying",)


def test_neighbors_say_whether_a_word_is_a_verb(net):
    assert net.choices("buy", before="to") == ("purchase",)
    assert net.choices("buy", before="the") == ()
    assert net.choices("film", before="the") == ("movie",)
    assert net.choices("film", before="will") == ()


def test_names_are_no_synonyms(net):
    assert net.looser().choices("barn") == ()


def test_a_folder_that_lacks_a_file_is_refused(tmp_path):
    write_wordnet(tmp_path)
    (tmp_path / "data.verb").unlink()
    with pytest.raises(DataError, match=r"data\.verb"):
        WordNet(str(tmp_path))


def test_a_lexicon_goes_to_other_processes(net):
    net.choices("film")
    assert pickle.loads(pickle.dumps(net)).choices("film") == ("movie",)


def test_a_file_of_groups(tmp_path, monkeypatch):
    path = tmp_path / "words.txt"
    path.write_text("# trade\nbill, Invoice , bill\n\nrefund # alone\nnew car, new automobile\n")
    found = groups_from_file(path)
    assert found.choices("bills") == ("invoices",)
    assert found.choices("refund") == ()
    monkeypatch.setenv(lexicons.VARIABLE, str(path))
    assert find_lexicon("auto").choices("bill") == ("invoice",)
    (tmp_path / "empty.txt").write_text("one\n")
    for wrong in (tmp_path / "empty.txt", tmp_path / "none.txt"):
        with pytest.raises(DataError):
            groups_from_file(wrong)


def test_the_environment_names_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(lexicons.VARIABLE, str(write_wordnet(tmp_path)))
    for kind in ("auto", "wordnet"):
        assert find_lexicon(kind).choices("film") == ("movie",)


def test_without_any_the_small_list_warns(bare):
    with pytest.warns(RecipeWarning, match="WF-X05"):
        found = find_lexicon("auto")
    assert found is SMALL
    assert found.choices("films") == ("movies",)


def test_what_is_asked_for_and_is_not_there_is_refused(bare):
    with pytest.raises(DataError, match="WELLFIT_LEXICON"):
        find_lexicon("wordnet")
    with pytest.raises(DataError):
        find_lexicon("file")
    with pytest.raises(MissingExtra):
        find_lexicon("nltk")
    with pytest.raises(RecipeError, match="auto"):
        find_lexicon("thesaurus")


class _Synset:
    def __init__(self, pos, names):
        self._pos, self._names = pos, names

    def pos(self):
        return self._pos

    def lemma_names(self):
        return self._names


def test_nltk_is_asked_where_a_person_has_it(bare, monkeypatch):
    known = {"films": [_Synset("n", ["movie", "film", "moving_picture", "Kino"])], "run": []}
    corpus = types.SimpleNamespace(ensure_loaded=lambda: None, synsets=lambda word: known.get(word, []))
    monkeypatch.setitem(sys.modules, "nltk", types.ModuleType("nltk"))
    monkeypatch.setitem(sys.modules, "nltk.corpus", types.SimpleNamespace(wordnet=corpus))
    lexicons._asked.cache_clear()
    for kind in ("nltk", "auto"):
        assert find_lexicon(kind).choices("films") == ("movies",)
    assert find_lexicon("nltk").choices("run") == ()

    def absent():
        raise LookupError("no corpus")

    monkeypatch.setattr(corpus, "ensure_loaded", absent)
    with pytest.raises(DataError, match="nltk"):
        find_lexicon("nltk")
    with pytest.warns(RecipeWarning):
        assert find_lexicon("auto") is SMALL


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("movie", {"s": "movies", "ed": "movied", "ing": "movieing"}),
        ("carry", {"s": "carries", "ed": "carried", "ing": "carrying"}),
        ("watch", {"s": "watches", "ed": "watched", "ing": "watching"}),
        ("play", {"s": "plays", "ed": "played", "ing": "playing"}),
        ("stop", {"s": "stops", "ed": "stopped", "ing": "stopping"}),
        ("open", {"s": "opens", "ed": "opened", "ing": "opening"}),
        ("big", {"er": "bigger", "est": "biggest"}),
        ("tidy", {"er": "tidier", "est": "tidiest"}),
        ("see", {"s": "sees", "ing": "seeing"}),
        ("die", {"s": "dies", "ed": "died", "ing": "dying"}),
    ],
)
def test_forms_and_bases(base, forms):
    kind = "a" if "er" in forms else "v"
    for form, wanted in forms.items():
        if base == "movie" and form == "ing":
            continue  # no verb
        assert inflected(base, form) == wanted
        if base not in ("die", "movie", "see"):
            assert (base, form) in bases(wanted, kind)


def test_case_follows_the_word():
    assert [cased_like("good", w) for w in ("FINE", "Fine", "fine", "I")] == ["GOOD", "Good", "good", "Good"]
