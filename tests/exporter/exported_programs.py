"""Running an exported program in this process, where wellfit cannot be imported."""

from __future__ import annotations

import contextlib
import io
import runpy
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch


@contextlib.contextmanager
def without_wellfit() -> Iterator[None]:
    """``import wellfit`` fails while the context is open; random generators are as before afterwards."""
    held = {n: sys.modules.pop(n) for n in list(sys.modules) if n.split(".")[0] == "wellfit"}
    sys.modules["wellfit"] = None  # type: ignore[assignment]
    state, filters = np.random.get_state(), warnings.filters[:]
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        del sys.modules["wellfit"]
        sys.modules.update(held)
        np.random.set_state(state)
        warnings.filters[:] = filters


def namespace(code: str, folder: Path) -> dict[str, Any]:
    """What a program defines."""
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    with without_wellfit():
        return runpy.run_path(str(path))


def scores(code: str, folder: Path, seeds: int) -> np.ndarray:
    """(seeds,) what the program prints as its score."""
    found = []
    defined = namespace(code, folder)
    for seed in range(seeds):
        printed = io.StringIO()
        before, sys.argv = sys.argv, ["program.py", "--seed", str(seed)]
        try:
            with without_wellfit(), contextlib.redirect_stdout(printed):
                defined["main"]()
        finally:
            sys.argv = before
        found.append(float(printed.getvalue().rpartition(":")[2]))
    return np.array(found)


def ruff(path: Path, *rules: str) -> str:
    """What ruff finds."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "-q", "--isolated", "--line-length", "120", *rules, str(path)],
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr
