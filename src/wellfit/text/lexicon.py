"""Where synonyms come from: a WordNet folder, nltk's WordNet, a plain file of groups, or a small list of one's own."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from wellfit.errors import DataError, MissingExtra, RecipeError, RecipeWarning
from wellfit.text.context import fits
from wellfit.text.forms import bases, formed, irregular_bases
from wellfit.text.wordnet import WordNet
from wellfit.text.words import STOP_WORDS

KINDS = ("auto", "wordnet", "nltk", "file", "small")
"""How a recipe names a lexicon; where it lies is said by ``WELLFIT_LEXICON``, or it is found."""

VARIABLE = "WELLFIT_LEXICON"
_FOLDERS = (
    "/usr/share/wordnet", "/usr/share/wordnet/dict", "/usr/local/WordNet-3.0/dict", "/usr/local/WordNet-3.1/dict",
    "/usr/lib/wordnet/dict", "/opt/homebrew/opt/wordnet/dict", "/usr/local/opt/wordnet/dict",
)  # fmt: skip
_LARGEST = 50_000_000  # bytes of a file of groups

_SMALL = {
    "n": """
    film, movie | child, kid | story, tale | error, mistake | picture, image | idea, notion | performer, entertainer
    actor, player | author, writer | house, home | job, task | refund, repayment | client, customer
    """,
    "v": "start, begin | buy, purchase | help, assist | speak, talk",
    "nv": "end, finish | answer, reply | bill, invoice",
    "ar": """
    big, large | little, small | funny, humorous | boring, tedious | dull, dreary | smart, clever | quick, fast
    quickly, rapidly | slow, sluggish | sad, unhappy | happy, glad | scary, frightening | awful, terrible, dreadful
    wonderful, marvelous | excellent, superb | beautiful, lovely | strange, odd | silly, foolish | difficult, hard
    simple, easy | important, significant | whole, entire | often, frequently | usually, normally | nearly, roughly
    perhaps, maybe | totally, completely | charming, delightful | cheap, inexpensive | expensive, costly
    broken, damaged
    """,
}
"""By the letters of their kinds (see ``fits``): a noun has a plural, a verb has a past, the others are as they are."""


class Lexicon(Protocol):
    """What synonyms are asked of. One of your own is an object with these two."""

    @property
    def name(self) -> str: ...

    def choices(self, word: str, before: str = "", after: str = "") -> tuple[str, ...]:
        """Synonyms of a word in small letters, in its form; its neighbors say whether it is a verb or a noun."""
        ...


@dataclasses.dataclass(frozen=True)
class Groups:
    """Groups of words that can stand for each other; plural and verb forms are taken to their base.

    Args:
        groups: words of each group.
        name: what it is called where it is told of.
        kinds: of each group the letters of what its words are (n, v, a or r); by default they may be anything.

    >>> Groups((("film", "movie"), ("watch", "look at"))).choices("watched")
    ('looked at',)
    """

    groups: tuple[tuple[str, ...], ...]
    name: str = "groups of words"
    kinds: tuple[str, ...] = ()

    @cached_property
    def _others(self) -> dict[str, dict[str, str]]:
        """By word, the others of its groups, and what they are."""
        found: dict[str, dict[str, str]] = {}
        for group, kinds in zip(self.groups, self.kinds or ("nvar",) * len(self.groups), strict=True):
            for word in group:
                found.setdefault(word, {}).update((w, kinds) for w in group if w != word)
        return found

    def choices(self, word: str, before: str = "", after: str = "") -> tuple[str, ...]:
        others = self._others.get(word, {})
        same = tuple(w for w, kinds in others.items() if kinds != "v" or fits("v", before))
        if same:
            return same
        for kind in ("n", "v") if not others else ():
            for base, form in (*irregular_bases(word, kind), *bases(word, kind)):
                if form and base not in STOP_WORDS and fits(kind, before):
                    there = (w for w, kinds in self._others.get(base, {}).items() if kind in kinds)
                    made = tuple(w for w in (formed(w, form, kind) for w in there) if w)
                    if made:
                        return made
        return ()


def groups_from_file(path: str | Path) -> Groups:
    """A lexicon from a plain file (UTF-8): on each line the words of a group, commas between them; # begins a remark.

    Raises:
        DataError: the file cannot be read, or no line holds two words.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        lines = path.read_text("utf-8-sig").splitlines() if size <= _LARGEST else []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"the lexicon {str(path)[:200]!r} cannot be read: {reason}.", fix="Name a file of UTF-8.", code="WF-X03"
        ) from error
    if size > _LARGEST:
        raise DataError(f"{path.name} has over {_LARGEST:,} bytes.", fix="Take a shorter list.", code="WF-X03")
    found = _groups(line.partition("#")[0] for line in lines)
    if not found:
        raise DataError(
            f"{path.name} holds no group of words.", fix="Write a group a line: film, movie, picture", code="WF-X03"
        )
    return Groups(found, f"{path.name} ({len(found):,} groups)")


