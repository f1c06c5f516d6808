"""Families of noise against scipy: counts, extremes, and every cell of the grid against the contracts and the docs."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from oracle_answers import ROWS
from worlds import now_at

from wellfit import Recipe
from wellfit.errors import RecipeError
from wellfit.regularizers import ActivationNoise, GradientNoise, InputNoise, WeightNoise
from wellfit.regularizers.noise_families import FAMILIES, PLACES, poisson_counts, unfit, unit_noise
from wellfit.testing import CHECKS

ADDED = ("gaussian", "uniform", "laplace")
NOISES = {
    "input": lambda family: InputNoise(0.1, family),
    "weight": lambda family: WeightNoise(0.1, family),
    "preactivation": lambda family: ActivationNoise(0.1, family),
    "hidden": lambda family: ActivationNoise(0.1, family, place="hidden"),
    "gradient": lambda family: GradientNoise(0.1, family=family),
}


@pytest.mark.parametrize("family", ["uniform", "laplace"])
def test_extreme_draws_stay_finite_and_symmetric(family):
    """The lowest and the highest uniform draw there are."""
    ends = torch.tensor([0.0, 1.0 - 2.0**-23])
    now = dataclasses.make_dataclass("Ends", ["uniform"])(lambda shape, name: ends)
    low, high = unit_noise(family, (2,), "noise", now).tolist()
    assert math.isfinite(low)
    assert low == -high


@pytest.mark.parametrize("rate", [1e-6, 0.05, 0.7, 3.0, 7.3, 15.9, 16.0])
def test_oracle_poisson_counts_are_scipys_inverse(rate):
    steps = np.concatenate(
        [np.arange(5000), np.linspace(0, 2**23 - 1, 20_001).astype(int), 2**23 - 1 - np.arange(5000)]
    )
    uniform = torch.from_numpy((steps / 2**23).astype(np.float32))
    counts = poisson_counts(torch.full((len(steps),), rate, dtype=torch.float64), uniform)
    np.testing.assert_array_equal(counts.numpy(), scipy.stats.poisson.ppf(steps / 2**23 + 2.0**-24, rate))


@pytest.mark.parametrize("rate", [16.5, 40.0, 255.0, 1e4])
def test_oracle_large_poisson_counts_are_near_scipys_inverse(rate):
    """The expansion is off by one count at most, and rarely; its moments are those of the distribution."""
    draw = (np.arange(200_000) + 0.5) / 200_000
    counts = poisson_counts(torch.full((200_000,), rate, dtype=torch.float64), torch.from_numpy(draw)).numpy()
    exact = scipy.stats.poisson.ppf(draw, rate)
    assert np.abs(counts - exact).max() <= 1
    assert (counts != exact).mean() < 0.01
    assert abs(counts.mean() / rate - 1) < 1e-4
    assert abs(counts.var() / rate - 1) < 2e-3
    assert abs(scipy.stats.skew(counts) * math.sqrt(rate) - 1) < 0.15


@pytest.mark.parametrize("rate", [0.3, 4.0, 14.0, 20.0, 90.0])
def test_oracle_InputNoise_poisson_by_chi_square(rate):
    """Keyed draws: counts in bins that hold 20 and more, against scipy's probabilities."""
    std, rows = 0.25, 60_000
    x = torch.full((rows, 1), rate * std**2, dtype=torch.float64)
    counts = InputNoise(std, "poisson").batch(x, None, now_at(seed=3))[0].flatten().numpy() / std**2
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    first, last = scipy.stats.poisson.ppf([0.002, 0.998], rate)
    edges = [-0.5, *np.arange(first, last + 1) + 0.5, np.inf]
    found, _ = np.histogram(counts, edges)
    expected = np.diff(scipy.stats.poisson.cdf(edges, rate)) * rows
    assert scipy.stats.chisquare(found, expected * rows / expected.sum()).pvalue > 1e-3


def test_oracle_InputNoise_poisson_row():
    row = ROWS["noise.poisson"]
    x = torch.full((200_000, 1), row["inputs"]["x"], dtype=torch.float64)
    noisy = InputNoise(1 / math.sqrt(row["inputs"]["peak"]), "poisson").batch(x, None, now_at())[0]
    assert abs(float(noisy.mean()) - row["expected"]["mean"]) < 5 * math.sqrt(row["expected"]["var"] / len(x))
    assert abs(float(noisy.var()) / row["expected"]["var"] - 1) < 0.02


def test_poisson_leaves_what_holds_no_counts():
    x = torch.tensor([[0.0, -1.0, math.nan, 2.0]], dtype=torch.float64)
    noisy = InputNoise(0.5, "poisson").batch(x, None, now_at())[0]
    assert torch.equal(noisy[0, :2], x[0, :2])
    assert noisy[0, 2].isnan()
    assert noisy[0, 3] >= 0


