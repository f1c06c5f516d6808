"""Run an example as a person does: a fresh process, an empty folder, and no network beyond this machine."""

from __future__ import annotations

import dataclasses
import fcntl
import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import wellfit

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
_SOURCE = Path(wellfit.__file__).parents[1]
_WAITED = 180
"""Seconds until a process counts as hanging: machines that run many tests at once are slow."""


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a run left: its text, its complaints, its exit code and the processor seconds that it took."""

    text: str
    errors: str
    code: int
    seconds: float


@functools.cache
def run_example(name: str) -> Ran:
    """The run of one example by its file name; several tests look at the same run, in several processes too."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if session is None:
        return run_alone(str(EXAMPLES / name))
    shared = Path(tempfile.gettempdir()) / f"wellfit-examples-{session}"
    shared.mkdir(exist_ok=True)
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second waits for the first, and reads
        kept = shared / f"{name}.json"
        if not kept.exists():
            kept.write_text(json.dumps(dataclasses.asdict(run_alone(str(EXAMPLES / name)))), "utf-8")
        return Ran(**json.loads(kept.read_text("utf-8")))


def run_alone(*arguments: str) -> Ran:
    """Run Python with these arguments, offline, in a folder that is gone afterwards."""
    before = _used()
    with tempfile.TemporaryDirectory() as folder:
        # offline/ holds a sitecustomize, which Python imports before anything else
        path = os.pathsep.join([str(HERE / "offline"), str(_SOURCE)])
        wanted = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch", "HOME": folder}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env={**os.environ, **wanted}, capture_output=True, text=True,
            timeout=_WAITED,
        )  # fmt: skip
    return Ran(done.stdout, done.stderr, done.returncode, _used() - before)


def _used() -> float:
    """Processor seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
