"""The gallery as a folder: what is written, the page, and how it refuses."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from wellfit import gallery
from wellfit.cli.entry import run
from wellfit.errors import UsageError
from wellfit.gallery.look import DARK, as_svg
from wellfit.gallery.plate import Table

ONE = "max-norm"


def written(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_seed_gives_the_same_files(tmp_path):
    names = (ONE, "dropout-masks", "exact-zeros")
    for folder in ("a", "b"):
        gallery.draw_gallery(tmp_path / folder, names, seed=3)
    assert written(tmp_path / "a") == written(tmp_path / "b")
    gallery.draw_gallery(tmp_path / "c", names, seed=4)
    assert written(tmp_path / "a")["dropout-masks.csv"] != written(tmp_path / "c")["dropout-masks.csv"]


def test_numbers_lie_beside_the_picture_in_three_forms(tmp_path):
    page = gallery.draw_gallery(tmp_path, [ONE], png=True)
    assert set(written(tmp_path)) == {"index.html", *(f"{ONE}.{end}" for end in ("svg", "csv", "json", "png"))}
    table = gallery.max_norm().table
    rows = list(csv.DictReader((tmp_path / f"{ONE}.csv").open(encoding="utf-8")))
    told = json.loads((tmp_path / f"{ONE}.json").read_text())["rows"]
    assert [float(row["after"]) for row in rows] == [row["after"] for row in told] == table.column("after")
    assert page.read_text().count("<tr>") == len(table.rows) + 1


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_asks_no_host_and_runs_nothing(tmp_path):
    text = gallery.draw_gallery(tmp_path, [ONE, "penalties"]).read_text()
    page = Page()
    page.feed(text)
    tags = [tag for tag, _ in page.found]
    assert "script" not in tags
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    for tag, attributes in page.found:
        for name in ("src", "href"):
            if name in attributes:
                address = attributes[name]
                assert address.startswith("#") or (tmp_path / address).is_file()
        if tag == "img":
            assert len(attributes["alt"]) > 60
    assert tags.count("details") == tags.count("img") == 2


def test_pictures_follow_the_scheme_and_name_no_host(tmp_path):
    text = as_svg(gallery.penalties().figure)
    assert "prefers-color-scheme:dark" in text
    for light, dark in DARK.items():
        assert f'[style*="fill: {light}"]{{fill:{dark}!important}}' in text
    assert not re.findall(r'(?:href|src)="(?!#|data:)', text)


@pytest.mark.parametrize("name", sorted(gallery.FIGURES))
def test_every_figure_is_told_in_words(name):
    """Fast ones only: the others are drawn by the tests of their numbers."""
    entry = gallery.FIGURES[name]
    assert entry.title
    assert entry.draw.__doc__
    assert re.fullmatch("[a-z-]+", name)


def test_the_command_writes_and_names(tmp_path, capsys):
    assert run(["gallery", str(tmp_path / "g"), "--only", "Max norm", "--json"], 0.0) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["figures"] == 1
    assert "drawing 1 of 1" in told.err
    assert (tmp_path / "g" / "index.html").is_file()
    assert run(["gallery", "--list", "--json"], 0.0) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == set(gallery.FIGURES)


def test_refusals_say_what_to_do(tmp_path, capsys):
    assert run(["gallery"], 0.0) == 2
    assert "wellfit gallery FOLDER" in capsys.readouterr().err
    with pytest.raises(UsageError, match="Did you mean max-norm") as caught:
        gallery.draw_gallery(tmp_path, ["maxnorm"])
    assert caught.value.code == "WF-U40"
    (tmp_path / "file").write_text("x")
    assert run(["gallery", str(tmp_path / "file"), "--only", ONE], 0.0) == 7


def test_without_matplotlib_the_error_names_the_pip_line():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import wellfit\n"
        "try:\n    wellfit.gallery.max_norm()\n"
        "except wellfit.MissingExtra as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'wellfit[plots]'" in done.stdout


def test_no_global_state_of_matplotlib_is_touched():
    code = (
        "import sys, matplotlib\n"
        "def settings():\n    return {n: matplotlib.rcParams[n] for n in matplotlib.rcParams if n != 'backend'}\n"
        "before = settings()\n"
        "import wellfit; plate = wellfit.gallery.max_norm()\n"
        "print(settings() == before, 'matplotlib.pyplot' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_tables_keep_what_json_lacks_apart():
    table = Table.of(("a", "b"), [("x", float("inf")), ("y", True)])
    assert table.to_json() == [{"a": "x", "b": None}, {"a": "y", "b": "yes"}]
