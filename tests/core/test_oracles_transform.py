"""Anybody's own transform as a part of a recipe: in every form, by its own kind of randomness, alone and in a stack."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch
from torch import nn

from wellfit import Recipe, RecipeError, Transform, schedule
from wellfit.dials import ramp
from wellfit.draws import Now, member_key
from wellfit.job.opening import check_recipe
from wellfit.job.options import Options
from wellfit.stacking import stack
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam
from wellfit.training.step import Batch


class Albumentation:
    """As albumentations' are called, with a generator of its own that global seeds do not reach."""

    def __init__(self):
        self.generator = np.random.default_rng()
        self.seen = []

    def set_random_seed(self, seed):
        self.generator = np.random.default_rng(seed)

    def __call__(self, image):
        assert image.dtype == np.uint8
        self.seen.append(image.shape)
        return {"image": np.roll(image, int(self.generator.integers(1, 9)), axis=1)}


def moment(transform, step=3, seed=0, **more):
    now = dataclasses.replace(Now.at(step, seed), resources={"transform": transform})
    return dataclasses.replace(now, **more)


def pictures(rows=6, channels=3, height=10, width=9, seed=0):
    x = torch.randint(0, 256, (rows, channels, height, width), generator=torch.Generator().manual_seed(seed))
    return x.to(torch.float64) / 255


def after(part, x, transform, **more):
    return Recipe(part).batch(x, None, moment(transform, **more))[0]


FORMS = {
    "tensor": lambda picture: picture.flip(-1),
    "batch": lambda batch: batch.flip(-1),
    "array": lambda pixels: pixels[:, ::-1],
    "keyword": lambda image: {"image": image[:, ::-1]},
}


@pytest.mark.parametrize("takes", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_oracle_Transform(takes, channels):
    x = pictures(channels=channels)
    torch.testing.assert_close(after(Transform(takes=takes), x, FORMS[takes]), x.flip(-1))
    pixels = (255 * x).round().to(torch.uint8)
    out = after(Transform(takes=takes), pixels, FORMS[takes])
    assert torch.equal(out, pixels.flip(-1))


def test_what_a_transform_sees_is_between_black_and_white():
    seen = []
    ends = ((-2.0, -1.0), (2.0, 3.0))
    x = torch.stack([4 * pictures(channels=1)[:, 0] - 2, 4 * pictures(channels=1, seed=1)[:, 0] - 1], dim=1)
    out = after(Transform(), x, lambda picture: seen.append(picture) or 1 - picture, pixels=ends)
    assert 0 <= min(float(s.min()) for s in seen) <= max(float(s.max()) for s in seen) <= 1
    torch.testing.assert_close(out, torch.tensor([0.0, 2.0])[:, None, None] - x)


def test_arrays_come_as_height_width_channels_and_may_go_back_flat():
    foreign = Albumentation()
    after(Transform(takes="keyword"), pictures(), foreign)
    assert set(foreign.seen) == {(10, 9, 3)}
    gray = pictures(channels=1)
    assert torch.equal(after(Transform(takes="array"), gray, lambda pixels: pixels[..., 0]), gray)
    floats = after(Transform(takes="array"), gray, lambda pixels: pixels.astype(np.float32) / 510)
    torch.testing.assert_close(floats, gray / 2, atol=1e-6, rtol=0)


NOISES = {
    "torch": ("tensor", lambda: lambda p: p + 0.1 * torch.rand_like(p)),
    "numpy": ("array", lambda: lambda p: np.roll(p, np.random.randint(1, 9), axis=1)),
    "python": ("array", lambda: lambda p: np.roll(p, random.randrange(1, 9), axis=1)),
    "its own": ("keyword", Albumentation),
}


@pytest.mark.parametrize("kind", NOISES)
def test_draws_follow_from_seed_and_step_and_from_nothing_else(kind):
    takes, make = NOISES[kind]
    x = pictures(rows=1).expand(12, -1, -1, -1)
    before = (random.getstate(), torch.get_rng_state(), np.random.get_state()[1].copy())
    first = after(Transform(takes=takes), x, make())
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.array_equal(np.random.get_state()[1], before[2])
    random.random(), np.random.rand(), torch.rand(1)
    assert torch.equal(after(Transform(takes=takes), x, make()), first)
    assert not torch.equal(after(Transform(takes=takes), x, make(), step=4), first)
    assert not torch.equal(after(Transform(takes=takes), x, make(), seed=1), first)
    assert len({tuple(o.flatten().tolist()) for o in first}) > 3


def test_only_the_pictures_that_are_hit_are_handed_over_and_the_others_stay():
    calls, x = [], pictures(rows=500)
    out = after(Transform(0.3), x, lambda picture: calls.append(1) or 1 - picture)
    changed = (out != x).flatten(1).any(1)
    assert len(calls) == int(changed.sum())
    assert abs(len(calls) / 500 - 0.3) < 0.07
    assert torch.equal(out[~changed], x[~changed])
    assert torch.equal(after(Transform(0.0), x, lambda picture: calls.append(1)), x)
    assert len(calls) == int(changed.sum())


def test_members_of_a_stack_are_who_they_are_alone():
    x = torch.stack([pictures(seed=s) for s in range(3)])
    recipes = [Recipe(Transform(p, takes="keyword")) for p in (1.0, 0.0, 0.5)]
    keys, foreign = torch.stack([member_key(s) for s in range(3)]), Albumentation()

    def one(recipe, x, key):
        now = Now(key, torch.tensor(2), torch.tensor(0.0), {}, moment=2, resources={"transform": foreign})
        return recipe.batch(x, None, now)[0]

    stacked = torch.func.vmap(one)(stack(recipes, x), x, keys)
    for k, recipe in enumerate(recipes):
        alone = recipe.batch(x[k], None, moment(foreign, step=2, seed=k))[0]
        assert torch.equal(stacked[k], alone)
    assert torch.equal(stacked[1], x[1])


@pytest.mark.parametrize("mode", ["eager", "traced"])
def test_a_step_calls_it_anew_in_every_mode(mode):
    """A graph of the step holds the call, not what came of it the first time."""
    calls = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(90, 2)).double()
    brought = {"transform": lambda picture: calls.append(float(torch.rand(()))) or 1 - picture}
    lone = Lone(network, Recipe(Transform()), Adam(), rate=0.1, mode=mode, resources=brought)
    target = Target(torch.eye(2).double(), torch.ones(2).double(), classes=True)
    for _ in range(3):
        lone.step(pictures(rows=2, channels=1), target)
    assert len(set(calls[-6:])) == 6


