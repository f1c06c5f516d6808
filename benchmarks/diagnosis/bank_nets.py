"""The networks of the bank, as anyone would write them: plain torch, no wellfit."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from bank_case import Case, Net
from bank_data import Drawn
from bank_sources import WORDS
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
DEAD_BIAS = -30.0  # standardized inputs never lift a unit over it
LARGE = 20.0


class Bag(nn.Module):
    """The mean of the vectors of a text's words; word 0 is none."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, width)

    def forward(self, x: Tensor) -> Tensor:
        there = (x > 0).to(self.table.weight.dtype).unsqueeze(-1)
        return (self.table(x) * there).sum(-2) / there.sum(-2).clamp(min=1.0)


def maker(case: Case, drawn: Drawn) -> Callable[[], nn.Module]:
    """A function without arguments that builds the network of a case anew."""
    return functools.partial(build, case.net, tuple(drawn.train.x.shape[1:]), drawn.classes or 1)


def build(net: Net, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """One network for rows of this shape, its weights from torch's generator."""
    act = ACTIVATIONS[net.activation]
    if net.kind == "cnn":
        return _cnn(net.width, shape, outputs, act)
    width, layers = (net.width, [Bag(net.width)]) if net.kind == "bag" else (shape[0], [])
    for _ in range(net.depth):
        layers += [nn.Linear(width, net.width), act()]
        width = net.width
    model = nn.Sequential(*layers, nn.Linear(width, outputs))
    _start(model, net.start)
    return model


def _cnn(width: int, shape: tuple[int, ...], outputs: int, act: Callable[[], nn.Module]) -> nn.Module:
    channels, height, across = shape
    flat = 2 * width * (height // 4) * (across // 4)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1), act(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1), act(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(flat, 4 * width), act(), nn.Linear(4 * width, outputs),
    )  # fmt: skip


@torch.no_grad()
def _start(model: nn.Sequential, start: str) -> None:
    """Spoil the first weights of all layers but the last."""
    for layer in list(model)[:-1]:
        if isinstance(layer, nn.Linear) and start == "dead":
            layer.bias.fill_(DEAD_BIAS)
        if isinstance(layer, nn.Linear) and start == "large":
            layer.weight.mul_(LARGE)
