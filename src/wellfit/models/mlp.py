"""A multilayer perceptron for tables, with embeddings for categories and an option of residual blocks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wellfit.sites import Marker


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
    """

    inputs: int
    outputs: int
    width: int = 128
    depth: int = 2
    residual: bool = False
    embeddings: tuple[tuple[int, int, int], ...] = ()


class MLP(nn.Module):
    """Linear layers and ReLU; categories enter as blocks of 0/1 columns, which an embedding multiplies.

    Shapes:
        (batch, inputs) in, (batch, outputs) out: logits, or a number.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.input = Marker("input")
        self.embed = Embed(shape.inputs, shape.embeddings)
        widths = [self.embed.width] + [shape.width] * shape.depth
        if shape.residual:
            self.stem = nn.Linear(self.embed.width, shape.width)
            self.blocks = nn.Sequential(*(Block(shape.width) for _ in range(shape.depth)))
        else:
            self.stem = nn.Identity()
            pairs = zip(widths, widths[1:], strict=False)
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
    """Multiply each large block of 0/1 columns with a matrix of its own; other columns pass."""

    def __init__(self, inputs: int, groups: Sequence[tuple[int, int, int]]) -> None:
        super().__init__()
        self.groups = tuple(groups)
        covered = {c for start, width, _ in groups for c in range(start, start + width)}
        self.passed = [c for c in range(inputs) if c not in covered]
        self.tables = nn.ParameterList(nn.Parameter(torch.randn(width, out) * out**-0.5) for _, width, out in groups)
        self.width = len(self.passed) + sum(out for _, _, out in groups)

    def forward(self, x: Tensor) -> Tensor:
        if not self.groups:
            return x
        found = [x[..., a : a + n] @ table for (a, n, _), table in zip(self.groups, self.tables, strict=True)]
        return torch.cat([x[..., self._runs()], *found], dim=-1) if self.passed else torch.cat(found, dim=-1)

    def _runs(self) -> slice | list[int]:
        first, last = self.passed[0], self.passed[-1]
        return slice(first, last + 1) if last - first + 1 == len(self.passed) else self.passed