def _groups(lines: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    split = ([w.strip().lower() for w in line.split(",") if w.strip()] for line in lines)
    return tuple(tuple(dict.fromkeys(g)) for g in split if len(set(g)) > 1)


@dataclasses.dataclass(frozen=True)
class Nltk:
    """nltk's WordNet, where a person has it: the synonyms of the first sense, of the kind that nltk lists first."""

    name: str = "nltk's WordNet"

    def choices(self, word: str, before: str = "", after: str = "") -> tuple[str, ...]:
        return _asked(word) if word not in STOP_WORDS else ()


def _corpus() -> Any:
    try:
        from nltk.corpus import wordnet
    except ModuleNotFoundError as error:
        raise MissingExtra("nltk", "text") from error
    try:
        wordnet.ensure_loaded()
    except LookupError as error:
        raise DataError(
            "nltk is there, and its WordNet is not.", fix="Fetch it in Python: nltk.download('wordnet').", code="WF-X04"
        ) from error  # fmt: skip
    return wordnet


@lru_cache(maxsize=50_000)
def _asked(word: str) -> tuple[str, ...]:
    corpus = _corpus()
    for synset in corpus.synsets(word)[:1]:
        kind = "a" if synset.pos() == "s" else synset.pos()
        form = next((f for base, f in bases(word, kind) if base in synset.lemma_names()), None)
        names = [n for n in synset.lemma_names() if n.isalpha() and n.islower() and n not in STOP_WORDS]
        if form is not None:
            return tuple(dict.fromkeys(w for w in (formed(n, form, kind) for n in names) if w and w != word))
    return ()


def _small() -> Groups:
    every = [(g, kinds) for kinds, listed in _SMALL.items() for g in _groups(listed.replace("\n", "|").split("|"))]
    return Groups(tuple(g for g, _ in every), "wellfit's own small list", tuple(kinds for _, kinds in every))


SMALL = _small()
"""What is used where there is nothing better: it covers few texts."""


def check_lexicon(kind: str) -> None:
    """Raises RecipeError where no lexicon is called so."""
    if kind not in KINDS:
        raise RecipeError(f"no lexicon is called {kind!r}; there are {', '.join(KINDS)}.", code="WF-X01")


def find_lexicon(kind: str = "auto", place: str | Path | None = None) -> Lexicon:
    """The lexicon of a kind.

    Args:
        kind: ``wordnet`` (a dict folder), ``nltk``, ``file`` (groups of words), ``small`` (a few dozen groups that come
            with wellfit), or ``auto``: the first of these that is there.
        place: the folder or the file; by default what the environment's ``WELLFIT_LEXICON`` says, then, for WordNet,
            where system packages put it.

    Raises:
        RecipeError: no lexicon is called so.
        DataError: what is asked for is not there.
    """
    given = str(place) if place is not None else os.environ.get(VARIABLE, "")
    check_lexicon(kind)
    if kind == "nltk":
        _corpus()
        return Nltk()
    if kind == "small":
        return SMALL
    if kind == "file" or (kind == "auto" and given and os.path.isfile(given)):
        return groups_from_file(_required(given, "file of groups"))
    found = [given] if given else [f for f in _FOLDERS if os.path.isfile(f"{f}/data.noun")]
    if found or kind == "wordnet":
        return _read(_required(found[0] if found else "", "WordNet dict folder"))
    return _last()


@lru_cache(maxsize=4)
def _read(folder: str) -> WordNet:
    return WordNet(folder)


def _required(given: str, what: str) -> str:
    if not given:
        raise DataError(
            f"no {what} is known.", fix=f"Say where it lies: {VARIABLE}=PATH, or place=PATH in Python.", code="WF-X02"
        )
    return given


def _last() -> Lexicon:
    """nltk's WordNet, or the small list with a warning."""
    try:
        _corpus()
        return Nltk()
    except (MissingExtra, DataError):
        warnings.warn(
            f"WF-X05 warning: no WordNet was found, so synonyms come from wellfit's own list of {len(SMALL.groups)} "
            f"groups, which covers few texts. Install the system's wordnet package, or say {VARIABLE}=PATH.",
            RecipeWarning,
            stacklevel=3,
        )
        return SMALL


def has_lexicon() -> bool:
    """Whether a lexicon other than the small list is there, or was named."""
    return bool(os.environ.get(VARIABLE)) or any((Path(f) / "data.noun").is_file() for f in _FOLDERS)
