"""A bag of embeddings: the mean of the words' vectors, and a small network on it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.models.tokens import NO_WORDS
from wellfit.sites import Marker


class BagOfEmbeddings(nn.Module):
    """The mean of the words' vectors, a hidden layer, and classes; the order of words counts for nothing.

    Padding (0) and unknown words (1) are not part of the mean; a text without any word has the mean 0.

    Sites: ``words`` (``embedding``), ``mask`` (``mask``: where there is a word), ``mean`` and ``activation``
    (``hidden``).

    Args:
        vocabulary: how many token numbers there are.
        outputs: classes, or 1 for a number.
        width: of a word's vector.
        hidden: units of the hidden layer.

    Shapes:
        (batch, positions) int64 in, of any length; (batch, outputs) out.

    Raises:
        UsageError: a number is below 1.

    Example:
        >>> network = BagOfEmbeddings(50, 2).eval()
        >>> one, other = torch.tensor([[7, 9, 0]]), torch.tensor([[9, 1, 7]])
        >>> torch.allclose(network(one), network(other), atol=1e-6)
        True

    Source:
        Joulin, Grave, Bojanowski & Mikolov, Bag of Tricks for Efficient Text Classification, EACL 2017, arXiv
        1607.01759; Iyyer et al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification, ACL 2015.
    """

    def __init__(self, vocabulary: int, outputs: int, *, width: int = 64, hidden: int = 64) -> None:
        super().__init__()
        if min(vocabulary, outputs, width, hidden) < 1:
            raise UsageError("BagOfEmbeddings takes whole numbers from 1.", fix="width=64 is usual.", code="WF-A60")
        self.vectors = nn.Embedding(vocabulary, width)
        self.words = Marker("embedding")
        self.mask = Marker("mask")
        self.mean = Marker("hidden")
        self.layer = nn.Linear(width, hidden)
        self.activation = nn.ReLU()
        self.head = nn.Linear(hidden, outputs)
        nn.init.normal_(self.vectors.weight, std=width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        real = (tokens > NO_WORDS).unsqueeze(-1).to(self.vectors.weight.dtype)
        words = self.words(self.vectors(tokens) * real)
        real = self.mask(real)
        words = words * real
        mean = words.sum(1) / torch.sqrt(real.sum(1).clamp(min=1.0))  # of size 1, however many words there are
        return self.head(self.activation(self.layer(self.mean(mean))))
