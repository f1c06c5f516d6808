"""Texts as a kind of data: words and pieces of words as numbers, networks that read them, TF-IDF to beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from wellfit.data import (
    NgramVocabulary,
    Note,
    Samples,
    Vocabulary,
    read_table,
    require_columns,
    texts_of,
    unused_columns,
)
from wellfit.data.ngrams import MOST_PIECES
from wellfit.data.notes import counted
from wellfit.data.texts import plain_texts
from wellfit.data.vocabulary import LONGEST
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Texts
from wellfit.job.baselines import fit_dummy, fit_text_linear
from wellfit.job.kind import Fitter, NewRows
from wellfit.job.variants import with_variants
from wellfit.models.text_shape import MODELS, TextShape
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizer import Regularizer
from wellfit.text.lexicon import find_lexicon, has_lexicon
from wellfit.text.rows import LEXICON
from wellfit.text.word_edits import Synonyms, WordDeletion, WordSwap

if TYPE_CHECKING:
    from wellfit.job.prepare import Material

_CNN_FROM = 2000
"""Training texts from which a network of windows is taken where pieces are too many; below, a bag of embeddings."""

_PIECED_TO = 3_000_000
"""Characters of all texts up to which pieces of words are read: a million takes 2 to 3 s."""

_PLACES_TO = 50_000_000
"""Places of all texts' rows up to which pieces are read; a row has as many as all but the longest texts need."""

_VARIED_TO = 500_000
"""Characters of all texts up to which the search tries variants: each set of them is made and kept for every fold."""


Words = Vocabulary | NgramVocabulary


