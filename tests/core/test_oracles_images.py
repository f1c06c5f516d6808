"""Pictures turned, moved and recolored: against OpenCV, numbers of kornia's, pixels by hand; and what composing keeps.

Conventions: pixel centers are whole numbers, the center is ((width - 1) / 2, (height - 1) / 2), positive angles turn
counterclockwise as seen. OpenCV's rotation matrices and ``warpAffine`` mean the same by a given center, and so does
kornia with ``align_corners=True``. Reflection is at the centers of the outermost pixels: OpenCV's BORDER_REFLECT_101.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from wellfit import (
    Brightness,
    Contrast,
    Crop,
    Flip,
    Mixup,
    Recipe,
    RecipeError,
    Rotation,
    Saturation,
    Shear,
    Shift,
    Zoom,
    ramp,
    schedule,
)
from wellfit.draws import Now, member_key
from wellfit.regularizers import colors
from wellfit.regularizers.affine import Affine, Warp, mirrored, moved, sheared, turned, zoomed
from wellfit.regularizers.colors import away_from_gray, gray_shares, recolor, scaled_about
from wellfit.regularizers.warping import warp
from wellfit.stacking import stack
from wellfit.target import Target

KORNIA = json.loads((Path(__file__).parents[1] / "data" / "kornia.json").read_text())
BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "edge": cv2.BORDER_REPLICATE, "constant": cv2.BORDER_CONSTANT}
GEOMETRY = (Crop(0.2), Flip(0.5), Rotation(20.0), Shear(0.2), Shift(0.1), Zoom(0.2))
COLORS = (Brightness(0.3), Contrast(0.3), Saturation(0.3))


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def pictures(rows=6, channels=3, height=12, width=9, seed=0):
    return torch.rand(rows, channels, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def target(rows=6):
    return Target(torch.eye(rows, dtype=torch.float64), torch.ones(rows, dtype=torch.float64), classes=True)


def smooth(height, width):
    """A picture without edges, so that a peer's rounding of places to 1/32 of a pixel shows little."""
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    return (np.sin(down / 5) + np.cos(across / 4) + down * across / (height * width)).astype(np.float32)


def by_opencv(picture, matrix, fill, flags=cv2.INTER_LINEAR):
    """The same by ``warpAffine``, told the matrix from the result to the picture, in pixels from its corner."""
    height, width = picture.shape
    to_center = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1.0]])
    corner = np.linalg.inv(to_center) @ matrix @ to_center
    flags |= cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, corner[:2], (width, height), flags=flags, borderMode=BORDERS[fill], borderValue=0)


@pytest.mark.parametrize("fill", BORDERS)
@pytest.mark.parametrize("size", [(32, 32), (31, 20)])
@pytest.mark.parametrize(
    "affine",
    [turned(numbers(20.0)), zoomed(numbers(1.2)), zoomed(numbers(0.8)), moved(numbers(2.25), numbers(-3.5)),
     sheared(numbers(0.2), numbers(0.0)), turned(numbers(-35.0)) @ moved(numbers(3.0), numbers(1.0))],
    ids=["rotation", "closer", "farther", "shift", "shear", "product"],
)  # fmt: skip
def test_oracle_warp_is_opencv_s(affine, size, fill):
    """OpenCV rounds places to 1/32 of a pixel; this picture changes by at most 0.5 from pixel to pixel."""
    picture, maps = smooth(*size), affine.matrix()
    ours = warp(torch.from_numpy(picture)[None, None], maps, fill)[0, 0].numpy()
    theirs = by_opencv(picture, maps[0].numpy(), fill)
    edge = 0.08 if fill == "constant" else 0.02  # towards black it changes by up to 3 in a pixel
    np.testing.assert_allclose(ours, theirs, atol=edge)
    assert np.abs(ours - theirs).mean() < 0.004


def test_oracle_nearest_is_opencv_s():
    picture = np.arange(32 * 32, dtype=np.float32).reshape(32, 32)
    maps = turned(numbers(20.0)).matrix()
    ours = warp(torch.from_numpy(picture)[None, None], maps, "edge", "nearest")[0, 0].numpy()
    theirs = by_opencv(picture, maps[0].numpy(), "edge", cv2.INTER_NEAREST)
    assert np.mean(ours == theirs) > 0.97  # halves may be rounded either way
    assert set(np.unique(ours)) <= set(np.unique(picture))


