"""A regularizer's docstring in its parts: what it does, its fields, an example, its sources."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_HEADS = re.compile(r"^(Args|Shapes?|Raises|Returns|Attributes|Notes?|Example|Examples|Source|Sources):\s*$", re.M)
_FIELDS = re.compile(r"^(\w[\w, ]*): ", re.M)


@dataclass(frozen=True)
class Parts:
    """The parts of a docstring.

    Attributes:
        first: what it does to training, in one sentence or two.
        rest: the paragraphs behind it.
        fields: what is said of each field.
        shapes, raises, sources: those sections in one line each.
        example: the doctest as it is written.
    """

    first: str = ""
    rest: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    shapes: str = ""
    raises: str = ""
    example: str = ""
    sources: str = ""


def parts_of(cls: type) -> Parts:
    """The parts of a class's docstring; sections that it lacks are empty."""
    text = inspect.getdoc(cls) or ""
    heads = list(_HEADS.finditer(text))
    opening = text[: heads[0].start()] if heads else text
    paragraphs = [_line(paragraph) for paragraph in opening.split("\n\n") if paragraph.strip()]
    sections = {head[1].rstrip("s"): textwrap.dedent(body).strip("\n ") for head, body in _behind(heads, text)}
    return Parts(
        first=paragraphs[0] if paragraphs else "",
        rest=tuple(paragraphs[1:]),
        fields=_fields(sections.get("Arg", "")),
        shapes=_line(sections.get("Shape", "")),
        raises=_line(sections.get("Raise", "")),
        example=sections.get("Example", ""),
        sources=_line(sections.get("Source", "")),
    )


def _fields(section: str) -> dict[str, str]:
    """Field names to what is said of them; several names may share a sentence."""
    heads = list(_FIELDS.finditer(section))
    return {name.strip(): _line(body) for head, body in _behind(heads, section) for name in head[1].split(",")}


def _behind(heads: Sequence[re.Match[str]], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each head with what stands behind it, up to the next."""
    for place, head in enumerate(heads):
        end = heads[place + 1].start() if place + 1 < len(heads) else len(text)
        yield head, text[head.end() : end]


def _line(text: str) -> str:
    return " ".join(text.split())
