"""``wellfit list`` and ``wellfit explain``, and the pages under docs/regularizers: all told from the classes."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wellfit.cli.catalogue import as_lines, table
from wellfit.cli.explain import in_words
from wellfit.cli.grades import meaning
from wellfit.cli.side_by_side import side_by_side
from wellfit.regularizer import REGISTRY
from wellfit.report.docstrings import parts_of
from wellfit.report.regularizer_facts import Facts, every

ROOT = Path(__file__).parents[2]
HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]name\u202e\r\nnext"


def hostile_facts() -> Facts:
    return Facts(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, ("regression",), (), (), HOSTILE)


def harmless(text: str) -> bool:
    return not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


# list


def test_filters_narrow_the_list(wellfit_command):
    everything = {facts["name"]: facts for facts in wellfit_command("list", "--json").json}
    for words, kept in (
        (("--family", "penalties"), lambda facts: facts["family"] == "penalties"),
        (("--stage", "batch"), lambda facts: "batch" in facts["stages"]),
        (("--stage", "after-step"), lambda facts: "after_step" in facts["stages"]),
        (("--grade", "a"), lambda facts: facts["grade"] in ("A", "A-")),
        (("--grade", "A-"), lambda facts: facts["grade"] == "A-"),
        (("--grade", "A", "--grade", "C"), lambda facts: facts["grade"][0] in "AC"),
        (("--family", "penalties", "--grade", "A"), lambda facts: facts["name"] in ("L1", "L2")),
    ):
        found = [facts["name"] for facts in wellfit_command("list", *words, "--json").json]
        assert found == [name for name, facts in everything.items() if kept(facts)], words
        assert found, words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--family", "penaltys"), "Did you mean penalties?"),
        (("--stage", "bach"), "Did you mean batch?"),
        (("--grade", "F"), "there is no grade 'F'"),
        (("--family", HOSTILE), "there is no family"),
    ],
)
def test_an_unknown_filter_is_a_usage_error(wellfit_command, words, told):
    said = wellfit_command("list", *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err and harmless(said.err)


def test_filters_that_leave_nothing(wellfit_command):
    assert "0 regularizers" in wellfit_command("list", "--family", "penalties", "--stage", "deploy").out
    assert wellfit_command("list", "--family", "penalties", "--stage", "deploy", "--json").json == []


def test_a_piped_list_has_a_line_for_each(wellfit_command):
    lines = wellfit_command("list").out.splitlines()
    for facts, line in zip(every(), lines, strict=False):
        assert line.split()[:3] == [facts.name, facts.grade, facts.family]


def shown(found, width, **more) -> list[str]:
    from rich.console import Console

    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(table(found, **more))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_table_fits_the_terminal(width):
    lines = shown([facts for facts in every() if facts.own], width, narrow=width < 100)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for facts in filter(lambda facts: facts.own, every()):
        assert re.search(rf"^  {facts.name} +{re.escape(facts.grade)} ", text, re.M), facts.name
    stages = {stage for facts in every() for stage in facts.stages}
    assert all(re.search(rf"\b{stage}\b", text) for stage in stages), "a stage is never cut"


def test_a_terminal_gets_the_table():
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-c", "from wellfit.cli import main; main()", "list", "--family", "penalties"]
    process = subprocess.Popen(command, stdout=child, env=environment)
    os.close(child)
    said = b""
    while True:
        try:
            piece = os.read(parent, 65_536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(parent)
    assert process.wait(timeout=60) == 0
    assert "Regularizer" in said.decode() and "─" in said.decode() and "Penalties" in said.decode()


def test_hostile_names_do_no_harm():
    assert harmless(as_lines([hostile_facts()]))
    assert harmless("\n".join(shown([hostile_facts()], 100)))
    assert "[bold]name" in "".join(shown([hostile_facts()], 300)), "no markup is read"
    assert harmless(in_words(hostile_facts()))
    assert harmless(side_by_side(["a", "b"], [("topic", [HOSTILE.replace("\n", ""), "x"])], 100))


# explain


@pytest.mark.parametrize("name", ["MaxNorm", "max-norm", "max_norm", "MAX NORM", " maxnorm "])
def test_a_name_is_found_as_people_write_it(wellfit_command, name):
    assert wellfit_command("explain", name).out.startswith("MaxNorm\n")


def test_words_that_make_one_name_are_one(wellfit_command):
    assert wellfit_command("explain", "label", "smoothing").out.startswith("LabelSmoothing\n")
    several = wellfit_command("explain", "L1", "WF-D03", "--json").json
    assert [one.get("name", one.get("code")) for one in several] == ["L1", "WF-D03"]


@pytest.mark.parametrize("name", [facts.name for facts in every() if facts.own])
def test_everything_known_is_explained(name):
    facts = next(facts for facts in every() if facts.name == name)
    text = in_words(facts, 100)
    flat = " ".join(text.split())
    for part in (facts.formula, facts.use_when, facts.avoid_when, facts.source, meaning(facts.grade)):
        assert " ".join(part.split()) in flat
    for knob in facts.knobs:
        assert f"{knob.name} default" in flat
        assert knob.neutral is None or "is off" in flat
        assert facts.parts.fields[knob.name] in flat
    assert facts.parts.example.splitlines()[0].strip() in flat
    assert all(stage in flat for stage in REGISTRY[name].stages)


def test_explain_as_json(wellfit_command):
    told = wellfit_command("explain", "Mixup", "--json").json
    assert (told["family"], told["stages"], told["knobs"][0]["neutral"]) == ("mixing", ["batch"], 0.0)
    assert ">>>" in told["example"] and "arXiv" in told["references"] and told["knobs"][0]["meaning"]


def test_a_comparison_stands_side_by_side(wellfit_command):
    said = wellfit_command("explain", "--compare", "L1", "l2", "elastic-net")
    head = said.out.splitlines()[0]
    assert head.split() == ["L1", "L2", "ElasticNet"]
    row = next(line for line in said.out.splitlines() if line.startswith("formula"))
    assert [row.index(word) for word in ("strength * sum(|w|)", "strength * sum(w ** 2)")] == [
        head.index("L1"), head.index("L2"),
    ]  # fmt: skip
    assert max(map(len, said.out.splitlines())) <= 100
    names = [facts["name"] for facts in wellfit_command("explain", "--compare", "L1", "L2", "--json").json]
    assert names == ["L1", "L2"]


def test_a_narrow_comparison_stands_below_each_other():
    text = side_by_side(["One", "Two"], [("topic", ["a " * 40, "b"]), ("empty", ["", ""])], 40)
    assert max(map(len, text.splitlines())) <= 40
    assert re.search(r"topic\n  One  a a", text) and "\n  Two  b" in text and "empty" not in text


@pytest.mark.parametrize("names", [("L1",), ("L1", "l1"), ("L1", "WF-D03"), ("L1", "Droput")])
def test_a_comparison_needs_two(wellfit_command, names):
    said = wellfit_command("explain", "--compare", *names)
    assert (said.code, said.out) == (2, "")
    assert "WF-U12" in said.err


@pytest.mark.parametrize("name", [HOSTILE, "", "x" * 10_000])
def test_hostile_words_are_refused_quietly(wellfit_command, name):
    said = wellfit_command("explain", name)
    assert said.code == 2 and harmless(said.err) and len(said.err) < 400


def test_a_docstring_in_parts():
    class Odd:
        """Do one thing: a.

        Tell more,
        on two lines.

        Args:
            p, q: shares, 0 to 1;
                0 is neutral.
            name: a text.

        Example:
            >>> 1
            1

        Source:
            Someone, 2000.
        """

    parts = parts_of(Odd)
    assert (parts.first, parts.rest) == ("Do one thing: a.", ("Tell more, on two lines.",))
    shares = "shares, 0 to 1; 0 is neutral."
    assert parts.fields == {"p": shares, "q": shares, "name": "a text."}
    assert (parts.example, parts.sources, parts.shapes) == (">>> 1\n1", "Someone, 2000.", "")
    assert parts_of(type("Bare", (), {})).first == ""


# pages


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("make_regularizer_pages", ROOT / "docs" / "make_regularizer_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_what_the_classes_say(pages):
    assert pages.differences() == [], f"run {pages.COMMAND}"


def test_every_regularizer_has_its_section(pages):
    made = pages.pages()
    for name, cls in REGISTRY.items():
        if cls.__module__.startswith("wellfit."):
            page = made[f"{cls.__module__.rpartition('.')[2]}.md"]
            assert f"\n## {name}\n" in page and f"\n{cls.formula}\n" in page
            assert f"#{name.casefold()})" in made["README.md"]


def test_pages_are_written_once_and_old_ones_removed(pages, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "FOLDER", tmp_path / "regularizers")
    assert "README.md" in pages.write()
    assert pages.write() == []
    (tmp_path / "regularizers" / "gone.md").write_text("old")
    assert pages.write() == ["gone.md"]
    assert not (tmp_path / "regularizers" / "gone.md").exists()


def test_markdown_shows_the_text_as_it_is(pages):
    assert pages.escaped("w <- 2 * w, l1_ratio") == "w <- 2 * w, l1_ratio"
    assert pages.escaped("a**2 <b> [x](y) _z_") == r"a\*\*2 \<b> \[x](y) \_z\_"
    assert pages.escaped("``a*b`` and `c_`") == "`a*b` and `c_`"
    assert not re.search(r"^[-+*] ", pages._wrapped("word " * 23 + "- minus one"), re.M)
