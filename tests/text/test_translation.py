"""Back-translation: filters, spans, batches and cache with a scripted translator; and a tiny MarianMT model."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from wellfit import BackTranslation
from wellfit.draws import Now
from wellfit.errors import DataError, MissingExtra, RecipeError, RunFolderError, UsageError
from wellfit.fold import Fold, Texts
from wellfit.text import Cache, Marian, back_translate, there_and_back
from wellfit.text.back_translation import VARIABLE, marian_pair


class Scripted:
    """A translator that says what it was told to, else the text in other words; it keeps what it was asked."""

    def __init__(self, **known):
        self.known, self.asked = known, []

    def __call__(self, texts):
        self.asked.append(list(texts))
        return [self.known.get(t, t.replace("film", "movie")) for t in texts]


def test_identities_are_refused_whatever_their_marks_and_letters():
    script = Scripted(**{"A dull tale.": "a dull tale", "Nice": "Pretty"})
    texts = ["A dull tale.", "Nice", "no change"]
    assert back_translate(texts, script) == ["A dull tale.", "Pretty", "no change"]


@pytest.mark.parametrize(
    ("came", "passes"), [("one two", True), ("one two three " * 3, False), ("x", False), ("", False)]
)
def test_the_length_has_to_be_alike(came, passes):
    text = "uno due tre quattro"
    assert back_translate([text], Scripted(**{text: came})) == [came if passes else text]
    assert back_translate([text], Scripted(**{text: "x"}), ratio=4.5) == ["x"]


def test_spans_that_a_translator_loses_are_asked_for_again_behind_a_word():
    text = "The film by Mary cost $9.99, says [MASK]."

    def loses(texts):
        return [t.replace("film", "movie").replace("Mary", "Maria").replace("$9.99", "10 dollars") for t in texts]

    assert back_translate([text], loses) == ["The movie by Mary cost $9.99, says [MASK]."]

    def loses_all(texts):
        return [t.lower().replace("film", "movie") for t in loses(texts)]

    assert back_translate([text], loses_all) == [text]


def test_what_a_person_protects_has_to_come_back():
    text = "a film about war and peace"
    assert back_translate([text], Scripted(), protect=["film about"]) == [text]
    assert back_translate([text], Scripted(), spans=[[(2, 6)]]) == [text]
    assert back_translate([text], Scripted(), protect=["peace"]) == ["a movie about war and peace"]


def test_each_different_text_is_asked_once_in_batches_and_order_is_kept():
    script = Scripted()
    texts = [f"film {w}" for w in "abcde"] + ["film a", " "]
    assert back_translate(texts, script, batch=2) == [t.replace("film", "movie") for t in texts]
    assert [len(b) for b in script.asked] == [2, 2, 1]


def test_a_translator_that_drops_a_text_is_refused():
    with pytest.raises(UsageError, match="2 texts and gave 1"):
        back_translate(["a film", "b film"], lambda texts: texts[:1])
    for wrong in ({"batch": 0}, {"ratio": 1.0}):
        with pytest.raises(UsageError):
            back_translate(["a"], Scripted(), **wrong)


@pytest.mark.parametrize(
    "came",
    [None, "ab", b"ab", 3, ["a movie", None], ["a movie", float("nan")], ["a movie", b"b"], ["a", 3], [["a"], "b"]],
)
def test_what_is_no_text_is_refused_before_it_is_kept(came, tmp_path):
    cache = Cache(tmp_path / "c.json", "one")
    for translate in (lambda _: came, there_and_back(lambda _: came, Scripted())):
        with pytest.raises(UsageError, match="WF-X11"):
            back_translate(["a film", "b film"], translate, cache=cache)
    assert not cache.found
    assert not cache.path.exists()


@pytest.mark.parametrize(
    ("old", "new", "passes"),
    [
        ("I did not like this film", "I did like this movie", False),
        ("I liked this film", "I never liked this movie", False),
        ("I didn’t like this film", "I did not like the movie", True),
        ("Nobody liked it", "Everyone liked it", False),
        ("It is without wit", "It has no wit", True),
        ("I also liked this small film", "I liked this little film too", True),
    ],
)
def test_a_negation_that_is_lost_or_added_is_refused(old, new, passes):
    assert back_translate([old], lambda _: [new]) == [new if passes else old]


def test_a_span_is_masked_and_counted_outside_of_other_words():
    asked = []

    def translate(texts):
        asked.extend(texts)
        return [t.replace("Al ", "Albert ").replace("Also", "Too").replace("film", "movie") for t in texts]

    assert back_translate(["Also I saw Al in a film"], translate) == ["Too I saw Al in a movie"]
    assert asked[1] == "Also I saw XQ00X in a film"
    inside = Scripted(**{"Also a film": "Too a movie"})
    assert back_translate(["Also a film"], inside, spans=[[(0, 2)]]) == ["Also a movie"]


def test_spans_are_a_list_for_each_text():
    for spans in ([], [[], []], 3, "a", [None], [[(0, 99)]]):
        with pytest.raises(UsageError, match="spans"):
            back_translate(["a film"], Scripted(), spans=spans)


def test_a_cache_is_asked_first_and_keeps_what_others_wrote(tmp_path):
    path = tmp_path / "translations.json"
    first, script = Cache(path, "one"), Scripted()
    back_translate(["a film", "b film"], script, cache=first)
    other = Cache(path, "other")
    other.add(["x"], ["y"])
    other.write()
    again = Scripted()
    assert back_translate(["a film", "c film"], again, cache=Cache(path, "one")) == ["a movie", "c movie"]
    assert again.asked == [["c film"]]
    held = json.loads(path.read_text())["translations"]
    assert held == {"one": {f"{w} film": f"{w} movie" for w in "abc"}, "other": {"x": "y"}}
    assert [p.name for p in tmp_path.iterdir()] == ["translations.json"]  # nothing half written


def test_an_interruption_loses_nothing_that_was_translated(tmp_path):
    def stops(texts):
        if "c film" in texts:
            raise KeyboardInterrupt
        return [t.replace("film", "movie") for t in texts]

    with pytest.raises(KeyboardInterrupt):
        back_translate(["a film", "b film", "c film"], stops, batch=1, cache=Cache(tmp_path / "c.json", "one"))
    assert Cache(tmp_path / "c.json", "one").found == {"a film": "a movie", "b film": "b movie"}


@pytest.mark.parametrize("content", ["", "[]", '{"format": "x"}', '{"format": "wellfit.translations", "version": 1, '
                                     '"translations": {"a": {"b": 3}}}', "\x00", "[" * 100_000])  # fmt: skip
def test_a_file_that_is_no_cache_is_refused_and_left(content, tmp_path):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"c\.json"):
        Cache(path, "one")
    assert path.read_text() == content


def test_a_place_that_cannot_be_written_is_found_before_anything_is_translated(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "c.json", tmp_path / "file" / "c.json"):
        with pytest.raises(RunFolderError, match="WF-F01"):
            back_translate(["a film"], lambda _: pytest.fail("it was translated"), cache=Cache(path, "one"))
    for path in (tmp_path / ("c" * 5000), tmp_path / "c\0.json"):
        with pytest.raises(DataError, match="WF-X07"):
            Cache(path, "one")
    held = Cache(tmp_path / "c.json", "one")
    held.add(["a film"], ["a movie"])
    monkeypatch.setattr("os.access", lambda *_: False)
    assert back_translate(["a film"], Scripted(), cache=held) == ["a movie"]  # nothing new to write
    with pytest.raises(RunFolderError, match=r"c\.json"):
        back_translate(["b film"], Scripted(), cache=Cache(tmp_path / "c.json", "one"))


# The part of a recipe


def _fold():
    texts = ["a film", "the same", "b film", "c film"]
    return Fold(Texts.of(texts), torch.tensor([1, 0, 1, 0]), torch.tensor([1.0, 2.0, 3.0, 4.0]), 2)


def _now(translate, seed=0):
    return dataclasses.replace(Now.at(0, seed), resources={"translator": translate})


def test_variants_have_the_labels_of_their_texts():
    made = BackTranslation(1.0).resample(_fold(), _now(Scripted()))
    assert made.x.values == ("a film", "the same", "b film", "c film", "a movie", "b movie", "c movie")
    assert made.labels.tolist()[4:] == [1, 1, 0]
    assert made.weight.tolist()[4:] == [1.0, 3.0, 4.0]


def test_a_share_of_the_texts_is_drawn_by_the_seed():
    texts = [f"film {i} {w}" for i in range(100) for w in "ab"]
    data = Fold(Texts.of(texts), torch.zeros(200, dtype=torch.int64), torch.ones(200), 1)
    made = [BackTranslation(0.3).resample(data, _now(Scripted(), seed=s)).x.values[200:] for s in (0, 0, 1)]
    assert made[0] == made[1] != made[2]
    assert 40 < len(made[0]) < 80


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "a/b/c", "os.system('x')", 3])
def test_models_are_names(name):
    with pytest.raises(RecipeError, match="BackTranslation"):
        BackTranslation(there=name)


# A model of MarianMT


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Tokenizer and network of MarianMT, as small as can be, with random weights."""
    import sentencepiece
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    folder = tmp_path_factory.mktemp("marian") / "tiny"
    folder.mkdir()
    lines = [f"a funny film number {i} about a big house and {w} words ." for i in range(40) for w in ("one", "two")]
    (folder / "corpus.txt").write_text("\n".join(lines))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "corpus.txt"), model_prefix=str(folder / "source"), vocab_size=40, minloglevel=2
    )
    (folder / "source.model").rename(folder / "source.spm")
    (folder / "target.spm").write_bytes((folder / "source.spm").read_bytes())
    read = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    pieces = ["</s>", "<unk>", *(read.id_to_piece(i) for i in range(3, read.get_piece_size())), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    parts = (folder / n for n in ("source.spm", "target.spm", "vocab.json"))
    MarianTokenizer(*map(str, parts)).save_pretrained(folder)
    padding = len(pieces) - 1
    config = MarianConfig(
        vocab_size=len(pieces), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, pad_token_id=padding, eos_token_id=0,
        bos_token_id=0, decoder_start_token_id=padding, forced_eos_token_id=0, max_position_embeddings=64, init_std=1.0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        MarianMTModel(config).save_pretrained(folder)
    return folder


TEXTS = ["a funny film", "a big house and one number about two words", "one", "two words about a film and a house"]


def test_a_marian_model_is_loaded_and_translates_in_batches_of_any_size(tiny):
    one_by_one = Marian(str(tiny), batch=1, beams=2, longest=12)(TEXTS)
    together = Marian(str(tiny), batch=3, beams=2, longest=12)(TEXTS)
    assert one_by_one == together
    assert len(together) == 4
    assert all(isinstance(t, str) for t in together)
    assert len(set(together)) > 1  # it read the texts
    state = torch.get_rng_state()
    assert Marian(str(tiny), beams=2, longest=12)(TEXTS[::-1]) == together[::-1]
    assert torch.equal(torch.get_rng_state(), state)


def test_the_part_translates_by_its_models_names_and_keeps_translations(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tiny.parent)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "held.json"))
    marian_pair.cache_clear()
    data = Fold(Texts.of(TEXTS), torch.tensor([0, 1, 0, 1]), torch.ones(4), 2)
    part = BackTranslation(1.0, there="tiny", back="tiny")
    made = part.resample(data, Now.at(0))
    held = json.loads((tmp_path / "held.json").read_text())["translations"]["tiny tiny"]
    assert set(TEXTS) <= set(held)
    monkeypatch.setattr("wellfit.text.translation.load_marian", lambda *_: pytest.fail("it was translated again"))
    marian_pair.cache_clear()
    assert part.resample(data, Now.at(0)).x.values == made.x.values


def test_a_model_that_is_not_there_and_packages_that_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="no-such-model"):
        Marian(str(tmp_path / "no-such-model"))(["a"])

    asked = []

    def hands_on_none(_name, local_files_only):  # transformers 5 for a name that it cannot fetch
        asked.append(local_files_only)
        raise TypeError("expected str, bytes or os.PathLike object, not NoneType")

    monkeypatch.setattr("transformers.MarianTokenizer.from_pretrained", hands_on_none)
    with pytest.raises(DataError, match=r"nobody/no-such-model cannot be loaded: it is no folder here.*fetch=True"):
        Marian("nobody/no-such-model")(["a"])
    with pytest.raises(DataError, match=r"WF-X09.*folder here"):
        BackTranslation(1.0, there="no-such-model").resample(_fold(), Now.at(0))
    assert asked == [True, True]  # the network was not asked
    with pytest.raises(DataError, match="a file of its tokenizer is missing"):
        Marian("nobody/no-such-model", fetch=True)(["a"])
    assert asked[2:] == [True, False]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="transformers"):
        Marian("any")(["a"])
