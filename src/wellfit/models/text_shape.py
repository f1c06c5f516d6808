"""What decides the structure of the networks for texts: numbers and names only, so that it can be stored."""

from __future__ import annotations

import dataclasses

from torch import nn

from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.models.bag_of_ngrams import BagOfNgrams
from wellfit.models.text_cnn import TextCNN
from wellfit.models.transformer import RegularizedTransformer

MODELS = ("bag", "cnn", "transformer", "ngrams")


@dataclasses.dataclass(frozen=True)
class TextShape:
    """A network for texts.

    Attributes:
        vocabulary: token numbers.
        length: tokens of a text.
        outputs: classes, or 1 for a number.
        width: of a word's vector; n-grams have one number for each output.
        model: one of ``MODELS``.
        words: of n-grams, the places of a text that hold words and pairs; 0 for all of them.
    """

    vocabulary: int
    length: int
    outputs: int
    width: int = 64
    model: str = "cnn"
    words: int = 0

    @property
    def values(self) -> int:
        """The most numbers that a layer makes of one text."""
        if self.model == "ngrams":
            return self.length * self.outputs
        return self.length * self.width * (4 if self.model == "transformer" else 1)

    def network(self, widths: tuple[int, ...] = ()) -> nn.Module:
        if self.model == "ngrams":
            return BagOfNgrams(self.vocabulary, self.outputs, words=self.words or self.length)
        if self.model == "bag":
            return BagOfEmbeddings(self.vocabulary, self.outputs, width=self.width, hidden=self.width)
        if self.model == "transformer":
            return RegularizedTransformer(self.vocabulary, self.outputs, width=self.width)
        return TextCNN(self.vocabulary, self.outputs, width=self.width)
