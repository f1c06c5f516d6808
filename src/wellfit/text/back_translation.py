"""New variants of training texts by translation: through another language and back again."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.fold import Fold
from wellfit.regularizer import Regularizer, knob, static
from wellfit.text.many_texts import generator_of
from wellfit.text.places import phrases_of
from wellfit.text.rows import refuse_numbers, with_variants
from wellfit.text.translation import Cache, Marian, Translator, back_translate, there_and_back

TRANSLATOR = "translator"
"""The name of the resource under which a training brings a translator of its own: texts there and back."""

VARIABLE = "WELLFIT_TRANSLATIONS"
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


class BackTranslation(Regularizer):
    """Add variants of training texts that were translated into another language and back.

    The translators are MarianMT models of transformers that are on this machine (nothing is fetched during a training;
    ``Marian(name, fetch=True)`` fetches one before), or what a training brings as the resource ``translator`` (a list
    of texts to a list of texts). A variant is left out where it says the same in the same words, is more than twice as
    long or as short, gained or lost all negation, or lost a name, a number, an address, a token in brackets or what
    ``protect`` names. Translations are kept in the file that the environment's WELLFIT_TRANSLATIONS names. It acts once
    on a training fold, and takes seconds a text on a processor.

    The quality of the translations, and what they do to accuracy, was not measured in this project.

    Args:
        p: share of the texts that get a variant, 0 (neutral) to 1.
        there: model into the other language.
        back: model back again.
        protect: words and phrases that have to be in the variant too, commas between them.

    Shapes:
        data: a fold whose rows are texts in, more rows out, the originals first.

    Raises:
        DataError: the rows are no texts, or a model is not here.
        UsageError: a translator does not answer each text with a text.
        MissingExtra: transformers or sentencepiece is not installed.
        RecipeError: a model's name is none.

    Example:
        >>> import dataclasses, torch
        >>> from wellfit.fold import Texts
        >>> now = dataclasses.replace(Now.at(0), resources={"translator": lambda texts: ["A boring film."]})
        >>> data = Fold(Texts.of(["A dull film."]), torch.tensor([0]), torch.ones(1), 2)
        >>> BackTranslation(1.0).resample(data, now).x.values
        ('A dull film.', 'A boring film.')

    Source:
        Sennrich, Haddow & Birch, Improving Neural Machine Translation Models with Monolingual Data, ACL 2016, arXiv
        1511.06709; for classes: Xie, Dai, Hovy, Luong & Le, Unsupervised Data Augmentation, NeurIPS 2020, arXiv
        1904.12848.
    """

    formula = "texts + back(there(text)) for a share p of the texts, where the filters let it pass"
    source = "Sennrich, Haddow & Birch, ACL 2016, arXiv 1511.06709; Xie et al., UDA, NeurIPS 2020, arXiv 1904.12848"
    use_when = "few labeled texts, and hours of a processor or minutes of a GPU for translating them once"
    avoid_when = "the class hangs on wording; slang and misspelling, which translation smooths away"
    grade = "B"
    inputs = "text"
    p: float = knob(0.5, low=0.1, high=1.0, neutral=0.0, maximum=1.0)
    there: str = static("Helsinki-NLP/opus-mt-en-de")
    back: str = static("Helsinki-NLP/opus-mt-de-en")
    protect: str = static("")

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in (self.there, self.back):
            if not isinstance(field, str) or not _NAME.fullmatch(field) or ".." in field:
                raise RecipeError(
                    f"BackTranslation takes names of models, not {str(field)[:60]!r}.",
                    fix="Helsinki-NLP/opus-mt-en-de is one; a folder beside the program is another.",
                    code="WF-R02",
                )

    def resample(self, data: Fold, now: Now) -> Fold:
        refuse_numbers(data, self.name)
        share = float(self.p)
        if share <= 0:
            return data
        brought: Any = now.resources.get(TRANSLATOR)
        translate: Translator = brought if brought is not None else marian_pair(self.there, self.back)
        cache = _cache(f"{self.there} {self.back}") if brought is None else None

        def change(texts: list[str], seed: int, variant: int) -> list[str]:
            chosen = [i for i, text in enumerate(texts) if generator_of(text, seed, variant).random() < share]
            made = back_translate([texts[i] for i in chosen], translate, protect=phrases_of(self.protect), cache=cache)
            new = dict(zip(chosen, made, strict=True))
            return [new.get(i, text) for i, text in enumerate(texts)]

        return with_variants(data, now, 1, change)


@lru_cache(maxsize=2)
def marian_pair(there: str, back: str) -> Translator:
    """Texts there and back by two MarianMT models; they are loaded at the first text."""
    return there_and_back(Marian(there), Marian(back))


def _cache(name: str) -> Cache | None:
    path = os.environ.get(VARIABLE, "")
    return Cache(Path(path), name) if path else None
