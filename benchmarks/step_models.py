"""The three networks of step.py: an MLP, a small ResNet, a small transformer; each with a batch of made-up data."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def mlp() -> nn.Module:
    """784-512-256-10, 535,818 weights."""
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
    )  # fmt: skip


class Block(nn.Module):
    """Two convolutions with batch norm and a skip."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.activation = nn.ReLU()
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.last = nn.BatchNorm2d(outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else nn.Identity()
        self.out = nn.ReLU()

    def forward(self, h: Tensor) -> Tensor:
        inner = self.last(self.second(self.activation(self.norm(self.first(h)))))
        return self.out(inner + self.skip(h))


def resnet() -> nn.Module:
    """A stem of 16 channels, three stages of two blocks (16, 32, 64), 32 x 32 pictures."""
    stages = [
        Block(a, b, s) for a, b, s in ((16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1))
    ]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Layer(nn.Module):
    """Pre-norm self-attention of four heads and a feed-forward part, both with skips."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.wide, self.activation, self.narrow = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, h: Tensor) -> Tensor:
        batch, length, width = h.shape
        parts = self.queries(self.norm(h)).view(batch, length, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(parts[0] @ parts[1].transpose(-2, -1) * (width // 4) ** -0.5, dim=-1)
        h = h + self.mixed((weights @ parts[2]).transpose(1, 2).reshape(batch, length, width))
        return h + self.narrow(self.activation(self.wide(self.last(h))))


class Transformer(nn.Module):
    """Two layers of width 64 over 32 embedded tokens; it reads embeddings, so that rows can be blended."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(Layer(64), Layer(64))
        self.norm = nn.LayerNorm(64)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.layers(x)).mean(1))


MODELS = {"mlp": (mlp, (784,), 128), "resnet": (resnet, (3, 32, 32), 64), "transformer": (Transformer, (32, 64), 64)}
"""Builder, shape of one row, rows a batch."""
