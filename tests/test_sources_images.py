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


def test_row_39_autoaugment_policy():
    """A learned policy: each picture gets one of its pairs of operations, and at strength 0 it is itself."""
    from wellfit import AutoAugment

    x = torch.rand(200, 3, 32, 32)
    for policy in ("cifar10", "svhn", "imagenet"):
        part = AutoAugment(policy=policy)
        out, _ = part.batch(x, None, moment())
        changed = (out != x).flatten(1).any(1).double().mean()
        assert float(changed) > 0.6  # some pairs leave both of their operations out
        assert float(out.min()) >= 0.0
        assert float(out.max()) <= 1.0
        assert not torch.equal(out, part.batch(x, None, moment().again("pass"))[0])
        assert torch.equal(part.neutral().batch(x, None, moment())[0], x)


def test_row_69_policies_found_by_search():
    """The default search draws from the augmentations; what it found on KMNIST is a recipe file that can be used."""
    from pathlib import Path

    from wellfit import RandAugment, Recipe, Rotation, Shift
    from wellfit.searching.space import searched

    known = searched("classification", data="image")
    assert {Rotation.__name__, Shift.__name__, RandAugment.__name__} <= set(known)
    found = Recipe.load(Path(__file__).parents[1] / "benchmarks" / "results" / "kmnist-policy.json")
    assert {p.name for p in found} <= set(known)
    x = torch.rand(50, 1, 28, 28)
    out, _ = found.batch(x, None, moment())
    assert out.shape == x.shape
    assert not torch.equal(out, x)
