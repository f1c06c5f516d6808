"""The one way to make HTML: ``h`` builds an element and escapes whatever it is given."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

from wellfit.report.plain import plain

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]*\Z")
_VOID = {"br", "hr", "meta", "wbr"}
_REFUSED = {"script", "iframe", "object", "embed", "link", "base", "form"}
_ADDRESS = re.compile(r"#[A-Za-z0-9_-]+\Z")


class Html(str):
    """Finished markup; only ``h`` and ``joined`` make it, so that no text passes for markup."""

    __slots__ = ()


def h(tag: str, *children: Any, **attributes: Any) -> Html:
    """Build one element.

    Args:
        tag: its name.
        children: elements, texts and numbers (escaped), lists of these; None is left out.
        attributes: ``class_`` for class, ``_`` for ``-``; None and False leave one out, True writes it without a value.
            Links lead within the page only, and there are no styles and no handlers in attributes.
    """
    if not _NAME.match(tag) or tag.lower() in _REFUSED:
        raise ValueError(f"no element of a report is named {tag!r}")
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Html(opening if tag in _VOID else f"{opening}{joined(children)}</{tag}>")


def joined(children: Iterable[Any]) -> Html:
    """Several children as one piece of markup, texts escaped."""
    return Html("".join(_child(child) for child in children))


def preformatted(text: str, **attributes: Any) -> Html:
    """A block of text whose line breaks stay."""
    lines = "\n".join(html.escape(_printable(line)) for line in text.splitlines())
    return h("pre", h("code", Html(lines)), **attributes)


def style_sheet(rules: str) -> Html:
    """A style element; the rules are ours and hold no closing tag."""
    if "<" in rules:
        raise ValueError("a style sheet holds no '<'")
    return Html(f"<style>{rules}</style>")


def _child(child: Any) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, list | tuple):
        return joined(child)
    # A space at an end separates words from the neighboring element, and plain() would strip it.
    text = str(child)
    lead, tail = text[:1].isspace(), len(text) > 1 and text[-1:].isspace()
    return f"{' ' if lead else ''}{html.escape(plain(text))}{' ' if tail else ''}"


def _printable(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + plain(line)


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    lowered = name.lower()
    if not _NAME.match(name) or lowered == "style" or lowered.startswith("on"):
        raise ValueError(f"no element of a report has the attribute {name!r}")
    if lowered in ("href", "src") and not _ADDRESS.match(str(value)):
        raise ValueError("links of a report lead within the page")
    return f" {name}" if value is True else f' {name}="{html.escape(plain(value))}"'
