"""Small samples of every kind of inputs, and small networks for them; each follows from its seed."""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wellfit.draws import member_key
from wellfit.fold import Fold, Texts
from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.models.mlp import MLP, Shape
from wellfit.target import Target
from wellfit.text.byte_pairs import BytePairs

INPUTS, OUTPUTS, WIDTH, ROWS = 5, 3, 6, 12
TOKENS, VOCABULARY = 7, 20
"""Positions of a row of tokens, and how many tokens there are, padding (0), unknown (1) and hidden (2) among them."""
PICTURE = (3, 8, 6)
"""Channels, height and width of the pictures that are shown to what takes nothing else."""


class Sample(NamedTuple):
    """What the stages of one model read."""

    params: dict[str, Tensor]
    buffers: dict[str, Tensor]
    x: Tensor
    target: Target
    hidden: Tensor
    key: Tensor

    @property
    def weights(self) -> dict[str, Tensor]:
        return {**self.params, **self.buffers}


def small_network(task: str, inputs: str = "any") -> nn.Module:
    """A network of two hidden layers; its weights are never read."""
    outputs = OUTPUTS if task == "classification" else 1
    with torch.random.fork_rng(devices=[]):
        if inputs == "image":
            return nn.Sequential(nn.Flatten(), MLP(Shape(math.prod(PICTURE), outputs, WIDTH, 2)))
        if inputs == "tokens":
            return BagOfEmbeddings(VOCABULARY, outputs, width=WIDTH, hidden=WIDTH)
        return MLP(Shape(INPUTS, outputs, WIDTH, 2))


def draw_sample(
    seed: int = 0,
    task: str = "classification",
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    rows: int = ROWS,
    inputs: str = "any",
) -> Sample:
    """A sample that follows from its seed; global generators are left alone."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(device, dtype)

    params = {n: 0.7 * normal(*p.shape) for n, p in small_network(task, inputs).named_parameters()}
    buffers = {"statistic": normal(WIDTH), "count": torch.tensor(3, device=device)}
    if task == "classification":
        labels = torch.randint(OUTPUTS, (rows,), generator=generator)
        values = nn.functional.one_hot(labels, OUTPUTS).to(device, dtype)
    else:
        values = normal(rows, 1)
    weight = torch.ones(rows, dtype=dtype, device=device)
    target = Target(values, weight, task == "classification")
    if inputs == "tokens":
        x = torch.randint(VOCABULARY, (rows, TOKENS), generator=generator).to(device)
    else:
        x = _pictures(normal(rows, 3, 4)) if inputs == "image" else normal(rows, INPUTS)
    return Sample(params, buffers, x, target, normal(rows, WIDTH), member_key(seed).to(device))


def _pictures(shares: Tensor) -> Tensor:
    """Pictures of a smooth course between black and white, (rows, 3, height, width): blends of slow waves."""
    down, across = (torch.linspace(0.0, 2.0, side).to(shares)[:, None] for side in PICTURE[1:])
    waves = torch.stack([torch.sin(down + across.mT), torch.cos(2 * down - across.mT), down + 0 * across.mT])
    offset, shares = shares[..., :1, None], shares[..., 1:]
    return torch.sigmoid((shares[..., None, None] * waves).sum(2) + offset)


def small_fold(sample: Sample, inputs: str = "any") -> Fold:
    """A training fold of two clusters, a third of its rows in the smaller one, with two categories; or of texts."""
    labels, classes = torch.arange(42) % 3 // 2, 2 if sample.target.classes else 0
    if inputs == "text":
        texts = Texts.of(" ".join(_SENTENCES[(i + k) % len(_SENTENCES)] for k in range(1 + i % 3)) for i in range(42))
        return Fold(texts, labels, torch.ones(42, dtype=sample.target.weight.dtype), classes)
    generator = torch.Generator().manual_seed(7)
    if inputs == "tokens":
        rows = torch.randint(VOCABULARY, (42, TOKENS), generator=generator)
        return Fold(rows, labels, torch.ones(42, dtype=sample.target.weight.dtype), classes)
    numbers = torch.randn(42, INPUTS, generator=generator, dtype=torch.float64) + labels.unsqueeze(1)
    kinds = nn.functional.one_hot(torch.randint(3, (42,), generator=generator), 3).to(numbers.dtype)
    x = torch.cat([numbers, kinds, kinds[:, :1]], 1).to(sample.x.dtype)
    return Fold(x, labels, x.new_ones(42), classes, ((INPUTS, 3), (INPUTS + 3, 1)))


_SENTENCES = (
    "A funny film about a big house.", "The story is awful, and it is slow.", "I did not buy the cheap picture.",
    "Ask @anna about [MASK] soon!", "Often a simple idea helps the child.",
)  # fmt: skip


def small_pairs() -> BytePairs:
    """A byte-pair encoding of a few letters, whose pieces have the numbers of the sample's tokens."""
    letters = ["[PAD]", "[UNK]", "[MASK]", *"abcdefg"]
    merges = (*zip("abcdef", "bcdefg", strict=True), ("ab", "cd"), ("cd", "ef"), ("bc", "de"), ("abcd", "ef"))
    pieces = [*letters, *("".join(pair) for pair in merges)]
    return BytePairs(merges, {piece: number for number, piece in enumerate(pieces)}, frozenset(letters[:3]))


def as_numbers(x: Tensor | Texts) -> Tensor:
    """Rows as a tensor: texts as (rows, 1) checksums, by which two are told apart."""
    if isinstance(x, Texts):
        return torch.tensor([[zlib.crc32(text.encode())] for text in x.values], dtype=torch.float64)
    return x
