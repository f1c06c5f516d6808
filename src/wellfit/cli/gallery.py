"""``wellfit gallery``: figures with their numbers, written into a folder with a page."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from wellfit.cli.output import print_json, print_lines
from wellfit.cli.work import View
from wellfit.errors import UsageError
from wellfit.report.plain import plain
from wellfit.report.progress import write_safely
from wellfit.report.text import told

_ERASE = "\r\x1b[K"


def make_gallery(out: str | None, only: Sequence[str], seed: int, png: bool, view: View, started: float) -> int:
    """``wellfit gallery OUT``."""
    if out is None:
        raise UsageError(
            "the folder is missing: the gallery goes into one.",
            fix="wellfit gallery FOLDER is one call; wellfit gallery --list names the figures.",
            code="WF-U10",
        )
    from wellfit.gallery import draw_gallery

    begun, line = time.monotonic(), _Line(view.quiet)
    try:
        page = draw_gallery(out, only, seed=seed, png=png, tell=line.tell)
    finally:
        line.end()
    if view.machine:
        print_json({"page": str(page), "figures": line.drawn, "seconds": round(time.monotonic() - begun, 1)})
        return 0
    kinds = ".svg, .csv, .json and .png" if png else ".svg, .csv and .json"
    count = f"{line.drawn} figure{'' if line.drawn == 1 else 's'}, each as {kinds}"
    print_lines(told("drew", f"{count}; {time.monotonic() - begun:.0f} s"))
    print_lines(f"{'wrote':<10} {plain(Path(page))}")
    return 0


def list_figures(view: View, started: float) -> int:
    """``wellfit gallery --list``."""
    from wellfit.gallery import chosen

    entries = chosen()
    if view.machine:
        print_json([{"name": entry.name, "title": entry.title} for entry in entries])
        return 0
    wide = max(len(entry.name) for entry in entries)
    print_lines("\n".join(f"{entry.name:<{wide}}  {entry.title}" for entry in entries))
    return 0


class _Line:
    """Which figure is being drawn: one line that is redrawn on a terminal, a line for each in a pipe, or nothing."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._redraws, self.drawn = quiet, sys.stderr.isatty(), 0

    def tell(self, title: str, place: int, of: int) -> None:
        self.drawn = place + 1
        if self._quiet:
            return
        text = f"drawing {place + 1} of {of}: {plain(title)}"
        if self._redraws:
            sys.stderr.write(f"{_ERASE}{text}")
            sys.stderr.flush()
        else:
            write_safely(sys.stderr, text)

    def end(self) -> None:
        if self._redraws and self.drawn and not self._quiet:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
