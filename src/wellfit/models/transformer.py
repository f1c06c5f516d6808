"""A small transformer for classes of texts: pre-norm, residual branches, positions, and a mask for padding."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.sites import Branch, Marker

_LONGEST = 10_000.0
"""Wavelengths of positions go from 2 pi to 2 pi times this number, as in Vaswani et al. 2017."""


class RegularizedTransformer(nn.Module):
    """Words and positions, blocks of attention and feed-forward layers, the mean over words; a recipe regularizes it.

    Each block is ``h + attention(norm(h))`` and then ``h + feed(norm(h))``: the norm stands inside the branch, so that
    a way without norms leads from the loss to the words. Padding may stand anywhere in a row: it is not attended to,
    not counted among positions and not part of the mean, so that it changes nothing.

    Sites: ``words`` (``embedding``: vectors before positions are added) and ``mask`` (``mask``: where there is a
    word); in each block ``attention.hidden`` and the GELU's output (``hidden``), and both branches (``branch``, for
    StochasticDepth).

    Args:
        vocabulary: how many token numbers there are, padding included.
        classes: outputs.
        width: of a word's vector.
        heads: of the attention; they share the width.
        depth: blocks.
        padding: the token number that means nothing.

    Shapes:
        (batch, positions) int64 in, of any length; (batch, classes) logits out.

    Raises:
        UsageError: a number is below 1, or the width is odd or no multiple of the heads.

    Example:
        >>> network = RegularizedTransformer(50, 2, width=8, heads=2).eval()
        >>> short, padded = torch.tensor([[7, 3]]), torch.tensor([[0, 7, 0, 3, 0]])
        >>> torch.allclose(network(short), network(padded), atol=1e-6)
        True

    Source:
        Vaswani et al., Attention Is All You Need, NeurIPS 2017, arXiv 1706.03762; pre-norm: Xiong et al., On Layer
        Normalization in the Transformer Architecture, ICML 2020, arXiv 2002.04745.
    """

    def __init__(
        self, vocabulary: int, classes: int, *, width: int = 64, heads: int = 4, depth: int = 2, padding: int = 0
    ) -> None:
        super().__init__()
        if min(vocabulary, classes, width, heads, depth) < 1 or width % 2 or width % heads:
            came = f"vocabulary={vocabulary}, classes={classes}, width={width}, heads={heads}, depth={depth}"
            raise UsageError(
                f"RegularizedTransformer takes whole numbers from 1, not {came}.",
                fix="The width has to be even and a multiple of the heads: width=64, heads=4 is one choice.",
                code="WF-A60",
            )
        self.padding = padding
        self.vectors = nn.Embedding(vocabulary, width)
        self.words = Marker("embedding")
        self.mask = Marker("mask")
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        self.apply(_first_weights)

    def forward(self, tokens: Tensor) -> Tensor:
        real = tokens != self.padding
        vectors = torch.where(real.unsqueeze(-1), self.vectors(tokens), 0.0) * math.sqrt(self.vectors.embedding_dim)
        words, real = self.words(vectors), self.mask(real)
        h = words + positions(real, words)
        for block in self.blocks:
            h = block(h, real)
        counts = real.unsqueeze(-1).to(h.dtype)
        # a row without words has the mean 0
        return self.head((self.norm(h) * counts).sum(1) / counts.sum(1).clamp(min=1.0))


class Block(nn.Module):
    """Attention and a feed-forward layer, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.attended = Marker("branch")
        layers = nn.Linear(width, 4 * width), nn.GELU(), Marker("hidden"), nn.Linear(4 * width, width)
        self.fed = Branch(nn.Sequential(nn.LayerNorm(width), *layers))

    def forward(self, h: Tensor, real: Tensor) -> Tensor:
        h = h + self.attended(self.attention(self.norm(h), real))
        return h + self.fed(h)


class Attention(nn.Module):
    """Scaled dot-product attention among the words of a row, written out so that it stacks and has second gradients.

    Shapes:
        (batch, positions, width) and (batch, positions) bool, true where there is a word; (batch, positions, width)
        out.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.hidden = Marker("hidden")

    def forward(self, h: Tensor, real: Tensor) -> Tensor:
        query, key, value = (self._apart(layer(h)) for layer in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        # a finite floor: a row without words would be 0/0 with minus infinity
        scores = torch.where(real[:, None, None, :], scores, torch.finfo(scores.dtype).min)
        return self.hidden(self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2)))

    def _apart(self, h: Tensor) -> Tensor:
        """(batch, positions, width) -> (batch, heads, positions, width / heads)."""
        return h.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def positions(real: Tensor, like: Tensor) -> Tensor:
    """Sines and cosines of each word's place among the words of its row, (batch, positions, width) as ``like``.

    >>> cosines = positions(torch.tensor([[True, False, True]]), torch.zeros(1, 3, 2))[0, :, 1]
    >>> [round(float(c), 4) for c in cosines]  # of 0, 0 and 1
    [1.0, 1.0, 0.5403]
    """
    place = (real.cumsum(1) - 1).clamp(min=0).to(like.dtype).unsqueeze(-1)
    half = like.shape[-1] // 2
    turns = torch.arange(half, dtype=like.dtype, device=like.device) / half
    angle = place * torch.pow(torch.full_like(turns, _LONGEST), -turns)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def _first_weights(module: nn.Module) -> None:
    """Xavier for linear layers and zero for their biases; words of length about 1."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
