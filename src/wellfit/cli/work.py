"""What the commands do: hand the options to the job, show its progress, print its result."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wellfit.cli.output import print_json, print_lines, print_result
from wellfit.errors import UsageError
from wellfit.report.plain import plain
from wellfit.report.progress import choose
from wellfit.report.text import show, told

if TYPE_CHECKING:
    from wellfit.job import Run

MODELS = ("ensemble", "single")


@dataclass(frozen=True)
class View:
    """How a person or a machine wants to see a run."""

    machine: bool = False
    quiet: bool = False
    no_color: bool = False


def fit_table(data: str, chosen: Mapping[str, Any], view: View, started: float) -> int:
    """``wellfit fit``."""
    print_result(train(data, chosen, view, started), view.machine)
    return 0


def train(data: str, chosen: Mapping[str, Any], view: View, started: float) -> Run:
    """Run the job with progress on standard error; the bar is gone however the job ends."""
    with colors(view.no_color):
        # The result is printed at the end from the record, so that the closing lines are not told twice.
        progress = choose(view.machine, view.quiet, sys.stderr, closing=False)
        try:
            from wellfit import job

            return job.fit_file(data, job.Options(**chosen), progress, started)
        finally:
            progress.end()


@contextlib.contextmanager
def colors(off: bool) -> Iterator[None]:
    """Switch colors off the way every library understands."""
    before = os.environ.get("NO_COLOR")
    if off:
        os.environ["NO_COLOR"] = "1"
    try:
        yield
    finally:
        if off and before is None:
            os.environ.pop("NO_COLOR", None)


def predict_table(run: str, new: str, out: str, model: str, quiet: bool, started: float) -> int:
    """``wellfit predict``."""
    if model not in MODELS:
        raise UsageError(
            f"the model is {plain(model, 40)!r}.", fix="Write --model ensemble or --model single.", code="WF-U11"
        )
    from wellfit import job

    notes = job.load(run).predict_file(new, out, which=model)
    for note in getattr(notes, "notes", notes) or ():
        if not quiet:
            print(told("note", f"{note.code} {note.sentence}"), file=sys.stderr)
    if not quiet:
        print_lines(told("wrote", plain(out)))
    return 0


def show_run(run: str, machine: bool, started: float) -> int:
    """``wellfit show``."""
    from wellfit import job

    record = job.load(run).record
    if machine:
        print_json(record)
    else:
        print_lines(show(record))
    return 0
