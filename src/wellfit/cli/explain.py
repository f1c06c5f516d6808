"""``wellfit list`` and ``wellfit explain``: the regularizers and the codes, in words."""

from __future__ import annotations

import difflib
import textwrap

from wellfit.cli.codes import all_codes
from wellfit.cli.output import print_json, print_lines
from wellfit.errors import UsageError
from wellfit.report.plain import plain, shortened
from wellfit.report.regularizer_facts import Facts, every

_WIDTH = 100
GRADES = {
    "A": "widely used, on many kinds of data",
    "B": "used in a narrower domain",
    "C": "experimental",
}


def list_regularizers(machine: bool, started: float = 0.0) -> int:
    """``wellfit list``: one line for each, its knobs below."""
    found = every()
    if machine:
        print_json([facts.to_json() for facts in found])
        return 0
    width = max(len(facts.name) for facts in found)
    lines = []
    for facts in found:
        head = f"{facts.name:<{width}}  {facts.grade or '-'}  "
        lines.append(head + shortened(facts.short, _WIDTH - len(head)))
        lines += [f"{'':<{width + 5}}{knob.shown()}" for knob in facts.knobs]
    told = ", ".join(f"{grade} {meaning}" for grade, meaning in GRADES.items())
    print_lines("\n".join([*lines, "", f"Grade: {told}.", "wellfit explain NAME tells more."]))
    return 0


def explain_name(name: str, machine: bool, started: float = 0.0) -> int:
    """``wellfit explain``: a regularizer's facts, or what a code means."""
    codes = all_codes()
    known = {facts.name.casefold(): facts for facts in every()}
    wanted = name.strip().casefold()
    code = next((code for code in codes if code.casefold() == wanted), None)
    if code is not None:
        told = {"code": code, "sentence": codes[code]}
        print_json(told) if machine else print_lines(f"{code}  {codes[code]}")
        return 0
    if wanted not in known:
        raise _unknown(name, [*(facts.name for facts in known.values()), *codes])
    facts = known[wanted]
    print_json(facts.to_json()) if machine else print_lines(in_words(facts))
    return 0


def _unknown(name: str, known: list[str]) -> UsageError:
    lowered = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), list(lowered), 3, 0.5)
    told = f"Did you mean {' or '.join(lowered[match] for match in near)}? " if near else ""
    return UsageError(
        f"nothing is named {plain(name, 60)!r}.",
        fix=f"{told}wellfit list names the regularizers; codes look like WF-D03.",
        code="WF-U12",
    )


def in_words(facts: Facts) -> str:
    """A regularizer on a few lines."""
    grade = f"{facts.grade}, {GRADES[facts.grade]}" if facts.grade in GRADES else facts.grade or "-"
    lines = [
        ("", facts.sentence),
        ("formula", facts.formula),
        *[("knob" if place == 0 else "", knob.shown()) for place, knob in enumerate(facts.knobs)],
        ("use when", facts.use_when),
        ("avoid when", facts.avoid_when),
        ("tasks", ", ".join(facts.tasks)),
        ("evidence", grade),
        ("source", facts.source),
    ]
    return "\n".join([facts.name, *(_line(topic, sentence) for topic, sentence in lines if sentence)])


def _line(topic: str, sentence: str) -> str:
    head = f"  {topic:<11} " if topic or sentence else ""
    return "\n".join(textwrap.wrap(sentence, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
