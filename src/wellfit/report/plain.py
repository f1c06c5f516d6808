"""Text that is safe to print: no escape sequences, no control characters, nothing that turns the reading direction."""

from __future__ import annotations

import re
import unicodedata

# CSI and OSC sequences and every other escape with its one following character; 0x9b is the one-byte CSI.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[@-Z\\-_a-z0-9=>]?"
)
_SPACES = re.compile(r"\s+")
_REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # zero-width joiners: Cf, but part of correct spelling in several scripts


def plain(value: object, limit: int = 0) -> str:
    """Turn anything into one line without escape sequences and control characters.

    Args:
        value: a name, a message; anything with a string form.
        limit: the most characters that are kept, 0 for all; what is cut ends in "...".
    """
    text = _SPACES.sub(" ", _ESCAPES.sub("", str(value)))
    text = "".join(letter for letter in text if letter in _JOINERS or unicodedata.category(letter) not in _REFUSED)
    return shortened(text.strip(), limit) if limit else text.strip()


def shortened(text: str, limit: int) -> str:
    """Cut a text to at most ``limit`` characters; a cut shows as "..."."""
    if len(text) <= limit:
        return text
    return text[: max(limit - 3, 0)].rstrip() + "..." if limit > 3 else text[:limit]
