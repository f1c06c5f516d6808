"""A map of the catalogue: every registered method, by when it acts and by family."""

from __future__ import annotations

from wellfit.gallery.look import BLUE, GREEN, INK, ORANGE, PURPLE, QUIET, RED, SKY, bare, sheet
from wellfit.gallery.plate import Plate, Table, figure

GROUPS = {
    "the data": (("resample", "batch"), ORANGE),
    "the model": (("rewrite", "extend", "weights"), PURPLE),
    "hidden values": (("activation",), GREEN),
    "the loss": (("objective", "penalty"), RED),
    "the weights, after the gradient": (("gradient", "shrink", "project"), BLUE),
    "the course of training": (("rate", "after_step", "after_epoch", "deploy", "start"), SKY),
}
"""Where a method acts, by its stages; one belongs to the first group that has its main stage."""

_MAIN = (
    "resample", "rewrite", "activation", "batch", "weights", "objective", "project", "shrink", "penalty", "gradient",
    "deploy", "after_epoch", "rate", "extend", "after_step", "start",
)  # fmt: skip
"""Which stage says what a method is, where it has several: the first of these that it has."""

COLUMNS = 3


def catalogue() -> list[tuple[str, str, str, str, str]]:
    """(name, group, family, grade, stages) of every registered method that comes with wellfit."""
    from wellfit.report.regularizer_facts import every, family_title

    rows = []
    for facts in every():
        if facts.own:
            main = next(stage for stage in _MAIN if stage in facts.stages)
            group = next(name for name, (stages, _) in GROUPS.items() if main in stages)
            rows.append((facts.name, group, family_title(facts.family), facts.grade, ", ".join(facts.stages)))
    return rows


@figure("map-of-methods", "A map of the methods")
def map_of_methods(seed: int = 0) -> Plate:
    """Every registered method, in the group of what it acts on, by family."""
    rows = catalogue()
    finding = f"{len(rows)} methods by what they act on: the catalogue, drawn from itself"
    blocks = [(group, _families([row for row in rows if row[1] == group])) for group in GROUPS]
    stacks = _columns(blocks)
    lines = max(sum(_height(block) for block in stack) for stack in stacks)
    made, (panel,) = sheet(finding, height=0.172 * lines + 0.2)
    bare(panel)
    panel.set(xlim=(0, COLUMNS), ylim=(lines, 0))
    for place, stack in enumerate(stacks):
        top = 0.0
        for group, families in stack:
            _block(panel, place, top, group, families)
            top += _height((group, families))
    alt = "Six colored blocks that list all methods by family: " + "; ".join(
        f"{group}: {sum(row[1] == group for row in rows)}" for group in GROUPS
    )
    note = "Generated from the registered classes; A is widely used, B in a narrower domain, C experimental."
    return Plate(made, Table.of(("method", "acts on", "family", "grade", "stages"), rows), finding, alt, note)


Families = dict[str, list[str]]


def _families(rows: list[tuple[str, str, str, str, str]]) -> Families:
    """Lines of names under each family: "Dropout A"."""
    found: dict[str, list[str]] = {}
    for name, _, family, grade, _ in rows:
        found.setdefault(family, []).append(f"{name} ({grade})" if grade else name)
    return {family: _wrapped(names) for family, names in sorted(found.items())}


def _wrapped(names: list[str], width: int = 44) -> list[str]:
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) + 2 <= width:
            lines[-1] += f", {name}"
        else:
            lines[-1] += ","
            lines.append(name)
    return lines


def _height(block: tuple[str, Families]) -> float:
    return 2.6 + sum(len(lines) + 1.25 for lines in block[1].values())


def _columns(blocks: list[tuple[str, Families]]) -> list[list[tuple[str, Families]]]:
    """Blocks in three stacks of about equal height, the tallest first."""
    stacks: list[list[tuple[str, Families]]] = [[] for _ in range(COLUMNS)]
    for block in sorted(blocks, key=_height, reverse=True):
        min(stacks, key=lambda stack: sum(_height(b) for b in stack)).append(block)
    return stacks


def _block(panel: object, place: int, top: float, group: str, families: Families) -> None:
    color = GROUPS[group][1]
    height = _height((group, families)) - 0.7
    panel.fill_between([place + 0.01, place + 0.97], top, top + height, color=color, alpha=0.1, linewidth=0)  # type: ignore[attr-defined]
    panel.fill_between([place + 0.01, place + 0.022], top, top + height, color=color, linewidth=0)  # type: ignore[attr-defined]
    write = panel.text  # type: ignore[attr-defined]
    write(place + 0.045, top + 0.95, group, fontsize=10.5, fontweight="bold", color=INK, va="center")
    line = top + 2.3
    for family, lines in families.items():
        write(place + 0.045, line, family, fontsize=8, color=QUIET, va="center")
        for text in lines:
            line += 1.0
            write(place + 0.045, line, text, fontsize=8, color=INK, va="center")
        line += 1.25
