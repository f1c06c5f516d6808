"""What is tried first: single regularizers, and cocktails: those for tables have often done well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from wellfit.hashes import hash_integers
from wellfit.knobs import Knob
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import (
    EMA,
    L1,
    ClipNorm,
    Crop,
    Dropout,
    Flip,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    RandAugment,
    RandomErasing,
    Rotation,
    Shift,
    TokenMask,
    TrivialAugment,
    WeightDecay,
    WordMixup,
    Zoom,
)
from wellfit.searching.space import RATES, SHRINKERS, Candidate

COCKTAILS: tuple[Recipe, ...] = (
    Recipe(EMA(), Dropout(0.05)),
    Recipe(EMA(), InputNoise(0.02), WeightDecay(0.03)),
    Recipe(EMA(), LabelSmoothing(0.02), WeightDecay(0.1)),
    Recipe(EMA(), Mixup(0.1)),
    Recipe(EMA(), WeightDecay(0.1), Dropout(0.15)),
    Recipe(EMA(), InputNoise(0.1), Dropout(0.1), WeightDecay(0.1)),
    Recipe(EMA(), Mixup(0.2), Dropout(0.1), WeightDecay(0.3)),
    Recipe(EMA(), WeightDecay(0.5), Dropout(0.3)),
    Recipe(EMA(), L1(1e-5), Dropout(0.1)),
    Recipe(EMA(), InputNoise(0.3), Dropout(0.3), WeightDecay(1.0), MaxNorm(2.0)),
    Recipe(EMA(), Mixup(0.4), Dropout(0.25), WeightDecay(1.0)),
    Recipe(EMA(), ClipNorm(1.0), Dropout(0.1), LabelSmoothing(0.05)),
)
"""From mild to strong, since a short budget tries the first few only and a short training bears little."""

PICTURES: tuple[Recipe, ...] = (
    Recipe(EMA(), Rotation(10.0), Shift(0.1), Zoom(0.1)),
    Recipe(EMA(), RandAugment(7.0), Crop(0.1)),
    Recipe(EMA(), Crop(0.125), Flip(0.5), Mixup(0.2), WeightDecay(0.3)),
    Recipe(EMA(), Rotation(15.0), Shift(0.1), Zoom(0.2), RandomErasing(0.25), Dropout(0.1), WeightDecay(0.3)),
    Recipe(EMA(), TrivialAugment(), LabelSmoothing(0.05)),
)
"""For pictures, from mild to strong; none but the third takes a mirror image for the same thing."""

TEXTS: tuple[Recipe, ...] = (
    Recipe(EMA(), TokenMask(0.1), WeightDecay(0.1)),
    Recipe(EMA(), TokenMask(0.1), LabelSmoothing(0.05)),
    Recipe(EMA(), WordMixup(0.2), WeightDecay(0.3)),
    Recipe(EMA(), TokenMask(0.2), Dropout(0.2), WeightDecay(0.3)),
)
"""For texts, from mild to strong; each has a part that is for texts alone."""

_DRAWN = 12
"""Cocktails that are drawn where data are no tables: as many as tables have."""

_AVERAGED = 40.0
"""1 - decay of the moving average times the steps of a training: it reaches back a 40th of it."""


def cocktails(parts: Mapping[str, type[Regularizer]], rate: float, steps: int) -> Iterator[tuple[Recipe, float]]:
    """The portfolio as far as a space knows its parts, at a learning rate that served the network without any.

    The moving average reaches back a 40th of a training of ``steps`` steps.
    """
    for recipe in COCKTAILS:
        known = _reaching(Recipe(*(p for p in recipe if p.name in parts)), steps)
        if len(known) > 1:
            yield known, rate


def samples(parts: Mapping[str, type[Regularizer]], rate: float, steps: int) -> Iterator[tuple[Recipe, float]]:
    """The portfolios for pictures and texts, where a space has all parts of a cocktail: none of the other kind's."""
    for recipe in (*PICTURES, *TEXTS):
        if all(p.name in parts for p in recipe):
            yield _reaching(recipe, steps), rate


def _reaching(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with a moving average that reaches back a 40th of a training."""
    decay = min(0.999, max(0.9, 1.0 - _AVERAGED / steps))
    return Recipe(*(p.replace(decay=decay) if p.name == "EMA" else p for p in recipe))


def drawn(parts: Mapping[str, type[Regularizer]], rate: float, steps: int, seed: int) -> Iterator[tuple[Recipe, float]]:
    """Mild cocktails drawn at random, for data of which little is known: a moving average, and two to four
    others at a fifth to two fifths of their ranges, each part about as often as any other.
    """
    decay = min(0.999, max(0.9, 1.0 - _AVERAGED / steps))
    others = sorted(n for n in parts if n not in ("EMA", "EarlyStopping"))
    random = np.random.default_rng(hash_integers(seed, 31) % 2**32)
    order: list[str] = []
    for number in range(_DRAWN):
        while len(order) < 4:
            order += [n for n in random.permutation(others) if n not in order] or list(random.permutation(others))
        names, order = order[: 2 + number % 3], order[2 + number % 3 :]
        shrinking = [n for n in names if n in SHRINKERS]
        chosen = [at_share(parts[n], random.uniform(0.2, 0.4)) for n in names if n not in shrinking[1:]]
        averaged = [parts["EMA"](decay=decay)] if "EMA" in parts else []
        yield Recipe(*averaged, *chosen), rate


def singles(parts: Mapping[str, type[Regularizer]], rate: float, count: int) -> list[Candidate]:
    """So many regularizers alone: all at a middle strength first, then at a milder and a stronger one.

    Those that help most often come first, so that a short list holds them.
    """
    often = [
        "EMA", "Shift", "Rotation", "Zoom", "Dropout", "WeightDecay", "Mixup", "InputNoise", "LabelSmoothing",
        "MaxNorm", "L2", "L1",
    ]  # fmt: skip
    names = sorted(parts, key=lambda n: (often.index(n) if n in often else len(often), n))
    found = [Recipe(at_share(parts[n], share)) for share in (0.5, 0.25, 0.75) for n in names]
    return [Candidate(recipe, rate, "single") for recipe in found[:count]]


def at_share(cls: type[Regularizer], share: float) -> Regularizer:
    """A regularizer at a share of its range, 0 the low end and 1 the high end, on the scale of the knob."""
    main, *_ = [(n, k) for n, k in cls.knobs().items() if k.neutral is not None]
    return cls(**{main[0]: between(main[1], share)})


def between(facts: Knob, share: float) -> float:
    if facts.log:
        return facts.low * (facts.high / facts.low) ** share
    return facts.low + (facts.high - facts.low) * share


def controls(count: int) -> list[Candidate]:
    """No regularization, at learning rates spread evenly over the searched range (logarithmic)."""
    low, high = RATES
    shares = [(i + 0.5) / count for i in range(count)]
    return [Candidate(Recipe(), low * (high / low) ** s, "control") for s in shares]
