"""``wellfit ablate``: what each ingredient of a run's recipe earns."""

from __future__ import annotations

import sys

from wellfit.cli.output import print_json, print_lines
from wellfit.cli.work import View, colors
from wellfit.report.earned import earned_words
from wellfit.report.plain import plain
from wellfit.report.progress import choose
from wellfit.report.text import told


def ablate_run(run: str, data: str | None, budget: str, view: View, started: float) -> int:
    """``wellfit ablate``."""
    with colors(view.no_color):
        progress = choose(view.machine, view.quiet, sys.stderr, closing=False)
        try:
            from wellfit.job.ablate import ablate

            found = ablate(run, data, budget=budget, progress=progress, started=started)
        finally:
            progress.end()
    if view.machine:
        print_json({"folder": str(found.folder), **found.record["ablation"]})
        return 0
    lines = [told(topic, sentence) for topic, sentence in earned_words(found.record)]
    files = ["report.html", *(n for n in ("recipe.lean.json",) if (found.folder / n).is_file())]
    lines.append(f"{'wrote':<11}{plain(str(found.folder))}: {', '.join(files)}")
    print_lines("\n".join(lines))
    return 0
