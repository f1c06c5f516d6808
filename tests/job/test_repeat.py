"""Plans of other data, runs that were stopped before training, and what is said of rows that stay as many."""

from __future__ import annotations

import json

import numpy as np
import pytest
from planned import planned_fit, rare_table, write_plan

import wellfit as wf
from wellfit.errors import Interrupted, RunFolderError
from wellfit.job.options import Options
from wellfit.job.table_source import from_file
from wellfit.job.variants import _told
from wellfit.progress import Silent


class Listening(Silent):
    def __init__(self):
        self.said = []

    def say(self, topic, sentence):
        self.said.append(sentence)


def plan_of(folder, **data):
    """A plan beside a record that says what it was made for."""
    path = write_plan(folder, steps=5)
    path.write_text(json.dumps({**json.loads(path.read_text()), "data": data}))
    return path


@pytest.mark.parametrize("data", [{"task": "regression"}, {"kind": "image", "task": "binary"}])
def test_a_plan_of_another_task_or_kind_is_refused(monkeypatch, tmp_path, data):
    x, y = rare_table(100)
    with pytest.raises(RunFolderError, match="was made for") as caught:
        planned_fit(monkeypatch, tmp_path, x, y, plan=plan_of(tmp_path, **data))
    assert caught.value.code == "WF-F07"
    assert not (tmp_path / "run").exists()


def test_a_plan_of_other_data_is_said_and_repeated(monkeypatch, tmp_path):
    x, y = rare_table(100)
    heard = Listening()
    plan = plan_of(tmp_path, task="binary", kind="table", hash="0" * 12, file="other.csv")
    run = planned_fit(monkeypatch, tmp_path, x, y, plan=plan, progress=heard)
    assert any("other.csv" in sentence for sentence in heard.said)
    heard.said.clear()
    planned_fit(monkeypatch, tmp_path / "b", x, y, plan=run.folder / "run.json", progress=heard)
    assert not any("other data" in sentence for sentence in heard.said)


@pytest.mark.parametrize("where", ["make_material", "open_stage"])
def test_a_stop_before_training_names_the_folder_it_made(monkeypatch, tmp_path, where):
    def stop(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"wellfit.job.study.{where}", stop)
    x, y = rare_table(100)
    with pytest.raises(Interrupted, match="holds no model") as caught:
        planned_fit(monkeypatch, tmp_path, x, y)
    assert str(tmp_path / "run") in str(caught.value)


def test_a_missing_plan_is_called_missing(monkeypatch, tmp_path):
    with pytest.raises(RunFolderError, match="No such file"):
        planned_fit(monkeypatch, tmp_path, *rare_table(100), plan=tmp_path / "nope.json")


def test_what_reading_says_is_said_once(tmp_path):
    rows = "".join(f"{i};{i % 7},5;{i % 2}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(";a;y\n" + rows)
    source = from_file(tmp_path / "t.csv", Options(target="y"))
    codes = [n.code for n in (*source.notes, *source.table.notes)]
    assert codes.count("WF-D52") == codes.count("WF-D51") == 1


def test_rows_that_stay_as_many_become_nothing():
    assert "become" not in _told(wf.Recipe(wf.L2(0.1)), 21_000, 21_000)
    assert "21,000 training rows of the first fold become 30,000" in _told(wf.Recipe(wf.L2(0.1)), 21_000, 30_000)


def test_a_run_is_shown_in_a_line(monkeypatch, tmp_path):
    x, y = rare_table(100)
    run = planned_fit(monkeypatch, tmp_path, x, y, steps=5)
    assert len(repr(run)) < 800 and run.verdict in repr(run) and str(run.folder) in repr(run)
    assert str(np.asarray([run], dtype=object)[0]) == repr(run)
