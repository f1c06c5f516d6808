"""The way in and the way out: reads the command line, runs the command, turns whatever happens into an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wellfit.cli import failures
from wellfit.cli.start import process_start, stop_signals
from wellfit.errors import WellfitError


@dataclass(frozen=True)
class Call:
    """A command that was read and checked, ready to run.

    Args:
        name: of the command, for a crash report.
        work: does it; takes when the process started (seconds on ``time.monotonic``) and returns the exit code.
        machine: whether standard output is for a machine, so that errors go there as JSON too.
        debug: whether errors show their traceback.
        keep: an existing folder that a crash report may be written to.
    """

    name: str
    work: Callable[[float], int]
    machine: bool = False
    debug: bool = False
    keep: str | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Args:
        arguments: the words after ``wellfit``; those of the process by default.
    """
    started = process_start(own=arguments is None)
    # A name that the terminal's encoding lacks is shown as "?"; it is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, started))


def run(arguments: Sequence[str], started: float) -> int:
    """Read the command line and run it; returns the exit code and raises nothing."""
    try:
        call = _read(list(arguments) or ["--help"])
    except Exception as error:
        if not failures.is_usage(error):
            raise
        return failures.usage(error, list(arguments))
    return call if isinstance(call, int) else execute(call, started)


def _read(arguments: list[str]) -> Call | int:
    """The command that is asked for; help and version print and give an exit code at once."""
    import typer

    from wellfit.cli.commands import app

    found = typer.main.get_command(app)(arguments, prog_name="wellfit", standalone_mode=False)
    return found if isinstance(found, Call) else int(found or 0)


def execute(call: Call, started: float) -> int:
    """Run a command; every way in which it can end has its exit code."""
    with stop_signals() as stopped:
        try:
            code = call.work(started)
            sys.stdout.flush()
        except BrokenPipeError:
            _close_output()
            code = 0  # whoever read the output had enough of it
        except WellfitError as error:
            code = failures.known(error, call.machine, call.debug, stopped.signal)
        except KeyboardInterrupt:
            code = failures.interrupted(call.machine, stopped.signal)
        except Exception as error:
            code = failures.unknown(error, call.name, call.machine, call.debug, call.keep)
    return code


def _close_output() -> None:
    """Python flushes standard output at its end, and would complain of the broken pipe once more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
