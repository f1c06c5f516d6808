"""Erased rectangles and holes of random size: against OpenCV's rectangles and SciPy's distributions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wellfit import Cutout, RandomErasing, RecipeError
from wellfit.draws import Now, member_key

ROWS = 4000


def boxes(erased):
    """(rows, 4): top, left, height and width of the one rectangle in each mask; a mask of another form fails."""
    found = []
    for mask in erased.numpy().astype(np.uint8):
        left, top, width, height = cv2.boundingRect(mask)
        assert mask.sum() == height * width
        found.append((top, left, height, width))
    return np.array(found)


def erased_boxes(part, height=100, width=100, rows=ROWS):
    x = torch.ones(rows, 1, height, width)
    return boxes(part.batch(x, None, Now.at(0))[0][:, 0] == 0)


def test_oracle_RandomErasing():
    """Areas, proportions and places have the paper's distributions, given that every rectangle fits."""
    found = erased_boxes(RandomErasing(1.0, area=0.3, aspect=3.0, fill="constant"))
    areas = found[:, 2] * found[:, 3] / 1e4
    assert stats.kstest(areas, stats.uniform(0.02, 0.28).cdf).statistic < 0.03
    logs = np.log(found[:, 2] / found[:, 3])
    assert stats.kstest(logs, stats.uniform(-np.log(3), 2 * np.log(3)).cdf).statistic < 0.04
    for place, side in ((0, 2), (1, 3)):
        shares = (found[:, place] + 0.5) / (101 - found[:, side])
        assert stats.kstest(shares, "uniform").statistic < 0.03
    assert abs(np.corrcoef(areas, logs)[0, 1]) < 0.05


def test_some_pictures_are_erased_and_the_others_stay_bit_for_bit():
    x = torch.rand(ROWS, 3, 6, 5)
    out, target = RandomErasing(0.3).batch(x, "target", Now.at(1))
    changed = (out != x).flatten(1).any(1)
    assert abs(float(changed.double().mean()) - 0.3) < 0.03
    assert torch.equal(out[~changed], x[~changed])
    assert target == "target"


def test_what_a_rectangle_is_filled_with():
    x = torch.rand(300, 2, 12, 12)
    now = Now(member_key(0), torch.tensor(0), torch.tensor(0.0), {}, pixels=((-1.0, -2.0), (1.0, 3.0)))
    where = RandomErasing(1.0, fill="constant").batch(x, None, now)[0] < 0
    noise = RandomErasing(1.0).batch(x, None, now)[0]
    mean = RandomErasing(1.0, fill="mean").batch(x, None, now)[0]
    for channel, (black, white) in enumerate(((-1.0, 1.0), (-2.0, 3.0))):
        drawn = noise[:, channel][where[:, channel]].numpy()
        assert stats.kstest(drawn, stats.uniform(black, white - black).cdf).statistic < 0.02
    means = x.mean((2, 3), keepdim=True).expand_as(x)
    torch.testing.assert_close(mean[where], means[where])
    assert torch.equal(noise[~where], x[~where])


def test_eight_bit_pixels_stay_pixels():
    x = torch.full((500, 3, 8, 8), 7, dtype=torch.uint8)
    out = RandomErasing(1.0).batch(x, None, Now.at(0))[0]
    assert out.dtype == torch.uint8
    assert int(out.max()) > 250


@given(
    height=st.integers(1, 12), width=st.integers(1, 12), area=st.floats(0.01, 1.0), aspect=st.floats(1.0, 8.0),
    step=st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_rectangle_is_whole_in_pictures_of_every_form(height, width, area, aspect, step):
    part = RandomErasing(1.0, area=area, aspect=aspect, fill="constant")
    x = torch.ones(20, 1, height, width)
    found = boxes(part.batch(x, None, Now.at(step))[0][:, 0] == 0)
    assert (found[:, 2:] >= 1).all()
    assert (found[:, :2] + found[:, 2:] <= (height, width)).all()


def test_unknown_fillings_and_tables_are_refused():
    with pytest.raises(RecipeError, match="allowed is 'noise', 'constant', 'mean'"):
        RandomErasing(fill="white")
    with pytest.raises(RecipeError, match="have 2 axes"):
        RandomErasing().batch(torch.rand(4, 5), None, Now.at(0))


@pytest.mark.parametrize(("share", "spread"), [(0.5, 1 / 3), (0.3, 0.2), (0.7, 0.05), (0.6, 0.5)])
def test_oracle_Cutout_draws_its_side_from_a_beta(share, spread):
    """The share of columns that a row lacks, in a table of so many columns that rounding does not show."""
    holes = Cutout(share, spread).batch(torch.ones(1500, 2000), None, Now.at(0))[0] == 0
    count = 1 / spread - 1
    drawn = holes.double().mean(1).numpy()
    assert stats.kstest(drawn, stats.beta(share * count, (1 - share) * count).cdf).statistic < 0.04
    assert abs(drawn.mean() - share) < 0.03


def test_each_picture_has_a_hole_of_its_own_size():
    out = Cutout(0.5, 1 / 3).batch(torch.ones(2000, 1, 20, 20), None, Now.at(0))[0]
    whole = boxes((out[:, 0] == 0) & (out[:, 0] == 0).flatten(1).any(1)[:, None, None])
    sides = whole[:, 2:].max(1)
    assert set(range(1, 20)) <= set(sides.tolist())
    one = Cutout(0.5).batch(torch.ones(2000, 1, 20, 20), None, Now.at(0))[0]
    assert set(boxes(one[:, 0] == 0)[:, 2:].max(1).tolist()) <= set(range(5, 11))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_beta_at_its_ends_is_no_draw(share):
    x = torch.ones(50, 8)
    assert float((Cutout(share, 0.4).batch(x, None, Now.at(0))[0] == 0).double().mean()) == share
