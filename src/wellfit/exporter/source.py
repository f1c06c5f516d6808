"""Python source from pieces: literals that cannot be anything else, imports in order, and blocks of lines."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

_WIDTH = 100


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of a program.

    No piece has a text of the data in it: such texts stand in constants, which ``constant`` writes as literals.

    Attributes:
        code: top-level code.
        imports: the lines of the imports that it needs.
    """

    code: str
    imports: tuple[str, ...] = ()


def piece(code: str, *imports: str, **lines: bool) -> Piece:
    """A piece of a template: a line that ends in ``#? NAME`` is kept where ``NAME`` is true, ``#! NAME`` where not.

    Args:
        code: the template.
        imports: what it needs.
        lines: whether the lines of that name are kept.

    Raises:
        KeyError: the template names what is not told.
    """
    kept = []
    for line in textwrap.dedent(code).strip("\n").splitlines():
        line = f" {line}" if line.startswith("#") and line[1:3] in ("? ", "! ") else line
        for mark, wanted in ((" #? ", True), (" #! ", False)):
            head, found, name = line.partition(mark)
            if found:
                line = head.rstrip() if lines[name.strip()] is wanted else None
                break
        if line is not None:
            kept.append(line)
    return Piece("\n".join(kept), imports)


def constant(name: str, value: Any, comment: str = "") -> str:
    """``NAME = literal``, over several lines where it is long; ``comment`` is our own text, never the data's."""
    tail = f"  # {comment}" if comment else ""
    line = f"{name} = {literal(value)}"
    if len(line) <= _WIDTH or not isinstance(value, dict | list | tuple | str):
        return line + tail
    head = f"# {comment}\n" if comment else ""
    if isinstance(value, str):
        cuts = [value[i : i + 80] for i in range(0, len(value), 80)]
        return head + "\n".join([f"{name} = (", *(f"    {literal(c)}" for c in cuts), ")"])
    if isinstance(value, dict):
        rows, ends = [f"    {literal(k)}: {literal(v)}," for k, v in value.items()], "{}"
    else:
        rows, ends = [f"    {literal(v)}," for v in value], "[]" if isinstance(value, list) else "()"
    return head + "\n".join([f"{name} = {ends[0]}", *rows, ends[1]])


def literal(value: Any) -> str:
    """A Python literal of texts, numbers and what holds them; whatever a text says, it is one string constant.

    Raises:
        TypeError: anything else.
    """
    if isinstance(value, str):
        return _quoted(str(value))
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(literal(v) for v in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(literal(v) for v in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    raise TypeError(f"{type(value).__name__} is no literal")


def _quoted(text: str) -> str:
    """One string constant on one line: backslashes, and whatever is not printable, escaped."""
    plain = (c if c.isprintable() and c != "\\" else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(f"\\{c}" if c == quote else c for c in plain) + quote


def program(
    docstring: str, notes: Sequence[str], constants: Sequence[str], pieces: Iterable[Piece], tail: str, first: str = ""
) -> str:  # fmt: skip
    """A whole file: what it is, what it does not do, imports, constants, code.

    Args:
        first: a line that comes before other packages are imported.
    """
    pieces = list(pieces)
    head = f'"""{docstring}"""\n'
    if notes:
        head += "\n# What this file does not do as the run did it:\n"
        for note in notes:
            head += "\n".join(textwrap.wrap(f"- {note}", _WIDTH, initial_indent="# ", subsequent_indent="#   ")) + "\n"
    blocks = [p.code for p in pieces if p.code]
    body = "\n\n\n".join([*blocks, tail])
    imports = _imports((line for p in pieces for line in p.imports), first)
    return f"{head}\nfrom __future__ import annotations\n\n{imports}\n\n" + "\n".join(constants) + f"\n\n\n{body}\n"


PACKAGES = ("PIL", "keras", "lightning", "numpy", "pandas", "scipy", "sklearn", "torch")


def _imports(lines: Iterable[str], first: str = "") -> str:
    """The imports in the order that isort wants: the standard library first, ``import`` before ``from``."""
    merged: dict[str, set[str]] = {}
    whole = set()
    for line in lines:
        if line.startswith("from "):
            module, _, names = line.removeprefix("from ").partition(" import ")
            merged.setdefault(module, set()).update(n.strip() for n in names.split(","))
        else:
            whole.add(line)
    groups = []
    for third in (False, True):
        if third and first:
            groups.append(first)
        plain = sorted(w for w in whole if (_root(w) in PACKAGES) is third)
        named = sorted((m for m in merged if (m.split(".")[0] in PACKAGES) is third), key=str.lower)
        listed = [f"from {m} import {', '.join(sorted(merged[m], key=_isort))}" for m in named]
        if plain or listed:
            groups.append("\n".join([*plain, *listed]))
    return "\n\n".join(groups)


def packages(pieces: Iterable[Piece]) -> list[str]:
    """What pip installs for the imports of some pieces, by name."""
    roots = {_root(line.replace("from ", "import ", 1)) for p in pieces for line in p.imports}
    return sorted({"sklearn": "scikit-learn", "PIL": "pillow"}.get(r, r) for r in roots if r in PACKAGES)


def _root(line: str) -> str:
    return line.removeprefix("import ").split(" ")[0].split(".")[0]


def _isort(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name
