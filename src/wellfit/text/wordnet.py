"""Synonyms from a WordNet dict folder (``data.noun``, ``index.noun`` ...), read as it is, without any package."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from wellfit.errors import DataError
from wellfit.text.context import describes, fits
from wellfit.text.forms import bases, inflected
from wellfit.text.words import STOP_WORDS, word_set

_KINDS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_PLAIN = re.compile(r"[a-z]{3,}")
_SENSES = 2
"""Senses of a word that are looked at, the most frequent first: later ones are rarely what is meant."""
_COMMON, _USUAL, _MEANT = 0.25, 0.6, 0.4
"""Shares of a word's counted uses: from which it may be of a kind where its neighbors allow no other, from which it is
of a kind where they say nothing, and from which a sense is the one that is meant."""
_VULGAR = word_set(
    """
    ass arse bitch bastard bloody bugger crap cunt damn fuck fucking goddam goddamn piss prick screw shit shtup
    jazz croak bang bonk hump bed fairy fag queer coon jap chink spic nigger nigga kike darky negro nance pansy poof
    pouf slut whore broad dame bird chick doll wench crippled retarded retard moron imbecile idiot
    """
)
"""Never put in: insults and vulgar words, some of which WordNet lists beside plain ones."""


@dataclasses.dataclass(frozen=True)
class WordNet:
    """A WordNet dict folder.

    A synonym is a single word of the same synset, for one of the two most frequent senses of the word, that is itself
    commonly used in that sense by the counts of ``cntlist.rev``. It comes in the form of the word it stands for
    (``films`` gives ``movies``); forms that the rules cannot make of an irregular verb are left out.

    Args:
        folder: where ``index.noun`` and the others lie.
        loose: take rarer senses and words too: for texts in which nothing sure is found.

    Raises:
        DataError: a file is missing, or a line of one is malformed, which is seen when it is read.
    """

    folder: str
    loose: bool = False

    def __post_init__(self) -> None:
        missing = [f"{part}.{kind}" for part in ("index", "data") for kind in _KINDS.values()
                   if not os.path.isfile(f"{self.folder}/{part}.{kind}")]  # fmt: skip
        if missing:
            raise DataError(
                f"{str(self.folder)[:200]!r} is no WordNet dict folder: it lacks {', '.join(missing[:4])}.",
                fix="Name the folder that holds data.noun; the system's package wordnet brings it.",
                code="WF-X02",
            )

    @property
    def name(self) -> str:
        return f"WordNet in {self.folder}"

    def choices(self, word: str, before: str = "", after: str = "") -> tuple[str, ...]:
        """Synonyms of a word in small letters, in its form, best first; none where no sense is sure enough.

        Args:
            before, after: its neighbors, which say whether it is a verb or a noun.
        """
        kinds = tuple(k for k in _KINDS if fits(k, before))
        if describes(before, after):  # a noun there is part of a name of a thing: a fun ride is no merriment ride
            kinds = ("a", "n") if self.loose else ("a",)
        return _choices(self, word, kinds)

    def looser(self) -> WordNet:
        """The same with rarer senses and words."""
        return _loose(self.folder)

    def knows(self, word: str) -> bool:
        """Whether it is a common word: one that texts were counted to hold."""
        return any(self._counts.get((base, kind)) for kind in _KINDS for base, _ in self._bases(word, kind))

    # What the files say

    @cached_property
    def _index(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """By kind and lemma, the places of its synsets, the most frequent first."""
        folder = Path(self.folder)
        lines = {kind: _lines(folder / f"index.{name}", _indexed) for kind, name in _KINDS.items()}
        return {kind: {w: places for w, places in those if "_" not in w} for kind, those in lines.items()}

    @cached_property
    def _files(self) -> dict[str, bytes]:
        return {kind: (Path(self.folder) / f"data.{name}").read_bytes() for kind, name in _KINDS.items()}

    @cached_property
    def _counts(self) -> dict[tuple[str, str], dict[int, int]]:
        """By (lemma, kind), how often each sense was counted; empty where the folder has no counts."""
        found: dict[tuple[str, str], dict[int, int]] = {}
        path = Path(self.folder) / "cntlist.rev"
        for lemma, kind, number, count in _lines(path, _counted) if path.is_file() else ():
            found.setdefault((lemma, kind), {})[number] = count
        return found

    @cached_property
    def _irregular(self) -> dict[str, tuple[dict[str, list[str]], dict[str, list[str]]]]:
        """By kind, irregular forms to bases and bases to irregular forms."""
        found = {}
        for kind, name in _KINDS.items():
            back: dict[str, list[str]] = {}
            forth: dict[str, list[str]] = {}
            path = Path(self.folder) / f"{name}.exc"
            for form, *those in _lines(path, _exception) if path.is_file() else ():
                back.setdefault(form, []).extend(those)
                for base in those:
                    forth.setdefault(base, []).append(form)
            found[kind] = back, forth
        return found

    def _bases(self, word: str, kind: str) -> list[tuple[str, str]]:
        """(lemma, form) of a word as this kind; of an irregular form only where it is the plural or the past."""
        known, (back, _) = self._index[kind], self._irregular[kind]
        if word in back:
            form = {"n": "s", "v": "ing" if word.endswith("ing") else "ed"}.get(kind, "")
            return [(base, form) for base in back[word] if base in known and form]
        return [(base, form) for base, form in bases(word, kind) if base in known][:1]

    def _uses(self, lemma: str, kind: str) -> int:
        return sum(self._counts.get((lemma, kind), {}).values())

    def _share(self, lemma: str, kind: str) -> float:
        """How much of a lemma's counted use is of this kind; of an uncounted one an equal part of its senses."""
        every = {k: self._uses(lemma, k) for k in _KINDS}
        if sum(every.values()):
            return every[kind] / sum(every.values())
        senses = {k: len(self._index[k].get(lemma, ())) for k in _KINDS}
        return senses[kind] / max(1, sum(senses.values()))

    def _readings(self, word: str) -> dict[str, tuple[str, str, float]]:
        """By kind: the lemma, the form, and how much of the word's counted use is of that kind."""
        found = {kind: base for kind in _KINDS for base in self._bases(word, kind)[:1]}
        uses = {kind: self._uses(lemma, kind) + 0.5 * bool(lemma == word) for kind, (lemma, _) in found.items()}
        whole = sum(uses.values()) or 1.0
        return {kind: (lemma, form, uses[kind] / whole) for kind, (lemma, form) in found.items()}

    def _found(self, word: str, kinds: tuple[str, ...]) -> Iterator[tuple[float, str]]:
        readings = self._readings(word)
        for kind in kinds:
            lemma, form, share = readings.get(kind, ("", "", 0.0))
            if share >= (_COMMON if len(kinds) < len(_KINDS) else _USUAL):
                yield from ((score * share, self._formed(s, kind, form)) for score, s in self._of(lemma, kind))

    def _of(self, lemma: str, kind: str) -> Iterator[tuple[float, str]]:
        """(score, lemma) of the synonyms of a lemma: how usual the sense is for it, times how usual for the other."""
        counts, uses = self._counts.get((lemma, kind), {}), self._uses(lemma, kind)
        for number, place in enumerate(self._index[kind][lemma][:_SENSES], start=1):
            own = counts.get(number, 0) / uses if uses else (1.0 if number == 1 else 0.0)
            if own < (_COMMON if self.loose else _MEANT):
                continue
            for other in self._synset(kind, place):
                if other == lemma or not _PLAIN.fullmatch(other) or other in STOP_WORDS or other in _VULGAR:
                    continue
                yield own * self._usual(other, kind, place), other

    def _usual(self, lemma: str, kind: str, place: int) -> float:
        """How much of a lemma's use is in the sense at this place."""
        places = self._index[kind].get(lemma, ())
        if place not in places:
            return 0.0
        uses = self._uses(lemma, kind)
        if not uses:  # a rare word, unless nothing is counted at all
            return 1.0 / len(places) if self.loose or not self._counts else 0.0
        used = self._counts[lemma, kind].get(places.index(place) + 1, 0) / uses
        return used * self._share(lemma, kind)

    def _synset(self, kind: str, place: int) -> tuple[str, ...]:
        data = self._files[kind]
        try:
            fields = data[place : data.index(b"\n", place)].split(b" ", 200)
            if int(fields[0]) != place:
                raise ValueError("another synset is there")
            words = [fields[4 + 2 * i].decode("ascii", "replace") for i in range(int(fields[3], 16))]
        except (ValueError, IndexError) as error:
            raise _malformed(f"data.{_KINDS[kind]}", data.count(b"\n", 0, place) + 1) from error
        return tuple(w.partition("(")[0] for w in words)

    def _formed(self, lemma: str, kind: str, form: str) -> str:
        """A lemma in a form; empty where it is irregular and the rules do not know which of its forms is meant."""
        irregular = [f for f in self._irregular[kind][1].get(lemma, ()) if not f.endswith("ing") or kind != "v"]
        if not form or not irregular or form == "ing" or (kind == "v" and form == "s"):
            return inflected(lemma, form)
        own = list(dict.fromkeys(irregular))
        return own[0] if len(own) == 1 and form in ("s", "ed") else ""


