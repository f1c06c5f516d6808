"""Cutting and pasting: rows that lack a part, or carry another row's in its place."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob
from wellfit.regularizers.cutting import (
    check_form,
    columns_in,
    columns_of,
    columns_to_cut,
    drawn_centers,
    in_box,
    whole_side,
)
from wellfit.regularizers.mixing import mixing_share
from wellfit.target import Target


class CutMix(Regularizer):
    """Paste a part of one row into another: a box of an image, or some columns of a table; targets blend by its area.

    lam ~ Beta(alpha, alpha). For images the box has the sides floor(height * sqrt(1 - lam)) and
    floor(width * sqrt(1 - lam)), its center is any pixel, and it is clipped at the borders; in a table
    round(columns * (1 - lam)) columns, chosen at random, come from the partner. One lam and one place a step, partners
    by a random order of the batch. Targets blend by the share that was truly pasted, not by lam. Where a training knows
    which 0/1 inputs code one category (``wellfit.fit`` does), they are one column; elsewhere each input is one. Columns
    of whole numbers, but for 8-bit pixels, are token numbers of texts: 0 is padding, and each row's target blends by
    whose tokens it truly holds.

    Args:
        alpha: shape of the Beta distribution, 0 (neutral: lam = 1) and up; 1 is usual.

    Shapes:
        x: (batch, channels, height, width) or (batch, columns), of any type; target values (batch, classes or outputs).

    Raises:
        RecipeError: inputs of another number of axes.

    Example:
        >>> CutMix()
        CutMix(alpha=1.0)

    Source:
        Yun, Han, Oh, Chun, Choe & Yoo, CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
        Features, ICCV 2019, arXiv 1905.04899; for tables: Kadra, Lindauer, Hutter & Grabocka, Well-tuned Simple Nets
        Excel on Tabular Datasets, NeurIPS 2021, arXiv 2106.11189.
    """

    formula = "x_j inside a box of area 1 - lam, x_i outside, lam ~ Beta(alpha, alpha); targets by the clipped area"
    source = "Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers, ICCV 2019, arXiv 1905.04899"
    use_when = "images whose class shows in many places, and long trainings"
    avoid_when = "the class hangs on one small spot, or Mixup is in the recipe: targets would be blended twice"
    grade = "A"
    rank = 40
    alpha: float = knob(1.0, low=0.05, high=2.0, log=True, neutral=0.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        check_form(x, self.name)
        rest = 1.0 - mixing_share(self.alpha, now)
        pasted, share = _pasted_box(x, rest, now) if x.ndim == 4 else _pasted_columns(x, rest, now)
        partner = now.permutation(x.shape[0], "partner")
        if x.ndim == 2 and not x.dtype.is_floating_point and x.dtype not in (torch.uint8, torch.bool):
            share = _pasted_tokens(x, pasted, partner, share)
        kept = 1.0 - share.to(target.values.dtype)
        return torch.where(pasted, x[partner], x), target.blend(target.take(partner), kept)


def _pasted_box(x: Tensor, rest: Tensor, now: Now) -> tuple[Tensor, Tensor]:
    """One box for all images of a batch, (height, width) bool, and the share of the image that it covers."""
    size = (x.shape[2], x.shape[3])
    side = rest.to(torch.float64).sqrt()
    box = in_box(size, (whole_side(size[0], side), whole_side(size[1], side)), drawn_centers(size, (), now))
    return box, box.to(torch.float64).mean()


def _pasted_columns(x: Tensor, rest: Tensor, now: Now) -> tuple[Tensor, Tensor]:
    """The same columns for all rows of a batch, (inputs,) bool, and which share of the table's columns they are."""
    columns = columns_of(x.shape[1], now.blocks).to(x.device)
    count = columns_in(x.shape[1], now.blocks)
    cut = now.permutation(count, "columns") < columns_to_cut(count, rest)
    return cut[columns], cut.to(torch.float64).mean()


