"""Structured dropout of feature maps: connected regions go missing, which neighbors cannot fill in."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizer import Params, Regularizer, knob, static
from wellfit.regularizers.dropout import inverse_keep
from wellfit.sites import Site


class DropBlock(Regularizer):
    """Set square blocks of feature maps to zero at random, and scale what is left to the mean there was.

    Corners of blocks are drawn with probability gamma = p / size**2 * (H * W) / ((H - size + 1) * (W - size + 1)), so
    that about p of the values are dropped, those at the rim less often; h <- h * mask * (entries of the
    mask / ones in it). A map smaller than a block is dropped as a whole; for (batch, units), which has no map, blocks
    are single units.

    Args:
        p: share of values that is dropped, 0 (neutral) to 1, a little less where blocks overlap; 0.05 to 0.25 is usual,
            turned up slowly: ``schedule(DropBlock(0.1), ramp(10))``.
        size: side of a block, in values of the map, a whole number from 1.

    Shapes:
        h: (batch, channels, ...) in, the same out; dtype and device are kept. All axes after the second are the map's.

    Raises:
        RecipeError: size is no whole number from 1.

    Example:
        >>> DropBlock(0.1, size=3)
        DropBlock(p=0.1, size=3)

    Source:
        Ghiasi, Lin & Le, DropBlock: A Regularization Method for Convolutional Networks, NeurIPS 2018, arXiv 1810.12890.
    """

    formula = "h * mask * numel(mask) / sum(mask), the mask zero in blocks of size x size"
    source = "Ghiasi, Lin & Le, DropBlock, NeurIPS 2018, arXiv 1810.12890"
    use_when = "convolution layers with maps well larger than a block, long trainings"
    avoid_when = "maps are small: SpatialDropout"
    grade = "B"
    site_kinds = frozenset({"hidden"})
    p: float = knob(0.1, low=0.01, high=0.3, neutral=0.0, maximum=1.0)
    size: int = static(7)

    def __post_init__(self) -> None:
        super().__post_init__()
        number = isinstance(self.size, int | float) and not isinstance(self.size, bool)
        if not number or not 1 <= self.size < math.inf or self.size != int(self.size):
            raise RecipeError(
                f"DropBlock.size is {shortened(self.size)}; a whole number from 1 is allowed.",
                fix="The source uses 7 on maps of 28 x 28 and 14 x 14.",
                code="WF-R03",
            )
        object.__setattr__(self, "size", int(self.size))  # recipe files hold 7.0

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        sides = [min(self.size, length) for length in h.shape[2:]]
        corners = [length - side + 1 for length, side in zip(h.shape[2:], sides, strict=True)]
        share = math.prod(h.shape[2:]) / math.prod(sides) / max(math.prod(corners), 1)
        dropped = now.chance(self.p * share, (*h.shape[:2], *corners), site.name)
        for axis, side in enumerate(sides, start=2):
            dropped = _widened(dropped, axis, side)
        kept = (~dropped).to(torch.float32)
        ones = kept.sum()
        return h * (kept * (kept.numel() / ones.clamp(min=1.0))).to(h.dtype)


def _widened(mask: Tensor, axis: int, side: int) -> Tensor:
    """True where one of the ``side`` entries up to here along an axis is; the axis grows by ``side`` - 1."""
    padding = [0, 0] * (mask.ndim - 1 - axis) + [side - 1, side - 1]
    return nn.functional.pad(mask, padding).unfold(axis, side, 1).any(-1)


class RowDropout(Regularizer):
    """Set one whole row or one whole column of each feature map to zero, with probability p a row of the batch.

    Row or column, and which of them, are drawn evenly, and all channels lose the same; the rest is divided by the
    share that a value is kept with, 1 - p * (1 / (2 * H) + 1 / (2 * W)), so that the mean stays h. The map is the last
    two axes: a (batch, time, features) loses a position or a feature; a (batch, units) loses one unit.

    Args:
        p: probability that a map loses a row or a column, 0 (neutral) to 1.

    Shapes:
        h: (batch, ..., H, W) in, the same out; dtype and device are kept.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> h = RowDropout(1.0).activation(torch.ones(1, 1, 4, 4), Site("h", "hidden"), {}, Now.at(0))
        >>> int((h == 0).sum())
        4

    Source:
        Zhao, Dada, Gao & Mullins, Revisiting Structured Dropout, ACML, PMLR 222, 2024, arXiv 2210.02570, compares
        dropouts of this kind; this form of it is ours.
    """

    formula = "h * mask / (1 - p * (1 / (2 * H) + 1 / (2 * W))), the mask zero in one row or column"
    source = "Zhao, Dada, Gao & Mullins, Revisiting Structured Dropout, ACML, PMLR 222, 2024, arXiv 2210.02570"
    use_when = "maps in which a line has a meaning of its own: spectrograms, sequences of features"
    avoid_when = "a first choice: SpatialDropout and DropBlock are better tried"
    grade = "C+"
    site_kinds = frozenset({"hidden"})
    p: float = knob(0.5, low=0.05, high=1.0, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        rows, columns = h.shape[-2:] if h.ndim > 2 else (1, h.shape[-1])
        batch = (len(h),)
        # an axis of one entry has no line to lose, or all would be lost
        share = 0.5 if rows > 1 and columns > 1 else float(rows > 1)
        cut = now.chance(self.p, batch, f"{site.name}.cut")
        along = now.chance(share, batch, f"{site.name}.axis")
        place = now.uniform(batch, f"{site.name}.place")
        row = _line(place, rows) & (cut & along)[:, None]
        column = _line(place, columns) & (cut & ~along)[:, None]
        kept = ~(row[:, :, None] | column[:, None, :])
        lost = self.p * (share / max(rows, 1) + (1.0 - share) / max(columns, 1))  # no lines, nothing lost
        shape = (len(h), *[1] * (h.ndim - 3), rows, columns) if h.ndim > 2 else h.shape
        return h * (kept.reshape(shape) * inverse_keep(lost, h))


def _line(place: Tensor, length: int) -> Tensor:
    """(batch, length): True at the entry where a uniform draw falls."""
    return (place[:, None] * length).to(torch.int64) == torch.arange(length, device=place.device)
