"""Why a translation cannot be had: what is missing, unknown or impossible, and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from wellfit.errors import UsageError
from wellfit.report.plain import plain

FACTS = {
    "n": "the number of training rows",
    "batch": "the number of rows in one step",
    "lr": "the learning rate",
    "sd_y": "the standard deviation of the target over the training rows, dividing by n",
    "x_rms": "the root mean square that the input columns share, 1 for standardized ones",
}
"""What a translation may have to know of the problem beside a tool's own parameters."""


def unknown(kind: str, name: object, known: Iterable[str], owner: str = "") -> UsageError:
    """A name that nothing has, with the nearest that exist."""
    names = list(known)
    near = nearest(str(name), names)
    where = f"{owner} has no {kind} {plain(name, 60)!r}" if owner else f"no {kind} is named {plain(name, 60)!r}"
    told = f"Did you mean {' or '.join(near)}? " if near else ""
    listed = f"It takes {', '.join(names) or 'none'}." if owner else "wellfit translate --list names them all."
    return UsageError(f"{where}.", fix=told + listed, code="WF-V01")


def nearest(name: str, known: list[str]) -> list[str]:
    """Up to three known names that are written nearly so, or that end so."""
    asked = folded(name)
    lowered = {folded(other): other for other in known}
    ending = [other for key, other in lowered.items() if asked and key.rpartition(".")[2] == asked]
    last = {key.rpartition(".")[2]: other for key, other in reversed(lowered.items())}
    near = [lowered[key] for key in difflib.get_close_matches(asked, list(lowered), 3, 0.6)]
    return (ending or near or [last[key] for key in difflib.get_close_matches(asked, list(last), 3, 0.6)])[:3]


def folded(name: str) -> str:
    """A name without what people write in different ways."""
    return "".join(letter for letter in name.casefold() if letter not in "-_ ")


def malformed(text: str, why: str) -> UsageError:
    """A value that cannot be read, or lies where no value makes sense."""
    return UsageError(f"{text}: {why}.", fix="Values are written name=value, such as alpha=0.5.", code="WF-V02")


def missing(wanted: Iterable[tuple[str, str]]) -> UsageError:
    """Everything that is needed and was not given: (fact or parameter, the tool that needs it) pairs."""
    needed: dict[str, list[str]] = {}
    for name, tool in wanted:
        needed.setdefault(name, []).append(tool)
    told = "; ".join(
        f"{name} ({FACTS.get(name, 'a parameter')}), needed by {' and '.join(dict.fromkeys(tools))}"
        for name, tools in needed.items()
    )
    ways = [f"--{name.replace('_', '-')} NUMBER" if name in FACTS else f"{name}=NUMBER" for name in needed]
    python = ", ".join(f"{name}=..." for name in needed if name in FACTS)
    in_python = f" (in Python {python})" if python else ""
    return UsageError(f"missing: {told}.", fix=f"Add {' '.join(ways)}{in_python}.", code="WF-V03")


def impossible(why: str, way_out: str) -> UsageError:
    """Two tools, or a choice and a penalty, that no setting makes equal."""
    return UsageError(why, fix=way_out, code="WF-V04")
