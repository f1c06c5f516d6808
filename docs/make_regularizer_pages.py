"""Write docs/regularizers from the classes: ``python docs/make_regularizer_pages.py``; ``--check`` only compares."""

from __future__ import annotations

import itertools
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from wellfit.cli.grades import legend, meaning
from wellfit.report.numbers import number
from wellfit.report.regularizer_facts import Facts, KnobFacts, every, family_sentence, family_title

FOLDER = Path(__file__).parent / "regularizers"
COMMAND = "python docs/make_regularizer_pages.py"
_MADE = f"<!-- Made from the classes by: {COMMAND} -->"
_WIDTH = 120
_CODE = re.compile(r"(`+)(.+?)\1")
# What Markdown would read as its own: a star or an underscore that opens a word, a tag, a link, a list or a heading at
# the start of a line that is only a continuation. "2 * w", "l1_ratio" and "w <- v" are text to it.
_SPECIAL = re.compile(r"(\*(?=\S)|(?<=\S)\*|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|\[|\\)")
_STARTS = re.compile(r"^(\s*)([-+*#>]|\d+[.)])(?=\s)", re.M)


def pages() -> dict[str, str]:
    """Every file of the folder by its name."""
    families = _families(every())
    found = {f"{family}.md": family_page(family, members) for family, members in families.items()}
    return {"README.md": index_page(families), **found}


def _families(known: Iterable[Facts]) -> dict[str, list[Facts]]:
    # Classes of a program that imports wellfit register too; the pages tell of wellfit's own.
    own = sorted((facts for facts in known if facts.own), key=lambda facts: (facts.family, facts.name.casefold()))
    return {family: list(members) for family, members in itertools.groupby(own, key=lambda facts: facts.family)}


def index_page(families: dict[str, list[Facts]]) -> str:
    """The list of families, each with its members."""
    count = sum(map(len, families.values()))
    lines = [
        _MADE,
        "# Regularizers",
        "",
        _wrapped(
            f"{count} regularizers in {len(families)} families. `wellfit list` and `wellfit explain NAME` tell the "
            f"same in a terminal. Grade: {legend()}."
        ),
        "",
        "| family | regularizers (grade) |",
        "|---|---|",
    ]
    for family, members in families.items():
        named = ", ".join(f"[{facts.name}]({family}.md#{facts.name.casefold()}) ({facts.grade})" for facts in members)
        lines.append(f"| [{family_title(family)}]({family}.md) | {named} |")
    return "\n".join(lines) + "\n"


def family_page(family: str, members: list[Facts]) -> str:
    """A family: what its file says, then each regularizer."""
    head = [_MADE, f"# {family_title(family)}", "", _wrapped(escaped(family_sentence(members[0]))), ""]
    return "\n".join([*head, *(line for facts in members for line in section(facts))]).rstrip() + "\n"


def section(facts: Facts) -> list[str]:
    """One regularizer."""
    lines = [f"## {facts.name}", "", _wrapped(escaped(facts.sentence)), ""]
    for paragraph in facts.parts.rest:
        lines += [_wrapped(escaped(paragraph)), ""]
    lines += ["```text", facts.formula, "```", ""]
    lines += _table(facts)
    items = [
        ("Use when", facts.use_when),
        ("Avoid when", facts.avoid_when),
        ("Stages", ", ".join(facts.stages)),
        ("Tasks", ", ".join(facts.tasks)),
        ("Nothing switches it off", facts.exempt),
        ("Shapes", facts.parts.shapes),
        ("Raises", facts.parts.raises),
        ("Evidence", meaning(facts.grade)),
        ("Source", facts.parts.sources or facts.source),
    ]
    lines += [_wrapped(f"- **{topic}**: {escaped(words)}", "  ") for topic, words in items if words]
    return [*lines, "", "```python", facts.parts.example, "```", ""]


def _table(facts: Facts) -> list[str]:
    said = facts.parts.fields
    rows = [
        f"| `{knob.name}` | {number(knob.default, 5)} | {_range(knob)} | {_off(knob)} | {_cell(said, knob.name)} |"
        for knob in facts.knobs
    ]
    rows += [f"| `{one.name}` | `{one.default!r}` | fixed | | {_cell(said, one.name)} |" for one in facts.choices]
    return ["| field | default | searched | off at | meaning |", "|---|---|---|---|---|", *rows, ""] if rows else []


def _range(knob: KnobFacts) -> str:
    return f"{number(knob.low, 5)} to {number(knob.high, 5)}{', log scale' if knob.log else ''}"


def _off(knob: KnobFacts) -> str:
    return "" if knob.neutral is None else number(knob.neutral)


def _cell(said: dict[str, str], name: str) -> str:
    return escaped(said.get(name, "")).replace("\\|", "|").replace("|", "\\|")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; what stands in backquotes stays code."""
    parts, place = [], 0
    for code in _CODE.finditer(text):
        parts += [_SPECIAL.sub(r"\\\1", text[place : code.start()]), f"`{code[2]}`"]
        place = code.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\1", text[place:])])


def _wrapped(text: str, rest: str = "") -> str:
    wrap = textwrap.TextWrapper(_WIDTH, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
    first, *others = wrap.wrap(text)
    return "\n".join([first, *(_STARTS.sub(r"\1\\\2", line) for line in others)])


def differences() -> list[str]:
    """The files that are not what the classes say: missing, old, or of no family any more."""
    wanted = pages()
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write() -> list[str]:
    """Bring the folder up to date; returns the files that changed."""
    changed, wanted = differences(), pages()
    FOLDER.mkdir(exist_ok=True)
    for name in changed:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return changed


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(f"out of date: {', '.join(differences())}; run {COMMAND}" if differences() else 0)
    print(f"changed: {', '.join(write()) or 'nothing'}")
