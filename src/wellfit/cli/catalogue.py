"""``wellfit list``: the regularizers by family, as a table for a person, as lines for a pipe, as JSON."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wellfit.cli.grades import GRADES, legend
from wellfit.cli.output import print_json, print_lines
from wellfit.cli.width import PIPED, at_terminal, columns
from wellfit.cli.work import View, colors
from wellfit.errors import UsageError
from wellfit.report.plain import plain, shortened
from wellfit.report.regularizer_facts import Facts, every, family_title

_WIDEST = 160
"""Columns that a table fills at most: longer lines are hard to follow."""


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to; an empty tuple lets everything pass."""

    families: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()

    def chosen(self, known: Sequence[Facts]) -> list[Facts]:
        """The facts that pass.

        Raises:
            UsageError: a family, stage or grade does not exist.
        """
        from wellfit.regularizer import STAGES

        families = _resolved("family", self.families, sorted({facts.family for facts in known}))
        stages = _resolved("stage", self.stages, STAGES)
        grades = _resolved("grade", self.grades, sorted({*GRADES, *(facts.grade for facts in known)}))
        return [
            facts
            for facts in known
            if (not families or facts.family in families)
            and (not stages or stages & set(facts.stages))
            and (not grades or {facts.grade, facts.grade[:1]} & grades)
        ]


def _resolved(kind: str, asked: Iterable[str], known: Sequence[str]) -> set[str]:
    """Names as they are written, from names as people write them."""
    folded = {_folded(name): name for name in known}
    found = set()
    for name in asked:
        if _folded(name) not in folded:
            near = difflib.get_close_matches(_folded(name), list(folded), 1, 0.5)
            told = f"Did you mean {folded[near[0]]}? " if near else ""
            raise UsageError(
                f"there is no {kind} {plain(name, 40)!r}.", fix=f"{told}There are {', '.join(known)}.", code="WF-U13"
            )
        found.add(folded[_folded(name)])
    return found


def _folded(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")


def list_regularizers(wanted: Wanted, view: View, started: float = 0.0) -> int:
    """``wellfit list``."""
    found = wanted.chosen(every())
    if view.machine:
        print_json([facts.to_json() for facts in found])
    elif at_terminal():
        with colors(view.no_color):
            _print_table(found, columns(_WIDEST))
    else:
        print_lines(as_lines(found))
    return 0


def as_lines(found: Sequence[Facts]) -> str:
    """One line for each: name, grade, family, what it does; for grep and a log."""
    names = _wide(found, lambda facts: facts.name)
    families = _wide(found, lambda facts: facts.family)
    lines = []
    for facts in found:
        head = f"{plain(facts.name):<{names}}  {plain(facts.grade) or '-':<2}  {plain(facts.family):<{families}}  "
        lines.append((head + shortened(plain(facts.short), max(PIPED - len(head), 20))).rstrip())
    return "\n".join([*lines, "", *_closing(found)])


def _wide(found: Iterable[Facts], part: Callable[[Facts], str]) -> int:
    return max((len(plain(part(facts))) for facts in found), default=0)


def _closing(found: Sequence[Facts]) -> list[str]:
    count = f"{len(found)} regularizers" if len(found) != 1 else "1 regularizer"
    return [f"{count}; wellfit explain NAME tells more.", f"Grade: {legend()}."]


def _print_table(found: Sequence[Facts], width: int) -> None:
    from rich.console import Console

    console = Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)
    console.print(table(found, narrow=width < PIPED))
    for line in _closing(found):
        console.print(line, markup=False)


def table(found: Sequence[Facts], narrow: bool = False) -> object:
    """The regularizers under the title of their family; no cell is read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown.add_column("Regularizer", no_wrap=True, overflow="ellipsis")
    shown.add_column("Grade", no_wrap=True)
    shown.add_column("Stages", max_width=12 if narrow else 24)  # the longest stage, or two
    shown.add_column("What it does", ratio=1)
    for family in sorted({facts.family for facts in found}):
        shown.add_row(Text(plain(family_title(family)), style="bold"))
        for facts in (facts for facts in found if facts.family == family):
            cells = (f"  {facts.name}", facts.grade or "-", ", ".join(facts.stages), facts.short)
            shown.add_row(*(Text(plain(cell) if place else f"  {plain(cell)}") for place, cell in enumerate(cells)))
    return shown
