"""Words and sentences of a text with their places, and which of them no change may touch."""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIONS = word_set(
    """
    no not never none nobody nothing nowhere neither nor n't cannot without hardly scarcely barely seldom rarely
    ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mustn't needn't shan't shouldn't
    wasn't weren't won't wouldn't too less least little lack lacks lacking lacked fail fails failed failing
    """
)
"""What turns the sense of a sentence: it is not replaced, moved or left out, and nothing is swapped across it."""

STOP_WORDS = NEGATIONS | word_set(
    """
    a about above after again against all almost along already also although always am among an and another any
    anyone anything are around as at away back be because been before being below between both but by ca can could
    did do does doing done down during each either else enough even ever every everyone everything few first for
    from further get gets getting go goes going gone got had has have having he her here hers herself him himself
    his how however i if in indeed instead into is it its itself just last let like ll made make makes making many
    may me might mine more most much must my myself need now of off often on once one ones only or other others
    ought our ours ourselves out over own per perhaps quite rather re really s same shall she should since so some
    someone something still such t than that the their theirs them themselves then there these they this those
    though through thus till to together under unless until up upon us use used ve very via was way we well were
    what whatever when where whether which while who whole whom whose why will with within wo would yes yet you
    your yours yourself yourselves two three four five six seven eight nine ten hundred thousand million m d o st
    mr mrs ms dr past given despite amid among amongst throughout toward towards unlike across beyond beside
    besides except inside outside near onto alongside concerning regarding use uses used using keep keeps kept job
    jobs lrb rrb thing things kind sort lot bit
    """
)
"""Words of grammar, which carry no synonym that would fit."""

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_KEPT = re.compile(
    r"""
    \b(?:https?://|www\.)\S+                        # addresses of pages
    | \b[\w.+-]+@[\w-]+(?:\.[\w-]+)+                # of mail
    | (?<!\w)[@\#]\w[\w.-]*                         # mentions and tags
    | \[[A-Z][A-Z0-9_ -]*\] | <[^<>\s]{1,40}> | \{[^{}\s]{1,40}\} | %\(\w+\)\w   # tokens, tags, places to fill
    | \b(?:\w+\.)+(?:com|org|net|edu|gov|io|de|uk|co)\b(?:/\S*)?
    | (?<!\w)[$€£]?\d[\d.,:/%-]*\w*                 # numbers, prices, dates
    """,
    re.X,
)
_END = re.compile(r"[.!?…]+(?:\s+[.!?…]+)*[\"'”’)\]]*(?=\s|$)")
_PAUSE = re.compile(r"[.\s]*(?:…|\.\s*\.)[.\s]*")
"""Three points, which end a sentence only where a capital letter follows."""
_SHORT = word_set(
    """
    mr mrs ms dr prof st vs etc e.g i.e jr sr no fig inc ltd co u.s u.k a.m p.m
    """
)
"""What ends with a point and ends no sentence."""


@dataclasses.dataclass(frozen=True)
class Word:
    """A word at ``text[start:end]``; ``first`` where it begins a sentence, ``kept`` where nothing may touch it."""

    text: str
    start: int
    end: int
    first: bool
    kept: bool

    @property
    def low(self) -> str:
        return self.text.lower().replace("’", "'")

    @property
    def stop(self) -> bool:
        return self.low in STOP_WORDS

    @property
    def negates(self) -> bool:
        return self.low in NEGATIONS or self.low.endswith("n't")


def words_of(text: str, protect: Iterable[str] = (), spans: Iterable[tuple[int, int]] = ()) -> list[Word]:
    """The words of a text, in order.

    Kept are addresses, mentions, tags, numbers, tokens in brackets such as ``[MASK]``, names (capital letters inside a
    sentence, or at its beginning where the next word has one too), what a person protects, and a person's own spans.

    Args:
        protect: words or phrases, in small or capital letters.
        spans: (start, end) places of the text.

    >>> [w.text for w in words_of("Ask @bob or Mary about 3 films.") if not w.kept]
    ['Ask', 'or', 'about', 'films']
    """
    found = list(_WORD.finditer(text))
    kept = _merged([m.span() for m in _KEPT.finditer(text)] + [tuple(s) for s in spans] + _phrases(text, protect))
    starts = [start for start, _ in kept]
    begins = {s for s, _ in sentences_of(text)}
    shouts = text.upper() == text
    words = []
    for place, match in enumerate(found):
        start, end = match.span()
        held = bisect.bisect_left(starts, end) - 1
        touched = held >= 0 and kept[held][1] > start
        first = place == 0 or any(found[place - 1].end() <= b <= start for b in _between(begins, found, place))
        named = not shouts and _named(match[0], first, found[place + 1][0] if place + 1 < len(found) else "")
        words.append(Word(match[0], start, end, first, touched or named))
    return words


def kept_in(text: str, protect: Iterable[str] = (), spans: Iterable[tuple[int, int]] = ()) -> list[str]:
    """What no change may touch, each once, in order: names, numbers, addresses, tokens, and what a person protects.

    >>> kept_in("Ask @bob or Mary about 3 films.")
    ['@bob', 'Mary', '3']
    """
    given = [m.span() for m in _KEPT.finditer(text)] + [tuple(s) for s in spans] + _phrases(text, protect)
    names = [(w.start, w.end) for w in words_of(text, protect, spans) if w.kept]
    return list(dict.fromkeys(text[a:b] for a, b in _merged(given + names)))


def _between(begins: set[int], found: Sequence[re.Match[str]], place: int) -> list[int]:
    return [b for b in range(found[place - 1].end(), found[place].start() + 1) if b in begins]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(s for s in spans if s[1] > s[0]):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _named(word: str, first: bool, following: str) -> bool:
    """Whether a word looks like a name: capital letters where a sentence needs none."""
    if word in ("I",) or word[0].islower() or not any(c.isupper() for c in word):
        return any(c.isupper() for c in word[1:])
    if not first or any(c.isupper() for c in word[1:]):
        return True
    return following[:1].isupper() and following != "I" and word.lower() not in STOP_WORDS


def _phrases(text: str, protect: Iterable[str]) -> list[tuple[int, int]]:
    pattern = _pattern(tuple(p.strip() for p in protect if p.strip()))
    return [m.span() for m in pattern.finditer(text)] if pattern else []


@lru_cache(maxsize=64)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    longest = sorted(phrases, key=len, reverse=True)
    body = "|".join(r"\s+".join(re.escape(part) for part in p.split()) for p in longest)
    return re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.I) if phrases else None


def sentences_of(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence, blanks between them left out.

    >>> [("Mr. Bean ran. It rained!  So?")[a:b] for a, b in sentences_of("Mr. Bean ran. It rained!  So?")]
    ['Mr. Bean ran.', 'It rained!', 'So?']
    """
    found, start = [], len(text) - len(text.lstrip())
    for match in _END.finditer(text):
        if match[0] == "." and text[start : match.start()].rpartition(" ")[2].lower() in _SHORT:
            continue
        if _PAUSE.fullmatch(match[0]) and text[match.end() :].lstrip()[:1].islower():
            continue
        if text[start : match.start()].strip():
            found.append((start, match.end()))
            start = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        elif found:  # marks of an end alone belong to the sentence before
            found[-1] = found[-1][0], match.end()
            start = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
    if text[start:].strip():
        found.append((start, len(text.rstrip())))
    return found
