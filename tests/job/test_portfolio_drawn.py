"""Cocktails for data of which no portfolio is known: drawn from the space, mild, each part about as often."""

from __future__ import annotations

import collections

from wellfit.searching import portfolio
from wellfit.searching.space import SHRINKERS, searched


def test_cocktails_are_drawn_from_the_whole_space():
    parts = searched("multiclass", data="image")
    found = [recipe for recipe, _ in portfolio.drawn(parts, 1e-3, 400, seed=3)]
    assert len(found) >= 10
    assert all(2 <= len(recipe) <= 5 for recipe in found)
    assert all(sum(p.name in SHRINKERS for p in recipe) <= 1 for recipe in found)
    counts = collections.Counter(p.name for recipe in found for p in recipe if p.name != "EMA")
    assert {"Rotation", "Shift", "Zoom"} <= set(counts)
    assert max(counts.values()) - min(counts.values()) <= 3
    assert set(counts) <= set(parts)


def test_draws_follow_the_seed():
    parts = searched("multiclass", data="image")
    one, same, other = (list(portfolio.drawn(parts, 1e-3, 400, seed)) for seed in (3, 3, 4))
    assert one == same
    assert one != other


def test_other_data_bring_their_augmentations_among_the_first_singles():
    names = [c.recipe.parts[0].name for c in portfolio.singles(searched("multiclass", data="image"), 1e-3, 5)]
    assert {"Shift", "Rotation"} <= set(names)


def test_pictures_begin_with_mild_geometry_and_other_data_with_none_of_it():
    parts = searched("multiclass", data="image")
    found = [recipe for recipe, _ in portfolio.samples(parts, 1e-3, 400)]
    assert {p.name for p in found[0]} == {"EMA", "Rotation", "Shift", "Zoom"}
    assert {p.name for r in found for p in r} >= {"RandAugment", "TrivialAugment", "RandomErasing", "Mixup"}
    assert all(next(iter(p for p in r if p.name == "EMA")).decay == 0.9 for r in found)
    assert not list(portfolio.samples(searched("multiclass"), 1e-3, 400))


def test_texts_begin_with_hidden_words():
    found = [recipe for recipe, _ in portfolio.samples(searched("binary", data="text"), 1e-3, 400)]
    assert len(found) == len(portfolio.TEXTS)
    assert {p.name for p in found[0]} == {"EMA", "TokenMask", "WeightDecay"}
    assert all({p.name for p in recipe} & {"TokenMask", "WordMixup"} for recipe in found)
