"""A multilayer perceptron for tables, with embeddings for categories and an option of residual blocks."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wellfit.sites import Marker

_FREQUENCY = 0.3  # standard deviation of first frequencies, for numbers of standard deviation about 1


@dataclasses.dataclass(frozen=True)
class Shape:
    """What decides an MLP's structure: numbers only, so that it can be stored.

    Attributes:
        inputs: columns of the encoded table.
        outputs: classes, or 1 for a number.
        width: units of each hidden layer.
        depth: hidden layers, or residual blocks.
        residual: whether blocks add to their input.
        embeddings: (start, categories, dimensions) of each group of columns that an embedding reads.
        numbers: the columns that hold numbers.
        waves: periodic features of each number, 0 for none.
        widths: units of each hidden layer where they differ, as after pruning; empty for ``width`` in all of them.
    """

    inputs: int
    outputs: int
    width: int = 128
    depth: int = 2
    residual: bool = False
    embeddings: tuple[tuple[int, int, int], ...] = ()
    numbers: tuple[int, ...] = ()
    waves: int = 0
    widths: tuple[int, ...] = ()

    @property
    def values(self) -> int:
        """The most numbers that a layer makes of one row."""
        return max(self.inputs, self.width)

    def network(self, widths: tuple[int, ...] = ()) -> MLP:
        """A network of this shape, or with other widths of its hidden layers, its weights from torch's generator."""
        return MLP(dataclasses.replace(self, widths=widths) if widths else self)


class MLP(nn.Module):
    """Linear layers and ReLU; categories enter as blocks of 0/1 columns, which an embedding multiplies.

    Shapes:
        (batch, inputs) in, (batch, outputs) out: logits, or a number.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.input = Marker("input")
        self.embed = Embed(shape.inputs, shape.embeddings, shape.numbers, shape.waves)
        widths = [self.embed.width, *(shape.widths or [shape.width] * shape.depth)]
        if shape.residual:
            self.stem = nn.Linear(self.embed.width, shape.width)
            self.blocks = nn.Sequential(*(Block(shape.width) for _ in range(shape.depth)))
        else:
            self.stem = nn.Identity()
            pairs = itertools.pairwise(widths)
            self.blocks = nn.Sequential(*(Layer(a, b) for a, b in pairs))
        self.head = nn.Linear(widths[-1], shape.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(self.embed(self.input(x)))))


class Layer(nn.Module):
    """Linear, ReLU, and a place where dropout acts."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        nn.init.kaiming_uniform_(self.linear.weight, nonlinearity="relu")
        nn.init.zeros_(self.linear.bias)
        self.activation = nn.ReLU()
        self.hidden = Marker("hidden")

    def forward(self, h: Tensor) -> Tensor:
        return self.hidden(self.activation(self.linear(h)))


class Block(nn.Module):
    """h + linear(relu(linear(h))): a residual block, whose branch is a site of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = Layer(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.bias)
        self.branch = Marker("branch")

    def forward(self, h: Tensor) -> Tensor:
        return h + self.branch(self.out(self.layer(h)))


class Embed(nn.Module):
    """Widen the inputs: large blocks of 0/1 columns become embeddings, numbers get periodic features beside them.

    The periodic features of a number x are cos(2 pi (f x + b)) with trainable f and b: a network reads steps and bumps
    from them that it could hardly bend out of x alone.

    Source:
        Gorishniy, Rubachev & Babenko, On Embeddings for Numerical Features in Tabular Deep Learning, NeurIPS 2022,
        arXiv 2203.05556; with cosine and bias: Holzmueller, Grinsztajn & Steinwart, arXiv 2407.04491.
    """

    def __init__(
        self, inputs: int, groups: Sequence[tuple[int, int, int]], numbers: Sequence[int] = (), waves: int = 0
    ) -> None:
        super().__init__()
        self.groups = tuple(groups)
        covered = {c for start, width, _ in groups for c in range(start, start + width)}
        self.passed = [c for c in range(inputs) if c not in covered]
        self.numbers = list(numbers) if waves else []
        self.tables = nn.ParameterList(nn.Parameter(torch.randn(width, out) * out**-0.5) for _, width, out in groups)
        self.vectors = nn.ModuleList(Marker("embedding") for _ in groups)
        if self.numbers:
            # flat, so that penalties leave them alone: they are where a feature looks, not how much it weighs
            self.frequency = nn.Parameter(torch.randn(len(numbers) * waves) * _FREQUENCY)
            self.phase = nn.Parameter(torch.rand(len(numbers) * waves))
        self.width = len(self.passed) + sum(out for _, _, out in groups) + len(self.numbers) * waves

    def forward(self, x: Tensor) -> Tensor:
        places = zip(self.groups, self.tables, self.vectors, strict=True)
        found = [marker(x[..., a : a + n] @ table) for (a, n, _), table, marker in places]
        if self.numbers:
            waves = self.frequency.shape[0] // len(self.numbers)
            turns = (x[..., _span(self.numbers), None] * self.frequency.view(-1, waves)).flatten(-2) + self.phase
            found.append(torch.cos(2.0 * torch.pi * turns))
        if self.passed:
            found.insert(0, x[..., _span(self.passed)])
        return torch.cat(found, dim=-1) if len(found) > 1 else found[0]


def _span(columns: list[int]) -> slice | list[int]:
    """Columns as a slice where they stand together, which reads them without a copy."""
    first, last = columns[0], columns[-1]
    return slice(first, last + 1) if last - first + 1 == len(columns) else columns
