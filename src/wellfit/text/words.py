"""Words and sentences of a text with their places, and which of them no change may touch."""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Iterable, Sequence

from wellfit.text.letters import plain, word_matches
from wellfit.text.places import Place, kept_places, merged


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIONS = word_set(
    """
    no not never none nobody nothing nowhere neither nor n't cannot without hardly scarcely barely seldom rarely
    ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mustn't needn't shan't shouldn't
    wasn't weren't won't wouldn't too less least little lack lacks lacking lacked fail fails failed failing
    no-one no-one's nobody's none's nothing's aint arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt mustnt
    neednt shant shouldnt wasnt werent wont wouldnt
    """
)
"""What turns the sense of a sentence: it is not replaced, moved or left out, and nothing is swapped across it."""

_DEGREES = word_set("too less least little")

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

_END = re.compile(
    r"""
    (?<![.!?…])[.!?…]+                              # from the first mark on, so that each is read once
    (?:\s+[.!?…]+(?=["'”’)\]]*(?:\s|$)))*
    ["'”’)\]]*(?=\s|$)
    """,
    re.X,
)
_BLANKS = re.compile(r"\s*")
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
        return plain(self.text)

    @property
    def stop(self) -> bool:
        return self.low in STOP_WORDS

    @property
    def negates(self) -> bool:
        return _negates(self.low)


def words_of(text: str, protect: Iterable[str] = (), spans: Iterable[Place] = ()) -> list[Word]:
    """The words of a text, in order.

    Kept are addresses, mentions, tags, numbers, tokens in brackets such as ``[MASK]``, names (capital letters inside a
    sentence, or at its beginning where the next word has one too), what a person protects, and a person's own spans.

    Args:
        protect: words or phrases, in small or capital letters; a text holds them with commas between.
        spans: (start, end) places of the text.

    Raises:
        UsageError: a span is no place of the text, or what is protected is no text.

    >>> [w.text for w in words_of("Ask @bob or Mary about 3 films.") if not w.kept]
    ['Ask', 'or', 'about', 'films']
    """
    return _words(text, kept_places(text, protect, spans))


def _words(text: str, kept: Sequence[Place]) -> list[Word]:
    found = word_matches(text)
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


def kept_in(text: str, protect: Iterable[str] = (), spans: Iterable[Place] = ()) -> list[str]:
    """What no change may touch, each once, in order: names, numbers, addresses, tokens, and what a person protects.

    >>> kept_in("Ask @bob or Mary about 3 films.")
    ['@bob', 'Mary', '3']
    """
    given = kept_places(text, protect, spans)
    names = [(w.start, w.end) for w in _words(text, given) if w.kept]
    return list(dict.fromkeys(text[a:b] for a, b in merged(given + names)))


def negated(text: str) -> bool:
    """Whether a text holds a negation; ``too`` and ``little`` may say ``also`` and ``small``, and do not count.

    >>> negated("It isn’t dull."), negated("a little film, too")
    (True, False)
    """
    words = (plain(match[0]) for match in word_matches(text))
    return any(_negates(word) for word in words if word not in _DEGREES)


def _negates(low: str) -> bool:
    """Whether a word in plain small letters, or a part of it between hyphens, is a negation."""
    return any(part in NEGATIONS or part.endswith("n't") for part in (low, *low.split("-")))


def _between(begins: set[int], found: Sequence[re.Match[str]], place: int) -> list[int]:
    return [b for b in range(found[place - 1].end(), found[place].start() + 1) if b in begins]


def _named(word: str, first: bool, following: str) -> bool:
    """Whether a word looks like a name: capital letters where a sentence needs none."""
    if word in ("I",) or word[0].islower() or not any(c.isupper() for c in word):
        return any(c.isupper() for c in word[1:])
    if not first or any(c.isupper() for c in word[1:]):
        return True
    return following[:1].isupper() and following != "I" and word.lower() not in STOP_WORDS


def sentences_of(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence, blanks between them left out.

    >>> [("Mr. Bean ran. It rained!  So?")[a:b] for a, b in sentences_of("Mr. Bean ran. It rained!  So?")]
    ['Mr. Bean ran.', 'It rained!', 'So?']
    """
    found, start = [], _BLANKS.match(text).end()
    for match in _END.finditer(text):
        mark, (place, end) = match[0], match.span()
        if mark == "." and text[max(start, text.rfind(" ", start, place) + 1) : place].lower() in _SHORT:
            continue
        following = _BLANKS.match(text, end).end()
        if _pauses(mark) and text[following : following + 1].islower():
            continue
        if text[start:place].strip():
            found.append((start, end))
            start = following
        elif found:  # marks of an end alone belong to the sentence before
            found[-1] = found[-1][0], end
            start = following
    if start < len(text):
        found.append((start, len(text.rstrip())))
    return found


def _pauses(mark: str) -> bool:
    """Whether it is three points, which end a sentence only where a capital letter follows."""
    others = mark.count("…")
    alone = len(mark) == others + mark.count(".") + sum(c.isspace() for c in mark)
    return alone and (others == 1 or (not others and mark.count(".") > 1))
