"""The page while a run is going: it renews itself, is whole at every moment, and stands still at the end."""

from __future__ import annotations

import pytest
from planned import planned_fit, rare_table

from wellfit.job.live import LivePage


def test_a_page_is_written_while_it_runs_and_settles_at_the_end(tmp_path):
    heard = []
    live = LivePage({"name": "<b>run</b>", "status": "running", "plan": {}}, tmp_path, every=0.0)
    tick = live.watching(lambda doing, loss: heard.append((doing, loss)))
    tick("controls", 0.5)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert heard == [("controls", 0.5)]
    assert 'http-equiv="refresh"' in page
    assert "Still running: controls" in page
    assert "<b>run" not in page
    live.close()
    assert 'http-equiv="refresh"' not in (tmp_path / "report.html").read_text("utf-8")


def test_the_page_of_a_finished_run_is_left_alone(tmp_path):
    live = LivePage({"name": "run"}, tmp_path, every=0.0)
    live.watching(lambda doing, loss: None)("search", None)
    (tmp_path / "report.html").write_text("the end", "utf-8")
    live.close()
    assert (tmp_path / "report.html").read_text("utf-8") == "the end"


def test_a_folder_that_cannot_be_written_ends_no_training(tmp_path):
    live = LivePage({"name": "run"}, tmp_path / "gone", every=0.0)
    live.watching(lambda doing, loss: None)("search", None)
    live.close()


@pytest.mark.parametrize("fails", [False, True])
def test_no_run_leaves_a_page_that_renews_itself(monkeypatch, tmp_path, fails):
    seen = []
    write = LivePage._write
    monkeypatch.setattr(LivePage, "_write", lambda self, doing: (seen.append(doing), write(self, doing)))
    if fails:
        monkeypatch.setattr("wellfit.job.study._Conduct._refit", lambda *_: 1 / 0)
    x, y = rare_table()
    try:
        planned_fit(monkeypatch, tmp_path, x, y, steps=10)
    except ZeroDivisionError:
        assert fails
    assert seen
    assert 'http-equiv="refresh"' not in (tmp_path / "run" / "report.html").read_text("utf-8")
