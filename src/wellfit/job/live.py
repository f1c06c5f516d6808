"""The page while a run is going: written anew every few seconds, for a browser that reads it again by itself."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wellfit.errors import RunFolderError
from wellfit.files import write_text
from wellfit.job.folder import plain

_EVERY = 5.0
"""Seconds between two pages."""

_DEAREST = 0.01
"""Share of the time that pages may take: after a slow one the next waits longer."""


@dataclasses.dataclass
class LivePage:
    """Writes report.html beside a training, and settles it at the end.

    Attributes:
        every: seconds between two pages at least.
    """

    record: Mapping[str, Any]
    folder: Path
    every: float = _EVERY
    _next: float = 0.0
    _latest: str = ""
    _lock: Any = dataclasses.field(default_factory=threading.Lock)

    def watching(self, tick: Callable[[str, float | None], None]) -> Callable[[str, float | None], None]:
        """A tick that also writes the page when it is time."""

        def ticked(doing: str, loss: float | None) -> None:
            tick(doing, loss)
            if time.monotonic() >= self._next and self._lock.acquire(blocking=False):
                try:
                    self._write(doing)
                finally:
                    self._lock.release()

        return ticked

    def close(self) -> None:
        """A page that nothing followed stays as it is, and is not read again and again."""
        page = self.folder / "report.html"
        if self._latest and page.is_file() and page.read_text("utf-8") == self._latest:
            write_text(page, _page(self.record, "", 0))

    def _write(self, doing: str) -> None:
        begun = time.monotonic()
        try:
            self._latest = _page(self.record, doing, max(1, round(self.every)))
            write_text(self.folder / "report.html", self._latest)
        except (RunFolderError, RuntimeError):  # a full disk ends no training; nor does a record that grows meanwhile
            self._latest = ""
        now = time.monotonic()
        self._next = now + max(self.every, (now - begun) / _DEAREST)


def _page(record: Mapping[str, Any], doing: str, refresh: int) -> str:
    from wellfit.report.html import h
    from wellfit.report.page import render

    told = h("p", f"Still running: {doing}. This page renews itself.", role="status") if refresh else None
    return render(plain(dict(record)), live=told, refresh=refresh)
