"""The fake job in the place of the real one, and a way to run command lines in this process."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from fake_job import FakeJob, FakeRun

import wellfit
from wellfit.cli.entry import run
from wellfit.job.options import Options

sys.path.append(str(Path(__file__).parents[1] / "report"))


@pytest.fixture
def job(monkeypatch, tmp_path) -> FakeJob:
    """The fake stands where ``wellfit.job`` does; the current folder is an empty one."""
    from sample_record import record

    folder = tmp_path / "runs" / "adult-7f3a"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("x" * 2_000)
    (folder / "model.safetensors").write_text("x")
    fake = FakeJob(FakeRun(folder, record()))
    module = types.ModuleType("wellfit.job")
    vars(module).update(fit_file=fake.fit_file, Options=Options, load=lambda folder: fake.run)
    monkeypatch.setitem(sys.modules, "wellfit.job", module)
    monkeypatch.setattr(wellfit, "job", module, raising=False)
    monkeypatch.chdir(tmp_path)
    return fake


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))


@pytest.fixture
def wellfit_command(capsys):
    """Run a command line in this process."""

    def command(*words: str) -> Said:
        code = run(list(words), 0.0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command


@pytest.fixture
def option_names() -> list[str]:
    return [entry.name for entry in fields(Options)]
