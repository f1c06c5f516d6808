"""Changes of one text that leave its label alone: pure functions of the text, a share and a generator.

Each draws first and applies its share afterwards: with the same generator a larger share changes what a smaller one
changed, and more. What is kept (see ``words_of``) is never touched; at a share of 0 the text comes back as it is. A
share outside of 0 to 1, and a span that is no place of the text, raise UsageError.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from random import Random

from wellfit.errors import UsageError
from wellfit.text.context import describes
from wellfit.text.forms import cased_like, sounds_open
from wellfit.text.lexicon import Lexicon
from wellfit.text.places import Place, own_places
from wellfit.text.words import Word, sentences_of, words_of

Edit = Callable[[str, Random], str]
"""A text and its generator to the changed text."""


def how_many(share: float, there: int) -> int:
    """At least one of those there are, where the share is not 0: the next whole number up.

    Raises:
        UsageError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"a share of {share} was given; 0 to 1 is allowed.", fix="0.2 is a fifth.", code="WF-X08")
    return min(there, math.ceil(share * there - 1e-6))  # .1 * 10 is a little over 1 in single precision


def replace_words(
    text: str, random: Random, share: float, lexicon: Lexicon, *, protect: Iterable[str] = (),
    spans: Iterable[Place] = (),
) -> str:  # fmt: skip
    """Synonyms in place of a share of the words that have one, in their form and case; stop words stay.

    >>> from wellfit.text.lexicon import Groups
    >>> replace_words("Two great films.", Random(0), 1.0, Groups((("film", "movie"),)))
    'Two great movies.'
    """
    found = _chosen(text, random, share, lexicon, protect, spans)
    return _with(text, [(w.start, w.end, cased_like(other, w.text)) for w, other in found])


def insert_words(
    text: str, random: Random, share: float, lexicon: Lexicon, *, protect: Iterable[str] = (),
    spans: Iterable[Place] = (),
) -> str:  # fmt: skip
    """Synonyms beside a share of the words that have one: ``a dull film`` becomes ``a dull dreary film``.

    Words that describe another (between an article and a word) come first: there a second one reads best.

    >>> from wellfit.text.lexicon import Groups
    >>> insert_words("a dull film", Random(0), 1.0, Groups((("dull", "dreary"),)))
    'a dull dreary film'
    """
    found = _chosen(text, random, share, lexicon, protect, spans, describing_first=True)
    return _with(text, [(w.end, w.end, f" {_inner_case(other, w.text)}") for w, other in found])


def _inner_case(other: str, word: str) -> str:
    """A word that does not begin a sentence: in capital letters where the other is all in capitals."""
    return other.upper() if len(word) > 1 and word.isupper() else other


def _chosen(
    text: str, random: Random, share: float, lexicon: Lexicon, protect: Iterable[str], spans: Iterable[Place],
    describing_first: bool = False,
) -> list[tuple[Word, str]]:  # fmt: skip
    """Words with what can stand for them; where nothing is sure, one at most of what is less sure."""
    words = words_of(text, protect, spans)
    able = _able(words, random, lexicon)
    looser = getattr(lexicon, "looser", None)
    less_sure = not able and looser is not None
    if less_sure:
        able = _able(words, random, looser())
    random.shuffle(able)
    if describing_first:
        beside = {w: (words[i - 1].low, words[i + 1].low) for i, w in enumerate(words) if 0 < i < len(words) - 1}
        able.sort(key=lambda pair: not describes(*beside.get(pair[0], ("", ""))))
    return able[: min(how_many(share, len(able)), 1 if less_sure else len(able))]


def _able(words: Sequence[Word], random: Random, lexicon: Lexicon) -> list[tuple[Word, str]]:
    known = getattr(lexicon, "knows", None)
    able = []
    for place, word in enumerate(words):
        if word.kept or word.stop or (word.first and word.text[0].isupper() and known and not known(word.low)):
            continue
        before = words[place - 1].low if place else ""
        after = words[place + 1].low if place + 1 < len(words) else ""
        others = lexicon.choices(word.low, "" if word.first else before, after)
        if before in ("a", "an"):
            others = tuple(o for o in others if sounds_open(o) == (before == "an"))
        if others:  # the best are drawn most often
            able.append((word, others[min(int(random.random() ** 2 * len(others)), len(others) - 1)]))
    return able


