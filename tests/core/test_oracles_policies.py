"""Policies of augmentation: every operation against Pillow's, every policy against Pillow by the drawn numbers.

Conventions: pictures are read bilinearly here and black beyond the borders, geometry is about the true center. Pillow
rounds to 8 bits behind every operation, so that values may differ by a level or two.
"""

from __future__ import annotations

import collections
import math
import types

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from scipy import stats

from wellfit import AugMix, AugMixConsistency, AutoAugment, RandAugment, Recipe, RecipeError, TrivialAugment
from wellfit.draws import Now, member_key
from wellfit.regularizers.augmix import divergence
from wellfit.regularizers.picture_operations import (
    AUTOAUGMENT,
    OPERATIONS,
    PLACE,
    WIDE,
    Canvas,
    Layer,
    amounts,
    applied,
)
from wellfit.regularizers.published import pairs
from wellfit.regularizers.tones import equalized, levels_of
from wellfit.stacking import stack
from wellfit.target import Target

POLICIES = (TrivialAugment(), RandAugment(), AutoAugment(), AugMix())
BLACK = {"fill": "constant", "interpolation": "bilinear"}


def photo(height=24, width=21, channels=3, seed=0):
    """A picture of soft shapes and some noise, 8-bit (height, width, channels); neither end of the scale is reached."""
    down, across = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(seed)
    waves = [np.sin(down / (3 + c) + seed) + np.cos(across / (4 + c)) for c in range(channels)]
    values = 120 + 45 * np.stack(waves, -1) + random.normal(0, 4, (height, width, channels))
    return np.clip(values, 4, 249).astype(np.uint8)


def as_tensor(pixels):
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()


def about_center(picture, xx, xy, x, yx, yy, y):
    """Pillow's affine transform, told a map about the center: its own is of pixels' corners."""
    across, down = picture.width / 2, picture.height / 2
    data = (xx, xy, across - xx * across - xy * down + x, yx, yy, down - yx * across - yy * down + y)
    return picture.transform(picture.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)


def by_pillow(picture, name, amount):
    enhancers = {
        "Brightness": ImageEnhance.Brightness, "Color": ImageEnhance.Color, "Contrast": ImageEnhance.Contrast,
        "Sharpness": ImageEnhance.Sharpness,
    }  # fmt: skip
    if name in enhancers:
        return enhancers[name](picture).enhance(amount)
    return {
        "Identity": lambda: picture,
        "ShearX": lambda: about_center(picture, 1, amount, 0, 0, 1, 0),
        "ShearY": lambda: about_center(picture, 1, 0, 0, amount, 1, 0),
        "TranslateX": lambda: about_center(picture, 1, 0, -amount, 0, 1, 0),
        "TranslateY": lambda: about_center(picture, 1, 0, 0, 0, 1, -amount),
        "Rotate": lambda: picture.rotate(amount, Image.Resampling.BILINEAR),
        "Posterize": lambda: ImageOps.posterize(picture, int(amount)),
        "Solarize": lambda: ImageOps.solarize(picture, amount),
        "AutoContrast": lambda: ImageOps.autocontrast(picture),
        "Equalize": lambda: ImageOps.equalize(picture),
        "Invert": lambda: ImageOps.invert(picture),
    }[name]()


def assert_near(ours, theirs, geometry, steps=1):
    """Within two levels; at the borders of geometry a pixel may be black or not, and behind it more differs."""
    far = np.abs(ours.astype(int) - np.asarray(theirs).reshape(ours.shape).astype(int))
    assert np.mean(far > 2 * steps) <= (0.13 if geometry else 0.0), far.max()
    assert np.median(far) <= steps


