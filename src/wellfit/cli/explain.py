"""``wellfit explain``: a regularizer or a code in words, or several regularizers side by side."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Sequence

from wellfit.cli.advice import ADVICE
from wellfit.cli.codes import all_codes
from wellfit.cli.grades import meaning
from wellfit.cli.output import print_json, print_lines
from wellfit.cli.side_by_side import side_by_side
from wellfit.cli.width import columns
from wellfit.errors import UsageError
from wellfit.report.plain import plain
from wellfit.report.regularizer_facts import Facts, every, family_title

_TOPIC = 11


def explain_names(names: Sequence[str], machine: bool, started: float = 0.0) -> int:
    """``wellfit explain NAME...``: each in turn; words that make one name together are one name."""
    known = every()
    asked = [" ".join(names)] if _find(" ".join(names), known) is not None else list(names)
    found = [_wanted(name, known) for name in asked]
    if machine:
        told = [facts.to_json() if isinstance(facts, Facts) else facts for facts in found]
        print_json(told[0] if len(told) == 1 else told)
        return 0
    width = columns()
    print_lines("\n\n".join(in_words(one, width) if isinstance(one, Facts) else _code_line(one) for one in found))
    return 0


def compare_names(names: Sequence[str], machine: bool, started: float = 0.0) -> int:
    """``wellfit explain --compare NAME NAME...``."""
    known = every()
    found = [_wanted(name, known) for name in names]
    facts = [one for one in found if isinstance(one, Facts)]
    if len(facts) != len(found) or len({one.name for one in facts}) < 2:
        raise UsageError(
            "a comparison takes two regularizers or more.",
            fix="wellfit explain --compare L1 L2 ElasticNet is one; a code is explained without --compare.",
            code="WF-U12",
        )
    facts = list({one.name: one for one in facts}.values())
    if machine:
        print_json([one.to_json() for one in facts])
        return 0
    rows = [(topic, [dict(topics(one)).get(topic, "") for one in facts]) for topic, _ in topics(facts[0])]
    print_lines(side_by_side([plain(one.name) for one in facts], rows, columns(160)))
    return 0


def _find(name: str, known: Sequence[Facts]) -> Facts | dict[str, str] | None:
    wanted = _folded(name)
    codes = all_codes()
    code = next((code for code in codes if _folded(code) == wanted), None)
    if code is not None:
        fix = {"fix": ADVICE[code]} if code in ADVICE else {}
        return {"code": code, "sentence": codes[code], **fix}
    return next((facts for facts in known if _folded(facts.name) == wanted), None)


def _wanted(name: str, known: Sequence[Facts]) -> Facts | dict[str, str]:
    found = _find(name, known)
    if found is None:
        raise _unknown(name, [*(facts.name for facts in known), *all_codes()])
    return found


def _folded(name: str) -> str:
    """A name without what people write in different ways: ``max-norm`` is MaxNorm."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _unknown(name: str, known: list[str]) -> UsageError:
    folded = {_folded(other): other for other in known}
    near = _nearest(_folded(name[:200]), list(folded))
    told = f"Did you mean {' or '.join(folded[match] for match in near)}? " if near else ""
    return UsageError(
        f"nothing is named {plain(name, 60)!r}.",
        fix=f"{told}wellfit list names the regularizers; codes look like WF-D03.",
        code="WF-U12",
    )


def _nearest(asked: str, known: Sequence[str]) -> list[str]:
    """Up to three names: those that begin so, else those written most nearly so."""
    starting = [key for key in known if len(asked) > 2 and key.startswith(asked)]
    alike = {key: difflib.SequenceMatcher(None, asked, key).ratio() for key in known}
    best = max(alike.values(), default=0.0)
    close = [key for key in sorted(alike, key=lambda key: -alike[key]) if best >= 0.5 and alike[key] > best - 0.1]
    return list(dict.fromkeys([*starting, *close]))[:3]


def _code_line(code: dict[str, str]) -> str:
    told = f"{code['code']}  {code['sentence']}"
    fix = textwrap.wrap(f"  fix: {code.get('fix', '')}", 100, subsequent_indent="       ", break_on_hyphens=False)
    return "\n".join([told, *fix]) if "fix" in code else told


def in_words(facts: Facts, width: int = 100) -> str:
    """A regularizer on a page: its facts, then an example that runs."""
    told = dict(topics(facts))
    lines = [plain(facts.name), _line("", facts.sentence, width)]
    lines += [_line("", paragraph, width) for paragraph in facts.parts.rest]
    knobs = [line for line in told.pop("knobs").split("\n") if line]
    for topic, sentence in told.items():
        if topic == "use when":
            lines += [_line("knob" if place == 0 else "", knob, width) for place, knob in enumerate(knobs)]
        if topic != "what it does" and sentence:
            lines.append(_line(topic, sentence, width))
    example = [f"    {line}" for line in facts.parts.example.splitlines()]
    return "\n".join([*lines, *(["", "  example", *map(_kept, example)] if example else [])])


def topics(facts: Facts) -> list[tuple[str, str]]:
    """What is worth comparing of a regularizer; knobs stand in lines."""
    said = facts.parts.fields
    knobs = [f"{knob.shown()}: {said[knob.name]}" if knob.name in said else knob.shown() for knob in facts.knobs]
    knobs += [f"{one.shown()}: {said[one.name]}" if one.name in said else one.shown() for one in facts.choices]
    return [
        ("what it does", facts.sentence),
        ("formula", facts.formula),
        ("knobs", "\n".join(knobs)),
        ("use when", facts.use_when),
        ("avoid when", facts.avoid_when),
        ("family", family_title(facts.family)),
        ("stages", ", ".join(facts.stages)),
        ("tasks", ", ".join(facts.tasks)),
        ("always on", facts.exempt),
        ("evidence", meaning(facts.grade)),
        ("source", facts.source),
    ]


def _line(topic: str, sentence: str, width: int) -> str:
    head = f"  {topic:<{_TOPIC}} "
    rest = " " * len(head)
    return "\n".join(
        textwrap.wrap(plain(sentence), width, initial_indent=head, subsequent_indent=rest, break_on_hyphens=False)
    )


def _kept(line: str) -> str:
    """A line of code with its indentation, without control characters."""
    return line[: len(line) - len(line.lstrip(" "))] + plain(line)
