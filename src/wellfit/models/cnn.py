"""A small convolutional network for pictures of any size, with a place for a recipe behind every activation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wellfit.errors import UsageError
from wellfit.sites import Marker


class RegularizedCNN(nn.Module):
    """Two convolutions and a dense layer, each with batch norm and ReLU; what regularizes it is a recipe.

    Between the convolutions and the dense layer an adaptive average makes a ``grid`` by ``grid`` map of any picture, so
    that the dense layer does not depend on the picture's size. With ``grid=16`` pictures of 32 by 32 pass it unchanged.

    Sites: ``input``; ``first.hidden`` and ``second.hidden``, where whole channels can go (SpatialDropout); and
    ``dense.hidden`` (Dropout). Behind each but the last stands a batch norm, which is what the lint's rule WF-L40 is
    about. Layers before a norm have no bias: the norm would take it out again. With ``blocks`` there are residual
    blocks of two branches behind the second convolution, ``blocks.<i>.branches`` each, where ShakeShake mixes them.

    Args:
        classes: outputs.
        channels: of a picture, 3 for colors.
        widths: channels of the two convolutions.
        grid: cells a side of the map that the dense layer reads.
        hidden: units of the dense layer.
        blocks: residual blocks of two branches, 0 for none.
        halved: whether maps are halved behind the first convolution already, which makes steps three times as fast.

    Shapes:
        (batch, channels, height, width) in, with any height and width from 1; (batch, classes) logits out.

    Raises:
        UsageError: a number is below 1, or ``blocks`` below 0.

    Example:
        >>> import torch
        >>> network = RegularizedCNN(10, widths=(4, 8), hidden=16).eval()
        >>> [tuple(network(torch.zeros(2, 3, size, size + 5)).shape) for size in (1, 28, 33)]
        [(2, 10), (2, 10), (2, 10)]
    """

    def __init__(
        self, classes: int, *, channels: int = 3, widths: tuple[int, int] = (64, 128), grid: int = 4, hidden: int = 512,
        blocks: int = 0, halved: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if min(classes, channels, *widths, grid, hidden, blocks + 1) < 1:
            came = f"classes={classes}, channels={channels}, widths={widths}, grid={grid}, hidden={hidden}"
            raise UsageError(
                f"RegularizedCNN takes whole numbers from 1, and blocks from 0, not {came}, blocks={blocks}.",
                fix="Raise what is below.",
                code="WF-A60",
            )
        first, second = widths
        self.input = Marker("input")
        self.first = Normed(nn.Conv2d(channels, first, 3, padding=1, bias=False), nn.BatchNorm2d(first))
        self.second = Normed(nn.Conv2d(first, second, 3, padding=1, bias=False), nn.BatchNorm2d(second))
        self.blocks = nn.Sequential(*(TwoBranches(second) for _ in range(blocks)))
        # rounding up keeps the last row and column of odd sizes, and pictures of a single pixel
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.halve = nn.MaxPool2d(2, ceil_mode=True) if halved else nn.Identity()
        self.fit = nn.AdaptiveAvgPool2d(grid)
        self.dense = Normed(nn.Linear(second * grid * grid, hidden, bias=False), nn.BatchNorm1d(hidden))
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.blocks(self.second(self.halve(self.first(_channels_last(self.input(x))))))
        return self.head(self.dense(self.fit(self.pool(maps)).flatten(1)))


class TwoBranches(nn.Module):
    """h + (one(h) + other(h)) / 2, each branch two times ReLU, convolution and batch norm; both are one site.

    Shapes:
        (batch, width, height, width of the picture) in, the same out.

    Source:
        Gastaldi, Shake-Shake Regularization, ICLR workshop 2017, arXiv 1705.07485 (blocks of two branches).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.other = _branch(width), _branch(width)
        self.branches = Marker("branches")

    def forward(self, h: Tensor) -> Tensor:
        return h + self.branches(torch.stack([self.one(h), self.other(h)])).mean(0)


def _branch(width: int) -> nn.Sequential:
    layers = [
        m
        for _ in range(2)
        for m in (nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
    ]
    return nn.Sequential(*layers)


class Normed(nn.Module):
    """A layer, batch norm, ReLU, and a place where dropout acts."""

    def __init__(self, layer: nn.Conv2d | nn.Linear, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        self.activation = nn.ReLU()
        self.hidden = Marker("hidden")

    def forward(self, h: Tensor) -> Tensor:
        h = self.layer(h)
        return self.hidden(self.activation(self.norm(_channels_last(h) if h.ndim == 4 else h)))


def _channels_last(maps: Tensor) -> Tensor:
    """The same maps with the channels of a pixel side by side in memory, where pooling and norms are twice as fast."""
    return maps.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
