"""A bag of n-grams: for each word, pair of words and piece of a word what it says for each class, added up."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.models.tokens import NO_WORDS
from wellfit.sites import Marker


class BagOfNgrams(nn.Module):
    r"""A linear model of two sets that a text holds: its words with their pairs, and the pieces of its words.

    With the sets :math:`A` and :math:`B` of a text, and a vector :math:`v_i` of as many numbers as there are outputs
    for each of their members,

    .. math:: f = b + |A|^{-1/2} \sum_{i \in A} v_i + |B|^{-1/2} \sum_{i \in B} v_i .

    Each set weighs the same, although a text has many more pieces than words. All weights start at 0. Pieces of words
    tell what words mean that training never saw.

    Sites: ``words`` (``embedding``: the vectors), ``mask`` (``mask``: where there is something), and ``terms``
    (``hidden``: the vectors that are added up).

    Args:
        vocabulary: how many token numbers there are.
        outputs: classes, or 1 for a number.
        words: places of a row that hold words and pairs; the rest holds pieces.

    Shapes:
        (batch, positions) int64 in, of more positions than ``words``; (batch, outputs) out.

    Raises:
        UsageError: a number is below 1.

    Example:
        >>> network = BagOfNgrams(50, 2, words=2).eval()
        >>> network(torch.tensor([[7, 9, 30, 31, 0]])).tolist()
        [[0.0, 0.0]]

    Source:
        Joulin, Grave, Bojanowski & Mikolov, Bag of Tricks for Efficient Text Classification, EACL 2017, arXiv
        1607.01759; Wang & Manning, Baselines and Bigrams, ACL 2012.
    """

    def __init__(self, vocabulary: int, outputs: int, *, words: int) -> None:
        super().__init__()
        if min(vocabulary, outputs, words) < 1:
            raise UsageError("BagOfNgrams takes whole numbers from 1.", fix="words=64 is one choice.", code="WF-A60")
        self.split = words
        self.vectors = nn.Embedding(vocabulary, outputs)
        self.words = Marker("embedding")
        self.mask = Marker("mask")
        self.terms = Marker("hidden")
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.zeros_(self.vectors.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        real = (tokens > NO_WORDS).unsqueeze(-1).to(self.vectors.weight.dtype)
        vectors = self.words(self.vectors(tokens) * real)
        real = self.mask(real)
        terms = self.terms(vectors) * real  # what a recipe does to padding is not added up
        words, pieces = slice(None, self.split), slice(self.split, None)
        return self.bias + sum(
            terms[:, part].sum(1) / torch.sqrt(real[:, part].sum(1).clamp(min=1.0)) for part in (words, pieces)
        )
