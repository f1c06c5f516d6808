"""``wellfit prune``: what was dropped, whether predictions stand, and how much faster they are."""

from __future__ import annotations

from wellfit.cli.output import next_command, print_json, print_lines
from wellfit.report.plain import plain
from wellfit.report.pruned import pruned_words
from wellfit.report.text import told


def prune_run(run: str, out: str | None, machine: bool, started: float) -> int:
    """``wellfit prune``."""
    from wellfit.job.prune import prune

    found = prune(run, out)
    facts = found.to_json()
    if machine:
        print_json({**facts, "folder": str(found.run.folder) if found.run else None})
        return 0
    lines = [told(topic, sentence) for topic, sentence in pruned_words(facts)]
    if found.run:
        # Paths are not wrapped: a person wants to copy them.
        lines += [
            f"{'wrote':<11}{plain(str(found.run.folder))}",
            f"{'next':<11}{plain(next_command(found.run.folder))}",
        ]
    print_lines("\n".join(lines))
    return 0
