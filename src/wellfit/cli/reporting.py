"""``wellfit report``: a run's page, made again from its record."""

from __future__ import annotations

from pathlib import Path

from wellfit.cli.output import print_json, print_lines
from wellfit.report.plain import plain
from wellfit.report.text import told


def report_run(run: str, out: str | None, machine: bool, started: float) -> int:
    """``wellfit report``."""
    from wellfit import job
    from wellfit.files import write_text
    from wellfit.report.page import render

    found = job.load(run)
    path = Path(out) if out else found.folder / "report.html"
    page = render(found.record)
    write_text(path, page)
    if machine:
        print_json({"report": str(path), "bytes": len(page.encode())})
    else:
        print_lines(told("wrote", plain(str(path))))
    return 0
