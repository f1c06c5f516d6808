"""How a running job is shown: a bar that is redrawn on a terminal, a line per rung in a pipe, or nothing."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from wellfit.progress import Progress, Silent
from wellfit.report.bar import Moment, bar
from wellfit.report.numbers import count, number
from wellfit.report.plain import plain
from wellfit.report.text import WIDTH, told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

CLOSING = ("result", "recipe", "wrote", "next")
"""Topics that tell the end of a run; a caller who prints the result himself leaves them out."""

_SILENCE = 30.0  # seconds after which a pipe gets a line although no rung has ended


class Lines:
    """Writes whole lines: for pipes, logs and terminals that cannot redraw.

    Args:
        stream: where to; standard error by default.
        closing: whether the closing topics (result, recipe, wrote, next) are told as well.
        now: the clock, in seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, *, closing: bool = True, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._closing, self._now = closing, now
        self._seconds, self._last = 0.0, now()

    def say(self, topic: str, sentence: str) -> None:
        if self._closing or topic not in CLOSING:
            self._write(told(plain(topic, 20), sentence, WIDTH))

    def begin(self, title: str, seconds: float) -> None:
        self._seconds = seconds
        self._write(plain(title))

    def phase(self, name: str, sentence: str) -> None:
        self._write(told(plain(name, 20), sentence, WIDTH))

    def tick(self, fraction: float, doing: str, best: float | None) -> None:
        if self._now() - self._last >= _SILENCE:
            self._write(told("time", Moment(fraction, self._seconds, plain(doing), best).sentence()))

    def rung(self, name: str, rung: int, rungs: int, members: int, steps: int, best: float, seconds: float) -> None:
        self._write(told(plain(name, 20), rung_words(rung, rungs, members, steps, best, seconds)))

    def end(self) -> None:
        pass

    def _write(self, text: str) -> None:
        self._last = self._now()
        write_safely(self._stream, text)


class Terminal:
    """Redraws one bar at the bottom and lets what is said scroll by above it.

    Args:
        stream: a terminal; standard error by default.
        closing: whether the closing topics (result, recipe, wrote, next) are told as well.
        width: columns; the terminal's own by default.
        color: whether colors may be used; also off where NO_COLOR is set or the terminal is dumb.
    """

    def __init__(
        self, stream: TextIO | None = None, *, closing: bool = True, width: int | None = None, color: bool = True
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._closing = closing
        self._console = _console(self._stream, width, color)
        self._live: Live | None = None
        self._moment = Moment(0.0, 0.0, "", None)

    def say(self, topic: str, sentence: str) -> None:
        if self._closing or topic not in CLOSING:
            self._print(plain(topic, 20), sentence)

    def begin(self, title: str, seconds: float) -> None:
        from rich.live import Live

        self._write(f"{plain(title)}  (Ctrl-C keeps the best so far)")
        self._moment = Moment(0.0, seconds, "", None)
        # No refresh thread: the job calls tick, and a thread would take time from the training.
        self._live = Live(self._bar(), console=self._console, auto_refresh=False, transient=True)
        with contextlib.suppress(OSError, ValueError):
            self._live.start(refresh=True)

    def phase(self, name: str, sentence: str) -> None:
        self._print(plain(name, 20), sentence)

    def tick(self, fraction: float, doing: str, best: float | None) -> None:
        self._moment = Moment(fraction, self._moment.seconds, plain(doing), best)
        if self._live is not None:
            with contextlib.suppress(OSError, ValueError):
                self._live.update(self._bar(), refresh=True)

    def rung(self, name: str, rung: int, rungs: int, members: int, steps: int, best: float, seconds: float) -> None:
        self._print(plain(name, 20), rung_words(rung, rungs, members, steps, best, seconds))

    def end(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            with contextlib.suppress(OSError, ValueError):
                live.stop()

    def _bar(self) -> object:
        return bar(self._moment, self._console.width, self._console.encoding)

    def _print(self, topic: str, sentence: str) -> None:
        from rich.text import Text

        text = Text(told(topic, sentence, min(self._console.width, WIDTH)))
        text.stylize("bold", 0, len(topic))
        self._write(text)

    def _write(self, text: object) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=False)


def _console(stream: TextIO, width: int | None, color: bool) -> Console:
    from rich.console import Console

    class Patient(Console):
        """Falls silent where rich would end the process: a training goes on when its terminal is closed."""

        def on_broken_pipe(self) -> None:
            self.quiet = True

    plain_only = not color or bool(os.environ.get("NO_COLOR"))
    return Patient(file=stream, width=width, no_color=True if plain_only else None, highlight=False)


def rung_words(rung: int, rungs: int, members: int, steps: int, best: float, seconds: float) -> str:
    """One finished rung in words."""
    who = count(members, "member")
    found = f", best {number(best, 4)}" if math.isfinite(best) else ""
    return f"rung {rung}/{rungs}: {who} trained to step {steps:,}{found}, {seconds:.1f} s"


def write_safely(stream: TextIO, text: str) -> None:
    """Write a line; a reader that went away, or letters that the stream lacks, do not end a training."""
    with contextlib.suppress(OSError, ValueError):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding, "replace") + "\n")
        stream.flush()


def choose(json: bool = False, quiet: bool = False, stream: TextIO | None = None, *, closing: bool = True) -> Progress:
    """The right way to show progress on this stream.

    Args:
        json: the result goes to a machine: the closing topics are left out.
        quiet: show nothing.
        stream: standard error by default.
        closing: whether the closing topics are told.
    """
    stream = stream if stream is not None else sys.stderr
    closing = closing and not json
    if quiet:
        return Silent()
    if _redraws(stream):
        return Terminal(stream, closing=closing)
    return Lines(stream, closing=closing)


def _redraws(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    except (AttributeError, ValueError):
        return False
