"""``wellfit fit``, ``predict`` and ``show``: what goes where, and with which exit code it ends."""

from __future__ import annotations

import json
import math
import re
import signal

import pytest
from fake_job import Interrupted
from sample_record import PAYLOADS, poisoned, record

from wellfit.errors import BudgetError, DataError, RecipeError, RunFolderError, TrainingError, UsageError


def test_the_result_goes_to_one_stream_and_the_progress_to_the_other(job, wellfit_command):
    said = wellfit_command("fit", "adult.csv", "--target", "income")
    assert said.code == 0
    assert said.out.startswith("result     Regularization helps.")
    assert "report.html (2 KB)" in said.out
    assert f"wellfit predict {job.run.folder} NEW.csv" in said.out
    assert "rung 1/2: 8 members trained to step 100, best 0.4, 2.0 s" in said.err
    assert "told by the job" not in said.out + said.err
    assert "\x1b" not in said.out + said.err


def test_every_option_reaches_the_job(job, wellfit_command, option_names):
    words = {
        "target": "y", "budget": "10m", "seed": "7", "metric": "roc_auc", "device": "cpu", "out": "here",
        "valid": "v.csv", "test": "t.csv", "group": "g", "time": "t", "weight": "w", "class_weight": "balanced",
        "recipe": "r.json", "plan": "run.json", "task": "binary", "balance": "smote", "text": "words", "size": "32",
        "start": "diagnosis.json", "network": "cnn", "lexicon": "w.txt",
    }  # fmt: skip
    asked = [word for name, value in words.items() for word in (f"--{name.replace('_', '-')}", value)]
    columns = ("--drop", "id", "--drop", "name", "--category", "store", "--number", "month")
    more = (*columns, "--allow", "WF-L01", "--quiet")
    assert wellfit_command("fit", "a.csv", *asked, *more).code == 0
    assert set(words) | {"drop", "category", "number", "allow"} == set(option_names)
    assert job.options.drop == ("id", "name")
    assert job.options.allow == ("WF-L01",)
    assert job.options.category == ("store",)
    assert job.options.number == ("month",)
    assert {name: str(getattr(job.options, name)) for name in words} == words


def test_json_is_one_document_without_what_json_lacks(job, wellfit_command):
    job.run.record["comparison"][0]["score"] = math.nan
    said = wellfit_command("fit", "a.csv", "--target", "y", "--json")
    assert said.json["format"] == "wellfit.run"
    assert said.json["comparison"][0]["score"] is None


def test_quiet_shows_the_result_alone(job, wellfit_command):
    said = wellfit_command("fit", "a.csv", "--target", "y", "--quiet")
    assert said.err == ""
    assert said.out.startswith("result")


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (DataError, 3), (RecipeError, 4), (TrainingError, 5), (RunFolderError, 7)],
)
def test_an_error_says_what_and_what_to_do(job, wellfit_command, error, code):
    job.raises = error('column "age" row 4,182 holds "thirty".', fix="Clean the cell.", code="WF-D03")
    said = wellfit_command("fit", "a.csv", "--target", "y")
    assert said.code == code
    assert said.out == ""
    assert said.err.splitlines()[-2:] == [
        'error WF-D03: column "age" row 4,182 holds "thirty".',
        "  fix: Clean the cell.",
    ]
    assert "Traceback" not in said.err
    assert "Traceback" in wellfit_command("fit", "a.csv", "--target", "y", "--debug").err
    told = wellfit_command("fit", "a.csv", "--target", "y", "--json").json
    assert (told["code"], told["exit_code"]) == ("WF-D03", code)


def test_a_budget_that_ended_early_still_shows_what_there_is(job, wellfit_command):
    job.raises = BudgetError("the budget of 1 s ended.", fix="Give more.", code="WF-B01")
    job.raises.run = job.run
    said = wellfit_command("fit", "a.csv", "--target", "y")
    assert said.code == 6
    assert said.out.startswith("result")
    assert "error WF-B01: the budget of 1 s ended." in said.err
    assert wellfit_command("fit", "a.csv", "--target", "y", "--json").json["format"] == "wellfit.run"


def test_an_interrupted_run_says_where_the_best_is(job, wellfit_command):
    job.raises = Interrupted(job.run)
    said = wellfit_command("fit", "a.csv", "--target", "y")
    assert said.code == 130
    assert "stopped WF-I01: stopped; the best so far is in" in said.err
    assert said.out.startswith("result")


