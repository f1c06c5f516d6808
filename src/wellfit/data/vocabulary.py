"""Words as numbers: which words a study knows, and texts as rows of their numbers."""

from __future__ import annotations

import collections
import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy

from wellfit.data.strict import corrupt
from wellfit.errors import UsageError

PADDING, UNKNOWN, MASK = 0, 1, 2
"""Token numbers that are no words: nothing at all, a word that training did not know, and a word that is hidden."""

FIRST_WORD = 3
MOST_WORDS = 20_000
LONGEST = 256
"""Words of a text that are read: memory and time grow with it, and reviews say early what they are about."""

_COVERED = 95  # percent of the training texts that are read to their end
_RARE_FROM = 1000  # texts: of fewer, words that come only once are kept, since most do
JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner, which stand inside of words of Arabic and Indian scripts."""
MARK_BLOCKS = (
    (0x300, 0x3100), (0xA600, 0xAC00), (0xFB1E, 0xFB1F), (0xFE20, 0xFE30), (0x10000, 0x12000), (0x16A00, 0x17000),
    (0x1E000, 0x1E950),
)  # fmt: skip
"""Where Unicode has marks of scripts; those that say how a picture looks (from U+FE00) belong to no word."""


@cache
def _token(ascii_alone: bool) -> re.Pattern[str]:
    """Words with the marks on their letters, and single signs; without marks, where there are none, it is faster."""
    every = (chr(c) for start, end in MARK_BLOCKS for c in range(start, end))
    marks = "" if ascii_alone else "".join(c for c in every if unicodedata.category(c) in ("Mn", "Mc")) + JOINERS
    marked = f"|[{marks}]+\\w*" if marks else ""
    return re.compile(rf"\w+(?:['’]\w+{marked})*|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Words, numbers and single signs of a text, in small letters and composed form (NFC); marks stay on their letters.

    >>> tokens_of("It's 2 good, not?")
    ["it's", '2', 'good', ',', 'not', '?']
    """
    composed = unicodedata.normalize("NFC", str(text)).lower()
    return _token(composed.isascii()).findall(composed)


@dataclass(frozen=True)
class Vocabulary:
    """The words that training texts hold, most frequent first; word i has the number i + 3.

    Args:
        words: each once.
        length: tokens of a text that are read; the rest is left out.
        column: the name of the texts' column; empty where texts came as a list.
    """

    words: tuple[str, ...]
    length: int
    column: str = ""

    @classmethod
    def fit(
        cls, texts: Sequence[str], *, size: int = MOST_WORDS, minimum: int | None = None, length: int | None = None
    ) -> Vocabulary:
        """Learn words from training texts.

        Args:
            size: the most words; those that come most often are kept, ties go by the alphabet.
            minimum: texts' words that come less often are unknown; by default 2 from 1,000 texts on, else 1.
            length: tokens of a text; by default what 95 % of the texts have at most, and 256 at most.

        Raises:
            UsageError: a number is below 1.
        """
        least = minimum if minimum is not None else (2 if len(texts) >= _RARE_FROM else 1)
        if min(size, least, length or 1) < 1:
            raise UsageError("a vocabulary takes numbers from 1.", fix="Leave them out.", code="WF-U16")
        rows = [tokens_of(t) for t in texts]
        counts = collections.Counter(word for row in rows for word in row)
        chosen = sorted((w for w, n in counts.items() if n >= least), key=lambda w: (-counts[w], w))[:size]
        lengths = [len(row) for row in rows] or [1]
        read = length or max(1, min(LONGEST, int(numpy.ceil(numpy.percentile(lengths, _COVERED)))))
        return cls(tuple(chosen), read)

    def __len__(self) -> int:
        """How many token numbers there are."""
        return FIRST_WORD + len(self.words)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: FIRST_WORD + place for place, word in enumerate(self.words)}

    def encode(self, texts: Iterable[str]) -> numpy.ndarray:
        """(texts, length) int64: the words' numbers, then padding."""
        rows = [[self._numbers.get(w, UNKNOWN) for w in tokens_of(t)[: self.length]] for t in texts]
        found = numpy.full((len(rows), self.length), PADDING, dtype=numpy.int64)
        for place, row in enumerate(rows):
            found[place, : len(row)] = row
        return found

    def transform(self, texts: Iterable[str]) -> numpy.ndarray:
        """The same, by the name that encoders of every kind have."""
        return self.encode(texts)

    @property
    def told(self) -> str:
        """What is known and read, for people."""
        return f"{len(self.words):,} words, {self.length} of a text are read"

    def cut(self, words: int, length: int) -> Vocabulary:
        """The most frequent of its words, and texts of another length."""
        return dataclasses.replace(self, words=self.words[:words], length=length)

    @staticmethod
    def shared_form(found: Sequence[Vocabulary]) -> list[Vocabulary]:
        """Vocabularies of one study in one form: the words of the smallest, the length of the longest."""
        words, length = min(len(v.words) for v in found), max(v.length for v in found)
        return [v.cut(words, length) for v in found]

    def to_json(self) -> dict[str, Any]:
        return {"words": list(self.words), "length": self.length, "column": self.column}

    @classmethod
    def from_json(cls, form: Any) -> Vocabulary:
        """Raises RunFolderError where it is not what ``to_json`` gave."""
        try:
            words, length, column = form["words"], form["length"], form.get("column", "")
            listed = isinstance(words, list) and all(isinstance(w, str) for w in words)
            if not listed or len(set(words)) != len(words):
                raise ValueError("words are texts, each once")
            if type(length) is not int or not 1 <= length <= LONGEST * 16:
                raise ValueError("the length is out of range")
            if not isinstance(column, str):
                raise ValueError("a column's name is a text")
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise corrupt("the vocabulary", str(error)) from error
        return cls(tuple(words), length, column)
