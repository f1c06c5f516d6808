"""Rows of tests/data/seed-rows.csv on pictures: each says what its row asks for by the effect."""

from __future__ import annotations

import torch

from source_worlds import moment


def test_row_36_image_augmenter():
    """Rotation by 20 degrees and zoom by 0.15 about the true center, in one interpolation, without black corners."""
    from wellfit import Rotation, Zoom

    x = torch.ones(50, 3, 32, 32)
    for part in (Rotation(20.0), Zoom(0.15)):
        out, _ = part.batch(x, None, moment())
        assert float(out.min()) > 0.99


def test_row_37_keras_image_generator():
    from wellfit import Flip, Recipe, Rotation, Shift

    recipe = Recipe(Rotation(20.0), Shift(0.2), Flip(0.5))
    x = torch.rand(50, 3, 32, 32)
    out, _ = recipe.batch(x, None, moment())
    assert out.shape == x.shape
    assert not torch.equal(out, x)


def test_row_38_image_augmentation_ranges():
    from wellfit import Brightness, Contrast, Crop, Flip, Rotation, Saturation, Shear, Shift, Zoom

    x = torch.rand(50, 3, 32, 32)
    for part in (
        Rotation(15.0),
        Zoom(0.2),
        Flip(0.5),
        Brightness(0.2),
        Contrast(0.2),
        Saturation(0.2),
        Crop(),
        Shift(),
        Shear(),
    ):
        out, _ = part.batch(x, None, moment())
        assert not torch.equal(out, x)
        assert torch.equal(part.neutral().batch(x, None, moment())[0], x)


def test_row_69_policies_found_by_search():
    from wellfit import Rotation, Shift
    from wellfit.searching.space import searched

    assert {Rotation.__name__, Shift.__name__} <= set(searched("classification", data="image"))
