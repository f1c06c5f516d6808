"""``wellfit translate``: one tool's setting told in another tool's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wellfit.cli.output import print_json, print_lines
from wellfit.cli.width import columns
from wellfit.errors import UsageError
from wellfit.report.text import told

if TYPE_CHECKING:
    from wellfit.translator import Tool, Translation

_DIGITS = 10
"""Significant digits for a person; JSON and the code line have all."""


def translate_sides(
    source: str | None, target: str | None, facts: Mapping[str, str | None], machine: bool, started: float
) -> int:
    """``wellfit translate --from ... --to ...``."""
    from wellfit.translator import translate

    if not (source and target):
        raise UsageError(
            f"{'--from' if not source else '--to'} is missing: a translation has two sides.",
            fix="wellfit translate --from sklearn.Ridge alpha=0.5 --to torch.SGD --n 1000 is one; --list names tools.",
            code="WF-U10",
        )
    n, batch, lr, sd_y, x_rms = (facts[name] for name in ("n", "batch", "lr", "sd_y", "x_rms"))
    found = translate(source, target, n=n, batch=batch, lr=lr, sd_y=sd_y, x_rms=x_rms)
    print_json(found.to_json()) if machine else print_lines(in_words(found, columns()))
    return 0


def in_words(found: Translation, width: int) -> str:
    """A translation in lines: where it came from, through what, what it is, and what to mind."""
    start, end = found.source.tool, found.target.tool
    lines = [
        told("from", _named(start, found.source.values), width),
        told("", start.objective, width),
        told("through", _between(found), width),
        told("to", _named(end, {**found.chosen, **found.values}), width),
        told("", end.objective, width),
        # Not wrapped: a person wants to copy it.
        f"{'code':<10} {found.call}",
        *(told("note", note, width) for note in found.notes),
        *(told("source", source, width) for source in dict.fromkeys((start.source, end.source))),
    ]
    return "\n".join(lines)


def _named(tool: Tool, values: Mapping[str, object]) -> str:
    shown = [f"{name}={_short(value)}" for name, value in values.items() if value != ""]
    return " ".join([tool.name, *shown])


def _short(value: object) -> str:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def _between(found: Translation) -> str:
    if found.strength is None:
        epochs = "" if found.epochs is None else f", {found.epochs:.4g} epochs"
        return f"a weight shrinks by the factor e in {found.steps:.6g} steps{epochs}"
    parts = [f"{_short(found.strength.l1)} * sum(|w|)"] if found.strength.l1 else []
    parts += [f"{_short(found.strength.l2)} * sum(w ** 2)"] if found.strength.l2 else []
    return f"{' + '.join(['mean loss', *parts])}, squared error without 1/2, bias free"


def list_tools(machine: bool, started: float) -> int:
    """``wellfit translate --list``."""
    from wellfit.translator import TOOLS

    if machine:
        print_json([_tool_json(tool) for tool in TOOLS.values()])
        return 0
    width = columns()
    lines = []
    for tool in TOOLS.values():
        given = [*(f"{name} ({amount.shown()})" for name, amount in tool.numbers.items())]
        given += [f"{name} ({', '.join(filter(None, options))})" for name, options in tool.choices.items()]
        needs = [f"needs {', '.join(tool.needs)}"] if tool.needs else []
        lines += [tool.name, told("", tool.objective, width), told("", "; ".join([*given, *needs]), width)]
    print_lines("\n".join(lines))
    return 0


def _tool_json(tool: Tool) -> dict[str, object]:
    return {
        "name": tool.name,
        "objective": tool.objective,
        "parameters": {name: {"default": a.default, "range": a.shown()} for name, a in tool.numbers.items()},
        "choices": {name: [option for option in options if option] for name, options in tool.choices.items()},
        "needs": list(tool.needs),
        "holds": sorted(tool.form.shape.carries) if tool.form else [],
        "decays": tool.decay is not None,
        "source": tool.source,
    }
