"""What makes variants of training texts has in common: whose they are, how they are drawn, and what is refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold, Texts
from wellfit.regularizer import Regularizer
from wellfit.text.lexicon import Lexicon, check_lexicon, find_lexicon
from wellfit.text.many_texts import varied
from wellfit.text.places import phrases_of

LEXICON = "lexicon"
"""The name of the resource under which a training brings a lexicon of its own."""

_MOST_VARIANTS = 32


def with_variants(data: Fold, now: Now, variants: int, change: Callable[[list[str], int, int], list[str]]) -> Fold:
    """The fold with variants of its original texts behind it; a variant that is its original is left out.

    Labels and weights are those of the original. Texts that other parts have made get no variants of their own.

    Args:
        change: (texts, seed, number of the variant) -> as many texts.
    """
    assert isinstance(data.x, Texts)
    own = (~data.x.made).nonzero().squeeze(-1)
    texts, seed = [data.x.values[i] for i in own.tolist()], int(float(now.uniform((1,), "texts")[0]) * 2**24)
    for variant in range(variants):
        changed = change(texts, seed, variant)
        new = [i for i, (before, after) in enumerate(zip(texts, changed, strict=True)) if before != after]
        rows = own[torch.tensor(new, dtype=torch.int64)]
        data = data.add(Texts.of((changed[i] for i in new), made=True), data.labels[rows], data.weight[rows])
    return data


def refuse_numbers(data: Fold, name: str) -> None:
    """Raises DataError where the rows are no texts."""
    if not isinstance(data.x, Texts):
        raise DataError(
            f"{name} changes texts, and these rows are numbers.",
            fix="Drop it, or say which column holds texts: --text COLUMN.",
            code="WF-X06",
        )


def check_variants(name: str, variants: object) -> None:
    """Raises RecipeError where a number of variants makes no sense."""
    if isinstance(variants, bool) or not isinstance(variants, int) or not 1 <= variants <= _MOST_VARIANTS:
        raise RecipeError(
            f"{name}.variants is {variants!r}; a whole number from 1 to {_MOST_VARIANTS} is allowed.", code="WF-R02"
        )


def lexicon_of(kind: str, now: Now) -> Lexicon:
    """What a training brings as the resource ``lexicon``, or else the lexicon of this kind."""
    brought: Any = now.resources.get(LEXICON)
    return brought if brought is not None else find_lexicon(kind)


class TextPart(Regularizer, abstract=True):
    """What the parts that change words have in common: ``p``, ``variants`` and ``protect``, and some a ``lexicon``.

    Attributes:
        edit: (text, generator, share=, protect=, and lexicon= where the part names one) -> changed text.
    """

    grade = "B-"
    inputs = "text"
    edit: ClassVar[Callable[..., str]]

    def __post_init__(self) -> None:
        super().__post_init__()
        part: Any = self
        check_variants(self.name, part.variants)
        if "lexicon" in self.statics():
            check_lexicon(part.lexicon)

    def resample(self, data: Fold, now: Now) -> Fold:
        refuse_numbers(data, self.name)
        part: Any = self
        share = float(part.p)
        if share <= 0:
            return data
        more = {"lexicon": lexicon_of(part.lexicon, now)} if "lexicon" in self.statics() else {}
        ready = functools.partial(part.edit, share=share, protect=phrases_of(part.protect), **more)
        return with_variants(
            data, now, part.variants, lambda texts, seed, number: varied(texts, ready, seed=seed, variant=number)
        )