@pytest.mark.parametrize("row", KORNIA["rotation"], ids=lambda r: r["fill"])
def test_oracle_rotation_is_kornia_s(row):
    x = torch.tensor(KORNIA["picture"], dtype=torch.float64)[None]
    maps = (zoomed(numbers(row["zoom"])) @ turned(numbers(row["degrees"]))).matrix()
    assert_close(warp(x, maps, row["fill"])[0], torch.tensor(row["result"], dtype=torch.float64), atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", KORNIA["color"])
def test_oracle_colors_are_kornia_s(name):
    x = 0.5 * torch.tensor(KORNIA["picture"], dtype=torch.float64)[None] + 0.2
    row, shares = KORNIA["color"][name], gray_shares(x)
    factor = numbers(row["factor"])
    gray = (x.mean((2, 3)) * shares).sum(1, keepdim=True).expand(-1, 3)
    maps = {
        "Brightness": scaled_about(factor, numbers(0.0, 0.0, 0.0)),
        "Contrast": scaled_about(factor, gray),
        "Saturation": away_from_gray(factor, shares),
    }
    # kornia rounds the shares of red and green in gray to three digits, as ours are
    assert_close(recolor(x, maps[name])[0], torch.tensor(row["result"], dtype=torch.float64), atol=2e-6, rtol=0)


def _drawn(part, name, step=3, rows=6):
    """The numbers that a part has drawn, between -1 and 1."""
    return 2.0 * Now.at(step).of(part.name).uniform((rows,), name).double() - 1.0


def test_oracle_Rotation():
    x = torch.from_numpy(smooth(32, 32))[None, None].expand(6, -1, -1, -1)
    out = Recipe(Rotation(20.0)).batch(x, target(), Now.at(3))[0]
    angles = 20.0 * _drawn(Rotation(), "angle")
    assert angles.unique().numel() == 6
    for ours, angle in zip(out, angles, strict=True):
        matrix = cv2.getRotationMatrix2D((15.5, 15.5), float(angle), 1.0)
        theirs = cv2.warpAffine(smooth(32, 32), matrix, (32, 32), borderMode=cv2.BORDER_REFLECT_101)
        np.testing.assert_allclose(ours[0].numpy(), theirs, atol=0.02)


def test_oracle_Zoom():
    x = torch.from_numpy(smooth(32, 32))[None, None].expand(6, -1, -1, -1)
    out = Recipe(Zoom(0.2)).batch(x, target(), Now.at(3))[0]
    for ours, drawn in zip(out, _drawn(Zoom(), "factor"), strict=True):
        matrix = cv2.getRotationMatrix2D((15.5, 15.5), 0.0, 1.0 + 0.2 * float(drawn))
        theirs = cv2.warpAffine(smooth(32, 32), matrix, (32, 32), borderMode=cv2.BORDER_REFLECT_101)
        np.testing.assert_allclose(ours[0].numpy(), theirs, atol=0.02)


def test_oracle_Shift():
    x = torch.from_numpy(smooth(30, 20))[None, None].expand(6, -1, -1, -1)
    part = Shift(0.2, fill="edge")
    out = Recipe(part).batch(x, target(), Now.at(3))[0]
    for ours, right, down in zip(out, _drawn(part, "right"), _drawn(part, "down"), strict=True):
        matrix = np.array([[1, 0, 0.2 * 20 * float(right)], [0, 1, 0.2 * 30 * float(down)]])
        theirs = cv2.warpAffine(smooth(30, 20), matrix, (20, 30), borderMode=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(ours[0].numpy(), theirs, atol=0.02)
    sideways = Recipe(Shift(0.2, axis="horizontal")).batch(down_ramp(), None, Now.at(3))[0]
    assert_close(sideways, down_ramp())


def down_ramp():
    """Pictures that change only from top to bottom."""
    return torch.arange(12.0, dtype=torch.float64)[:, None].expand(6, 1, 12, 8).clone()


def test_oracle_Shear():
    x = torch.from_numpy(smooth(31, 31))[None, None].expand(6, -1, -1, -1)
    out = Recipe(Shear(0.3)).batch(x, target(), Now.at(3))[0]
    for ours, drawn in zip(out, _drawn(Shear(), "across"), strict=True):
        slant = 0.3 * float(drawn)
        theirs = by_opencv(smooth(31, 31), np.array([[1, slant, 0], [0, 1, 0], [0, 0, 1.0]]), "reflect")
        np.testing.assert_allclose(ours[0].numpy(), theirs, atol=0.02)
    assert_close(Recipe(Shear(0.3)).batch(down_ramp(), None, Now.at(3))[0], down_ramp())


@pytest.mark.parametrize(("axis", "dims"), [("horizontal", [3]), ("vertical", [2]), ("both", [2, 3])])
def test_oracle_Flip(axis, dims):
    x = pictures()
    assert_close(Flip(1.0, axis=axis).batch(x, None, Now.at(0))[0], x.flip(dims))
    some = Flip(0.5, axis=axis).batch(x.repeat(100, 1, 1, 1), None, Now.at(0))[0]
    kept = (some == x.repeat(100, 1, 1, 1)).flatten(1).all(1).double().mean()
    assert abs(float(kept) - 0.5 ** len(dims)) < 0.06


@pytest.mark.parametrize(("fill", "mode"), [("reflect", "reflect"), ("edge", "edge"), ("constant", "constant")])
def test_oracle_Crop(fill, mode):
    """A window of the padded picture, which ``numpy.pad`` makes; every window of the 25 comes up."""
    x = pictures(rows=400, channels=1, height=16, width=16)
    out = Crop(0.125, fill=fill).batch(x, None, Now.at(1))[0].numpy()
    seen = set()
    for before, after in zip(x[:, 0].numpy(), out[:, 0], strict=True):
        padded = np.pad(before, 2, mode=mode)
        windows = {(i, j): padded[i : i + 16, j : j + 16] for i in range(5) for j in range(5)}
        found = [place for place, window in windows.items() if np.allclose(window, after, atol=1e-9)]
        assert len(found) == 1
        seen |= set(found)
    assert len(seen) == 25


def test_oracle_Brightness():
    x = pictures()
    factor = 1.0 + 0.3 * _drawn(Brightness(), "factor")
    assert_close(Recipe(Brightness(0.3)).batch(x, target(), Now.at(3))[0], x * factor[:, None, None, None])
    known = Now(member_key(0), torch.tensor(3), torch.tensor(0.0), {}, moment=3, pixels=((-2.0,) * 3, (2.0,) * 3))
    moved_black = Recipe(Brightness(0.3)).batch(4 * x - 2, target(), known)[0]
    assert_close(moved_black, 4 * x * factor[:, None, None, None] - 2)


def test_oracle_Contrast():
    """PIL's rule, by hand: away from the mean of the gray picture."""
    x = pictures()
    factor = (1.0 + 0.3 * _drawn(Contrast(), "factor"))[:, None, None, None]
    gray = (x * numbers(0.299, 0.587, 0.114)[:, None, None]).sum(1).mean((1, 2))[:, None, None, None]
    assert_close(Recipe(Contrast(0.3)).batch(x, target(), Now.at(3))[0], gray + factor * (x - gray))


def test_oracle_Saturation():
    x = pictures()
    factor = (1.0 + 0.3 * _drawn(Saturation(), "factor"))[:, None, None, None]
    gray = (x * numbers(0.299, 0.587, 0.114)[:, None, None]).sum(1, keepdim=True)
    assert_close(Recipe(Saturation(0.3)).batch(x, target(), Now.at(3))[0], gray + factor * (x - gray))
    assert torch.equal(Saturation(0.9).batch(pictures(channels=1), None, Now.at(0))[0], pictures(channels=1))


def test_eight_bit_pixels_are_clamped_and_stay_pixels():
    x = torch.full((50, 3, 4, 4), 240, dtype=torch.uint8)
    out = Brightness(0.5).batch(x, None, Now.at(0))[0]
    assert out.dtype == torch.uint8
    assert int(out.max()) == 255
    assert int(out.min()) < 200


# Composition


def test_one_matrix_is_the_parts_one_after_the_other():
    """Of a picture that is a plane, which an interpolation leaves exact, inside the part that no border reached."""
    down, across = torch.meshgrid(torch.arange(41.0).double(), torch.arange(41.0).double(), indexing="ij")
    x = (2.0 * down - across).expand(6, 1, 41, 41)
    parts = (Rotation(10.0), Shear(0.1), Shift(0.05), Zoom(0.1))
    together = Recipe(*parts).batch(x, target(), Now.at(5))[0]
    apart = x
    for part in Recipe(*parts):
        apart = part.batch(apart, target(), Now.at(5).of(part.name))[0]
    middle = (slice(None), slice(None), slice(14, 27), slice(14, 27))
    assert_close(together[middle], apart[middle], atol=1e-9, rtol=0)
    assert not torch.allclose(together, x, atol=0.1)


def test_one_color_matrix_is_the_parts_one_after_the_other():
    x = apart = pictures()
    together = Recipe(*COLORS).batch(x, target(), Now.at(5))[0]
    for part in Recipe(*COLORS):
        apart = part.batch(apart, target(), Now.at(5).of(part.name))[0]
    assert_close(together, apart)


@pytest.mark.parametrize("others", [GEOMETRY, COLORS], ids=["geometry", "colors"])
def test_one_interpolation_and_one_product(others, monkeypatch):
    calls = []
    sampled, product = torch.nn.functional.grid_sample, colors.recolor
    monkeypatch.setattr(torch.nn.functional, "grid_sample", lambda *a, **k: calls.append(1) or sampled(*a, **k))
    monkeypatch.setattr(colors, "recolor", lambda *a, **k: calls.append(1) or product(*a, **k))
    Recipe(*others, Mixup(0.2)).batch(pictures(), target(), Now.at(1))
    assert len(calls) == 1


def test_fills_that_differ_make_two_interpolations_and_the_listing_means_nothing():
    x = pictures()
    parts = [Rotation(20.0, fill="constant"), Shift(0.1), Zoom(0.1, fill="constant")]
    one, other = (Recipe(*some).batch(x, target(), Now.at(1))[0] for some in (parts, parts[::-1]))
    assert torch.equal(one, other)
    constant = Recipe(parts[0], parts[2]).batch(x, target(), Now.at(1))[0]
    assert_close(one, Recipe(parts[1]).batch(constant, target(), Now.at(1))[0])


@given(
    off=st.sampled_from([p.name for p in (*GEOMETRY, *COLORS)]),
    seed=st.integers(0, 50),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.uint8]),
)
@settings(max_examples=40, deadline=None)
def test_a_neutral_part_leaves_the_others_bit_for_bit(off, seed, dtype):
    x = (255 * pictures(seed=seed)).to(dtype)
    parts = [p.neutral() if p.name == off else p for p in (*GEOMETRY, *COLORS)]
    without = [p for p in parts if p.name != off]
    now = Now.at(seed, seed)
    assert torch.equal(Recipe(*parts).batch(x, target(), now)[0], Recipe(*without).batch(x, target(), now)[0])
    assert torch.equal(Recipe(*parts).neutral().batch(x, target(), now)[0], x)


