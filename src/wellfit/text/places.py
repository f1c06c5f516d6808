"""Places of a text that no change may touch: what looks like an address, a number or a token, and a person's own."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from wellfit.errors import UsageError
from wellfit.text.letters import standing_alone

Place = tuple[int, int]
"""Where something begins in a text, and where it ends."""

_KEPT = re.compile(
    r"""
    \b(?:https?://|www\.)\S+                        # addresses of pages
    | \b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+       # of mail, as long before the @ as it may be
    | (?<!\w)[@\#]\w[\w.-]*                         # mentions and tags
    | \[[A-Z][A-Z0-9_ -]*\] | <[^<>\s]{1,40}> | \{[^{}\s]{1,40}\} | %\(\w+\)\w   # tokens, tags, places to fill
    | (?<!\w)(?<!\w\.)(?:\w+\.)+(?:com|org|net|edu|gov|io|de|uk|co)\b(?:/\S*)?
    | (?<!\w)[$€£]?\d[\d.,:/%-]*\w*                 # numbers, prices, dates
    """,
    re.X,
)


def kept_places(text: str, protect: Iterable[str] = (), spans: Iterable[Place] = ()) -> list[Place]:
    """Places of addresses, numbers, tokens, and of what a person protects, in order; see ``words_of``."""
    return merged([m.span() for m in _KEPT.finditer(text)] + own_places(text, protect, spans))


def own_places(text: str, protect: Iterable[str] = (), spans: Iterable[Place] = ()) -> list[Place]:
    """Places of what a person protects: each place of each phrase, and the spans.

    Raises:
        UsageError: phrases are no texts, or a span is none of this text.

    >>> own_places("New York, new  york", "new york", [(0, 3)])
    [(0, 3), (0, 8), (10, 19)]
    """
    pattern = _pattern(phrases_of(protect), text.isascii())
    return _checked(text, spans) + ([m.span() for m in pattern.finditer(text)] if pattern else [])


def phrases_of(protect: Iterable[str]) -> tuple[str, ...]:
    """Words and phrases to protect: from a text those between its commas.

    Raises:
        UsageError: they are no texts.

    >>> phrases_of("Acme, Big Mac"), phrases_of(["Acme, Inc.", " "])
    (('Acme', 'Big Mac'), ('Acme, Inc.',))
    """
    listed = protect.split(",") if isinstance(protect, str) else protect
    if isinstance(listed, bytes) or not isinstance(listed, Iterable):
        raise _no_phrases(listed)
    found = tuple(listed)
    for phrase in found:
        if not isinstance(phrase, str):
            raise _no_phrases(phrase)
    return tuple(p.strip() for p in found if p.strip())


def _no_phrases(came: Any) -> UsageError:
    return UsageError(
        f"protect takes words and phrases, not {str(came)[:60]!r}.",
        fix='A list of texts, or one with commas between: "Acme, Big Mac".',
        code="WF-X08",
    )


@lru_cache(maxsize=64)
def _pattern(phrases: tuple[str, ...], ascii_alone: bool) -> re.Pattern[str] | None:
    longest = sorted(phrases, key=len, reverse=True)
    body = "|".join(r"\s+".join(re.escape(part) for part in p.split()) for p in longest)
    return re.compile(standing_alone(body, ascii_alone), re.I) if phrases else None


def _checked(text: str, spans: Iterable[Any]) -> list[Place]:
    """The spans as whole numbers; raises UsageError where one is none of this text."""
    if isinstance(spans, str) or not isinstance(spans, Iterable):
        raise _no_span(spans, text)
    found = []
    for span in spans:
        try:
            start, end = (operator.index(place) for place in span)
        except (TypeError, ValueError) as error:
            raise _no_span(span, text) from error
        if not 0 <= start <= end <= len(text):
            raise _no_span(span, text)
        found.append((start, end))
    return found


def _no_span(came: Any, text: str) -> UsageError:
    return UsageError(
        f"spans holds {str(came)[:60]}, which is no place of a text of {len(text)} characters.",
        fix="Give pairs of whole numbers, 0 <= start <= end: [(7, 15)] keeps text[7:15].",
        code="WF-X08",
    )


def merged(spans: Iterable[Place]) -> list[Place]:
    """Places in order, those that touch or overlap as one, empty ones left out.

    >>> merged([(4, 6), (0, 2), (2, 3), (9, 9)])
    [(0, 3), (4, 6)]
    """
    joined: list[Place] = []
    for start, end in sorted(s for s in spans if s[1] > s[0]):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
