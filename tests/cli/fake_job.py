"""A job that does nothing but what the command line sees of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wellfit.errors import WellfitError
from wellfit.job.options import Options


class Interrupted(WellfitError):
    exit_code = 130

    def __init__(self, run: Any) -> None:
        super().__init__(f"stopped; the best so far is in {run.folder}." if run else "stopped.", code="WF-I01")
        self.run = run


@dataclass(frozen=True)
class Note:
    code: str
    sentence: str


@dataclass
class FakeRun:
    folder: Path
    record: dict[str, Any]
    calls: list[Any] = field(default_factory=list)

    def predict_file(self, path, out, which="ensemble"):
        self.calls.append((path, out, which))
        return [Note("WF-D70", '1 column is unknown\x1b[2J: "new".')]


@dataclass
class FakeJob:
    """What ``fit_file`` was asked for, and what it shall do."""

    run: FakeRun
    options: Options | None = None
    path: Any = None
    started: float | None = None
    raises: BaseException | None = None

    def fit_file(self, path, options, progress, started=None):
        self.path, self.options, self.started = path, options, started
        progress.begin(f"{Path(path).name} in {self.run.folder}", 60.0)
        progress.say("data", "100 rows")
        progress.tick(0.5, "training", 0.5)
        progress.rung("search", 1, 2, 8, 100, 0.4, 2.0)
        progress.say("result", "told by the job")
        if self.raises is not None:
            raise self.raises
        return self.run