def test_an_interruption_before_anything_was_there(job, wellfit_command):
    job.raises = KeyboardInterrupt()
    said = wellfit_command("fit", "a.csv", "--target", "y")
    assert (said.code, said.out) == (130, "")
    assert "stopped: interrupted before anything was saved." in said.err
    job.raises = Interrupted(None)
    assert wellfit_command("fit", "a.csv", "--target", "y", "--json").json["exit_code"] == 130


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 143)])
def test_a_signal_becomes_an_interruption_with_its_exit_code(job, wellfit_command, monkeypatch, name, code):
    def fit_file(path, options, progress, started=None):
        try:
            signal.raise_signal(getattr(signal, name))
        except KeyboardInterrupt:
            raise Interrupted(job.run) from None

    monkeypatch.setattr("wellfit.job.fit_file", fit_file)
    before = signal.getsignal(getattr(signal, name))
    assert wellfit_command("fit", "a.csv", "--target", "y").code == code
    assert signal.getsignal(getattr(signal, name)) == before


def test_ctrl_c_is_heard_where_a_shell_had_it_ignored_and_nohup_stays(job, wellfit_command, monkeypatch):
    def fit_file(path, options, progress, started=None):
        signal.raise_signal(signal.SIGHUP)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise Interrupted(job.run) from None

    monkeypatch.setattr("wellfit.job.fit_file", fit_file)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        assert wellfit_command("fit", "a.csv", "--target", "y").code == 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_bug_is_called_a_bug_and_its_report_holds_no_data(job, wellfit_command, tmp_path):
    job.raises = ValueError("could not convert string to float: 'Ada Lovelace, 36'")
    said = wellfit_command("fit", "patients.csv", "--target", "diagnosis", "--out", "not-there")
    assert said.code == 1
    assert "this is a bug in wellfit (ValueError)" in said.err
    assert "Traceback" not in said.err
    crash = (tmp_path / "crash.txt").read_text()
    assert "builtins.ValueError" in crash
    assert "fit_file" in crash
    for secret in ("Lovelace", "patients", "diagnosis", "PATH", "HOME", str(tmp_path), "/root", "/home", "/tmp"):
        assert secret not in crash
    assert "Lovelace" in wellfit_command("fit", "a.csv", "--target", "y", "--debug").err


def test_a_crash_report_goes_to_the_run_folder_where_there_is_one(job, wellfit_command, tmp_path):
    (tmp_path / "mine").mkdir()
    job.raises = ZeroDivisionError()
    assert "mine/crash.txt" in wellfit_command("fit", "a.csv", "--out", "mine").err.replace("\n  ", "")
    assert (tmp_path / "mine" / "crash.txt").exists()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_cannot_steer_the_terminal(job, wellfit_command, payload):
    job.run.record = poisoned(record(), payload)
    shown = [wellfit_command("fit", f"a{payload}.csv", "--target", "y"), wellfit_command("show", "runs/adult")]
    job.raises = DataError(f"the file {payload} is bad.", fix=payload, code="WF-D01")
    shown.append(wellfit_command("fit", payload, "--target", payload))
    shown.append(wellfit_command("fit", "a.csv", f"--{payload}"))
    shown.append(wellfit_command(payload or "x"))
    shown.append(wellfit_command("explain", payload))
    for said in shown:
        assert not [letter for letter in said.out + said.err if letter in "\x1b\x07\u202e"]


def test_predict_tells_its_notes_and_where_it_wrote(job, wellfit_command):
    said = wellfit_command("predict", "runs/adult", "new.csv", "-o", "out.csv", "--model", "single")
    assert said.code == 0
    assert job.run.calls == [("new.csv", "out.csv", "single")]
    assert said.out == "wrote      out.csv\n"
    assert said.err == 'note       WF-D70 1 column is unknown: "new".\n'
    quiet = wellfit_command("predict", "runs/adult", "new.csv", "-o", "out.csv", "--quiet")
    assert quiet.out + quiet.err == ""
    assert wellfit_command("predict", "runs/adult", "new.csv", "-o", "o.csv", "--model", "best").code == 2


def test_show_prints_lines_or_the_record(job, wellfit_command):
    assert wellfit_command("show", "runs/adult").out.startswith("wellfit 0.1.0  run adult-7f3a")
    assert wellfit_command("show", "runs/adult", "--json").json == json.loads(json.dumps(record()))


def test_a_folder_that_needs_quotes_gets_them(job, wellfit_command, tmp_path):
    job.run.folder = tmp_path / "my run; rm -rf"
    job.run.folder.mkdir()
    (job.run.folder / "model.safetensors").write_text("x")
    assert re.search(r"wellfit predict '.*my run; rm -rf' NEW.csv", wellfit_command("fit", "a.csv").out)