_LEAST, _LEAST_LOOSE = 0.2, 0.04
"""Score that a synonym needs: below it the sense that both words share is a rare one of the other word."""


@lru_cache(maxsize=4)
def _loose(folder: str) -> WordNet:
    return WordNet(folder, loose=True)


@lru_cache(maxsize=50_000)
def _choices(net: WordNet, word: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    if word in STOP_WORDS or not _PLAIN.fullmatch(word):
        return ()
    best: dict[str, float] = {}
    least = _LEAST_LOOSE if net.loose else _LEAST
    for score, other in net._found(word, kinds):
        if other and other != word and score >= least:
            best[other] = max(score, best.get(other, 0.0))
    return tuple(sorted(best, key=lambda w: (-best[w], w)))


Line = TypeVar("Line")


def _lines(path: Path, parsed: Callable[[str], Line]) -> Iterator[Line]:
    """Each line of a file but those of its license, as what it says; raises DataError where it says nothing."""
    for number, line in enumerate(path.read_text("ascii", "replace").splitlines(), start=1):
        if not line.startswith("  "):
            try:
                yield parsed(line)
            except (ValueError, IndexError, KeyError) as error:
                raise _malformed(path.name, number) from error


def _malformed(name: str, number: int) -> DataError:
    return DataError(
        f"line {number} of {name} is not as WordNet's files are: it is empty, cut off or of another format.",
        fix="Copy the dict folder again; the system's package wordnet brings it.",
        code="WF-X02",
    )


def _indexed(line: str) -> tuple[str, tuple[int, ...]]:
    """A lemma and the places of its synsets."""
    fields = line.split()
    count = int(fields[2])
    if not 0 < count <= len(fields) - 4:
        raise ValueError("it has fewer places than it says")
    return fields[0], tuple(int(f) for f in fields[-count:])


def _counted(line: str) -> tuple[str, str, int, int]:
    """A lemma, its kind, the number of a sense, and how often it was counted."""
    key, number, count = line.rsplit(" ", 2)
    lemma, _, rest = key.partition("%")
    return lemma, _SENSE_TYPES[rest[0]], int(number), int(count)


def _exception(line: str) -> list[str]:
    """An irregular form and its bases."""
    form, *those = line.split()
    return [form, *those]