def test_oracle_InputNoise_salt_and_pepper_row():
    """Gray pixels between black and white; std for an amount of 0.1 is sqrt(0.1) / 2."""
    row = ROWS["noise.saltpepper"]
    x = torch.full((100_000, 1), 0.5, dtype=torch.float64)
    x[0], x[1] = 0.0, 1.0
    noisy = InputNoise(math.sqrt(row["inputs"]["amount"]) / 2, "salt-and-pepper").batch(x, None, now_at())[0][2:]
    found = {"p_salt": noisy == 1.0, "p_pepper": noisy == 0.0, "p_same": noisy == 0.5}
    for name, hit in found.items():
        assert abs(float(hit.double().mean()) - row["expected"][name]) < 5 * math.sqrt(0.25 / len(noisy))
    assert abs(float(noisy.mean()) - row["expected"]["mean_for_x"]) < 5 * 0.16 / math.sqrt(len(noisy))


@pytest.mark.parametrize("shape", [(5000, 3), (40, 3, 12, 11)])
def test_salt_and_pepper_moves_by_std_within_each_column_or_channel(shape):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    x = x * torch.tensor([1.0, 30.0, 0.1]).view(1, 3, *[1] * (len(shape) - 2))
    std = 0.02
    noisy = InputNoise(std, "salt-and-pepper").batch(x, None, now_at())[0]
    for column, before in zip(noisy.unbind(1), x.unbind(1), strict=True):
        changed = column[column != before]
        assert bool(((changed == before.min()) | (changed == before.max())).all())
        expected = std**2 / float(((before - (before.min() + before.max()) / 2) ** 2).mean()
                                  + (before.max() - before.min()) ** 2 / 4)  # fmt: skip
        assert abs(len(changed) - expected * before.numel()) < 5 * math.sqrt(expected * before.numel()) + 2


def test_salt_and_pepper_leaves_constants_and_single_rows():
    for x in (torch.full((50, 2), 3.0), torch.randn(1, 4), torch.tensor([[math.nan], [1.0], [2.0]])):
        noisy = InputNoise(0.5, "salt-and-pepper").batch(x, None, now_at())[0]
        assert torch.equal(noisy.nan_to_num(9.0), x.nan_to_num(9.0))


class Cell:
    """A class of regularizers with some of its static fields fixed, as the contracts want it."""

    def __init__(self, cls, **fixed):
        self._cls, self._fixed = cls, fixed
        self.__name__ = f"{cls.__name__}-{'-'.join(fixed.values())}"

    def __call__(self, **knobs):
        return self._cls(**self._fixed, **knobs)

    def __getattr__(self, name):
        return getattr(self._cls, name)


CELLS = [
    *(Cell(InputNoise, family=f) for f in FAMILIES[1:]),
    *(Cell(cls, family=f) for cls in (WeightNoise, ActivationNoise, GradientNoise) for f in ADDED[1:]),
    *(Cell(ActivationNoise, family=f, place="hidden") for f in ADDED),
]
ON_CELLS = [c for c in CHECKS if c.__module__ != "wellfit.testing.facts" or c.__name__ == "check_forms"]


@pytest.mark.parametrize("check", ON_CELLS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_every_cell_keeps_the_contracts(cell, check):
    if check.__name__ == "check_forms":
        for part in (cell(), cell(std=0.25)):
            assert Recipe.from_json(Recipe(part).to_json()) == Recipe(part)
    else:
        check(cell)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_the_grid_is_built_or_refused_with_a_reason(place, family):
    reason = unfit(place, family)
    if not reason:
        assert NOISES[place](family).family == family
        return
    with pytest.raises(RecipeError) as caught:
        NOISES[place](family)
    assert reason in str(caught.value)
    assert "gaussian" in caught.value.fix
    assert len(reason) > 40


@pytest.mark.parametrize("place", PLACES)
def test_an_unknown_family_is_refused(place):
    for family in ("cauchy", None, 3, ""):
        with pytest.raises(RecipeError, match="allowed is 'gaussian'"):
            NOISES[place](family)


def test_the_page_shows_the_grid():
    page = (Path(__file__).parents[2] / "docs" / "noise.md").read_text()
    for place in PLACES:
        (line,) = (row for row in page.splitlines() if row.startswith(f"| {place} | `"))
        shown = [cell.strip() for cell in line.split("|")[3:-1]]
        assert shown == ["no" if unfit(place, family) else "yes" for family in FAMILIES]
