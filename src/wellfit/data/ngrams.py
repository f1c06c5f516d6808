"""Words, pairs of words and pieces of words as numbers: texts as two sets, for a model that is linear in them."""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy

from wellfit.data.strict import corrupt
from wellfit.data.vocabulary import FIRST_WORD, LONGEST, PADDING, tokens_of
from wellfit.errors import UsageError

MOST_OF_A_SET = 2**16
"""Entries of each of the two sets that have a number of their own."""

SHORTEST_PIECE, LONGEST_PIECE = 2, 5
"""Characters of a piece of a word; its ends are marked by spaces, which count."""

MOST_PIECES = 2048
"""Distinct pieces of a text that are read."""

_MOST_KEPT = 2**15  # words of an encoder whose numbers are kept
_LONGEST_KEPT = 24  # characters of words whose pieces are kept for the next time

_COVERED = 98  # percent of the training texts that are read to their end


def pieces_of(word: str) -> tuple[str, ...]:
    """The pieces of 2 to 5 characters of a word between two spaces.

    >>> pieces_of("no")
    (' n', 'no', 'o ', ' no', 'no ', ' no ')
    """
    return _kept_pieces(word) if len(word) <= _LONGEST_KEPT else _cut(word)


def _cut(word: str) -> tuple[str, ...]:
    marked = f" {word} "
    sizes = range(SHORTEST_PIECE, min(LONGEST_PIECE, len(marked)) + 1)
    return tuple(marked[start : start + size] for size in sizes for start in range(len(marked) - size + 1))


_kept_pieces = functools.lru_cache(maxsize=2**15)(_cut)
"""Words come again and again; of long ones, as in languages without blanks, each is another."""


def sets_of(text: str) -> tuple[list[str], list[str]]:
    """The distinct words, signs and pairs of neighbors of a text, and the distinct pieces of its words.

    >>> sets_of("No no!")
    (['no', '!', 'no no', 'no !'], [' n', 'no', 'o ', ' no', 'no ', ' no ', ' !', '! ', ' ! '])
    """
    words = tokens_of(text)
    pieces = itertools.chain.from_iterable(map(pieces_of, words))
    return list(dict.fromkeys([*words, *_pairs(words)])), list(dict.fromkeys(pieces))


def _pairs(words: Sequence[str]) -> Iterator[str]:
    return (f"{one} {other}" for one, other in itertools.pairwise(words))