AMOUNTS = {
    "Identity": 0.0, "ShearX": 0.25, "ShearY": -0.2, "TranslateX": 5.0, "TranslateY": -4.0, "Rotate": 25.0,
    "Brightness": 1.6, "Color": 0.3, "Contrast": 1.7, "Sharpness": 1.9, "Posterize": 3.0, "Solarize": 130.0,
    "AutoContrast": 0.0, "Equalize": 0.0, "Invert": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_oracle_operations_are_pillow_s(name, channels):
    pixels = photo(channels=channels)
    u = as_tensor([pixels]).double() / 255
    layer = Layer(torch.tensor([PLACE[name]]), torch.tensor([AMOUNTS[name]], dtype=torch.float64))
    ours = (255 * applied(u, layer, **BLACK)).round()[0].permute(1, 2, 0).numpy()
    theirs = np.asarray(by_pillow(Image.fromarray(pixels.squeeze()), name, AMOUNTS[name])).reshape(pixels.shape)
    exact = name in ("Identity", "Posterize", "Solarize", "Equalize", "Invert", "TranslateX", "TranslateY")
    assert np.abs(ours - theirs).max() <= (0 if exact else 1) or OPERATIONS.index(name) <= 5
    assert_near(ours, theirs, geometry=OPERATIONS.index(name) <= 5)
    assert name in ("Identity", "Color") or not np.array_equal(ours, pixels)


def test_oracle_sharpness_and_blur_are_pillow_s_on_the_whole_picture():
    for factor in (0.0, 0.4, 1.0):
        pixels = photo()
        u = as_tensor([pixels]).double() / 255
        layer = Layer(torch.tensor([PLACE["Sharpness"]]), torch.tensor([factor], dtype=torch.float64))
        picture = Image.fromarray(pixels)
        theirs = np.asarray(Image.blend(picture.filter(ImageFilter.SMOOTH), picture, factor))
        ours = 255 * applied(u, layer, **BLACK)[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(ours, theirs, atol=1.2)  # Pillow cuts off the fractions of both steps
        assert np.abs(ours - theirs).mean() < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_oracle_equalizing_flat_and_few_toned_pictures(seed):
    random = np.random.default_rng(seed)
    few = random.choice(random.integers(0, 256, 1 + seed), size=(40, 40, 1)).astype(np.uint8)
    theirs = np.asarray(ImageOps.equalize(Image.fromarray(few.squeeze())))
    assert np.array_equal(levels_of(equalized(as_tensor([few]).double() / 255))[0, 0].numpy(), theirs)


# The policies, by the numbers they drew


def _strength(name, share, sign, size, top):
    """A policy's table by hand: ``top`` are its largest shear, move across, move down, degrees, factor and bits."""
    shear, right, down, degrees, factor, bits = top
    if name in ("Brightness", "Color", "Contrast", "Sharpness"):
        return 1 + factor * share * sign
    return {
        "ShearX": shear * share * sign, "ShearY": shear * share * sign, "TranslateX": int(right * share * sign),
        "TranslateY": int(down * share * sign), "Rotate": degrees * share * sign,
        "Posterize": 8 - int(np.round(bits * share)), "Solarize": 256 * (1 - share),
    }.get(name, 0.0)  # fmt: skip


def _compared(part, chains, rows=40, seed=0):
    """A policy's pictures against Pillow's of the same operations; chains(i) -> [(name, amount)] of picture i."""
    pixels = [photo(seed=i) for i in range(rows)]
    out = Recipe(part).batch(as_tensor(pixels), None, Now.at(3, seed))[0].permute(0, 2, 3, 1).numpy()
    for i in range(rows):
        picture = Image.fromarray(pixels[i])
        for name, amount in chains(i):
            picture = by_pillow(picture, name, amount)
        names = [n for n, _ in chains(i)]
        if len(names) > 1 and set(names) & {"Equalize", "AutoContrast", "Posterize", "Solarize"}:
            continue  # a level's difference becomes a large one there
        geometry = any(OPERATIONS.index(n) <= 5 for n in names)
        assert_near(out[i], picture, geometry, steps=2 * len(names))


def test_oracle_TrivialAugment():
    part = TrivialAugment(fill="constant")
    u = Now.at(3).of("TrivialAugment").uniform((3, 40), "layer").double().numpy()

    def chain(i):
        name = OPERATIONS[int(14 * u[0, i])]
        share, sign = int(31 * u[1, i]) / 30, -1 if u[2, i] < 0.5 else 1
        return [(name, _strength(name, share, sign, (24, 21), (0.99, 32, 32, 135, 0.99, 6)))]

    assert len({chain(i)[0][0] for i in range(40)}) > 9
    _compared(part, chain)


def test_oracle_RandAugment():
    part = RandAugment(9.0, fill="constant")
    u = Now.at(3).of("RandAugment").uniform((2, 2, 40), "layers").double().numpy()
    top = (0.3, 150 / 331 * 21, 150 / 331 * 24, 30, 0.9, 4)

    def chain(i):
        names = [OPERATIONS[int(14 * own[0, i])] for own in u]
        signs = [-1 if own[1, i] < 0.5 else 1 for own in u]
        return [(n, _strength(n, 9 / 30, s, (24, 21), top)) for n, s in zip(names, signs, strict=True)]

    _compared(part, chain)


@pytest.mark.parametrize("policy", ["cifar10", "svhn", "imagenet"])
def test_oracle_AutoAugment(policy):
    part = AutoAugment(policy=policy, fill="constant")
    now = Now.at(3).of("AutoAugment")
    which = now.uniform((1, 40), "pair").double().numpy()[0]
    u = now.uniform((2, 2, 40), "layers").double().numpy()
    top = (0.3, 150 / 331 * 21, 150 / 331 * 24, 30, 0.9, 4)

    def chain(i):
        pair = pairs(policy)[int(25 * which[i])]
        signs = [-1 if own[1, i] < 0.5 else 1 for own in u]
        steps = zip(pair, u, signs, strict=True)
        return [(n, _strength(n, m / 9, s, (24, 21), top)) for (n, p, m), own, s in steps if own[0, i] < p]

    _compared(part, chain)


def test_published_policies_are_whole():
    """25 pairs each, of known operations; how often each comes is counted from the paper's tables."""
    every = {policy: pairs(policy) for policy in ("cifar10", "svhn", "imagenet")}
    assert all(len(p) == 25 and all(len(pair) == 2 for pair in p) for p in every.values())
    counted = {policy: collections.Counter(o[0] for pair in p for o in pair) for policy, p in every.items()}
    assert all(set(c) <= set(OPERATIONS) - {"Identity"} for c in counted.values())
    assert counted["cifar10"].most_common(2) == [("Equalize", 9), ("AutoContrast", 7)]
    assert counted["svhn"]["Invert"] == 12
    assert counted["imagenet"]["Equalize"] == 17
    assert all(0 <= p <= 1 and 0 <= m <= 9 for found in every.values() for pair in found for _, p, m in pair)


def test_oracle_AugMix():
    """One chain of one change: a picture blended with what Pillow makes of it, in a uniform share."""
    part, rows = AugMix(severity=6.0, chains=1, depth=1, fill="constant"), 60
    now = Now.at(3).of("AugMix")
    shares = now.uniform((2, rows), "shares").double().numpy()[1]
    u = now.uniform((1, 3, rows), "chain.0").double().numpy()[0]
    nine = (
        "AutoContrast", "Equalize", "Posterize", "Rotate", "Solarize", "ShearX", "ShearY", "TranslateX", "TranslateY",
    )  # fmt: skip
    pixels = [photo(seed=i) for i in range(rows)]
    out = Recipe(part).batch(as_tensor(pixels), None, Now.at(3))[0].permute(0, 2, 3, 1).numpy()
    for i in range(rows):
        name, level, sign = nine[int(9 * u[0, i])], (0.1 + u[1, i] * 5.9) / 10, -1 if u[2, i] < 0.5 else 1
        amount = _strength(name, level, sign, (24, 21), (0.3, 21 / 3, 24 / 3, 30, 0.9, 4))
        amount = 4 - int(np.round(4 * level)) if name == "Posterize" else amount
        changed = np.asarray(by_pillow(Image.fromarray(pixels[i]), name, amount))
        blend = (1 - shares[i]) * pixels[i].astype(float) + shares[i] * changed
        assert_near(out[i], blend.round(), name in nine[3:4] + nine[5:], steps=1)


def test_chains_are_short_and_long_and_shares_cover_their_simplex():
    """Each of the lengths 1 to 3 comes equally often, and a picture's mix is a blend: never beyond black and white."""
    x = torch.rand(3000, 1, 8, 8)
    out = AugMix().batch(x, None, Now.at(0))[0]
    assert float(out.min()) >= -1e-6
    assert float(out.max()) <= 1 + 1e-6
    lengths = [
        sum((layer.operation != 0).long() for layer in AugMix()._chain(x, c, Now.at(0).of("AugMix"))) for c in range(3)
    ]
    counts = torch.bincount(torch.cat(lengths), minlength=4)
    assert counts[0] == 0
    assert stats.chisquare(counts[1:].numpy()).pvalue > 1e-3


def test_oracle_AugMixConsistency():
    """The entropy of the mean answer less the mean entropy (scipy), over the picture and two blends of it."""
    part, x = AugMixConsistency(5.0, severity=6.0), torch.rand(8, 1, 6, 6, dtype=torch.float64)
    weight, labels = torch.randn(36, 4, dtype=torch.float64), torch.eye(4, dtype=torch.float64)[torch.arange(8) % 4]
    target, seen = Target(labels, torch.linspace(0.5, 1.5, 8, dtype=torch.float64), classes=True), []

    def loss_of(x, target, now):
        seen.append(x)
        outputs = x.flatten(1) @ weight
        return target.loss(outputs), types.SimpleNamespace(outputs=outputs)

    loss, told = part.objective(loss_of, x, target, Now.at(3))
    shares = [torch.softmax(view.flatten(1) @ weight, 1).numpy() for view in seen]
    apart = stats.entropy(np.mean(shares, 0), axis=1) - np.mean([stats.entropy(p, axis=1) for p in shares], 0)
    expected = target.loss(told.outputs) + 5.0 * (target.weight.numpy() * apart).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    assert len(seen) == 3 and torch.equal(seen[0], x) and torch.equal(told.outputs, x.flatten(1) @ weight)
    blends = [AugMix(severity=6.0).batch(x, target, Now.at(3).again(f"AugMix.{n}"))[0] for n in ("one", "other")]
    assert all(torch.equal(view, blend) for view, blend in zip(seen[1:], blends, strict=True))
    assert not torch.equal(*blends)
    with pytest.raises(RecipeError, match="chains"):
        AugMixConsistency(chains=9)
    with pytest.raises(RecipeError, match="AugMixConsistency"):
        part.objective(loss_of, x[:, 0], target, Now.at(3))
    with pytest.raises(RecipeError, match="a number"):
        part.objective(loss_of, x, Target(labels, target.weight, classes=False), Now.at(3))


@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 2**31))
def test_divergence_lies_between_nothing_and_the_logarithm_of_the_views(views, classes, seed):
    outputs = 30 * torch.randn(views, 3, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    found = divergence(outputs)
    assert bool(((found > -1e-12) & (found <= math.log(views) + 1e-12)).all())
    torch.testing.assert_close(divergence(outputs[:1].expand(views, -1, -1)), torch.zeros(3).double())


def test_operations_are_drawn_equally_often():
    x = torch.zeros(14000, 1, 1, 1)
    (layer,) = TrivialAugment().drawn(x, Now.at(0).of("TrivialAugment"))
    assert stats.chisquare(torch.bincount(layer.operation, minlength=14).numpy()).pvalue > 1e-3
    for layer in RandAugment().drawn(x, Now.at(0).of("RandAugment")):
        assert stats.chisquare(torch.bincount(layer.operation, minlength=14).numpy()).pvalue > 1e-3


def test_the_largest_amounts_are_the_papers():
    one = torch.ones(1, dtype=torch.float64)
    wide = {n: float(amounts(torch.tensor([PLACE[n]]), one, one, WIDE, (32, 32))) for n in OPERATIONS}
    assert (wide["Rotate"], wide["TranslateX"], wide["Posterize"], wide["Solarize"]) == (135.0, 32.0, 2.0, 0.0)
    usual = {n: float(amounts(torch.tensor([PLACE[n]]), one, -one, AUTOAUGMENT, (331, 331))) for n in OPERATIONS}
    assert (usual["Rotate"], usual["TranslateY"], usual["Posterize"]) == (-30.0, -150.0, 4.0)
    assert math.isclose(usual["Contrast"], 0.1)


# What every policy keeps


@pytest.mark.parametrize("part", POLICIES, ids=lambda p: p.name)
def test_half_strength_leaves_half_the_pictures_bit_for_bit(part):
    x = torch.rand(600, 3, 8, 7) * 4 - 2
    now = Now(member_key(0), torch.tensor(0), torch.tensor(0.0), {}, pixels=((-2.0,) * 3, (2.0,) * 3))
    if part.name != "AugMix":
        kept = (part.replace(p=0.4).batch(x, None, now)[0] == x).flatten(1).all(1).double().mean()
        everyone = (part.batch(x, None, now)[0] == x).flatten(1).all(1).double().mean()
        assert 0.6 <= float(kept) < 1.0
        assert float(everyone) < 0.35
    assert torch.equal(part.neutral().batch(x, None, now)[0], x)


@pytest.mark.parametrize("part", POLICIES, ids=lambda p: p.name)
def test_scaled_pictures_are_the_same_pictures(part):
    """Standardized inputs whose black and white are known come to what the pictures come to, standardized."""
    x = as_tensor([photo(seed=i) for i in range(20)]).double() / 255
    scaled = Now(member_key(0), torch.tensor(3), torch.tensor(0.0), {}, moment=3, pixels=((-1.5,) * 3, (2.5,) * 3))
    plain = part.batch(x, None, Now.at(3))[0]
    torch.testing.assert_close(part.batch(4 * x - 1.5, None, scaled)[0], 4 * plain - 1.5, atol=0.02, rtol=0)


@pytest.mark.parametrize("part", POLICIES, ids=lambda p: p.name)
def test_members_of_a_stack_are_who_they_are_alone(part):
    x = torch.rand(3, 8, 3, 9, 8, dtype=torch.float64)
    parts = [part, part.neutral(), part]
    keys = torch.stack([member_key(s) for s in range(3)])

    def one(recipe, x, key):
        return recipe.batch(x, None, Now(key, torch.tensor(2), torch.tensor(0.0), {}, moment=2))[0]

    stacked = torch.func.vmap(one)(stack([Recipe(p) for p in parts], x), x, keys)
    for k, own in enumerate(parts):
        assert torch.equal(stacked[k], Recipe(own).batch(x[k], None, Now.at(2, k))[0])
    assert not torch.equal(stacked[0], x[0])


@pytest.mark.parametrize("part", POLICIES, ids=lambda p: p.name)
def test_pictures_of_a_single_line_and_eight_bits(part):
    for size in ((1, 1), (1, 7), (2, 1)):
        x = torch.randint(0, 256, (30, 1, *size), dtype=torch.uint8)
        out = part.batch(x, None, Now.at(0))[0]
        assert out.shape == x.shape
        assert out.dtype == torch.uint8


@pytest.mark.parametrize("part", POLICIES, ids=lambda p: p.name)
def test_every_picture_step_and_seed_draws_for_itself_and_again_the_same(part):
    x = as_tensor([photo()] * 30).double() / 255
    outs = [part.batch(x, None, Now.at(step, seed))[0] for step in (0, 1) for seed in (0, 1)]
    assert len({tuple(o.flatten().tolist()) for out in outs for o in out}) > 35
    assert torch.equal(part.batch(x, None, Now.at(1, 1))[0], outs[-1])


def test_what_makes_no_sense_is_refused():
    for make in (
        lambda: AutoAugment(policy="mnist"), lambda: TrivialAugment(space="wider"), lambda: RandAugment(fill="gray"),
        lambda: RandAugment(layers=0), lambda: RandAugment(layers=2.5), lambda: AugMix(chains=9),
        lambda: AugMix(depth=0),
    ):  # fmt: skip
        with pytest.raises(RecipeError, match="allowed"):
            make()
    for part in POLICIES:
        with pytest.raises(RecipeError, match="have 2 axes"):
            part.batch(torch.rand(4, 5), None, Now.at(0))
    assert Canvas.of(torch.zeros(1, 1, 2, 2, dtype=torch.bfloat16), "x", Now.at(0)).u.dtype == torch.float32
