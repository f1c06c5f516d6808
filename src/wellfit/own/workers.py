"""Where somebody's model trains: in worker processes that can import it, or else in this one, and why."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

from wellfit.own.maker import ModelStudy
from wellfit.own.stage import Here
from wellfit.training.crew import Crew, Engine

_MOST = 16  # workers: as many as the main job starts

_LONG = 60.0
"""Seconds of budget from which other processes are started: each loads torch and traces the model for itself, which
took two thirds of a budget of 25 s on a crowded machine of two processors."""


def start_engine(
    make_model: Any, loss: Callable[..., Any] | None, device: str, budget: float = _LONG
) -> tuple[Engine, str]:
    """Workers, started at once so that they load while the rows are read; or this process, with the reason.

    Models travel to workers as the name of their class or function, never as code.
    """
    reason = why_here(make_model, loss, device)
    if budget < _LONG:
        reason = f"a budget under {_LONG:.0f} s is too short to start others"
    if reason:
        return Here(), f"in this process: {reason}"
    paths = [os.path.abspath(p) for p in sys.path]  # where this process found the model's module
    hands = min(_MOST, _processors())
    return Crew(hands, paths), f"in {hands} processes"


def why_here(make_model: Any, loss: Callable[..., Any] | None, device: str) -> str:
    """Why a model cannot train in other processes, or nothing."""
    if device != "cpu":
        return "there is one GPU"
    if _processors() < 2:
        return "there is one processor"
    try:
        form = pickle.dumps((make_model, loss), protocol=5)
    except Exception:  # a lambda, a local class, or whatever a function holds on to
        return "the model or the loss is defined inside a function, where other processes cannot import it"
    if b"__main__" in form or b"__mp_main__" in form:
        return "the model or the loss is defined in the script or notebook itself, which other processes cannot import"
    return ""


def open_engine(engine: Engine, told: str, study: ModelStudy) -> tuple[Engine, str]:
    """Give the engine model and rows; where workers cannot import the model after all, this process takes over."""
    try:
        engine.open(study)  # type: ignore[arg-type]
    except (EOFError, OSError):  # a worker ends where it cannot find what a name stands for
        engine.close()
        engine, told = Here(), "in this process: other processes could not import the model"
        engine.open(study)
    return engine, told


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
