"""The pixels that networks train on: bytes in a file, numbers only in the batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wellfit.data import Mapped, PictureEncoder


@dataclasses.dataclass(frozen=True)
class PixelRows:
    """Rows of a study that are read when they are asked for; indexed like a tensor (rows, channels, height, width).

    Attributes:
        pixels: all images, in a file that every process opens by itself.
        source: (rows,) the image of each row; several rows may be of one image, as different folds read it.
        view: (rows,) which fold's mean and standard deviation a row is read with.
        mean, std: (folds, channels, 1, 1).
    """

    pixels: Mapped
    source: Tensor
    view: Tensor
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, pixels: Mapped, rows: np.ndarray, encoders: Sequence[PictureEncoder]) -> PixelRows:
        """The same images once for each encoder, one after the other."""
        count = len(encoders)
        mean, std = (torch.tensor([getattr(e, n) for e in encoders])[:, :, None, None] for n in ("mean", "std"))
        view = torch.arange(count).repeat_interleave(len(rows))
        return cls(pixels, torch.from_numpy(np.tile(rows, count)), view, mean, std)

    @property
    def shape(self) -> torch.Size:
        return torch.Size((len(self.source), *self.pixels.shape[1:]))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Any) -> Tensor:
        """(..., channels, height, width) float32, standardized, where the constants are."""
        source, view = self.source[rows], self.view[rows]
        x = torch.from_numpy(self.pixels[source.cpu().numpy()]).to(self.mean.device).to(torch.float32)
        return (x - self.mean[view]) / self.std[view]

    def also(self, source: Tensor, view: Tensor) -> PixelRows:
        """With further rows at the end."""
        return dataclasses.replace(
            self, source=torch.cat([self.source, source]), view=torch.cat([self.view, view.to(self.view.dtype)])
        )

    def to(self, device: torch.device) -> PixelRows:
        moved = {n: getattr(self, n).to(device) for n in ("source", "view", "mean", "std")}
        return dataclasses.replace(self, **moved)


@dataclasses.dataclass(frozen=True)
class PixelInputs:
    """Images that are only predicted, standardized block by block; sliced like a tensor."""

    pixels: Any
    encoder: PictureEncoder

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: slice) -> Tensor:
        return torch.from_numpy(self.encoder.transform(self.pixels[rows]))
