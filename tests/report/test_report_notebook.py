"""A run in a notebook's cell, and its page made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_record import PAYLOADS, poisoned, record
from test_report_page import OURS, Reader
from torch import nn

from wellfit.cli.entry import run
from wellfit.job.run import Run
from wellfit.own.result import Found


def _shown(told, folder="runs/adult"):
    shown = [Run(Path(folder), told)._repr_html_(), Found(nn.Linear(1, 1), Path(folder), told)._repr_html_()]
    assert shown[0] == shown[1]
    return shown[0]


def test_a_cell_tells_verdict_and_comparison():
    page = _shown(record(candidates=10_000))
    words = Reader(page).words
    assert len(page.encode()) < 60_000
    assert "Regularization helps. " in words
    assert {row["label"] for row in record()["comparison"]} <= set(words)
    assert "runs/adult/report.html" in words
    assert "style" not in page  # a style sheet would change the whole notebook


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_markup_in_a_cell(payload):
    clean, dirty = Reader(_shown(record())), Reader(_shown(poisoned(record(), payload), f"runs/{payload}"))
    assert dirty.tags == clean.tags
    assert dirty.open == []
    assert set(dirty.tags) <= OURS


@pytest.mark.parametrize("wrong", [None, [], {}, "text", 7, [None]])
def test_a_record_may_hold_the_wrong_thing(wrong):
    for key in record():
        assert Reader(_shown({**record(), key: wrong})).open == []


def test_the_page_is_made_again(tmp_path, capsys):
    (tmp_path / "run.json").write_text(json.dumps(record()), "utf-8")
    assert run(["report", str(tmp_path)], 0.0) == 0
    assert "report.html" in capsys.readouterr().out
    assert "What earned its place" in (tmp_path / "report.html").read_text("utf-8")


def test_a_page_elsewhere(tmp_path, capsys):
    (tmp_path / "run.json").write_text(json.dumps(record()), "utf-8")
    assert run(["report", str(tmp_path), "--out", str(tmp_path / "page.html"), "--json"], 0.0) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == (tmp_path / "page.html").stat().st_size
    assert not (tmp_path / "report.html").exists()


def test_a_folder_without_a_run_is_told(tmp_path):
    assert run(["report", str(tmp_path)], 0.0) == 7
    assert not list(tmp_path.iterdir())
