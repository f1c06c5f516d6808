"""Back-translation: texts through another language and back, with filters, a cache, and what is protected intact."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from wellfit.errors import DataError, UsageError
from wellfit.text.cache import Cache
from wellfit.text.letters import parts_of
from wellfit.text.places import Place, phrases_of
from wellfit.text.words import kept_in, negated

Translator = Callable[[list[str]], list[str]]
"""Some texts, there and back again, in their order: what ``there_and_back`` makes of two models, or one of your own."""

_WRITTEN_EVERY = 16  # batches: an interruption loses no more than these


def back_translate(
    texts: Sequence[str], translate: Translator, *, batch: int = 32, ratio: float = 2.0, protect: Iterable[str] = (),
    spans: Sequence[Iterable[Place]] | None = None, cache: Cache | None = None,
) -> list[str]:  # fmt: skip
    """Each text in other words, or as it is where what came back is not to be used.

    What came back is refused where it says the same in the same words (letters' case, marks and blanks left out of
    account), where it is more than ``ratio`` times as long or as short in words, and where a protected span is not in
    it: names, numbers, addresses, mentions, tokens in brackets, and what a person protects. It is refused as well where
    one of the two has a negation and the other has none. A text whose spans were lost is tried once more with a word in
    the place of each.

    Args:
        translate: there and back.
        batch: texts a call.
        ratio: above 1.
        protect: words and phrases; a text holds them with commas between.
        spans: for each text the places that have to stay as they are.
        cache: asked first; new translations go into it.

    Raises:
        UsageError: a number or a span makes no sense, or the translator does not answer each text with a text.
        RunFolderError: the cache cannot be written where it lies.

    >>> back_translate(["A dull film.", "See 3 films!"], lambda texts: [t.replace("film", "movie") for t in texts])
    ['A dull movie.', 'See 3 movies!']
    """
    if batch < 1 or not ratio > 1:
        raise UsageError(
            "back_translate takes a batch from 1 and a ratio above 1.", fix="Leave them out.", code="WF-X08"
        )
    phrases, places = phrases_of(protect), _listed(spans, len(texts))
    kept = [kept_in(text, phrases, own) for text, own in zip(texts, places, strict=True)]
    came = _translated(list(texts), translate, batch, cache)
    lost = [i for i, (new, held) in enumerate(zip(came, kept, strict=True)) if not _holds(texts[i], new, held)]
    masked = {i: _masked(texts[i], kept[i]) for i in lost}
    again = _translated([masked[i] for i in lost], translate, batch, cache)
    for i, new in zip(lost, again, strict=True):
        came[i] = _filled(new, kept[i])
    usable = [_usable(old, new, held, ratio) for old, new, held in zip(texts, came, kept, strict=True)]
    return [new if ok else old for old, new, ok in zip(texts, came, usable, strict=True)]


def _listed(spans: Sequence[Iterable[Place]] | None, count: int) -> Sequence[Iterable[Place]]:
    """The spans of each text; raises UsageError where they are of another number of texts."""
    if spans is None:
        return [()] * count
    if not isinstance(spans, Sequence) or isinstance(spans, str) or len(spans) != count:
        raise UsageError(
            f"spans is no list of {count} lists, one for each text.",
            fix="Give each text its own list: [[(0, 4)], []].",
            code="WF-X08",
        )
    return spans


def _translated(texts: list[str], translate: Translator, batch: int, cache: Cache | None) -> list[str]:
    """Each different text once, in batches; the cache is written now and then, and at the end whatever happens."""
    found = {t: cache[t] for t in texts if cache is not None and cache[t] is not None}
    asked = [t for t in dict.fromkeys(texts) if t not in found and t.strip()]
    if asked and cache is not None:
        cache.check_folder()
    try:
        for number, start in enumerate(range(0, len(asked), batch)):
            some = asked[start : start + batch]
            made = answers(translate, some)
            found.update(zip(some, made, strict=True))
            if cache is not None:
                cache.add(some, made)
                if number % _WRITTEN_EVERY == _WRITTEN_EVERY - 1:
                    cache.write()
    finally:
        if cache is not None:
            cache.write()
    return [str(found.get(t, t)) for t in texts]


def answers(translate: Translator, texts: list[str]) -> list[str]:
    """What a translator gives for these texts; raises UsageError where that is not a text for each."""
    came = translate(texts)
    if isinstance(came, str | bytes) or not isinstance(came, Iterable):
        raise _no_answer(f"was given a list of texts and gave {str(came)[:40]!r}")
    made = list(came)
    for new in made:
        if not isinstance(new, str):
            raise _no_answer(f"gave {str(new)[:40]!r} ({type(new).__name__}) for a text")
    if len(made) != len(texts):
        raise _no_answer(f"was given {len(texts)} texts and gave {len(made)}")
    return [str(t) for t in made]


def _no_answer(came: str) -> UsageError:
    return UsageError(f"the translator {came}.", fix="It has to answer each text with one.", code="WF-X11")


def _holds(old: str, new: str, kept: Sequence[str]) -> bool:
    for span in kept:
        body = _body(span, old)
        if len(re.findall(body, new)) != len(re.findall(body, old)):
            return False
    return True


def _body(span: str, text: str) -> str:
    """A pattern of a span that begins and ends no word in the middle, unless that is how it stands in this text."""
    plain = re.escape(span)
    before, after = r"(?<!\w)" * span[0].isalnum(), r"(?!\w)" * span[-1].isalnum()
    alone = before + plain + after
    return alone if re.search(alone, text) else plain


def _masked(text: str, kept: Sequence[str]) -> str:
    """The text with a made word in the place of each protected span, of those that overlap the longest."""
    number = {span: f"XQ{place:02d}X" for place, span in enumerate(kept)}
    pattern = "|".join(_body(span, text) for span in sorted(kept, key=len, reverse=True))
    return re.sub(pattern, lambda m: number[m[0]], text)


def _filled(text: str, kept: Sequence[str]) -> str:
    def span(made: re.Match[str]) -> str:
        return kept[int(made[1])] if int(made[1]) < len(kept) else made[0]

    return re.sub(r"XQ(\d{2,})X", span, text)


def _usable(old: str, new: str, kept: Sequence[str], ratio: float) -> bool:
    before, after = (parts_of(t.lower()) for t in (old, new))
    same = before == after or not after
    long = not 1 / ratio <= len(after) / max(1, len(before)) <= ratio
    return not (same or long) and negated(old) == negated(new) and _holds(old, new, kept)


@dataclasses.dataclass
class Marian:
    """A MarianMT model of transformers as a translator in one direction; it is loaded when it is first called.

    The same texts have the same translation: beams are searched, nothing is drawn. Texts of like length share a batch.
    It is looked for on this machine alone, unless ``fetch`` asks for the network.

    Args:
        model: a name such as ``Helsinki-NLP/opus-mt-en-de``, or a folder.
        batch: texts that are translated at once.
        beams: of the search.
        longest: tokens of a text and of its translation, no more than the model has places for; the rest is cut off.
        device: of torch.
        fetch: get a model that is not here from the Hub, and keep it for later.

    Raises:
        MissingExtra: transformers or sentencepiece is not installed.
        DataError: there is no such model here, or it cannot be fetched.
    """

    model: str
    batch: int = 32
    beams: int = 4
    longest: int = 256
    device: str = "cpu"
    fetch: bool = False
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
            self._loaded = load_marian(self.model, self.device, self.fetch)
        return self._loaded


def load_marian(model: str, device: str, fetch: bool = False) -> tuple[Any, Any]:
    """The tokenizer and the network of a MarianMT model; see ``Marian`` for what is raised."""
    import importlib.util

    from wellfit.errors import MissingExtra

    for package in ("transformers", "sentencepiece"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "text")
    tokenizer, network = _read_marian(model, fetch)
    return tokenizer, network.to(device).eval()


def _read_marian(model: str, fetch: bool) -> tuple[Any, Any]:
    import torch
    from transformers import MarianMTModel, MarianTokenizer

    for local in (True, False) if fetch else (True,):
        try:
            with torch.random.fork_rng(devices=[]):  # weights are drawn before they are read
                return tuple(c.from_pretrained(model, local_files_only=local) for c in (MarianTokenizer, MarianMTModel))
        except (OSError, ValueError, TypeError) as error:
            failed = error
    reason = str(failed).splitlines()[0] if str(failed) else type(failed).__name__
    if isinstance(failed, TypeError):  # transformers 5 hands on the None of a file that it did not find
        reason = "a file of its tokenizer is missing"
    if not fetch and not Path(model).is_dir():
        reason = "it is no folder here, and it was not fetched before"
    raise DataError(
        f"the translation model {model} cannot be loaded: {reason}.",
        fix=f"Fetch it once in Python, Marian({model!r}, fetch=True)(['word']), or name a folder that holds it.",
        code="WF-X09",
    ) from failed


def there_and_back(there: Translator, back: Translator) -> Translator:
    """Two translators one after the other.

    >>> there_and_back(lambda ts: [t.upper() for t in ts], lambda ts: [t.lower() for t in ts])(["Ja"])
    ['ja']
    """
    return lambda texts: answers(back, answers(there, texts))
