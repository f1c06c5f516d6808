"""Families of noise at equal standard deviation, from keyed draws, and the places where a family makes sense."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened

FAMILIES = ("gaussian", "uniform", "laplace", "poisson", "salt-and-pepper")
PLACES = ("input", "weight", "preactivation", "hidden", "gradient")

_HALF_STEP = 2.0**-24
"""Half a step of a uniform draw: added, it puts the draw in the middle of its step, off 0 and symmetric about 1/2."""

_EXACT_RATE = 16.0
"""Up to this rate a count is the exact inverse of its distribution; over it, the four-term expansion of a normal."""
_LARGEST_COUNT = 43
"""Poisson(16) exceeds it with probability 6.3e-9, under 2**-23, the step of a uniform draw."""

_COUNTS = "poisson noise is that of a count, which cannot be below 0 and whose variance is its mean"
_RANGE = "salt and pepper are the lowest and the highest value there is"
_UNFIT = {
    ("weight", "poisson"): f"{_COUNTS}; a weight counts nothing and has either sign.",
    ("preactivation", "poisson"): f"{_COUNTS}; what enters an activation has either sign.",
    ("hidden", "poisson"): f"{_COUNTS}; a hidden value has no unit to count in, and often either sign.",
    ("gradient", "poisson"): f"{_COUNTS}; a gradient has either sign.",
    ("weight", "salt-and-pepper"): f"{_RANGE}; a weight has no bounds, and one at an end drowns all others.",
    ("preactivation", "salt-and-pepper"): f"{_RANGE}; what enters an activation has no bounds.",
    ("hidden", "salt-and-pepper"): f"{_RANGE}; a hidden value has no upper bound; with the lower alone it is Dropout.",
    ("gradient", "salt-and-pepper"): f"{_RANGE}; a gradient has no bounds, and one at an end is a step of any length.",
}  # fmt: skip
"""The cells of the grid that make no sense, each with its reason; every other cell is built."""


def check_family(owner: str, place: str, family: object) -> None:
    """Refuse a family that there is not, or that makes no sense at a place.

    Raises:
        RecipeError: with what came, what is allowed there, and why the rest is not.
    """
    allowed = ", ".join(repr(f) for f in FAMILIES if (place, f) not in _UNFIT)
    if family not in FAMILIES:
        raise RecipeError(f"{owner}.family is {shortened(family)}; allowed is {allowed}.", code="WF-R03")
    reason = _UNFIT.get((place, str(family)))
    if reason:
        raise RecipeError(f"{owner}: {reason}", fix=f"Here take {allowed}.", code="WF-R03")


def unfit(place: str, family: str) -> str:
    """Why a cell of the grid makes no sense; empty where it does."""
    return _UNFIT.get((place, family), "")


def unit_noise(family: str, shape: tuple[int, ...], name: str, now: Now) -> Tensor:
    """Noise of mean 0 and standard deviation 1, float32: ``gaussian``, ``uniform`` or ``laplace``.

    Uniform noise lies within sqrt(3); Laplace noise has scale 1 / sqrt(2) and a tail cut at 11.3.
    """
    if family == "gaussian":
        return now.normal(shape, name)
    balanced = (2.0 * now.uniform(shape, name) - 1.0) + 2.0 * _HALF_STEP
    if family == "uniform":
        return math.sqrt(3.0) * balanced
    return balanced.sign() * -torch.log1p(-balanced.abs()) / math.sqrt(2.0)


def add_noise(values: Tensor, std: Tensor | float, family: str, name: str, now: Now) -> Tensor:
    """``values`` with noise of one of the families that are added, in their own dtype."""
    return values + (std * unit_noise(family, tuple(values.shape), name, now)).to(values.dtype)


def poisson_noise(x: Tensor, std: Tensor | float, name: str, now: Now) -> Tensor:
    """Counts in place of amounts, poisson(x * peak) / peak with peak = 1 / std ** 2.

    The mean stays x and the variance is x / peak, so that the standard deviation is ``std`` where x is 1. What is 0 or
    less holds no counts and stays as it is.
    """
    variance = torch.as_tensor(std, dtype=torch.float64, device=x.device) ** 2
    noisy = (x > 0) & (variance > 0)
    amount = torch.where(noisy, x, 1.0).to(torch.float64)
    counts = poisson_counts(amount / torch.where(variance > 0, variance, 1.0), now.uniform(tuple(x.shape), name))
    return torch.where(noisy, (counts * variance).to(x.dtype), x)


def poisson_counts(rate: Tensor, uniform: Tensor) -> Tensor:
    """Poisson counts of ``rate`` from a uniform draw, float64, by inverting the distribution.

    Up to a rate of 16 the count is the number of cumulated probabilities that the draw exceeds: exact, to the draw's
    step of 2**-23. Over it, a normal quantile with its Cornish-Fisher terms (Cornish & Fisher, 1938), its variance less
    the 1/12 that rounding adds back (Sheppard, 1898): mean and variance to 1e-4 of the rate.
    """
    draw = uniform.to(torch.float64) + _HALF_STEP
    small = rate.clamp(max=_EXACT_RATE)
    probability = torch.exp(-small)
    cumulated, counts = probability, torch.zeros_like(rate)
    for count in range(1, _LARGEST_COUNT + 1):
        counts = counts + (draw >= cumulated).to(torch.float64)
        probability = probability * small / count
        cumulated = cumulated + probability
    large = rate.clamp(min=_EXACT_RATE)
    z = torch.special.ndtri(draw)
    skewed = (z * z - 1.0) / 6.0 + (z - z**3) / (72.0 * large.sqrt())
    expanded = (large + z * (large - 1.0 / 12.0).sqrt() + skewed).round().clamp(min=0.0)
    return torch.where(rate <= _EXACT_RATE, counts, expanded)


def salt_and_pepper(x: Tensor, std: Tensor | float, name: str, now: Now) -> Tensor:
    """Replace a share of the values by the lowest or the highest of the batch, as often one as the other.

    A column of (batch, columns), or a channel of (batch, channels, ...), has its own lowest and highest. The share is
    such that the root of the mean squared change is ``std``: std ** 2 / mean((x - middle) ** 2 + half_range ** 2), at
    most 1.
    """
    over = tuple(d for d in range(x.ndim) if d != 1)
    low, high = x.amin(over, keepdim=True), x.amax(over, keepdim=True)
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    change = ((x - middle) ** 2 + half**2).mean(over, keepdim=True)
    share = torch.where(change > 0, std**2 / torch.where(change > 0, change, 1.0), 0.0).clamp(max=1.0)
    draw = now.uniform(tuple(x.shape), name)
    extreme = torch.where(draw < share / 2.0, low, high)
    return torch.where(draw < share, extreme, x)
