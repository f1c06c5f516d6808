"""Where synonyms come from: a WordNet folder, nltk, a file, the small list; and what is said where none is there."""

from __future__ import annotations

import pickle
import sys
import types

import pytest
from made_wordnet import write_wordnet

from wellfit.errors import DataError, MissingExtra, RecipeError, RecipeWarning
from wellfit.text import SMALL, Groups, WordNet, find_lexicon, groups_from_file
from wellfit.text import lexicon as lexicons
from wellfit.text import wordnet as wordnets
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


def _spoiled(path, number, line):
    """Another line at this place."""
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[: number - 1], line, *lines[number - 1 :]]) + "\n")


@pytest.mark.parametrize(
    ("name", "number", "line"),
    [
        ("index.noun", 3, ""), ("index.verb", 2, "buy v 1"), ("index.adj", 2, "dull a 9 0 1 1 00000001"),
        ("index.noun", 2, "film n x 0 1 1 3"), ("noun.exc", 2, ""), ("verb.exc", 1, ""), ("cntlist.rev", 4, ""),
        ("cntlist.rev", 1, "film%1:10:00:: one 30"), ("cntlist.rev", 2, "film%8:10:00:: 1 30"),
        ("cntlist.rev", 2, "a b c"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_told_by_file_and_number(name, number, line, tmp_path):
    _spoiled(write_wordnet(tmp_path) / name, number, line)
    with pytest.raises(DataError, match=rf"WF-X02: line {number} of {name}"):
        WordNet(str(tmp_path)).choices("films")


def test_synsets_that_are_cut_off_are_told_by_file_and_line(tmp_path):
    path = write_wordnet(tmp_path) / "data.noun"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        try:
            found = WordNet(str(tmp_path)).looser().choices("films")
        except DataError as error:
            assert "of data.noun" in error.message
        else:
            assert found == ("movies",)
        wordnets._choices.cache_clear()
        wordnets._loose.cache_clear()
    path.write_bytes(b"x" + whole)
    with pytest.raises(DataError, match=r"line \d of data\.noun"):
        WordNet(str(tmp_path)).choices("films")


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


def test_a_file_with_a_mark_of_its_encoding_is_read(tmp_path):
    (tmp_path / "words.txt").write_text("film, movie\n", "utf-8-sig")
    assert groups_from_file(tmp_path / "words.txt").choices("film") == ("movie",)


def test_a_path_that_can_be_none_is_refused(tmp_path):
    for path in ("a" * 5000, "a\0b"):
        for look in (groups_from_file, lambda p: find_lexicon("file", p), lambda p: find_lexicon("auto", p)):
            with pytest.raises(DataError, match=r"WF-X0[23]"):
                look(path)
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9, bar\n")
    with pytest.raises(DataError, match="WF-X03"):
        groups_from_file(tmp_path / "latin.txt")


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


FORMS = {
    "kids": "children", "children": "kids", "purchased": "bought", "bought": "purchased", "spoke": "talked",
    "spoken": "talked", "talks": "speaks", "talking": "speaking", "began": "started", "begun": "started",
    "starting": "beginning", "stories": "tales", "ended": "finished", "answers": "replies", "helped": "assisted",
}  # fmt: skip


def test_the_small_list_has_forms_that_there_are():
    for word, other in FORMS.items():
        assert SMALL.choices(word) == (other,)
    for word in ("talked", "started", "slowed", "filmed", "kidding", "refunded", "smarts", "wholes"):
        assert SMALL.choices(word) == ()  # spoke or spoken; no verb; no noun
    assert SMALL.choices("talk", before="the") == ()
    for group in SMALL.groups:
        for word in group:
            for form in ("s", "ed", "ing"):
                assert not {"childs", "buyed", "speaked", "begined", "begining"} & {
                    *SMALL.choices(inflected(word, form))
                }


def test_a_phrase_is_in_the_form_of_its_verb():
    found = Groups((("watch", "look at"), ("car", "motor car")))
    assert [found.choices(w) for w in ("watched", "watching", "watches", "cars", "watch")] == [
        ("looked at",), ("looking at",), (), (), ("look at",),
    ]  # fmt: skip


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
