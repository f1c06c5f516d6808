"""The page holds whatever a record holds, and nothing that a record could smuggle in."""

from __future__ import annotations

import re
import shlex
import time
from html.parser import HTMLParser

import pytest
from sample_record import FORMAT, PAYLOADS, poisoned, record

from wellfit.report.html import Html, h
from wellfit.report.page import policy, render
from wellfit.report.reproduce import command_of

VOID = {"meta", "br", "hr", "wbr"}
OURS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section", "div", "p", "h1",
    "h2", "h3", "ul", "li", "a", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "small",
    "strong", "figure", "figcaption", "details", "summary", "pre", "code", "svg", "path", "circle", "line", "text",
    "rect", "b", "del", "span",
}  # fmt: skip


class Reader(HTMLParser):
    """Counts tags and attributes as a browser's parser meets them, and checks that they nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_a_page_has_one_heading_for_each_section_and_nests():
    reader = Reader(render(record()))
    assert reader.open == []
    assert set(reader.tags) <= OURS
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("h2") == reader.tags.count("section") == 11
    assert reader.tags.count("figure") == reader.tags.count("figcaption") == 16


def test_every_figure_has_its_numbers_in_a_table():
    figures = re.findall(r"<figure>.*?</figure>", render(record()), re.S)
    assert all("<details>" in figure and "<table>" in figure for figure in figures)


def test_a_page_asks_nobody_for_anything():
    page = render(record())
    assert "http" not in page.replace("http-equiv", "")
    assert "//" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert "default-src 'none'" in policy()
    reader = Reader(page)
    assert not {"script", "img", "link", "iframe", "object", "base", "form"} & set(reader.tags)
    assert all(value.startswith("#") for name, value in reader.attributes if name in ("href", "src"))
    assert not [name for name, _ in reader.attributes if name == "style" or name.startswith("on")]


def test_the_policy_names_the_style_sheet_by_its_hash():
    import base64
    import hashlib

    style = re.search(r"<style>(.*?)</style>", render(record()), re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_a_record_becomes_markup(payload):
    whole, hostile = record(), poisoned(record(), payload, (*FORMAT, "code", "outcome", "kind"))
    for clean_row, row in zip(whole["ablation"]["rows"], hostile["ablation"]["rows"], strict=True):
        row["name"] = clean_row["name"]  # as the recipe has it: a part of another name is not struck out
    hostile["ablation"]["lean"]["dropped"] = whole["ablation"]["lean"]["dropped"]
    clean, dirty = Reader(render(whole)), Reader(render(hostile))
    assert sorted(dirty.tags) == sorted(clean.tags)
    _harmless(dirty)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_word_of_the_format_becomes_markup(payload):
    clean, dirty = Reader(render(record())), Reader(render(poisoned(record(), payload)))
    assert dirty.tags.count("b") == clean.tags.count("b")
    assert dirty.tags.count("section") == clean.tags.count("section")
    _harmless(dirty)


def _harmless(page: Reader) -> None:
    assert set(page.tags) <= OURS
    assert not {"script", "img"} & set(page.tags)
    assert page.open == []
    assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")]
    assert not [letter for letter in "".join(page.words) if letter in "\x1b\x07\u202e"]


@pytest.mark.alone
def test_a_page_of_ten_thousand_candidates_is_small_and_quick():
    big = record(candidates=10_000)
    big["data"]["columns"] = [{"name": f"column {n} " * 8, "kind": "number", "reason": "x" * 300} for n in range(5_000)]
    big["data"]["classes"] = [f"class {n}" for n in range(5_000)]
    big["data"]["class_counts"] = [3] * 5_000
    big["curves"]["control"]["step"] = list(range(125_000))
    big["curves"]["control"]["train"] = [[0.1] * 125_000 for _ in range(8)]  # a million points
    big["events"] = ["something happened"] * 100_000
    begun = time.perf_counter()
    page = render(big)
    assert len(page.encode()) <= 400_000
    assert time.perf_counter() - begun < 3.0
    assert "A sample of" in page
    assert "200 of 5,000 columns" in page


@pytest.mark.parametrize("missing", sorted(record()))
def test_a_record_may_lack_any_key(missing):
    short = {key: value for key, value in record().items() if key != missing}
    assert Reader(render(short)).open == []


@pytest.mark.parametrize("wrong", [None, [], {}, "text", 7, float("nan"), [None], [[]], {"a": {}}])
def test_a_record_may_hold_the_wrong_thing_anywhere(wrong):
    whole = record(candidates=2)
    whole["curves"] = {"control": {"step": [0, 1], "train": [[1.0, 0.5]], "valid": [[1.0, 0.7]]}}
    for key, value in whole.items():
        assert render({**whole, key: wrong})
        for inner in value if isinstance(value, dict) else ():
            assert render({**whole, key: {**value, inner: wrong}})


def test_an_empty_record_gives_a_page():
    reader = Reader(render({}))
    assert "There is no verdict yet." in reader.words


@pytest.mark.parametrize(
    ("level", "words"),
    [("helps", "Regularization helps"), ("nothing helps", "Nothing helps"), ("baseline wins", "A baseline wins"),
     ("partial", "Partial result")],
)  # fmt: skip
def test_each_level_has_its_words(level, words):
    told = record()
    told["verdict"]["level"] = level
    assert words in Reader(render(told)).words


def test_the_large_figures_are_those_that_the_verdict_speaks_of():
    top = render(record()).split('id="comparison"')[0]
    assert "0.3014" in top
    assert "0.2931" not in top


def test_a_training_that_was_evaluated_once_has_no_curve():
    told = record()
    told["curves"] = {"control": {"step": [5], "train": [[1.0]], "valid": [[1.2]]}}
    words = "".join(Reader(render(told)).words)
    assert "evaluated once only" in words
    assert "training step" not in words


def test_a_far_majority_class_does_not_press_the_others_together():
    told = record()
    told["comparison"][0].update(score=40.0, interval=[39.0, 41.0])
    page = render(told)
    assert "M-3 -5L4 0L-3 5" in page  # the arrow at the edge


def test_no_answer_holds_a_row_or_a_path_of_the_machine():
    told = record()
    told["options"].update(valid="/home/ada/secret/valid.csv", recipe="C:\\Users\\ada\\recipe.json")
    page = render(told)
    assert "ada" not in "".join(Reader(page).words).split("Reproduce")[1]


def test_the_builder_refuses_what_could_run():
    for tag in ("script", "iframe", "a b", "p>", ""):
        with pytest.raises(ValueError, match="no element"):
            h(tag)
    for attributes in ({"onclick": "x"}, {"style": "x"}, {"href": "javascript:x"}, {"src": "data:x"}, {"a b": "x"}):
        with pytest.raises(ValueError, match=r"attribute|links"):
            h("a", **attributes)


def test_the_builder_escapes_text_and_keeps_elements():
    assert h("p", "<b>", h("b", 'a"'), class_="x<y") == Html('<p class="x&lt;y">&lt;b&gt;<b>a&quot;</b></p>')
    assert h("p", None, False, 0, hidden=True, title=None) == "<p hidden>0</p>"


def test_a_part_is_dropped_only_by_a_leaner_recipe_that_is_as_good():
    """Not shown to earn its place, and dropped, are two things."""
    found = record()
    assert ">no: dropped<" in render(found) and ">not shown<" not in render(found)
    found["ablation"] = {**found["ablation"], "lean": None, "why_no_lean": "no time was left"}
    assert ">no: dropped<" not in render(found) and ">not shown<" in render(found)


def test_the_command_holds_every_choice_and_no_folder_of_the_machine():
    options = {
        "target": "a b", "budget": "60s", "lexicon": "/home/me/words.txt", "network": "bag", "drop": ["id"],
        "category": ["store"], "number": ["month; rm -r"], "allow": ["WF-L01"], "device": "auto",
    }  # fmt: skip
    words = shlex.split(command_of({"options": options, "data": {"file": "s.csv"}}))
    assert words[:3] == ["wellfit", "fit", "s.csv"]
    assert dict(zip(words[3::2], words[4::2], strict=True)) == {
        "--target": "a b", "--budget": "60s", "--network": "bag", "--lexicon": "words.txt", "--drop": "id",
        "--category": "store", "--number": "month; rm -r", "--allow": "WF-L01",
    }  # fmt: skip
