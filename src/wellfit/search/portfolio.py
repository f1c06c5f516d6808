"""What is tried first: single regularizers, and cocktails that have often done well on tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wellfit.recipe import Recipe
from wellfit.regularizer import Knob, Regularizer
from wellfit.regularizers import EMA, Dropout, InputNoise, LabelSmoothing, Mixup, WeightDecay
from wellfit.search.space import RATES, Candidate

COCKTAILS: tuple[tuple[Recipe, float], ...] = (
    (Recipe(WeightDecay(0.05), Dropout(0.1), EMA(0.99)), 3e-3),
    (Recipe(WeightDecay(0.2), Dropout(0.25), EMA(0.99)), 2e-3),
    (Recipe(WeightDecay(0.1), Dropout(0.15), LabelSmoothing(0.05), EMA(0.995)), 3e-3),
    (Recipe(Mixup(0.2), WeightDecay(0.1), EMA(0.99)), 3e-3),
    (Recipe(Mixup(0.3), Dropout(0.2), WeightDecay(0.3), EMA(0.99)), 3e-3),
    (Recipe(InputNoise(0.1), Dropout(0.3), EMA(0.99)), 3e-3),
    (Recipe(InputNoise(0.2), WeightDecay(0.5), Dropout(0.3), EMA(0.99)), 2e-3),
    (Recipe(EMA(0.995)), 3e-3),
    (Recipe(Dropout(0.4), WeightDecay(1.0), EMA(0.995)), 1e-3),
    (Recipe(EMA(0.99), InputNoise(0.02)), 5e-3),
)


def cocktails(parts: Mapping[str, type[Regularizer]]) -> Iterator[tuple[Recipe, float]]:
    """The portfolio as far as a space knows its parts."""
    for recipe, rate in COCKTAILS:
        known = Recipe(*(p for p in recipe if p.name in parts))
        if known.parts:
            yield known, rate


def singles(parts: Mapping[str, type[Regularizer]], rates: tuple[float, ...], each: int) -> list[Candidate]:
    """Every regularizer alone at ``each`` strengths spread over its range, the learning rates taken in turn."""
    found = []
    for name in parts:
        for i in range(each):
            share = (i + 0.5) / each if each > 1 else 0.5
            recipe = Recipe(at_share(parts[name], share))
            found.append(Candidate(recipe, rates[(len(found)) % len(rates)], "single"))
    return found


def at_share(cls: type[Regularizer], share: float) -> Regularizer:
    """A regularizer with its strength at a share of its range, 0 its low end and 1 its high end, on the knob's scale."""
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
