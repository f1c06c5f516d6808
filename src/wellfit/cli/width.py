"""How wide lines may be: the terminal's width where there is one, 100 columns in a pipe or a file."""

from __future__ import annotations

import shutil
import sys

PIPED = 100
NARROWEST = 40  # below it columns of words are one word wide; such a terminal wraps lines itself


def columns(widest: int = PIPED) -> int:
    """Columns of standard output, at most ``widest``."""
    if not at_terminal():
        return min(PIPED, widest)
    return max(NARROWEST, min(shutil.get_terminal_size((PIPED, 24)).columns, widest))


def at_terminal() -> bool:
    """Whether a person reads along."""
    try:
        return sys.stdout.isatty()
    except ValueError:  # the stream is closed
        return False
