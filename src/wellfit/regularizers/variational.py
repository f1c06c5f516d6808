"""Dropout whose strength is learned: a posterior over the noise that hidden values bear."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.sites import Site

_SLOPE, _SHIFT, _STEEPNESS = 0.63576, 1.87320, 1.48695
"""The fit of Molchanov, Ashukha & Vetrov 2017, equation 14; against the integral it is off by 0.008 and less."""


def negative_divergence(log_alpha: Tensor) -> Tensor:
    """-KL(q || p) of a weight w * (1 + sqrt(alpha) * eps) from the log-uniform prior, 0 as alpha goes to infinity.

    Example:
        >>> round(float(negative_divergence(torch.tensor(0.0))), 4)
        -0.4312
    """
    fit = _SLOPE * torch.sigmoid(_SHIFT + _STEEPNESS * log_alpha)
    return fit - 0.5 * nn.functional.softplus(-log_alpha) - _SLOPE


class VariationalDropout(Regularizer):
    """Multiply hidden values by noise whose variance is learned: h <- h * (1 + sqrt(alpha) * eps), one alpha a site.

    Each site has a trainable log(alpha / its first value), so that learning finds how much noise each layer bears;
    penalty = strength * sum over sites of KL(alpha), which falls as alpha grows and rewards noise. alpha = p / (1 - p)
    is GaussianDropout with p. Without the penalty the loss turns the noise off. The variational bound of the source is
    strength = (weights that the site feeds) / (training rows).

    Args:
        alpha: variance of the noise that training begins with, in units of h ** 2, 0 (neutral) and up.
        strength: of the penalty, per site, 0 and up.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept. One trainable number for each site.

    Example:
        >>> VariationalDropout(0.25).extend({"w": torch.ones(2, 2)}, [Site("0.hidden", "hidden")])
        {'extra.VariationalDropout.0.hidden': tensor(0.)}

    Source:
        Kingma, Salimans & Welling, Variational Dropout and the Local Reparameterization Trick, NeurIPS 2015, arXiv
        1506.02557; the divergence: Molchanov, Ashukha & Vetrov, Variational Dropout Sparsifies Deep Neural Networks,
        ICML 2017, arXiv 1701.05369.
    """

    formula = "h * (1 + sqrt(alpha) * eps), alpha learned; strength * sum of KL(alpha)"
    source = "Kingma, Salimans & Welling, Variational Dropout, NeurIPS 2015, arXiv 1506.02557"
    use_when = "you do not want to search the dropout of each layer"
    avoid_when = "Dropout with a searched p will do, or the strength cannot be set with care"
    grade = "C+"
    site_kinds = frozenset({"hidden"})
    alpha: float = knob(0.25, low=0.02, high=1.0, log=True, neutral=0.0)
    strength: float = knob(1e-3, low=1e-5, high=1e-1, log=True)

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        like = next(iter(params.values()), torch.as_tensor(self.alpha))
        return {self.extra(site.name): like.new_zeros(()) for site in sites}

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        learned = params[self.extra(site.name)]
        std = torch.sqrt(_like(self.alpha, learned)) * torch.exp(0.5 * learned)
        return h * (1.0 + std.to(h.dtype) * now.normal(tuple(h.shape), site.name).to(h.dtype))

    def penalty(self, params: Params, now: Now) -> Tensor:
        learned = [w for n, w in params.items() if n.startswith(self.extra(""))]
        if not learned:
            return torch.zeros((), device=now.key.device)
        first = _like(self.alpha, learned[0])
        safe = torch.where(first > 0, first, 1.0)
        total = torch.stack([negative_divergence(torch.log(safe) + w) for w in learned]).sum()
        return torch.where(first > 0, -self.strength * total, 0.0)


def _like(value: Tensor | float, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=like.dtype, device=like.device)
