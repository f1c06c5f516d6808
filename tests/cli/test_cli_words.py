"""The command line's own words: help, usage errors, the lists, and how fast it is there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wellfit.cli import start
from wellfit.cli.advice import ADVICE
from wellfit.cli.codes import all_codes

SOURCE = Path(__file__).parents[2] / "src"

ALONE = """
import sys, types
package = types.ModuleType("wellfit")
package.__path__ = [{source!r} + "/wellfit"]
package.__version__ = "0.1.0"
sys.modules["wellfit"] = package
from wellfit.cli.entry import run
code = run({words!r}, 0.0)
heavy = [name for name in ("torch", "pandas", "sklearn", "numpy", "optuna") if name in sys.modules]
sys.exit(f"imported {{heavy}}" if heavy else code)
"""


@pytest.mark.parametrize("words", [["--help"], [], ["fit", "--help"], ["--version"], ["show", "--help"]])
def test_help_needs_no_training_library(words):
    script = ALONE.format(source=str(SOURCE), words=words)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "wellfit" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit", "a.csv", "--targt", "y"], "did you mean --target?"),
        (["fit", "a.csv", "--no-colour"], "did you mean --no-color?"),
        (["fti", "a.csv"], 'did you mean "fit"?'),
        (["fit"], "missing argument 'DATA'"),
        (["fit", "a.csv", "--seed", "seven"], "'--seed': 'seven' is no whole number."),
        (["fit", "a.csv", "--size=4x"], "'--size': '4x' is no whole number."),
        (["predict", "run", "new.csv"], "--out"),
        (["fit", "a.csv", "b.csv"], "b.csv"),
        (["fit", "a.csv", "--target"], "--target"),
    ],
)
def test_bad_usage_names_the_nearest_thing(wellfit_command, words, told):
    said = wellfit_command(*words)
    assert said.code == 2
    assert told in said.err
    assert said.err.startswith("error WF-U10: ")
    assert "  fix: " in said.err
    assert said.out == ""


def test_an_option_that_resembles_none_gets_no_suggestion(wellfit_command):
    assert "did you mean" not in wellfit_command("fit", "a.csv", "--frobnicate").err


def test_bad_usage_as_json(wellfit_command):
    assert wellfit_command("fit", "--json").json["exit_code"] == 2


def test_the_list_names_every_regularizer(wellfit_command):
    said = wellfit_command("list")
    told = wellfit_command("list", "--json").json
    assert {"Dropout", "Mixup", "EMA"} <= {facts["name"] for facts in told}
    assert all(f"\n{facts['name']} " in f"\n{said.out}" for facts in told)
    assert max(map(len, said.out.splitlines())) <= 100
    assert next(knob for facts in told for knob in facts["knobs"] if knob["name"] == "p")["neutral"] == 0


@pytest.mark.parametrize("name", ["Mixup", "mixup", " MIXUP "])
def test_a_regularizer_is_explained(wellfit_command, name):
    said = wellfit_command("explain", name)
    assert said.code == 0
    for word in ("Mixup", "Beta(alpha, alpha)", "use when", "avoid when", "default 0.2", "ICLR 2018"):
        assert word in said.out
    assert max(map(len, said.out.splitlines())) <= 100


def test_a_code_is_explained(wellfit_command):
    lines = wellfit_command("explain", "wf-d03").out.splitlines()
    assert lines[0] == "WF-D03  A number column holds text in a few cells."
    assert lines[1].startswith("  fix: ") and "--drop" in lines[1]
    assert "--budget" in wellfit_command("explain", "WF-B01", "--json").json["fix"]
    assert set(ADVICE) <= set(all_codes())
    assert wellfit_command("explain", "WF002", "--json").json["code"] == "WF002"


def test_an_unknown_name_gets_the_nearest(wellfit_command):
    said = wellfit_command("explain", "droput")
    assert said.code == 2
    assert "Did you mean Dropout?" in said.err


def test_every_code_in_the_source_can_be_explained():
    import re

    found = {
        code for file in SOURCE.rglob("*.py") for code in re.findall(r'"(WF-[A-Z]\d\d|WF\d{3})"', file.read_text())
    }
    assert sorted(found - set(all_codes())) == []


def test_the_process_start_lies_in_the_past():
    script = "import time; time.sleep(0.3); from wellfit.cli.start import process_start as start; "
    script += "print(time.monotonic() - start())"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=60)
    assert 0.25 < float(done.stdout) < time.monotonic() - begun + 0.1


def test_inside_another_process_the_count_begins_now(monkeypatch):
    assert abs(start.process_start(own=False) - time.monotonic()) < 0.1
    monkeypatch.setattr(start, "_LONGEST", 0.0)
    assert start.process_start() == start._IMPORTED


def test_a_closed_pipe_is_no_error(tmp_path):
    script = "from wellfit.cli.entry import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(
        [sys.executable, "-c", script, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
