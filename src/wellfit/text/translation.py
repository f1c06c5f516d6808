"""Back-translation: texts through another language and back, with filters, a cache, and what is protected intact."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from wellfit.errors import DataError, UsageError
from wellfit.files import write_text
from wellfit.text.words import kept_in

Translator = Callable[[list[str]], list[str]]
"""Some texts, there and back again, in their order: what ``there_and_back`` makes of two models, or one of your own."""

FORMAT, VERSION = "wellfit.translations", 1
_LARGEST = 500_000_000  # bytes of a cache
_WRITTEN_EVERY = 16  # batches: an interruption loses no more than these
_LETTERS = re.compile(r"\w+")


@dataclasses.dataclass
class Cache:
    """Translations that were made already, in a JSON file that is written whole or not at all.

    Args:
        path: of the file; it need not be there.
        name: of the translator: others' translations in the file are left as they are.

    Raises:
        DataError: the file is there and is no cache.
    """

    path: Path
    name: str

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        self.found: dict[str, str] = dict(self._read().get(self.name, {}))
        self._new: dict[str, str] = {}

    def __getitem__(self, text: str) -> str | None:
        return self.found.get(text)

    def add(self, texts: Sequence[str], translated: Sequence[str]) -> None:
        made = dict(zip(texts, translated, strict=True))
        self.found.update(made)
        self._new.update(made)

    def write(self) -> None:
        """Write what is new beside what the file holds by now."""
        if self._new:
            every = self._read()
            every.setdefault(self.name, {}).update(self._new)
            form = {"format": FORMAT, "version": VERSION, "translations": every}
            write_text(self.path, json.dumps(form) + "\n")
            self._new = {}

    def _read(self) -> dict[str, dict[str, str]]:
        if not self.path.exists():
            return {}
        try:
            if self.path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            form = json.loads(self.path.read_text("utf-8"))
            every = form["translations"]
            good = form["format"] == FORMAT and form["version"] == VERSION
            if not good or not all(isinstance(t, str) for held in every.values() for p in held.items() for t in p):
                raise ValueError("it is of another format")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.path.name} is no cache of translations: {error}.", fix="Name another file.", code="WF-X07"
            ) from error
        return every


def back_translate(
    texts: Sequence[str], translate: Translator, *, batch: int = 32, ratio: float = 2.0, protect: Iterable[str] = (),
    spans: Sequence[Iterable[tuple[int, int]]] | None = None, cache: Cache | None = None,
) -> list[str]:  # fmt: skip
    """Each text in other words, or as it is where what came back is not to be used.

    What came back is refused where it says the same in the same words (letters' case, marks and blanks left out of
    account), where it is more than ``ratio`` times as long or as short in words, and where a protected span is not in
    it: names, numbers, addresses, mentions, tokens in brackets, and what a person protects. A text whose spans were
    lost is tried once more with a word in the place of each.

    Args:
        translate: there and back.
        batch: texts a call.
        ratio: above 1.
        spans: for each text the places that have to stay as they are.
        cache: asked first; new translations go into it.

    Raises:
        UsageError: a number makes no sense, or the translator gives another number of texts than it was given.

    >>> back_translate(["A dull film.", "See 3 films!"], lambda texts: [t.replace("film", "movie") for t in texts])
    ['A dull movie.', 'See 3 movies!']
    """
    if batch < 1 or not ratio > 1:
        raise UsageError(
            "back_translate takes a batch from 1 and a ratio above 1.", fix="Leave them out.", code="WF-X08"
        )
    phrases = tuple(protect)
    places = spans if spans is not None else [()] * len(texts)
    kept = [kept_in(text, phrases, own) for text, own in zip(texts, places, strict=True)]
    came = _translated(list(texts), translate, batch, cache)
    lost = [i for i, (new, held) in enumerate(zip(came, kept, strict=True)) if not _holds(texts[i], new, held)]
    masked = {i: _masked(texts[i], kept[i]) for i in lost}
    again = _translated([masked[i] for i in lost], translate, batch, cache)
    for i, new in zip(lost, again, strict=True):
        came[i] = _filled(new, kept[i])
    usable = [_usable(old, new, held, ratio) for old, new, held in zip(texts, came, kept, strict=True)]
    return [new if ok else old for old, new, ok in zip(texts, came, usable, strict=True)]


def _translated(texts: list[str], translate: Translator, batch: int, cache: Cache | None) -> list[str]:
    """Each different text once, in batches; the cache is written now and then, and at the end whatever happens."""
    found = {t: cache[t] for t in texts if cache is not None and cache[t] is not None}
    asked = [t for t in dict.fromkeys(texts) if t not in found and t.strip()]
    try:
        for number, start in enumerate(range(0, len(asked), batch)):
            some = asked[start : start + batch]
            made = [str(t) for t in translate(some)]
            if len(made) != len(some):
                came = f"the translator was given {len(some)} texts and gave {len(made)}"
                raise UsageError(f"{came}.", fix="It has to answer each text with one.", code="WF-X11")
            found.update(zip(some, made, strict=True))
            if cache is not None:
                cache.add(some, made)
                if number % _WRITTEN_EVERY == _WRITTEN_EVERY - 1:
                    cache.write()
    finally:
        if cache is not None:
            cache.write()
    return [str(found.get(t, t)) for t in texts]


def _holds(old: str, new: str, kept: Sequence[str]) -> bool:
    return all(new.count(span) == old.count(span) for span in kept)


def _masked(text: str, kept: Sequence[str]) -> str:
    """The text with a made word in the place of each protected span, of those that overlap the longest."""
    number = {span: f"XQ{place:02d}X" for place, span in enumerate(kept)}
    pattern = "|".join(re.escape(span) for span in sorted(kept, key=len, reverse=True))
    return re.sub(pattern, lambda m: number[m[0]], text)


def _filled(text: str, kept: Sequence[str]) -> str:
    def span(made: re.Match[str]) -> str:
        return kept[int(made[1])] if int(made[1]) < len(kept) else made[0]

    return re.sub(r"XQ(\d{2,})X", span, text)


def _usable(old: str, new: str, kept: Sequence[str], ratio: float) -> bool:
    before, after = (_LETTERS.findall(t.lower()) for t in (old, new))
    same = before == after or not after
    long = not 1 / ratio <= len(after) / max(1, len(before)) <= ratio
    return not (same or long) and _holds(old, new, kept)


@dataclasses.dataclass
class Marian:
    """A MarianMT model of transformers as a translator in one direction; it is loaded when it is first called.

    The same texts have the same translation: beams are searched, nothing is drawn. Texts of like length share a batch.

    Args:
        model: a name such as ``Helsinki-NLP/opus-mt-en-de``, or a folder.
        batch: texts that are translated at once.
        beams: of the search.
        longest: tokens of a text and of its translation, no more than the model has places for; the rest is cut off.
        device: of torch.

    Raises:
        MissingExtra: transformers or sentencepiece is not installed.
        DataError: there is no such model here, and it cannot be fetched.
    """

    model: str
    batch: int = 32
    beams: int = 4
    longest: int = 256
    device: str = "cpu"
    _loaded: Any = dataclasses.field(default=None, repr=False)

    def __call__(self, texts: list[str]) -> list[str]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = [""] * len(texts)
        for start in range(0, len(order), self.batch):
            places = order[start : start + self.batch]
            for place, new in zip(places, self._batch([texts[i] for i in places]), strict=True):
                found[place] = new
        return found

    def _batch(self, texts: list[str]) -> list[str]:
        import torch

        tokenizer, model = self._load()
        most = min(self.longest, model.config.max_position_embeddings - 1)  # one more place begins the translation
        read = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=most)
        with torch.no_grad():
            made = model.generate(**read.to(self.device), num_beams=self.beams, do_sample=False, max_new_tokens=most)
        return [str(t) for t in tokenizer.batch_decode(made, skip_special_tokens=True)]

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = load_marian(self.model, self.device)
        return self._loaded


def load_marian(model: str, device: str) -> tuple[Any, Any]:
    """The tokenizer and the network of a MarianMT model; see ``Marian`` for what is raised."""
    import importlib.util

    from wellfit.errors import MissingExtra

    for package in ("transformers", "sentencepiece"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "text")
    import torch
    from transformers import MarianMTModel, MarianTokenizer

    try:
        with torch.random.fork_rng(devices=[]):  # weights are drawn before they are read
            tokenizer, network = MarianTokenizer.from_pretrained(model), MarianMTModel.from_pretrained(model)
    except (OSError, ValueError, TypeError) as error:  # transformers 5 hands on the None of a file it did not find
        raise DataError(
            f"the translation model {model} cannot be loaded: {str(error).splitlines()[0]}",
            fix="Fetch it once while there is a network, or name a folder that holds it.",
            code="WF-X09",
        ) from error
    return tokenizer, network.to(device).eval()


def there_and_back(there: Translator, back: Translator) -> Translator:
    """Two translators one after the other.

    >>> there_and_back(lambda ts: [t.upper() for t in ts], lambda ts: [t.lower() for t in ts])(["Ja"])
    ['ja']
    """
    return lambda texts: back(there(texts))
