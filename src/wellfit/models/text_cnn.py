"""A convolutional network for texts: windows of words, the strongest answer of each filter, and classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.models.tokens import NO_WORDS
from wellfit.sites import Marker


class TextCNN(nn.Module):
    """Filters over windows of words, each filter's largest answer in a text, and a linear layer.

    Padding and unknown words are vectors of zeros, on both sides of every text as wide as a window: a text has the same
    answer however much padding it comes with.

    Sites: ``words`` (``embedding``), ``mask`` (``mask``: where there is a word), ``activation`` (``hidden``: a window's
    answers) and ``pooled`` (``hidden``).

    Args:
        vocabulary: how many token numbers there are.
        outputs: classes, or 1 for a number.
        width: of a word's vector.
        filters: of each window.
        windows: words that a filter sees.

    Shapes:
        (batch, positions) int64 in, of any length; (batch, outputs) out.

    Raises:
        UsageError: a number is below 1.

    Example:
        >>> network = TextCNN(50, 2).eval()
        >>> short, padded = torch.tensor([[7, 3]]), torch.tensor([[7, 3, 0, 0, 0]])
        >>> torch.allclose(network(short), network(padded), atol=1e-6)
        True

    Source:
        Kim, Convolutional Neural Networks for Sentence Classification, EMNLP 2014, arXiv 1408.5882.
    """

    def __init__(
        self, vocabulary: int, outputs: int, *, width: int = 64, filters: int = 32, windows: tuple[int, ...] = (3, 4, 5)
    ) -> None:
        super().__init__()
        if min(vocabulary, outputs, width, filters, *windows) < 1:
            raise UsageError("TextCNN takes whole numbers from 1.", fix="width=64, filters=32 is usual.", code="WF-A60")
        self.vectors = nn.Embedding(vocabulary, width)
        self.words = Marker("embedding")
        self.mask = Marker("mask")
        self.filters = nn.ModuleList(nn.Conv1d(width, filters, w) for w in windows)
        self.margin = max(windows)
        self.activation = nn.ReLU()
        self.pooled = Marker("hidden")
        self.head = nn.Linear(filters * len(windows), outputs)
        nn.init.normal_(self.vectors.weight, std=width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        real = (tokens > NO_WORDS).unsqueeze(-1).to(self.vectors.weight.dtype)
        words = self.words(self.vectors(tokens) * real)
        h = (words * self.mask(real)).transpose(1, 2)
        # one position more than a window is wide: every text has a window of padding alone, whatever its own padding
        h = nn.functional.pad(h, (self.margin, self.margin))
        strongest = [self.activation(f(h)).amax(-1) for f in self.filters]
        return self.head(self.pooled(torch.cat(strongest, 1)))
