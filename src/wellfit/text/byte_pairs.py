"""Byte-pair encoding with dropout: a word is cut into other pieces each time, in a way that a seed repeats."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from random import Random
from typing import Any

from wellfit.errors import UsageError


@dataclasses.dataclass(frozen=True)
class BytePairs:
    """The merges of a byte-pair encoding, and the numbers of its pieces.

    Args:
        merges: pairs of pieces in the order in which they were learned.
        numbers: of each piece.
        special: pieces that are no text: padding, ends, masks; they are never cut.
        prefix: what a piece begins with that goes on within a word (``##``), or empty.
        suffix: what a piece ends with that ends a word (``</w>``), or empty.

    >>> pairs = BytePairs((("l", "o"), ("lo", "w")), {"l": 0, "o": 1, "w": 2, "lo": 3, "low": 4})
    >>> pairs.cut(["l", "o", "w"], 0.0, Random(0)), pairs.cut(["l", "o", "w"], 1.0, Random(0))
    (['low'], ['l', 'o', 'w'])
    """

    merges: tuple[tuple[str, str], ...]
    numbers: Mapping[str, int]
    special: frozenset[str] = frozenset()
    prefix: str = ""
    suffix: str = ""

    @classmethod
    def of(cls, tokenizer: Any) -> BytePairs:
        """The byte pairs of a ``tokenizers.Tokenizer``, of a fast tokenizer of transformers, or of itself.

        Raises:
            UsageError: it is none of these, or it is no byte-pair encoding.
        """
        if isinstance(tokenizer, BytePairs):
            return tokenizer
        inner = getattr(tokenizer, "backend_tokenizer", tokenizer)
        form = json.loads(inner.to_str()) if hasattr(inner, "to_str") else {}
        model = form.get("model", {})
        if model.get("type") != "BPE":
            raise UsageError(
                f"BPE-dropout takes a byte-pair tokenizer, not {model.get('type') or type(tokenizer).__name__}.",
                fix="tokenizers.Tokenizer with models.BPE is one, and so are those of GPT-2 and RoBERTa.",
                code="WF-X10",
            )
        merges = tuple(tuple(m) if not isinstance(m, str) else tuple(m.split(" ", 1)) for m in model["merges"])
        added = {t["content"]: t["id"] for t in form.get("added_tokens", [])}
        marks = (model.get(mark) or "" for mark in ("continuing_subword_prefix", "end_of_word_suffix"))
        return cls(merges, {**model["vocab"], **added}, frozenset(added), *marks)  # type: ignore[arg-type]

    @cached_property
    def _ranks(self) -> dict[tuple[str, str], int]:
        return {pair: place for place, pair in reversed(list(enumerate(self.merges)))}

    @cached_property
    def _pieces(self) -> dict[int, str]:
        return {number: piece for piece, number in self.numbers.items()}

    @cached_property
    def _parts(self) -> dict[str, tuple[str, str]]:
        """By a piece, the pair it was merged from; the first where there are several."""
        found: dict[str, tuple[str, str]] = {}
        for a, b in self.merges:
            found.setdefault(self._joined(a, b), (a, b))
        return found

    def _joined(self, a: str, b: str) -> str:
        return a + b.removeprefix(self.prefix)

    def symbols(self, piece: str) -> list[str]:
        """What a piece was merged from in the end: single letters or bytes, as far as merges say."""
        if piece not in self._parts:
            return [piece]
        a, b = self._parts[piece]
        return self.symbols(a) + self.symbols(b)

    def cut(self, symbols: Sequence[str], p: float, random: Random) -> list[str]:
        """A word's symbols merged again; at each step each merge that could be made is left out with probability p.

        Of those that are left the one that was learned first is made; where none is left the word is done.
        """
        pieces = list(symbols)
        while len(pieces) > 1:
            there = [(self._ranks[pair], place) for place, pair in enumerate(itertools.pairwise(pieces))
                     if pair in self._ranks]  # fmt: skip
            left = [found for found in there if random.random() >= p]
            if not left:
                break
            _, place = min(left)
            pieces[place : place + 2] = [self._joined(pieces[place], pieces[place + 1])]
        return pieces

    def cut_again(
        self, numbers: Sequence[int], p: float, random: Random, words: Sequence[int | None] | None = None
    ) -> list[int]:
        """Token numbers of one text with every word cut anew; special ones and unknown numbers stay as they are.

        Args:
            words: of each token the number of its word, as tokenizers tell it. Without it words are told by the marks
                of their pieces; where a tokenizer has none, each piece is cut by itself.
        """
        found: list[int] = []
        for group in self._words([int(n) for n in numbers], words):
            pieces = [self._pieces.get(n) for n in group]
            if any(piece is None or piece in self.special for piece in pieces):
                found += group
                continue
            new = self.cut([s for piece in pieces for s in self.symbols(str(piece))], p, random)
            found += [self.numbers[n] for n in new] if all(n in self.numbers for n in new) else group
        return found

    def _words(self, numbers: Sequence[int], words: Sequence[int | None] | None) -> Iterator[list[int]]:
        held: list[int] = []
        for place, number in enumerate(numbers):
            goes_on = words[place] == words[place - 1] is not None if words and place else self._goes_on(number, held)
            if held and not goes_on:
                yield held
                held = []
            held.append(number)
        if held:
            yield held

    def _goes_on(self, number: int, held: Sequence[int]) -> bool:
        """Whether a piece belongs to the word of those before it, by its marks."""
        piece, before = self._pieces.get(number, ""), self._pieces.get(held[-1], "") if held else ""
        if not piece or not before or piece in self.special or before in self.special:
            return False
        if self.prefix:
            return piece.startswith(self.prefix)
        if self.suffix:
            return not before.endswith(self.suffix)
        return self._opens and not piece.startswith(_OPENING)

    @cached_property
    def _opens(self) -> bool:
        """Whether pieces that begin a word carry a mark."""
        return any(piece.startswith(_OPENING) for piece in self.numbers)


_OPENING = ("Ġ", "▁")
"""What a piece begins with that begins a word, in byte-level encodings and in those of sentencepiece."""


def bpe_dropout(tokenizer: Any, texts: Sequence[str], p: float, *, seed: int = 0) -> list[list[str]]:
    """The pieces of each text under BPE-dropout; at p = 0 those of the tokenizer itself.

    The dropout that tokenizers itself offers draws from a generator that no seed reaches; here the same seed gives the
    same pieces, in several processes too. No special tokens are added.

    Args:
        tokenizer: a ``tokenizers.Tokenizer`` with a byte-pair model, or a fast tokenizer of transformers.
        p: probability that a merge is left out, 0 to 1; 0.1 is usual.

    Raises:
        UsageError: the tokenizer is no byte-pair encoding, or p is no probability.
    """
    from wellfit.text.many_texts import generator_of

    if not 0 <= p <= 1:
        raise UsageError(f"p is {p}; 0 to 1 is allowed.", fix="0.1 is usual.", code="WF-X08")
    pairs, inner = BytePairs.of(tokenizer), getattr(tokenizer, "backend_tokenizer", tokenizer)
    found = []
    for text in texts:
        read = inner.encode(text, add_special_tokens=False)
        new = pairs.cut_again(read.ids, p, generator_of(text, seed), read.word_ids)
        found.append([pairs._pieces[n] for n in new])
    return found