def _pasted_tokens(x: Tensor, pasted: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Which share of each row's tokens is the partner's, (batch,); ``share`` where a row is all padding."""
    real = x != 0
    other = (real[partner] & pasted).sum(1).to(torch.float64)
    every = other + (real & ~pasted).sum(1)
    return torch.where(every > 0, other / every.clamp(min=1.0), share)


class Cutout(Regularizer):
    """Blank out a part of each row: one square-shaped hole of an image, or some columns of a table, set to 0.

    In an image the hole's sides are ``share`` of the image's, rounded down; its center is any pixel, and it is clipped
    at the borders, so that the mean area is below share ** 2. In a table round(columns * share) columns are set to 0,
    chosen for each row anew. Inputs are standardized when they come here: 0 is their mean. Targets stay as they are.
    Where a training knows which 0/1 inputs code one category (``wellfit.fit`` does), they are one column, which is no
    category at 0; elsewhere each input is one.

    With ``spread`` above 0 each row draws its own share: from a Beta distribution with the mean ``share`` and the
    variance ``spread * share * (1 - share)``, which is the largest there is at a spread of 1.

    Args:
        share: the hole's side as a share of the image's, or the share of columns, 0 (neutral) to 1; 0.5 is usual.
        spread: of the shares over the rows, 0 (all have the same) to below 1; 1/3 with a share of 0.5 is uniform.

    Shapes:
        x: (batch, channels, height, width) or (batch, columns), of any type.

    Raises:
        RecipeError: inputs of another number of axes.

    Example:
        >>> import torch
        >>> Cutout(0.5).batch(torch.ones(1, 4), None, Now.at(0))[0].sum().item()
        2.0

    Source:
        DeVries & Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017, arXiv 1708.04552;
        for tables: Kadra, Lindauer, Hutter & Grabocka, Well-tuned Simple Nets Excel on Tabular Datasets, NeurIPS 2021,
        arXiv 2106.11189.
    """

    formula = "x * (1 - box), a box of side share * size (or Beta about it) about a random center, clipped at borders"
    source = "DeVries & Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017"
    use_when = "images in which objects are often half hidden, tables with columns that can stand in for each other"
    avoid_when = "the class hangs on one small spot or one column"
    grade = "A"
    rank = 40
    standard = frozenset({"image"})
    share: float = knob(0.5, low=0.1, high=0.8, neutral=0.0, maximum=1.0)
    spread: float = knob(0.0, low=0.0, high=0.5, maximum=0.99)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        check_form(x, self.name)
        share = _shares(self.share, self.spread, len(x), now)
        hole = _holes(x, share, now) if x.ndim == 4 else _blank_columns(x, share, now)
        return torch.where(hole, torch.zeros_like(x), x), target


def _shares(share: Tensor | float, spread: Tensor | float, rows: int, now: Now) -> Tensor:
    """(rows,) float64: the share itself where the spread is 0, else draws from the Beta of this mean and spread."""
    mean, wide = (torch.as_tensor(v, dtype=torch.float64, device=now.key.device).expand(rows) for v in (share, spread))
    if not isinstance(spread, Tensor) and spread == 0:  # the same by a shorter way
        return mean
    count = 1.0 / wide.clamp(min=1e-6) - 1.0  # alpha + beta: a Beta's variance is mean * (1 - mean) / (count + 1)
    drawn = now.beta(mean * count, "share", (1.0 - mean) * count, (rows,)).to(torch.float64)
    return torch.where((wide > 0) & (mean > 0) & (mean < 1), drawn, mean)


def _holes(x: Tensor, share: Tensor, now: Now) -> Tensor:
    """A hole of its own for each image, (batch, 1, height, width) bool."""
    size = (x.shape[2], x.shape[3])
    sides = (whole_side(size[0], share), whole_side(size[1], share))
    return in_box(size, sides, drawn_centers(size, (len(x),), now)).unsqueeze(1)


def _blank_columns(x: Tensor, share: Tensor, now: Now) -> Tensor:
    """Columns of its own for each row, (batch, inputs) bool."""
    columns = columns_of(x.shape[1], now.blocks).to(x.device)
    count = columns_in(x.shape[1], now.blocks)
    ranks = now.uniform((x.shape[0], count), "columns").argsort(dim=1).argsort(dim=1)
    return (ranks < columns_to_cut(count, share)[:, None])[:, columns]
