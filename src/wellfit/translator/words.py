"""A tool and its values, read from words such as ``sklearn.Ridge alpha=0.5``."""

from __future__ import annotations

from collections.abc import Mapping

from wellfit.report.plain import plain
from wellfit.translator.records import Tool, Value
from wellfit.translator.refusals import FACTS, folded, malformed, unknown
from wellfit.translator.tools import TOOLS

LONGEST = 1000
"""Characters of one side that are read; what people write is far below it."""


def read_side(text: str, given: Mapping[str, object]) -> tuple[Tool, dict[str, Value]]:
    """The tool that a text names, and the values written behind it or given beside it.

    Raises:
        UsageError: the tool or a parameter is unknown, or a value makes no sense.
    """
    words = _words(text)
    if not words:
        raise unknown("tool", "", TOOLS)
    tool = find_tool(words[0])
    values: dict[str, object] = {}
    for name, value in [*(_pair(word) for word in words[1:]), *given.items()]:
        if name in values:
            raise malformed(f"{tool.name} {plain(name, 40)}", "it is given twice")
        values[name] = value
    for case, other in tool.variants.items():
        choice, _, value = case.partition("=")
        if folded(str(values.get(choice, ""))) == folded(value):
            values.pop(choice)
            tool = TOOLS[other]
    return tool, {name: read_value(tool, name, value) for name, value in values.items()}


def find_tool(name: str) -> Tool:
    """The tool of a name, its alias, or the last part of a name where only one tool ends so.

    What stands between library and class is skipped: torch.optim.SGD is torch.SGD.
    """
    library, *between = name.split(".")
    asked = folded(f"{library}.{between[-1]}" if len(between) > 1 else name)
    known = {folded(n): tool for tool in TOOLS.values() for n in (tool.name, *tool.aliases)}
    if asked in known:
        return known[asked]
    ends = {tool.name: tool for key, tool in known.items() if asked and key.rpartition(".")[2] == asked}
    if len(ends) == 1:
        return next(iter(ends.values()))
    raise unknown("tool", name, TOOLS)


def read_value(tool: Tool, name: str, value: object) -> Value:
    """A parameter's value, refused where it makes no sense."""
    where = f"{tool.name} {plain(name, 40)}={plain(value, 40)}"
    if name in tool.choices:
        allowed = {folded(option): option for option in tool.choices[name] if option}
        if folded(str(value)) not in allowed:
            raise malformed(where, f"allowed are {', '.join(allowed.values())}")
        return allowed[folded(str(value))]
    if name not in tool.numbers:
        raise unknown("parameter", name, [*tool.numbers, *tool.choices], tool.name)
    number = read_number(value, where)
    if not tool.numbers[name].holds(number):
        raise malformed(where, f"allowed is {tool.numbers[name].shown()}")
    return number


def read_facts(given: Mapping[str, object]) -> dict[str, float]:
    """What is known of the problem: every fact is a finite number above 0, rows are whole."""
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        number = read_number(value, f"{name}={plain(value, 40)}")
        whole = name not in {"n", "batch"} or number.is_integer()
        if not 0.0 < number < float("inf") or not whole:
            wanted = "a whole number above 0" if name in {"n", "batch"} else "a number above 0"
            raise malformed(f"{name}={plain(value, 40)}", f"{FACTS[name]} is {wanted}")
        found[name] = number
    return found


def read_number(value: object, where: str) -> float:
    """A number from a text or a number."""
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number != number:
        raise malformed(where, "a number is wanted")
    return number


def _words(text: str) -> list[str]:
    """Words apart by spaces; ``Ridge(alpha=0.5, l1_ratio=1)`` reads the same."""
    if len(text) > LONGEST:
        raise malformed(plain(text, 60), f"at most {LONGEST} characters are read")
    if text.rstrip().endswith(")") and "=" in text:
        text = text.rstrip()[:-1].replace("(", " ", 1).replace(",", " ")
    return text.split()


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not (equals and name and value):
        raise malformed(plain(word, 60), "a name and a value are wanted")
    return name, value.strip("'\"")
