"""Mixing: training rows that are blends of two."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer, knob
from wellfit.target import Target


class Mixup(Regularizer):
    """Train on blends of two rows: x <- lam * x_i + (1 - lam) * x_j and the same for targets, lam ~ Beta(alpha, alpha).

    One lam a step, partners by a random order of the batch; labels blend with the same lam, so that the loss is
    lam * loss_i + (1 - lam) * loss_j. Training accuracy under mixing means nothing: judge on clean rows.

    Args:
        alpha: shape of the Beta distribution, 0 (neutral: lam = 1) and up; 0.1 to 0.4 is usual, 1 is strong.

    Shapes:
        x: (batch, ...); target values (batch, classes or outputs).

    Example:
        >>> Mixup(0.2).replace(alpha=1.0)
        Mixup(alpha=1.0)

    Source:
        Zhang, Cisse, Dauphin & Lopez-Paz, mixup: Beyond Empirical Risk Minimization, ICLR 2018, arXiv 1710.09412.
    """

    formula = "lam * x_i + (1 - lam) * x_j, lam ~ Beta(alpha, alpha); targets alike"
    source = "Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, arXiv 1710.09412"
    use_when = "few rows, noisy labels, over-confident probabilities"
    avoid_when = "a blend of two rows means nothing, or label smoothing softens the labels already"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    rank = 40
    alpha: float = knob(0.2, low=0.02, high=2.0, log=True, neutral=0.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        share = mixing_share(self.alpha, now).to(x.dtype)
        partner = now.permutation(x.shape[0], "partner")
        return share * x + (1.0 - share) * x[partner], target.blend(target.take(partner), share)


def mixing_share(alpha: Tensor | float, now: Now) -> Tensor:
    """lam ~ Beta(alpha, alpha), () float32; exactly 1 at alpha = 0."""
    return torch.where(torch.as_tensor(alpha, device=now.key.device) > 0, now.beta(alpha, "share"), 1.0)
