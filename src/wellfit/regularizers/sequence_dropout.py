"""Dropout of sequences: one mask for all positions, whole words, whole positions."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.regularizers.dropout import drop, inverse_keep
from wellfit.sites import Site


class LockedDropout(Regularizer):
    """Set features to zero for a whole sequence at once: h <- h * mask / (1 - p), one mask for all positions.

    A feature that is gone at one position is gone at all of them, so that a recurrent network cannot remember it, and
    noise does not add up over time. The mask is (batch, 1, features), which for (batch, units) is Dropout.

    Args:
        p: probability that a feature of a sequence is dropped, 0 (neutral) to 1; 0.1 to 0.5 is usual.

    Shapes:
        h: (batch, ..., features) in, the same out; dtype and device are kept.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> h = LockedDropout(0.5).activation(torch.ones(1, 9, 4), Site("h", "hidden"), {}, Now.at(0))
        >>> bool((h == h[:, :1]).all())
        True

    Source:
        Gal & Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks, NeurIPS 2016,
        arXiv 1512.05287; the name: Merity, Keskar & Socher, arXiv 1708.02182.
    """

    formula = "h * mask / (1 - p), mask of shape (batch, 1, features)"
    source = "Gal & Ghahramani, Theoretically Grounded Dropout in Recurrent Networks, NeurIPS 2016, arXiv 1512.05287"
    use_when = "recurrent networks, and sequences whose positions say nearly the same"
    avoid_when = "positions are independent of each other: Dropout"
    grade = "B"
    site_kinds = frozenset({"hidden", "embedding"})
    p: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        shape = (len(h), *[1] * (h.ndim - 2), h.shape[-1]) if h.ndim > 1 else tuple(h.shape)
        return drop(h, self.p, shape, site.name, now)


class TokenDropout(Regularizer):
    """Set whole positions of a sequence to zero: h <- h * mask / (1 - p), one entry of the mask for a position.

    Each position is drawn for itself, also where the same word stands twice. The mask is (batch, positions, 1), which
    for (batch, units) is Dropout.

    Args:
        p: probability that a position is dropped, 0 (neutral) to 1; 0.05 to 0.3 is usual.

    Shapes:
        h: (batch, positions, ...) in, the same out; dtype and device are kept.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> h = TokenDropout(0.5).activation(torch.ones(1, 64, 4), Site("h", "embedding"), {}, Now.at(0))
        >>> sorted(set(h.sum(2).flatten().tolist()))
        [0.0, 8.0]

    Source:
        Iyyer, Manjunatha, Boyd-Graber & Daume III, Deep Unordered Composition Rivals Syntactic Methods for Text
        Classification, ACL 2015 (there without the division).
    """

    formula = "h * mask / (1 - p), mask of shape (batch, positions, 1)"
    source = "Iyyer et al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification, ACL 2015"
    use_when = "text whose class does not hang on a single word"
    avoid_when = "each position must be answered: tagging, next words"
    grade = "B"
    site_kinds = frozenset({"embedding"})
    p: float = knob(0.1, low=0.01, high=0.4, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return drop(h, self.p, (*h.shape[:2], *[1] * (h.ndim - 2)), site.name, now)


class EmbeddingDropout(Regularizer):
    """Set the vectors of whole words to zero: a word that is dropped is missing wherever it stands in the batch.

    h <- h * kept(word) / (1 - p), as if rows of the embedding table were dropped. What is seen here are the vectors,
    not the words: equal vectors are the same word, so each draw is a hash of the vector's bits, the step and the
    seed. It acts first (rank 5), before noise makes equal vectors unequal.

    Args:
        p: probability that a word is dropped, 0 (neutral) to 1; 0.02 to 0.2 is usual.

    Shapes:
        h: (batch, ..., features) in, the same out; dtype and device are kept.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> words = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))[torch.tensor([[0, 1, 0], [1, 0, 1]])]
        >>> h = EmbeddingDropout(0.5).activation(words, Site("h", "embedding"), {}, Now.at(0))
        >>> bool((h[0, 0] == h[1, 1]).all() and (h[0, 1] == h[1, 2]).all())
        True

    Source:
        Gal & Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks, NeurIPS 2016,
        arXiv 1512.05287; Merity, Keskar & Socher, Regularizing and Optimizing LSTM Language Models, ICLR 2018, arXiv
        1708.02182.
    """

    formula = "h * kept(word) / (1 - p), kept(word) ~ Bernoulli(1 - p), one draw for a word and a step"
    source = "Merity, Keskar & Socher, Regularizing and Optimizing LSTM Language Models, ICLR 2018, arXiv 1708.02182"
    use_when = "small corpora, where a few words decide too much"
    avoid_when = "the vocabulary is small, or what the site sees has noise or positions added already"
    grade = "B"
    rank = 5
    site_kinds = frozenset({"embedding"})
    p: float = knob(0.1, low=0.01, high=0.3, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        dropped = (_uniform_of(h, site.name, now) < self.p).unsqueeze(-1)
        return h * (~dropped * inverse_keep(self.p, h))


def _uniform_of(h: Tensor, name: str, now: Now) -> Tensor:
    """A uniform draw for each vector of (..., features), the same for equal vectors, independent for any two others.

    Multilinear hashing (Lemire & Kaser, Strongly Universal String Hashing is Fast, 2014): the bits of a vector times
    whole numbers drawn afresh at each step, modulo 2**64, of which the upper bits count. Whole numbers do not round, so
    that equal vectors come out equal wherever they stand.
    """
    limbs = (now.uniform((3, h.shape[-1] + 1), name) * 2.0**23).to(torch.int64)
    factors = (limbs[0] << 46) ^ (limbs[1] << 23) ^ limbs[2]
    bits = h.detach().to(torch.float32).contiguous().view(torch.int32).to(torch.int64)
    mixed = (bits * factors[:-1]).sum(-1) + factors[-1]
    return ((mixed >> 41) & (2**23 - 1)).to(torch.float32) * 2.0**-23
