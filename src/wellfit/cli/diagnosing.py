"""``wellfit diagnose``: curves, or a table, to a verdict; its exit code can be a gate."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wellfit.cli.output import print_json, print_lines
from wellfit.cli.width import columns
from wellfit.cli.work import View, colors
from wellfit.errors import UsageError
from wellfit.report.plain import plain

if TYPE_CHECKING:
    from wellfit.diagnosis import Diagnosis

GATE = 10
"""Exit code where the verdict is the one that ``--fail-on`` names."""

_OF_TABLES = {
    "recipe": "--recipe", "epochs": "--epochs", "rate": "--lr", "group": "--group", "drop": "--drop",
    "category": "--category", "number": "--number", "task": "--task", "thorough": "--thorough",
}  # fmt: skip
"""Options that curves have no use for."""


def diagnose_path(path: str, chosen: Mapping[str, Any], gates: Sequence[str], view: View, started: float) -> int:
    """``wellfit diagnose PATH``."""
    _check(gates)
    _check_page(chosen["out"])
    with colors(view.no_color):
        found = _diagnosed(path, chosen, view)
    if view.machine:
        print_json(found.to_json())
    else:
        from wellfit.diagnosis.words import told

        print_lines(told(found, columns()))
    if chosen["out"]:
        found.save_page(chosen["out"], Path(path).name)
        if not view.machine:
            print_lines(f"page     {plain(chosen['out'])}")
    failed = [gate for gate in gates if found.fails(gate)]
    if failed and not view.quiet:
        print(f"gate     {plain(failed[0])} holds: exit {GATE}", file=sys.stderr)
    return GATE if failed else 0


def _diagnosed(path: str, chosen: Mapping[str, Any], view: View) -> Diagnosis:
    from wellfit.diagnosis.readers import looks_like_history, read_history

    if chosen["target"] is None:
        if not looks_like_history(path):
            return _not_known(path)
        _check_curves(chosen)
        from wellfit.diagnosis import diagnose

        return diagnose(read_history(path))
    from wellfit.job.table_diagnosis import diagnose_table

    tell = (lambda line: None) if view.quiet or view.machine else (lambda line: print(line, file=sys.stderr))
    return diagnose_table(path, chosen, tell)


def _check_curves(chosen: Mapping[str, Any]) -> None:
    """Raises UsageError where curves are asked for what takes a table: to train again, or to read columns."""
    if chosen["studies"]:
        raise UsageError(
            "a study trains again, and curves cannot be trained.", fix="Give a table with --target.", code="WF-G07"
        )
    asked = next((flag for name, flag in _OF_TABLES.items() if chosen[name]), None)
    if asked:
        raise UsageError(
            f"{asked} is for a table that is trained on, and these are curves.", fix=f"Leave {asked} out.",
            code="WF-G13",
        )  # fmt: skip


def _not_known(path: str) -> Diagnosis:
    """A file without known curves: read it all the same, so that its own fault is told first."""
    from wellfit.diagnosis import diagnose
    from wellfit.diagnosis.readers import read_history
    from wellfit.errors import DataError

    try:
        return diagnose(read_history(path))
    except DataError as error:
        if error.code != "WF-G03":
            raise
        raise DataError(
            error.message, fix=f"{error.fix} For a table of rows name its target with --target.", code=error.code
        ) from error


def _check_page(out: str | None) -> None:
    """Before anything is trained: a page that cannot be written is told at once."""
    if out is None:
        return
    folder, place = Path(out).parent, Path(out)
    if not folder.is_dir() or place.is_dir():
        what = f"{plain(str(folder))} is no folder" if not place.is_dir() else f"{plain(out)} is a folder"
        raise UsageError(f"--out: {what}.", fix="Name a file, such as --out diagnosis.html.", code="WF-G12")


def _check(gates: Sequence[str]) -> None:
    from wellfit.diagnosis.checks import CHECKS, VERDICTS

    known = {*VERDICTS, *(c.code for c in CHECKS.values())}
    for gate in gates:
        word, colon, sure = gate.partition(":")
        if word not in known or (colon and sure != "confirmed"):
            raise UsageError(
                f"--fail-on {plain(gate, 40)!r} names no verdict; {', '.join(VERDICTS)} and codes are allowed.",
                fix="Write --fail-on overfit, or --fail-on overfit:confirmed.",
                code="WF-G09",
            )