def swap_words(
    text: str, random: Random, share: float, *, protect: Iterable[str] = (), spans: Iterable[Place] = ()
) -> str:
    """A share of the pairs of neighboring words the other way round, none of them twice.

    Only words with blanks alone between them are swapped, neither kept nor a negation; capital letters stay at the
    beginning.

    >>> swap_words("One fine day.", Random(1), 1.0)
    'One day fine.'
    """
    words = words_of(text, protect, spans)
    pairs = []
    for place, (a, b) in enumerate(itertools.pairwise(words)):
        free = not (_fixed(a) or _fixed(b)) and not text[a.end : b.start].strip()
        if free and a.low != b.low:
            pairs.append(place)
    random.shuffle(pairs)
    taken: set[int] = set()
    chosen = [p for p in pairs if not {p, p + 1} & taken and not taken.update((p, p + 1))]
    changes = []
    for place in chosen[: how_many(share, len(chosen))]:
        a, b = words[place], words[place + 1]
        begins = a.text[0].isupper() and a.first
        lowered = a.text if a.text == "I" or not begins or a.text.isupper() else a.text[0].lower() + a.text[1:]
        changes += [(a.start, a.end, cased_like(b.text, a.text) if begins else b.text), (b.start, b.end, lowered)]
    return _with(text, changes)


def delete_words(
    text: str, random: Random, share: float, *, protect: Iterable[str] = (), spans: Iterable[Place] = ()
) -> str:
    """A share of the words left out, with the blank before them; negations and what is kept stay, and one word at
    least.

    >>> delete_words("Such a fine, fine day.", Random(3), 0.2)
    'A fine, fine day.'
    """
    own = own_places(text, protect, spans)
    every = words_of(text, spans=own)
    words = [w for w in every if not _fixed(w)]
    random.shuffle(words)
    gone = words[: min(how_many(share, len(words)), max(0, len(every) - 1))]
    return _with(text, _apart([_with_blank(text, w, own) for w in gone] + _beginnings(every, set(gone))))


def _with_blank(text: str, word: Word, kept: Sequence[Place]) -> tuple[int, int, str]:
    """A word and the blank before it, or behind it where there is none before, or none where both are kept."""

    def free(place: int) -> bool:
        return text[place : place + 1].isspace() and not any(start <= place < end for start, end in kept)

    if word.start and free(word.start - 1):
        return word.start - 1, word.end, ""
    return word.start, word.end + free(word.end), ""


def _beginnings(words: Sequence[Word], gone: set[Word]) -> list[tuple[int, int, str]]:
    """Capital letters for the words that begin a sentence now, where one that had a capital is gone."""
    found = []
    for place, word in enumerate(words):
        if word in gone and word.first and word.text[0].isupper():
            behind = (words[i] for i in range(place + 1, len(words)))
            left = next((w for w in behind if w not in gone or w.first), None)
            if left is not None and not (left.first or left.kept):
                found.append((left.start, left.start + 1, left.text[0].upper()))
    return found


def order_sentences(
    text: str, random: Random, share: float, *, protect: Iterable[str] = (), spans: Iterable[Place] = ()
) -> str:
    """A share of the pairs of neighboring sentences the other way round, none of them twice; a text of one sentence
    stays. What stands between sentences stays where it is. A last sentence without a mark of its end gets a period
    where another takes its place.

    >>> order_sentences("It rained. We left.", Random(0), 1.0)
    'We left. It rained.'
    """
    kept = own_places(text, protect, spans)
    there = sentences_of(text)
    pairs = [p for p, (a, b) in enumerate(itertools.pairwise(there))
             if text[slice(*a)] != text[slice(*b)] and _ended(text[slice(*b)])
             and not any(s < b[1] and e > a[0] for s, e in kept)]  # fmt: skip
    random.shuffle(pairs)
    taken: set[int] = set()
    chosen = [p for p in pairs if not {p, p + 1} & taken and not taken.update((p, p + 1))]
    changes = []
    for place in chosen[: how_many(share, len(chosen))]:
        a, b = there[place], there[place + 1]
        changes += [(*a, _ended(text[slice(*b)])), (*b, text[slice(*a)])]
    return _with(text, changes)


def _ended(sentence: str) -> str:
    """A sentence with a period where it has no mark of its end; nothing where it breaks off at another mark."""
    last = sentence.rstrip("\"'”’)]")[-1:]
    if last and last in ".!?…":
        return sentence
    return "" if not last or unicodedata.category(last).startswith("P") else f"{sentence}."


def _fixed(word: Word) -> bool:
    """Whether a word may not move: kept, a negation, or perhaps a name that begins a sentence."""
    return word.kept or word.negates or (word.first and word.text[0].isupper() and not word.stop)


def _apart(changes: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Deletions that share a blank, each of it once."""
    found: list[tuple[int, int, str]] = []
    for start, end, new in sorted(changes):
        found.append((max(start, found[-1][1]) if found else start, end, new))
    return found


def _with(text: str, changes: Sequence[tuple[int, int, str]]) -> str:
    """The text with other words at these places, which do not overlap."""
    parts, place = [], 0
    for start, end, new in sorted(changes):
        parts += [text[place:start], new]
        place = end
    return "".join([*parts, text[place:]])