def test_a_network_learns_what_the_transform_leaves():
    """Pictures whose left half is the label, and a transform that turns it round: the labels turn round with it."""
    x = torch.rand(80, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = (x[..., 0].mean((1, 2)) > x[..., 3].mean((1, 2))).long()
    rows = Batch(x, Target(torch.eye(2)[labels], torch.ones(80), classes=True))
    turned = {"transform": lambda batch: batch.flip(-1)}
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    recipe = Recipe(Transform(takes="batch"))
    found = train_epochs(network, recipe, rows, Batch(x.flip(-1), rows.target), epochs=99, rate=0.05, resources=turned)
    assert float((found.network(x).argmax(1) != labels).float().mean()) > 0.85


def test_recipes_hold_the_name_and_no_code():
    recipe = Recipe(Transform(0.5, resource="mine", takes="array"))
    assert recipe.to_json()["regularizers"] == [{"Transform": {"p": 0.5, "resource": "mine", "takes": "array"}}]
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert schedule(Transform(resource="mine"), ramp(2)).needs() == ("mine",)


def test_a_training_without_it_says_what_to_bring():
    with pytest.raises(RecipeError, match=r"needs 'transform', and this training has none.*resources=") as caught:
        Transform().batch(pictures(), None, Now.at(0))
    assert caught.value.code == "WF-R08"
    with pytest.raises(RecipeError, match="is no function"):
        after(Transform(), pictures(), 3)
    with pytest.raises(RecipeError, match=r"needs a mine, and this job has none.*train_epochs"):
        check_recipe(Recipe(Transform(resource="mine")), "binary", Options())


@pytest.mark.parametrize("takes", ["tensor", "batch", "array"])
def test_another_size_is_refused(takes):
    with pytest.raises(RecipeError, match=r"gave back \(") as caught:
        after(Transform(takes=takes), pictures(), lambda picture: picture[:2])
    assert caught.value.code == "WF-R11"
    with pytest.raises(RecipeError, match="gave back None"):
        after(Transform(), pictures(), lambda picture: None)


def test_what_makes_no_sense_is_refused():
    for make in (lambda: Transform(takes="pil"), lambda: Transform(resource=""), lambda: Transform(resource=print)):
        with pytest.raises(RecipeError, match="allowed"):
            make()
    with pytest.raises(RecipeError, match="have 2 axes"):
        after(Transform(), torch.rand(4, 5), torch.fliplr)
