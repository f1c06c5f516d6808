"""Masking of tokens: words hidden from a network, as noise alone or to be guessed beside the task."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Params, Regularizer, knob, static
from wellfit.sites import Site
from wellfit.target import Target

_WINDOW = 3  # words on each side of a hidden one that the head itself looks at
_MOST = 0.25  # share of a text's positions that is asked for at most: more leaves too little to guess from
_AS_MASK, _AS_OTHER = 0.8, 0.9  # of the hidden words, BERT's shares: 80 % the mask, 10 % another word, 10 % as it was


def require_tokens(x: Tensor, name: str) -> None:
    """Raises RecipeError where inputs are no rows of token numbers."""
    if x.is_floating_point() or x.dtype == torch.bool or x.ndim != 2:
        came = f"inputs of {x.ndim} axes, type {x.dtype}"
        raise RecipeError(
            f"{name} takes token numbers (rows, words), not {came}.", fix="It is for texts: drop it.", code="WF-R11"
        )


class TokenMask(Regularizer):
    """Hide words from the network: each token becomes the mask's number with probability p, the target stays.

    Cutout of texts: the class has to be told from the rest. Numbers below ``first`` (padding, unknown words) are never
    hidden. The defaults are the numbers of wellfit's own vocabularies.

    Args:
        p: probability that a word is hidden, 0 (neutral) to 1; 0.05 to 0.3 is usual.
        mask: the number that stands for a hidden word; BERT's tokenizers have 103.
        first: the number of the first word; BERT's tokenizers have 999.

    Shapes:
        x: (batch, positions) whole numbers in, the same out.

    Raises:
        RecipeError: the inputs are no token numbers.

    Example:
        >>> x, _ = TokenMask(0.5).batch(torch.tensor([[7, 8, 9, 5, 6, 0]]), None, Now.at(0))
        >>> sorted(set(x.flatten().tolist()) - {5, 6, 7, 8, 9})
        [0, 2]

    Source:
        Devlin, Chang, Lee & Toutanova, BERT: Pre-training of Deep Bidirectional Transformers, NAACL 2019, arXiv
        1810.04805 (the masking); as noise for classifiers: Iyyer et al., Deep Unordered Composition, ACL 2015.
    """

    formula = "token <- mask with probability p, for tokens >= first"
    source = "Devlin et al., BERT, NAACL 2019, arXiv 1810.04805"
    use_when = "texts whose class does not hang on a single word"
    avoid_when = "texts of a few words; TokenDropout is in the recipe, which does nearly the same"
    grade = "A"
    inputs = "tokens"
    standard = frozenset({"text"})
    p: float = knob(0.15, low=0.02, high=0.4, neutral=0.0, maximum=1.0)
    mask: int = static(2)
    first: int = static(3)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        require_tokens(x, self.name)
        hidden = now.chance(self.p, tuple(x.shape), "tokens") & (x >= self.first)
        return torch.where(hidden, torch.full_like(x, self.mask), x), target


class MaskedTokens(Regularizer):
    """Guess hidden words beside the task: loss + strength * mean cross-entropy of the hidden words.

    In a second pass ceil(share * n) of the n words of each text are hidden: 80 % behind the mask, 10 % behind another
    word, 10 % not at all. What is guessed from: the vectors of three words on each side, weighed place by place by a
    head that is trained along, and, where the network has one vector a position inside (a transformer's branches, a
    recurrent layer of the embedding's width), those. The answer is compared with the embedding's own vectors (tied
    weights), so that the words learn from all texts what goes with what. The head is not handed over.

    A step costs two to five times as much. At strength 0 both passes are made, and the first alone counts.

    Args:
        strength: per nat of cross-entropy, 0 (neutral) and up; 0.1 to 1 is usual.
        share: of a text's words that are hidden, above 0 to 0.25.
        mask: the number that stands for a hidden word.
        first: the number of the first word; what lies below is never hidden nor asked for.
        words: how many token numbers, from 0 on, are among the answers, and 0 for all: wellfit's vocabularies have the
            most frequent words first.

    Shapes:
        x: (batch, positions) whole numbers; hidden values (batch, positions, width).

    Raises:
        RecipeError: the inputs are no token numbers, or no embedding is found.

    Example:
        >>> site = Site("words", "embedding", table="vectors.weight")
        >>> added = MaskedTokens().extend({"vectors.weight": torch.zeros(50, 8)}, [site])
        >>> {name: tuple(tensor.shape) for name, tensor in sorted(added.items())}  # doctest: +NORMALIZE_WHITESPACE
        {'extra.MaskedTokens.bias.vectors.weight': (50,), 'extra.MaskedTokens.context': (6, 8),
         'extra.MaskedTokens.head': (8, 8)}

    Source:
        Devlin, Chang, Lee & Toutanova, BERT: Pre-training of Deep Bidirectional Transformers, NAACL 2019, arXiv
        1810.04805; as an auxiliary loss of a classifier: Rei, Semi-supervised Multitask Learning for Sequence Labeling,
        ACL 2017, arXiv 1704.07156; the head: Mnih & Kavukcuoglu, Learning Word Embeddings Efficiently, NeurIPS 2013.
    """

    formula = "loss + strength * mean(-log softmax(v(context) @ words.T + bias)[hidden word])"
    source = "Devlin et al., BERT, NAACL 2019, arXiv 1810.04805; Rei, ACL 2017, arXiv 1704.07156"
    use_when = "few labels for many words: the embedding learns from the texts themselves"
    avoid_when = "the budget is short, or the embedding comes from a pretrained model"
    grade = "B"
    inputs = "tokens"
    site_kinds = frozenset({"embedding", "hidden", "branch"})
    strength: float = knob(0.3, low=0.03, high=3.0, log=True, neutral=0.0)
    share: float = knob(0.15, low=0.05, high=0.25, minimum=1e-3, maximum=_MOST)
    mask: int = static(2)
    first: int = static(3)
    words: int = static(1000)

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        if not sites:  # a pattern that matches nothing
            return {}
        tables = [s.table for s in sites if s.kind == "embedding" and s.table in params]
        if not tables:
            raise RecipeError(
                "MaskedTokens finds no embedding whose vectors it could compare with.",
                fix="Give the network an nn.Embedding, or drop it.",
                code="WF-R12",
            )
        table = params[tables[0]]
        width = table.shape[1]
        return {
            self.extra(f"bias.{tables[0]}"): table.new_zeros(len(table)),
            self.extra("context"): table.new_full((2 * _WINDOW, width), 1.0 / (2 * _WINDOW)),
            self.extra("head"): torch.eye(width, dtype=table.dtype, device=table.device),
        }

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        loss, seen = loss_of(x, target, now)
        if self.extra("head") not in seen.params:  # under a pattern that matches nothing
            return loss, seen
        scores, words, asked = self.guesses(loss_of, x, target, now, seen.params)
        costs = torch.nn.functional.cross_entropy(scores.flatten(0, 1), words.flatten(), reduction="none")
        weight = asked.to(costs.dtype) * target.weight.to(costs.dtype).unsqueeze(1)
        missed = (costs.unflatten(0, asked.shape) * weight).sum() / asked.sum().clamp(min=1)
        return loss + self.strength * missed, seen

    def guesses(
        self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now, params: Params
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What is guessed of the hidden words of a batch.

        Returns:
            (batch, places, answers) scores, (batch, places) the words that stood there, and which of them are asked
            for: where a place is not, its word is 0 and its scores count for nothing.
        """
        require_tokens(x, self.name)
        bias = next(n for n in params if n.startswith(self.extra("bias.")))
        table = params[bias.removeprefix(self.extra("bias."))]
        places, hidden = self._places(x, now)
        stood = torch.gather(x, 1, places)
        shown = x.scatter(1, places, torch.where(hidden, self._instead(stood, len(table), now), stood))
        _, seen = loss_of(shown, target, now.again("MaskedTokens"))
        inner = self._inner(seen, shown, params)
        inner = torch.gather(inner, 1, places.unsqueeze(-1).expand(-1, -1, inner.shape[-1]))
        answers = min(self.words or len(table), len(table))
        asked = hidden & (stood < answers)
        scores = inner @ table[:answers].mT + params[bias][:answers]
        return scores, torch.where(asked, stood, 0), asked

    def _places(self, x: Tensor, now: Now) -> tuple[Tensor, Tensor]:
        """(batch, most) places in a drawn order, words first, and which of them are hidden: a share of the words."""
        word = x >= self.first
        order = torch.where(word, now.uniform(tuple(x.shape), "places"), 2.0).argsort(dim=1)
        most = max(1, math.ceil(_MOST * x.shape[1]))
        # .2 * 5 is a little over 1 in single precision
        wanted = torch.ceil(self.share * word.sum(1, keepdim=True) - 1e-4)
        return order[:, :most], torch.arange(most, device=x.device) < wanted

    def _instead(self, stood: Tensor, vocabulary: int, now: Now) -> Tensor:
        """What is shown in place of hidden words: the mask, another word, or the word itself."""
        shape = tuple(stood.shape)
        way, other = now.uniform(shape, "ways"), now.uniform(shape, "others")
        drawn = self.first + (other * (vocabulary - self.first)).to(stood.dtype)
        masked = torch.full_like(stood, self.mask)
        return torch.where(way < _AS_MASK, masked, torch.where(way < _AS_OTHER, drawn, stood))

    def _inner(self, seen: Any, shown: Tensor, params: Params) -> Tensor:
        """(batch, positions, width): what a place's neighbors and the network's inside say of it."""
        kinds = {s.name: s.kind for s, call in seen.everywhere if call == 1}
        head = params[self.extra("head")]
        held = {n: h.to(head.dtype) for n, h in seen.hidden.items()}  # a pass may be computed in bfloat16
        words = next(h for n, h in held.items() if kinds.get(n) == "embedding")
        real = ((shown >= self.first) | (shown == self.mask)).unsqueeze(-1)
        inner = around(words * real, params[self.extra("context")])
        alike = [n for n, h in held.items() if h.shape == words.shape and kinds.get(n) != "embedding"]
        branches = [held[n] for n in alike if kinds.get(n) == "branch"]
        inside = branches or [held[n] for n in alike[-1:]]
        return inner + sum(inside) @ head if inside else inner


def around(words: Tensor, weights: Tensor) -> Tensor:
    """(batch, positions, width): for each place the sum of its neighbors' vectors, each weighed by (width,) weights.

    Args:
        words: (batch, positions, width).
        weights: (2 * window, width): of the places before, the farthest first, and of those behind.

    >>> around(torch.tensor([[[1.0], [2.0], [4.0]]]), torch.tensor([[10.0], [1.0]])).flatten().tolist()
    [2.0, 14.0, 20.0]
    """
    window, count = len(weights) // 2, words.shape[1]
    padded = torch.nn.functional.pad(words, (0, 0, window, window))
    offsets = [o for o in range(2 * window + 1) if o != window]
    return torch.stack([padded[:, o : o + count] * w for o, w in zip(offsets, weights, strict=True)]).sum(0)
