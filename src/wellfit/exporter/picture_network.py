"""The convolutional network for images as torch code: only the layers that the run's network has."""

from __future__ import annotations

from wellfit.exporter.dropouts import DROPOUTS, dropout_constant, dropout_constants, dropout_layers, dropout_pieces
from wellfit.exporter.picture_facts import PictureFacts
from wellfit.exporter.source import Piece, constant, piece

_NORMED = '''
def normed(layer: nn.Conv2d | nn.Linear, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Sequential:
    """A layer, batch norm, and ReLU.""" #! drop
    """A layer, batch norm, ReLU, and dropout.""" #? drop
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    drop = nn.Dropout2d if isinstance(layer, nn.Conv2d) else nn.Dropout #? spatial
    return nn.Sequential(LAYERS)
'''

_BRANCHES = '''
class TwoBranches(nn.Module):
    """h + (one(h) + other(h)) / 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.other = self.branch(width), self.branch(width)

    def branch(self, width: int) -> nn.Sequential:
        """Two times ReLU, convolution and batch norm."""
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
        return nn.Sequential(*layers)

    def forward(self, h: Tensor) -> Tensor:
        return h + (self.one(h) + self.other(h)) / 2
'''

_NETWORK = '''
def make_network(outputs: int) -> nn.Sequential:
    """Two convolutions and a dense layer.""" #! blocks
    """Two convolutions, residual blocks and a dense layer.""" #? blocks
    return nn.Sequential(
        normed(nn.Conv2d(CHANNELS, FIRST, 3, padding=1, bias=False), nn.BatchNorm2d(FIRST)),
        nn.MaxPool2d(2, ceil_mode=True),
        normed(nn.Conv2d(FIRST, SECOND, 3, padding=1, bias=False), nn.BatchNorm2d(SECOND)),
        *(TwoBranches(SECOND) for _ in range(BLOCKS)), #? blocks
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AdaptiveAvgPool2d(GRID),
        nn.Flatten(),
        normed(nn.Linear(SECOND * GRID**2, HIDDEN, bias=False), nn.BatchNorm1d(HIDDEN)),
        nn.Linear(HIDDEN, outputs),
    )
'''

PICTURE_NETWORK_PARTS = (*DROPOUTS, "SpatialDropout")
"""The parts of a recipe that are layers."""


def picture_network_constants(facts: PictureFacts) -> list[str]:
    form = facts.form
    lines = [
        constant("FIRST", form.first, "channels of the convolutions"), constant("SECOND", form.second),
        constant("GRID", form.grid, "cells a side of the map that the dense layer reads"),
        constant("HIDDEN", form.hidden, "units of the dense layer"),
    ]  # fmt: skip
    lines += [constant("BLOCKS", form.blocks, "residual ones")] if form.blocks else []
    if facts.has("SpatialDropout"):
        lines.append(dropout_constant(facts, "SpatialDropout", "SPATIAL_DROPOUT"))
    return [*lines, *dropout_constants(facts)]


def picture_network_pieces(facts: PictureFacts) -> list[Piece]:
    """The modules, and ``make_network(outputs)``."""
    drops = [*dropout_layers(facts), *(["drop(SPATIAL_DROPOUT)"] if facts.has("SpatialDropout") else [])]
    layers = ", ".join(["layer", "norm", "nn.ReLU()", *drops])
    imports = ("import torch", "from torch import Tensor, nn")
    normed = piece(_NORMED, *imports, drop=bool(drops), spatial=facts.has("SpatialDropout"))
    found = [*dropout_pieces(facts), Piece(normed.code.replace("LAYERS", layers), normed.imports)]
    if facts.form.blocks:
        found.append(piece(_BRANCHES))
    return [*found, piece(_NETWORK, blocks=facts.form.blocks > 0)]
