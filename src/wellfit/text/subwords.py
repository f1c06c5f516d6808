"""Subwords: rows of token numbers whose words are cut into other pieces."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold, Texts
from wellfit.regularizer import Regularizer, knob, static
from wellfit.text.byte_pairs import BytePairs
from wellfit.text.many_texts import generator_of
from wellfit.text.rows import check_variants

TOKENIZER = "tokenizer"
"""The name of the resource under which a training brings the tokenizer that made its rows."""


class BPEDropout(Regularizer):
    """Add variants of rows of byte-pair tokens in which merges are left out with probability p: words fall apart.

    The rows are token numbers as a byte-pair tokenizer made them; the tokenizer is the resource ``tokenizer``: a
    ``tokenizers.Tokenizer``, a fast tokenizer of transformers, or ``wellfit.text.BytePairs``. Each word is taken apart
    into the letters it was merged from and merged again, as the paper has it: at each step every possible merge is left
    out with probability p. Words are told by the marks of their pieces (``Ġ``, ``▁``, ``##``, ``</w>``); where a
    tokenizer has none, each piece is cut by itself. Special tokens stay. A row that grows beyond its positions is cut
    off at the end. It is not for the main job, whose networks for texts read whole words.

    Args:
        p: probability that a merge is left out at a step, 0 (neutral) to 1; 0.1 is usual.
        variants: of each row, 1 and up; a variant that is its original is left out.
        padding: the number that stands for no token.

    Shapes:
        data: (rows, positions) token numbers in, more rows out, the originals first.

    Raises:
        RecipeError: the training brings no tokenizer.
        DataError: the rows are no token numbers.
        UsageError: the tokenizer is no byte-pair encoding.

    Example:
        >>> import dataclasses
        >>> pairs = BytePairs((("l", "o"), ("lo", "w")), {"[PAD]": 0, "l": 1, "o": 2, "w": 3, "lo": 4, "low": 5})
        >>> now = dataclasses.replace(Now.at(0), resources={"tokenizer": pairs})
        >>> data = Fold(torch.tensor([[5, 0, 0]]), torch.tensor([1]), torch.ones(1), 2)
        >>> BPEDropout(1.0).resample(data, now).x.tolist()
        [[5, 0, 0], [1, 2, 3]]

    Source:
        Provilkov, Emelianenko & Voita, BPE-Dropout: Simple and Effective Subword Regularization, ACL 2020, arXiv
        1910.13267.
    """

    formula = "rows + rows merged again, each possible merge left out with probability p at each step"
    source = "Provilkov, Emelianenko & Voita, BPE-Dropout, ACL 2020, arXiv 1910.13267"
    use_when = "a network that reads byte pairs is trained from scratch, on little or misspelled text"
    avoid_when = "the network was pretrained on fixed pieces and is only tuned a little"
    grade = "B"
    inputs = "tokens"
    p: float = knob(0.1, low=0.03, high=0.4, neutral=0.0, maximum=1.0)
    variants: int = static(1)
    padding: int = static(0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_variants(self.name, self.variants)

    def needs(self) -> tuple[str, ...]:
        return (TOKENIZER,)

    def resample(self, data: Fold, now: Now) -> Fold:
        share = float(self.p)
        if share <= 0:
            return data
        if isinstance(data.x, Texts) or data.x.is_floating_point() or data.x.ndim != 2:
            raise DataError("BPEDropout cuts rows of token numbers anew, and these are none.", code="WF-X06")
        if TOKENIZER not in now.resources:
            fix = 'Bring the one that made the rows: resources={"tokenizer": tokenizer}.'
            raise RecipeError("BPEDropout needs a tokenizer; this training has none.", fix=fix, code="WF-R08")
        pairs = BytePairs.of(now.resources[TOKENIZER])
        seed, rows = int(float(now.uniform((1,), "rows")[0]) * 2**24), data.x.tolist()
        for variant in range(self.variants):
            made = [self._cut(pairs, row, seed, variant) for row in rows]
            new = [i for i, (old, row) in enumerate(zip(rows, made, strict=True)) if old != row]
            places = torch.tensor(new, dtype=torch.int64)
            data = data.add(_stacked(made, new, data.x), data.labels[places], data.weight[places])
        return data

    def _cut(self, pairs: BytePairs, row: list[int], seed: int, variant: int) -> list[int]:
        """A row of the same length."""
        end = len(row)
        while end and row[end - 1] == self.padding:
            end -= 1
        random = generator_of(" ".join(map(str, row[:end])), seed, variant)
        new = pairs.cut_again(row[:end], float(self.p), random)[: len(row)]
        return new + [self.padding] * (len(row) - len(new))


def _stacked(rows: list[list[int]], chosen: list[int], like: Tensor) -> Tensor:
    return torch.tensor([rows[i] for i in chosen], dtype=like.dtype).reshape(len(chosen), like.shape[1])