@dataclasses.dataclass(frozen=True)
class TextKind:
    """See ``Kind``. The depth of a plan is the place of its model in ``MODELS``, from 1 on.

    Attributes:
        model: one of ``MODELS``; ``auto`` takes n-grams where the texts are not too many for their pieces; else a bag
            of embeddings, or from 2,000 texts on a network of windows.
        lexicon: the folder or the file that synonyms come from; empty for where it is found.
    """

    model: str = "auto"
    lexicon: str = ""

    name: ClassVar[str] = "text"
    stacks: ClassVar[bool] = False
    stacks_from: ClassVar[float] = 0.0
    proven: ClassVar[bool] = False
    baselines: ClassVar[tuple[tuple[str, str, Fitter], ...]] = (
        ("dummy", "the majority", fit_dummy),
        ("linear", "the linear model on TF-IDF", fit_text_linear),
    )

    def encoders(self, data: Samples, parts: Sequence[np.ndarray]) -> list[Words]:
        made = NgramVocabulary if self._pieced(data) else Vocabulary
        found = made.shared_form([made.fit(data.features[rows]) for rows in parts])  # type: ignore[arg-type] - one kind
        return [dataclasses.replace(v, column=data.column) for v in found]

    def training_rows(self, data: Samples, rows: np.ndarray, encoders: Sequence[Words]) -> Tensor:
        return torch.from_numpy(np.concatenate([e.encode(data.features[rows]) for e in encoders]))

    def inputs(self, features: Any, encoder: Words) -> Tensor:
        return torch.from_numpy(encoder.encode(features))

    def size(self, rows: int, budget: float, encoder: Words) -> tuple[int, int]:
        many = rows >= _CNN_FROM
        model = self.model if self.model != "auto" else "cnn" if many else "bag"
        if isinstance(encoder, NgramVocabulary):
            model = "ngrams"
        return (64 if many else 32), 1 + MODELS.index(model)  # n-grams have no width

    def shape(self, encoder: Words, outputs: int, width: int, depth: int) -> TextShape:
        if isinstance(encoder, NgramVocabulary):
            places = encoder.length + encoder.piece_length
            return TextShape(len(encoder), places, outputs, outputs, "ngrams", encoder.length)
        model = self.model if self.model != "auto" else MODELS[max(0, min(depth, len(MODELS)) - 1)]
        return TextShape(len(encoder), encoder.length, outputs, width, model)

    def _pieced(self, data: Samples) -> bool:
        if self.model != "auto":
            return self.model == "ngrams"
        lengths = np.array([len(text) for text in data.features])
        places = len(lengths) * min(2 * LONGEST + MOST_PIECES, 5 * np.percentile(lengths, 98))
        return int(lengths.sum()) <= _PIECED_TO and places <= _PLACES_TO

    def blocks(self, encoder: Words) -> tuple[tuple[int, int], ...]:
        return ()

    def pixels(self, encoder: Words) -> None:
        return None

    def with_variants(self, material: Material, recipes: Sequence[Recipe], seed: int) -> Material:
        for part in (p for recipe in recipes for p in recipe):
            _refuse_numbers_only(part)
        given = {LEXICON: find_lexicon(place=self.lexicon)} if self.lexicon else {}
        made = with_variants(
            material, recipes, seed, _texts_of, lambda x, encoder: self.inputs(x.values, encoder), given
        )
        kinds = {str(getattr(leaf_of(p), "lexicon", "")) for recipe in recipes for p in recipe} - {""}
        names = {(given[LEXICON] if given else find_lexicon(kind)).name for kind in kinds}
        told = tuple(f"synonyms come from {name}" for name in sorted(names))
        return dataclasses.replace(made, told=made.told + told)

    def levels(self, data: Samples) -> tuple[Recipe, ...]:
        """Cheap changes of words, and synonyms where there is a lexicon; none of very many texts: time and memory."""
        if sum(map(len, data.features)) > _VARIED_TO:
            return ()
        synonyms = (Synonyms(), Recipe(Synonyms(), WordDeletion())) if self.lexicon or has_lexicon() else ()
        order = (WordSwap(),) if self.model in ("cnn", "transformer") else ()  # bags see none, or that of neighbors
        return tuple(Recipe(p) for p in (*order, WordDeletion(), *synonyms))

    def describe(self, data: Samples, encoder: Words) -> dict[str, Any]:
        places = encoder.encode([]).shape[1]
        return {"features": 1, "encoded": places, "columns": [], "about": encoder.told}

    def told(self, data: Samples) -> str:
        return f"{len(data):,} texts"

    def encoder_from_json(self, form: Any) -> Words:
        pieced = isinstance(form, dict) and "pieces" in form
        return NgramVocabulary.from_json(form) if pieced else Vocabulary.from_json(form)

    def shape_to_json(self, shape: TextShape) -> dict[str, Any]:
        return dict(vars(shape))

    def shape_from_json(self, form: Any) -> TextShape:
        sizes = {n: int(form[n]) for n in ("vocabulary", "length", "outputs", "width")}
        words = int(form.get("words", 0))
        if not 0 <= words <= sizes["length"]:
            raise ValueError("the places of words are out of range")
        return TextShape(**sizes, model=MODELS[MODELS.index(form["model"])], words=words)

    def read_new(self, path: str | Path, encoder: Words) -> NewRows:
        frame = read_table(path, [encoder.column] if encoder.column else None)
        column = _column(frame, encoder)
        texts, there, notes = texts_of(frame[column])
        if not there.all():
            told = f"{counted(int((~there).sum()), 'row')} without a text: predicted as an empty one."
            notes.append(Note("WF-D96", told))
        said = [Note(*n) for n in frame.attrs.get("notes", [])]
        return NewRows(texts, [], [*said, *notes, *unused_columns(frame, [column])])

    def new_rows(self, x: Any, encoder: Words) -> np.ndarray:
        """Texts from a list, or from a frame: the column that training read."""
        return texts_of(plain_texts(x[_column(x, encoder)] if hasattr(x, "columns") else x))[0]


def _column(frame: Any, encoder: Words) -> Any:
    """The column of texts; a training on a list knows no name, and takes the only column there is."""
    if encoder.column:
        require_columns(frame, [encoder.column])
        return encoder.column
    if len(frame.columns) != 1:
        raise DataError(
            f"the training does not say which of the {len(frame.columns)} columns holds the texts.",
            fix="Bring a table of that column alone.",
            code="WF-D21",
        )
    return frame.columns[0]  # as it is called: pandas.DataFrame(texts) has a column 0, which is no text


def _texts_of(material: Material, view: int, rows: Tensor) -> Texts:
    """The texts of rows of a view: originals, all of them."""
    places = material.development[(rows - view * len(material.development)).numpy()]
    return Texts.of(material.table.features[places])


def _refuse_numbers_only(part: Regularizer) -> None:
    leaf = leaf_of(part)
    if "resample" not in part.stages or leaf.inputs == "text":
        return
    raise RecipeError(
        f"{part.name} makes training rows anew, which is not done for texts.",
        fix="Drop it from the recipe; --class-weight balanced counts every class the same.",
        code="WF-R14",
    )


TEXTS = TextKind()