@dataclass(frozen=True)
class NgramVocabulary:
    """The words, pairs and pieces that training texts hold; numbers go from 3 on, words and pairs first.

    A text is a row of two parts: ``length`` places for words and pairs, ``piece_length`` for pieces, each filled up
    with padding. A thing counts once in a text, however often it stands there.

    Args:
        words: words and pairs, each once, those of most texts first.
        pieces: pieces of words, likewise.
        length, piece_length: places of a row.
        column: the name of the texts' column; empty where texts came as a list.

    Source:
        Wang & Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification, ACL 2012 (pairs, each
        counted once); Bojanowski et al., Enriching Word Vectors with Subword Information, TACL 2017 (pieces).
    """

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    length: int
    piece_length: int
    column: str = ""

    @classmethod
    def fit(cls, texts: Sequence[str], *, size: int = MOST_OF_A_SET) -> NgramVocabulary:
        """Learn both sets from training texts.

        Args:
            size: the most entries of a set; those that most texts hold are kept, ties go by the alphabet.

        Raises:
            UsageError: the size is below 1.
        """
        if size < 1:
            raise UsageError("a vocabulary takes numbers from 1.", fix="Leave it out.", code="WF-U16")
        found = [sets_of(text) for text in texts] or [([], [])]
        words, pieces = (_most_held([row[place] for row in found], size) for place in (0, 1))
        length, piece_length = (_covering([len(row[place]) for row in found]) for place in (0, 1))
        return cls(words, pieces, min(2 * LONGEST, length), min(MOST_PIECES, piece_length))

    def __len__(self) -> int:
        """How many token numbers there are."""
        return FIRST_WORD + len(self.words) + len(self.pieces)

    @cached_property
    def _word_numbers(self) -> dict[str, int]:
        return {word: FIRST_WORD + place for place, word in enumerate(self.words)}

    @cached_property
    def _piece_numbers(self) -> dict[str, int]:
        first = FIRST_WORD + len(self.words)
        return {piece: first + place for place, piece in enumerate(self.pieces)}

    @cached_property
    def _kept_numbers(self) -> dict[str, list[int]]:
        """The numbers of the pieces of words that were met; words come again and again."""
        return {}

    def _pieces(self, word: str) -> list[int]:
        found = self._kept_numbers.get(word)
        if found is None:
            numbers = self._piece_numbers
            found = [numbers[piece] for piece in pieces_of(word) if piece in numbers]
            if len(word) <= _LONGEST_KEPT and len(self._kept_numbers) < _MOST_KEPT:
                self._kept_numbers[word] = found
        return found

    def encode(self, texts: Iterable[str]) -> numpy.ndarray:
        """(texts, length + piece_length) int64: the numbers of words and pairs, and of pieces, each with padding."""
        rows = [self._numbers(tokens_of(text)) for text in texts]
        found = numpy.full((len(rows), self.length + self.piece_length), PADDING, dtype=numpy.int64)
        for row, (words, pieces) in zip(found, rows, strict=True):
            row[: len(words)] = words
            row[self.length : self.length + len(pieces)] = pieces
        return found

    def _numbers(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        """The numbers of both sets, as many as have a place; what training did not know takes none."""
        known = (self._word_numbers.get(thing, PADDING) for thing in itertools.chain(words, _pairs(words)))
        pieces = dict.fromkeys(itertools.chain.from_iterable(map(self._pieces, words)))
        held = dict.fromkeys(known)
        held.pop(PADDING, None)
        return list(held)[: self.length], list(pieces)[: self.piece_length]

    def transform(self, texts: Iterable[str]) -> numpy.ndarray:
        """The same, by the name that encoders of every kind have."""
        return self.encode(texts)

    @staticmethod
    def shared_form(found: Sequence[NgramVocabulary]) -> list[NgramVocabulary]:
        """Vocabularies of one study in one form: as many entries as the smallest has, rows as long as the longest."""
        words, pieces = min(len(v.words) for v in found), min(len(v.pieces) for v in found)
        lengths = {n: max(getattr(v, n) for v in found) for n in ("length", "piece_length")}
        return [dataclasses.replace(v, words=v.words[:words], pieces=v.pieces[:pieces], **lengths) for v in found]

    @property
    def told(self) -> str:
        """What is known, for people."""
        return f"{len(self.words):,} words and pairs of words, {len(self.pieces):,} pieces of words"

    def to_json(self) -> dict[str, Any]:
        """Names and numbers only."""
        return {
            "words": list(self.words), "pieces": list(self.pieces), "length": self.length,
            "piece_length": self.piece_length, "column": self.column,
        }  # fmt: skip

    @classmethod
    def from_json(cls, form: Any) -> NgramVocabulary:
        """Raises RunFolderError where it is not what ``to_json`` gave."""
        try:
            sets = form["words"], form["pieces"]
            if not all(isinstance(held, list) for held in sets):
                raise ValueError("words and pieces are lists")
            if not all(isinstance(w, str) for held in sets for w in held) or any(len(set(s)) != len(s) for s in sets):
                raise ValueError("words and pieces are texts, each once")
            lengths = form["length"], form["piece_length"]
            if not all(type(n) is int and 1 <= n <= MOST_PIECES * 16 for n in lengths):
                raise ValueError("a length is out of range")
            if not isinstance(form["column"], str):
                raise ValueError("a column's name is a text")
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise corrupt("the vocabulary", str(error)) from error
        return cls(tuple(sets[0]), tuple(sets[1]), *lengths, form["column"])


def _most_held(rows: Sequence[list[str]], size: int) -> tuple[str, ...]:
    counts = collections.Counter(itertools.chain.from_iterable(rows))
    return tuple(sorted(counts, key=lambda w: (-counts[w], w))[:size])


def _covering(lengths: Sequence[int]) -> int:
    return max(1, int(numpy.ceil(numpy.percentile(lengths, _COVERED))))
