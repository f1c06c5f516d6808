"""L1, L2 and elastic net by hand: what a weight costs, how steeply the cost rises, and the step that gives zeros.

Whoever writes down a strength must also write down the form. Each form below is a function of its own:

=====================  ============================================  ==========================================
function               cost of the weights w                         who counts so
=====================  ============================================  ==========================================
``l1_penalty``         strength * sum(|w|)                           Keras ``l1``, wellfit ``L1``
``l2_penalty``         strength * sum(w ** 2)                        Keras ``l2``, wellfit ``L2``, Ridge's ``alpha``
``half_l2_penalty``    strength / 2 * sum(w ** 2)                    textbooks, torch's ``weight_decay``
``elastic_net_...``    strength * (r * |w| + (1 - r) / 2 * w ** 2)   scikit-learn, wellfit ``ElasticNet``
``plain_elastic_...``  strength * (r * |w| + (1 - r) * w ** 2)       the sum of the first two, as often written
=====================  ============================================  ==========================================

In both elastic nets the share r (``l1_ratio``) is that of L1: at 1 it is pure L1, at 0 pure L2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def l1_penalty(w: Array, strength: float) -> float:
    """Cost of the absolute values: strength * sum(|w|).

    Source: Tibshirani, Regression Shrinkage and Selection via the Lasso, JRSS B 58(1), 1996.

    >>> round(l1_penalty(np.array([2.5, 1.2, 0.8, 3.0]), 0.1), 6)
    0.75
    """
    return float(strength * np.abs(w).sum())


def l1_gradient(w: Array, strength: float) -> Array:
    """A subgradient of ``l1_penalty``, in the shape of w: strength * sign(w), and 0 where w is 0.

    It is the same for large and for small weights: it pulls until zero and steps past it. Exact zeros come from
    ``soft_threshold``.

    >>> l1_gradient(np.array([-2.0, 0.0, 3.0]), 0.1).tolist()
    [-0.1, 0.0, 0.1]
    """
    return strength * np.sign(w)


def l2_penalty(w: Array, strength: float) -> float:
    """Cost of the squares: strength * sum(w ** 2).

    Source: Hoerl & Kennard, Ridge Regression, Technometrics 12(1), 1970.

    >>> round(l2_penalty(np.array([2.5, 1.2, 0.8, 3.0]), 0.1), 6)
    1.733
    """
    return float(strength * np.square(w).sum())


def l2_gradient(w: Array, strength: float) -> Array:
    """Gradient of ``l2_penalty``, in the shape of w: 2 * strength * w, large for large weights.

    One step of plain gradient descent with rate a is then w * (1 - 2 * a * strength) - a * (gradient of the loss).

    >>> l2_gradient(np.array([1.0, -3.0]), 0.5).tolist()
    [1.0, -3.0]
    """
    return 2.0 * strength * w


def half_l2_penalty(w: Array, strength: float) -> float:
    """Cost of the squares, halved: strength / 2 * sum(w ** 2), which is ``l2_penalty`` at half the strength.

    >>> round(half_l2_penalty(np.array([2.5, 1.2, 0.8, 3.0]), 0.1), 6)
    0.8665
    """
    return l2_penalty(w, strength / 2.0)


def half_l2_gradient(w: Array, strength: float) -> Array:
    """Gradient of ``half_l2_penalty``: strength * w. The half is there so that no 2 is left over.

    >>> half_l2_gradient(np.array([1.0, -3.0]), 0.5).tolist()
    [0.5, -1.5]
    """
    return l2_gradient(w, strength / 2.0)


def elastic_net_penalty(w: Array, strength: float, l1_ratio: float) -> float:
    """Both costs, scikit-learn's form: strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w ** 2)).

    Source: Zou & Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 67(2), 2005.

    >>> round(elastic_net_penalty(np.array([2.5, 1.2, 0.8, 3.0]), 0.1, 0.5), 6)
    0.80825
    """
    return l1_penalty(w, strength * l1_ratio) + half_l2_penalty(w, strength * (1.0 - l1_ratio))


def elastic_net_gradient(w: Array, strength: float, l1_ratio: float) -> Array:
    """A subgradient of ``elastic_net_penalty``: strength * (l1_ratio * sign(w) + (1 - l1_ratio) * w).

    >>> elastic_net_gradient(np.array([2.0, -1.0]), 1.0, 0.5).tolist()
    [1.5, -1.0]
    """
    return l1_gradient(w, strength * l1_ratio) + half_l2_gradient(w, strength * (1.0 - l1_ratio))


def plain_elastic_net_penalty(w: Array, strength: float, l1_ratio: float) -> float:
    """Both costs without the half: strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) * sum(w ** 2)).

    >>> round(plain_elastic_net_penalty(np.array([2.5, 1.2, 0.8, 3.0]), 0.1, 0.5), 6)
    1.2415
    """
    return l1_penalty(w, strength * l1_ratio) + l2_penalty(w, strength * (1.0 - l1_ratio))


def plain_elastic_net_gradient(w: Array, strength: float, l1_ratio: float) -> Array:
    """A subgradient of ``plain_elastic_net_penalty``: strength * (l1_ratio * sign(w) + 2 * (1 - l1_ratio) * w).

    >>> plain_elastic_net_gradient(np.array([2.0, -1.0]), 1.0, 0.5).tolist()
    [2.5, -1.5]
    """
    return l1_gradient(w, strength * l1_ratio) + l2_gradient(w, strength * (1.0 - l1_ratio))


def soft_threshold(w: Array, threshold: float) -> Array:
    """Every weight moved toward zero by the threshold, and kept there: sign(w) * max(|w| - threshold, 0).

    The proximal step of threshold * sum(|w|): take a step on the loss alone, then this one with threshold =
    rate * strength. It is what makes weights exactly zero.

    Source: Parikh & Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1(3), 2014.

    >>> soft_threshold(np.array([3.0, -0.5, 1.0]), 1.0).tolist()
    [2.0, -0.0, 0.0]
    """
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)
