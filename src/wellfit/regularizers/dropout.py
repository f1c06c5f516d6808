"""Dropout of single values and of whole channels: hidden values that go missing at random during training."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.sites import Site

_SELU_FLOOR = -1.7580993408473766
"""What SELU tends to far below zero, -scale * alpha of Klambauer et al. 2017: what AlphaDropout puts for a value."""


def inverse_keep(p: Tensor | float, like: Tensor) -> Tensor:
    """1 / (1 - p) in the dtype of ``like``, and 0 at p = 1, where nothing is kept."""
    keep = 1.0 - torch.as_tensor(p, dtype=torch.float64, device=like.device)
    return torch.where(keep > 0, 1.0 / torch.where(keep > 0, keep, 1.0), 0.0).to(like.dtype)


def drop(h: Tensor, p: Tensor | float, shape: tuple[int, ...], name: str, now: Now) -> Tensor:
    """``h * mask / (1 - p)`` with a mask of ``shape``, which is broadcast: what shares an entry is dropped together."""
    return h * (now.kept(p, shape, name).to(h.dtype) * inverse_keep(p, h))


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
        return drop(h, self.p, tuple(h.shape), site.name, now)


class SpatialDropout(Regularizer):
    """Set whole channels to zero at random: h <- h * mask / (1 - p), one entry of the mask for a channel of a row.

    Neighboring values of a feature map say nearly the same, so that dropping them one by one hides little; a channel
    that goes as a whole is really missing. The mask is (batch, channels, 1, ...), which for (batch, units) is Dropout.

    Args:
        p: probability that a channel is dropped, 0 (neutral) to 1; 0.1 to 0.3 is usual.

    Shapes:
        h: (batch, channels, ...) in, the same out; dtype and device are kept.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> from wellfit.sites import Site
        >>> h = SpatialDropout(0.5).activation(torch.ones(2, 64, 3, 3), Site("h", "hidden"), {}, Now.at(0))
        >>> sorted(set(h.sum(dim=(2, 3)).flatten().tolist()))
        [0.0, 18.0]

    Source:
        Tompson, Goroshin, Jain, LeCun & Bregler, Efficient Object Localization Using Convolutional Networks, CVPR 2015,
        arXiv 1411.4280.
    """

    formula = "h * mask / (1 - p), mask of shape (batch, channels, 1, 1)"
    source = "Tompson et al., Efficient Object Localization Using Convolutional Networks, CVPR 2015, arXiv 1411.4280"
    use_when = "convolution layers, whose neighboring values are alike"
    avoid_when = "there are few channels, or batch norm reads the result"
    grade = "A"
    site_kinds = frozenset({"hidden"})
    p: float = knob(0.25, low=0.02, high=0.5, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return drop(h, self.p, (*h.shape[:2], *[1] * (h.ndim - 2)), site.name, now)


class GaussianDropout(Regularizer):
    """Multiply hidden values by noise around one: h <- h * (1 + sqrt(p / (1 - p)) * eps), eps ~ N(0, 1).

    Mean and variance are those of Dropout with the same p, but no value goes missing: the noise is proportional to the
    value, so that a zero stays zero.

    Args:
        p: the probability of the Dropout with the same variance, 0 (neutral) to 0.99; 0.1 to 0.5 is usual. At 1 the
            variance would be infinite.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> GaussianDropout(0.5)
        GaussianDropout(p=0.5)

    Source:
        Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout, JMLR 15, 2014, section 10; Wang & Manning,
        Fast Dropout Training, ICML 2013.
    """

    formula = "h * (1 + sqrt(p / (1 - p)) * eps), eps ~ N(0, 1)"
    source = "Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 15, 2014"
    use_when = "in place of Dropout where the gradient should be less ragged"
    avoid_when = "Dropout is in the recipe already, or values must stay in a range"
    grade = "B"
    site_kinds = frozenset({"hidden"})
    p: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=0.99)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        p = torch.as_tensor(self.p, dtype=torch.float64, device=h.device)
        std = torch.sqrt(p / (1.0 - p)).to(h.dtype)
        return h * (1.0 + std * now.normal(tuple(h.shape), site.name).to(h.dtype))


class AlphaDropout(Regularizer):
    """Set hidden values to SELU's floor at random: h <- a * (h where kept, else floor) + b, with a and b of p alone.

    A network of SELU units keeps mean 0 and variance 1 from layer to layer; zeros would break that. The floor is
    -1.758, where SELU saturates; a = ((1 - p) * (1 + p * floor ** 2)) ** -1/2 and b = -a * p * floor give back
    both moments. At p = 1 all is zero.

    Args:
        p: probability that a value is dropped, 0 (neutral) to 1; 0.05 to 0.1 is usual.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> AlphaDropout(0.05).is_neutral()
        False

    Source:
        Klambauer, Unterthiner, Mayr & Hochreiter, Self-Normalizing Neural Networks, NeurIPS 2017, arXiv 1706.02515.
    """

    formula = "a * (h where kept, else -1.758) + b, with a and b such that mean 0 and variance 1 stay"
    source = "Klambauer et al., Self-Normalizing Neural Networks, NeurIPS 2017, arXiv 1706.02515"
    use_when = "the activations are SELU"
    avoid_when = "they are anything else: Dropout"
    grade = "B"
    site_kinds = frozenset({"hidden"})
    p: float = knob(0.1, low=0.01, high=0.3, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        kept = ~now.chance(self.p, tuple(h.shape), site.name)
        p = torch.as_tensor(self.p, dtype=torch.float64, device=h.device)
        scale = torch.sqrt(inverse_keep(p, p) / (1.0 + p * _SELU_FLOOR**2))
        shift = -scale * p * _SELU_FLOOR
        return scale.to(h.dtype) * torch.where(kept, h, _SELU_FLOOR) + shift.to(h.dtype)
