"""``wellfit export``: the program on standard output or in a file, and what it does not do on standard error."""

from __future__ import annotations

import contextlib
import sys

from wellfit.report.plain import plain
from wellfit.report.text import told


def export_run(run: str, to: str, data: str | None, out: str | None, started: float) -> int:
    """``wellfit export``."""
    from wellfit.exporter import export

    found = export(run, to, data)
    if out is None:
        # The program is UTF-8, whatever the terminal shows: names of columns must come out whole.
        with contextlib.suppress(AttributeError, ValueError):
            sys.stdout.reconfigure(encoding="utf-8")
        print(found.code, end="")
    else:
        found.save(out)
        print(told("wrote", plain(out)), file=sys.stderr)
    for sentence in found.missing:
        print(told("not in it", plain(sentence)), file=sys.stderr)
    return 0
