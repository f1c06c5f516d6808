"""What decides the structure of the networks for images: numbers and names only, so that it can be stored."""

from __future__ import annotations

import dataclasses

from torch import nn

from wellfit.models.cnn import RegularizedCNN


@dataclasses.dataclass(frozen=True)
class PictureShape:
    """A ``RegularizedCNN`` whose maps are halved behind the first convolution.

    Attributes:
        channels, height, width: of an image.
        outputs: classes, or 1 for a number.
        first, second: channels of the convolutions.
        hidden: units of the dense layer.
        grid: cells a side of the map that it reads.
        blocks: residual blocks of two branches, behind the second convolution.
    """

    channels: int
    height: int
    width: int
    outputs: int
    first: int = 16
    second: int = 32
    hidden: int = 128
    grid: int = 4
    blocks: int = 0

    @property
    def values(self) -> int:
        """The most numbers that a layer makes of one image."""
        return self.height * self.width * max(self.channels, self.first)

    def network(self, widths: tuple[int, ...] = ()) -> nn.Module:
        return RegularizedCNN(
            self.outputs, channels=self.channels, widths=(self.first, self.second), grid=self.grid, hidden=self.hidden,
            blocks=self.blocks, halved=True,
        )  # fmt: skip
