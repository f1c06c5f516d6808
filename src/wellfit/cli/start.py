"""When the process began, and what happens when it is told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

_IMPORTED = time.monotonic()
_LONGEST = 120.0  # seconds from process start to here; more is a clock that means something else


def process_start(own: bool = True) -> float:
    """When this process began, in seconds on ``time.monotonic``.

    Args:
        own: whether the process is ours; inside someone else's, the count begins now.
    """
    if not own:
        return time.monotonic()
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as handle:
            # The name in brackets may hold anything; the fields behind it start with the third.
            fields = handle.read().rpartition(")")[2].split()
        ticks = float(fields[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED
    return time.monotonic() - age if 0.0 <= age < _LONGEST else _IMPORTED


class Stopped:
    """Which signal told the process to stop, if any."""

    signal: int | None = None


@contextlib.contextmanager
def stop_signals() -> Iterator[Stopped]:
    """Turn the first signal to stop into KeyboardInterrupt, to keep the best so far; the second ends at once."""
    stopped = Stopped()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopped.signal is not None:
            _leave(number)
        stopped.signal = number
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in _signals()}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signals() -> list[int]:
    """The signals that end a process politely; only the main thread may listen to them."""
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    known = [number for number in numbers if number is not None and signal.getsignal(number) is not None]
    # nohup has SIGHUP ignored, and that stays so. Shells ignore SIGINT for what they start in the background; there a
    # SIGINT was sent on purpose.
    return [n for n in known if signal.getsignal(n) != signal.SIG_IGN or n == signal.SIGINT]


def _leave(number: int) -> None:
    """End now, with the cursor that a bar had hidden."""
    with contextlib.suppress(Exception):
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h\n")
            sys.stderr.flush()
    os._exit(exit_code(number))


def exit_code(number: int | None) -> int:
    """130 for Ctrl-C, 143 for being told to end."""
    return 143 if number in (getattr(signal, "SIGTERM", 15), getattr(signal, "SIGHUP", 1)) else 130
