"""What decides the structure of the networks for texts: numbers and names only, so that it can be stored."""

from __future__ import annotations

import dataclasses

from torch import nn

from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.models.text_cnn import TextCNN
from wellfit.models.transformer import RegularizedTransformer

MODELS = ("bag", "cnn", "transformer")


@dataclasses.dataclass(frozen=True)
class TextShape:
    """A network for texts.

    Attributes:
        vocabulary: token numbers.
        length: tokens of a text.
        outputs: classes, or 1 for a number.
        width: of a word's vector.
        model: one of ``MODELS``.
    """

    vocabulary: int
    length: int
    outputs: int
    width: int = 64
    model: str = "cnn"

    @property
    def values(self) -> int:
        """The most numbers that a layer makes of one text."""
        return self.length * self.width * (4 if self.model == "transformer" else 1)

    def network(self, widths: tuple[int, ...] = ()) -> nn.Module:
        if self.model == "bag":
            return BagOfEmbeddings(self.vocabulary, self.outputs, width=self.width, hidden=self.width)
        if self.model == "transformer":
            return RegularizedTransformer(self.vocabulary, self.outputs, width=self.width)
        return TextCNN(self.vocabulary, self.outputs, width=self.width)