def test_members_of_a_stack_are_who_they_are_alone():
    """Different strengths side by side, one of them switched off in each: as the same recipe by itself."""
    x = torch.stack([pictures(seed=s) for s in range(3)])
    recipes = [Recipe(*(p.neutral() if i == k else p for i, p in enumerate((*GEOMETRY, *COLORS)))) for k in range(3)]
    keys = torch.stack([member_key(s) for s in range(3)])

    def one(recipe, x, key):
        now = Now(key, torch.tensor(2), torch.tensor(0.0), {}, moment=2)
        return recipe.batch(x, target(), now)[0]

    stacked = torch.func.vmap(one)(stack(recipes, x), x, keys)
    for k, recipe in enumerate(recipes):
        assert_close(stacked[k], recipe.batch(x[k], target(), Now.at(2, k))[0], atol=1e-12, rtol=0)


def test_mixed_precision_around_it_changes_no_picture():
    """As under Lightning's ``bf16-mixed``: places and colors are not rounded to eight bits."""
    x, recipe = pictures().float(), Recipe(*GEOMETRY, *COLORS)
    plain = recipe.batch(x, target(), Now.at(1))[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(recipe.batch(x, target(), Now.at(1))[0], plain)


def test_every_sample_step_and_seed_draws_for_itself_and_again_the_same():
    x = pictures(rows=1).expand(6, -1, -1, -1)
    recipe = Recipe(*GEOMETRY, *COLORS)
    outs = [recipe.batch(x, target(), Now.at(step, seed))[0] for step in (0, 1) for seed in (0, 1)]
    every = torch.cat(outs).flatten(1)
    assert float(torch.cdist(every, every).fill_diagonal_(1.0).min()) > 1e-3
    assert torch.equal(recipe.batch(x, target(), Now.at(1, 1))[0], outs[-1])


def test_a_dial_turns_a_part_inside_its_group():
    x, parts = pictures(), (Rotation(20.0), Shift(0.1))
    half = Recipe(schedule(parts[0], ramp(2)), parts[1]).batch(x, target(), Now.at(4, epoch=1.0))[0]
    assert_close(half, Recipe(Rotation(10.0), parts[1]).batch(x, target(), Now.at(4))[0])
    none = Recipe(schedule(parts[0], ramp(2)), parts[1]).batch(x, target(), Now.at(4))[0]
    assert torch.equal(none, Recipe(parts[1]).batch(x, target(), Now.at(4))[0])


# Edges


def test_a_half_turn_of_an_even_picture_loses_no_line():
    x = torch.arange(16.0, dtype=torch.float64).view(1, 1, 4, 4)
    for fill in BORDERS:
        assert_close(warp(x, turned(numbers(180.0)).matrix(), fill), x.flip([2, 3]), atol=1e-9, rtol=0)
    assert_close(warp(x, turned(numbers(90.0)).matrix(), "edge"), torch.rot90(x, 1, (2, 3)), atol=1e-9, rtol=0)


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=50)
def test_a_product_of_maps_is_that_of_their_matrices(seed):
    """Whatever entries are plain numbers, which take no operation."""
    g = torch.Generator().manual_seed(seed)

    def drawn():
        return torch.rand(4, generator=g, dtype=torch.float64)

    def entry():
        return [0.0, 1.0, -1.0, 0.5, drawn(), drawn()][int(torch.randint(0, 6, (), generator=g))]

    one, other = (Affine(drawn(), *(entry() for _ in range(5))) for _ in range(2))
    assert_close((one @ other).matrix(), one.matrix() @ other.matrix())
    assert Affine() @ one == one == one @ Affine()


