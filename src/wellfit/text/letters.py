"""What words are made of: letters with their marks in any script, and the marks that join two parts of a word."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

APOSTROPHES, HYPHENS = "'’‘`´ʼ′＇", "-‐‑"
_JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner, which stand inside of words of Arabic and Indian scripts."""
_BLOCKS = (
    (0x300, 0x3100), (0xA600, 0xAC00), (0xFB1E, 0xFB1F), (0xFE20, 0xFE30), (0x10000, 0x12000), (0x16A00, 0x17000),
    (0x1E000, 0x1E950),
)  # fmt: skip
"""Where Unicode has marks of scripts; those that say how a picture looks (from U+FE00) belong to no word."""
_PLAIN = str.maketrans({**dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys(HYPHENS, "-")})


@cache
def marks() -> str:
    """Every mark that stands on, under or beside a letter, and the joiners: what goes into a class of a pattern."""
    every = (chr(c) for start, end in _BLOCKS for c in range(start, end))
    return "".join(c for c in every if unicodedata.category(c) in ("Mn", "Mc")) + _JOINERS


@cache
def _word(ascii_alone: bool) -> re.Pattern[str]:
    joined = rf"[{HYPHENS}{APOSTROPHES}][^\W_]+"
    marked = "" if ascii_alone else rf"|[{marks()}]+[^\W_]*"
    return re.compile(rf"[^\W_]+(?:{joined}{marked})*")


def word_matches(text: str) -> list[re.Match[str]]:
    """The words of a text: letters and digits with their marks, joined by apostrophes and hyphens.

    >>> [m[0] for m in word_matches("It's a well-known bar_no. यह अच्छी")]
    ["It's", 'a', 'well-known', 'bar', 'no', 'यह', 'अच्छी']
    """
    return list(_word(text.isascii()).finditer(text))


@cache
def _part(ascii_alone: bool) -> re.Pattern[str]:
    return re.compile(r"\w+" if ascii_alone else rf"\w+(?:[{marks()}]+\w*)*")


def parts_of(text: str) -> list[str]:
    """Runs of letters and digits with their marks, whatever joins them.

    >>> parts_of("It's well-known")
    ['It', 's', 'well', 'known']
    """
    return _part(text.isascii()).findall(text)


def plain(word: str) -> str:
    """A word in small letters, each apostrophe and hyphen in its plain form.

    >>> plain("Don’t")
    "don't"
    """
    return word.lower().translate(_PLAIN)


def standing_alone(body: str, ascii_alone: bool) -> str:
    """A pattern of what neither begins nor ends inside a word.

    Args:
        ascii_alone: whether the texts hold ASCII alone, which is found faster.
    """
    inside = r"\w" if ascii_alone else rf"[\w{marks()}]"
    return rf"(?<!\w)(?:{body})(?!{inside})"
