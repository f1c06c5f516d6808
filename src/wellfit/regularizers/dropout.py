"""Dropout and its kin: hidden values that go missing at random during training."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.sites import Site


class Dropout(Regularizer):
    """Set hidden values to zero at random: h <- h * mask / (1 - p), mask ~ Bernoulli(1 - p).

    The mean stays h, the variance grows by h**2 * p / (1 - p). At p = 1 all is zero, and nothing is NaN. It acts after
    each hidden activation in training, never at the output, never in evaluation.

    Args:
        p: probability that a value is dropped, 0 (neutral) to 1; 0.1 to 0.5 is usual.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> Dropout(0.5).is_neutral(), Dropout(0.0).is_neutral()
        (False, True)

    Source:
        Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout, JMLR 15, 2014.
    """

    formula = "h * mask / (1 - p), mask ~ Bernoulli(1 - p)"
    source = "Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 15, 2014"
    use_when = "wide hidden layers and few rows"
    avoid_when = "directly before batch norm, or in a network that underfits"
    grade = "A"
    standard = frozenset({"table", "image", "text"})
    site_kinds = frozenset({"hidden"})
    p: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        kept = ~now.chance(self.p, tuple(h.shape), site.name)
        return h * (kept * inverse_keep(self.p, h))


def inverse_keep(p: Tensor | float, like: Tensor) -> Tensor:
    """1 / (1 - p) in the dtype of ``like``, and 0 at p = 1, where nothing is kept."""
    keep = 1.0 - torch.as_tensor(p, dtype=torch.float64, device=like.device)
    return torch.where(keep > 0, 1.0 / torch.where(keep > 0, keep, 1.0), 0.0).to(like.dtype)