def test_no_black_corners_by_default():
    x = torch.ones(50, 1, 32, 32)
    assert float(Recipe(*GEOMETRY).batch(x, None, Now.at(0))[0].min()) > 0.99
    black = Recipe(Rotation(20.0, fill="constant")).batch(x, None, Now.at(0))[0]
    assert float(black.min()) == 0.0


def test_a_constant_is_black_where_black_is_known():
    x = torch.zeros(8, 2, 16, 16)
    now = Now(member_key(0), torch.tensor(0), torch.tensor(0.0), {}, pixels=((-1.5, -2.5), (1.0, 1.0)))
    out = Recipe(Rotation(45.0, fill="constant")).batch(x, None, now)[0]
    assert out.amin((0, 2, 3)).tolist() == [-1.5, -2.5]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 1)])
def test_pictures_of_a_single_line(size):
    x = torch.rand(4, 1, *size)
    out = Recipe(*GEOMETRY, *COLORS).batch(x, None, Now.at(0))[0]
    assert out.shape == x.shape
    assert bool(torch.isfinite(out).all())


@pytest.mark.parametrize("part", [*GEOMETRY, *COLORS], ids=lambda p: p.name)
def test_what_is_no_picture_is_refused(part):
    with pytest.raises(RecipeError, match=f"{part.name} changes pictures .* have 2 axes") as caught:
        part.batch(torch.rand(4, 5), None, Now.at(0))
    assert caught.value.code == "WF-R11"
    with pytest.raises(RecipeError, match="codes"):
        part.batch(torch.zeros(4, 1, 3, 3, dtype=torch.int64), None, Now.at(0))


def test_unknown_fills_are_refused():
    for make in (lambda: Rotation(fill="wrap"), lambda: Shift(axis="diagonal"), lambda: Zoom(interpolation="cubic")):
        with pytest.raises(RecipeError, match="allowed is '") as caught:
            make()
        assert caught.value.code == "WF-R03"


def test_joints_are_compared():
    assert Rotation().joint() == Flip().joint() == Warp("reflect", "bilinear") != Rotation(fill="edge").joint()
    assert Brightness().joint() == Contrast().joint()
    assert math.isclose(float(mirrored(numbers(1.0), 0.0).xx), -1.0)
