"""What a remedy really gains on the test rows, and what follows for a case: kept, relabeled or dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from bank_case import Case
from bank_data import Drawn
from bank_remedies import LABEL_OF_REMEDY, STANDARD
from bank_training import Judged, balanced

Array = npt.NDArray[np.float64]

TOOK = 0.15
"""A remedy gains where it takes this share off the loss and its interval is above 0: the diagnosis' margin for help."""
CLEAR = 0.10
"""Healthy is what no remedy of the standard set gains this much on: nothing lies between the two."""
AHEAD = 0.7
"""Where a rival's remedy leaves less than this share of what the planted one leaves, the plant is not the illness."""
DRAWS, LEVEL = 1000, 0.99


@dataclasses.dataclass(frozen=True)
class Gain:
    """Share of the base's loss that a remedy takes off, with its 99 % interval, and the errors of both."""

    remedy: str
    loss: float
    gain: float
    low: float
    high: float
    error: float

    @property
    def took(self) -> bool:
        return self.gain >= TOOK and self.low > 0


def losses(judged: Mapping[str, Judged], remedy: str) -> tuple[Array, Array]:
    """(seeds, test rows) losses, and the errors, under a remedy."""
    base = judged["base"]
    if remedy == "early stop":
        return base.early, base.early_wrong
    if remedy == "temperature":
        return base.cooled, base.wrong
    return judged[remedy].test, judged[remedy].wrong


def gains(case: Case, drawn: Drawn, judged: Mapping[str, Judged], remedies: Sequence[str]) -> list[Gain]:
    """Every remedy against the base, row by row and seed by seed."""
    found = []
    for remedy in remedies:
        if remedy == "without copies":
            found.append(_closer(judged["base"], drawn))
        elif remedy == "more validation rows":
            found.append(_blind(case, judged))
        else:
            better, wrong = losses(judged, remedy)
            base = judged["base"].test
            if remedy == "weighted classes":
                better, base = balanced(better, drawn.test.y), balanced(base, drawn.test.y)
            found.append(Gain(remedy, float(better.mean()), *interval(base, better), _mean(wrong)))
    return found


def interval(base: Array, better: Array) -> tuple[float, float, float]:
    """The gain, and the ends of its interval over resampled rows and seeds, the same for both."""
    random = np.random.default_rng(0)
    seeds, rows = base.shape
    taken = random.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS).astype(float)
    weight = random.poisson(1.0, (DRAWS, rows)).astype(float)
    sums = [((taken @ losses) * weight).sum(1) for losses in (base, better)]
    drawn = 1.0 - sums[1] / np.maximum(sums[0], 1e-12)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(1.0 - better.mean() / max(1e-12, base.mean())), float(low), float(high)


def _mean(wrong: Array) -> float:
    return float(wrong.mean()) if wrong.size else float("nan")


def _closer(base: Judged, drawn: Drawn) -> Gain:
    """What copies hide: how much higher the validation loss is without them, as a share of the test loss.

    It counts only where the loss without them is nearer to the test loss.
    """
    fresh = drawn.fresh.numpy()
    truth, told, honest = base.test.mean(), base.valid.mean(), base.valid[:, fresh].mean(0)
    hidden = (honest.mean() - told) / truth
    random = np.random.default_rng(0)
    spread = (honest[random.integers(0, len(honest), (DRAWS, len(honest)))].mean(1) - told) / truth
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    nearer = abs(honest.mean() - truth) < abs(told - truth)
    gain = float(hidden) if nearer else 0.0
    return Gain("without copies", float(honest.mean()), gain, float(low), float(high), float("nan"))


def _blind(case: Case, judged: Mapping[str, Judged]) -> Gain:
    """Whether so few validation rows can tell nothing: neither that the loss is right to the margin, nor that any
    remedy helps. The gain is the smallest share that could be resolved, 0 where something could be told."""
    base = judged["base"].test
    reach = 1.96 + 0.84
    least = reach * base.std(1).mean() / case.valid**0.5 / base.mean()
    told = False
    for name in set(STANDARD) & {"early stop", "temperature", *judged}:
        apart = base - losses(judged, name)[0]
        told |= bool(apart.mean() > TOOK * base.mean() and apart.mean() > reach * apart.std(1).mean() / case.valid**0.5)
    return Gain("more validation rows", float(base.mean()), 0.0 if told else float(least), float(least), np.inf, np.nan)


@dataclasses.dataclass(frozen=True)
class Truth:
    """What a case is after all: ``label`` is empty where it is dropped."""

    label: str
    codes: tuple[str, ...]
    reason: str


def decide(cases: Sequence[Case], found: Mapping[str, Sequence[Gain]]) -> dict[str, Truth]:
    """Kept or dropped, by the gains alone, for all cases that have any; a healthy setting as a whole."""
    decided: dict[str, Truth] = {}
    for case in cases:
        same = [c.name for c in cases if _setting(c) == _setting(case)]
        if case.ill and case.name in found:
            decided[case.name] = _ill(case, found[case.name])
        elif not case.ill and all(name in found for name in same):
            decided[case.name] = _healthy(case, [found[name] for name in same])
    return decided


def _setting(case: Case) -> Case:
    return dataclasses.replace(case, seed=0)


def _ill(case: Case, found: Sequence[Gain]) -> Truth:
    """Kept where the planted remedy took, and no remedy of another label leaves far less of the loss."""
    planted = next(g for g in found if g.remedy == case.plant.remedy)
    if not planted.took:
        return Truth("", (), f"the plant did not take: {planted.remedy} gains {planted.gain:.0%}")
    rivals = [g for g in found if _rivals(case, g.remedy) and g.took and g.loss < AHEAD * planted.loss]
    if rivals:
        best = min(rivals, key=lambda g: g.loss)
        return Truth("", (), f"{best.remedy} leaves {best.loss:.3f}, {planted.remedy} {planted.loss:.3f}")
    return Truth(case.plant.label, case.plant.codes, f"{planted.remedy} gains {planted.gain:.0%}")


def _rivals(case: Case, remedy: str) -> bool:
    """Whether a remedy stands for another illness. No recipe mends data; and a lower rate for as many steps is less
    training, which is what an overfitted network wants, too."""
    if case.plant.label in ("broken", "imbalanced", "undecided"):
        return False
    same = case.plant.label == "overfit" and remedy in ("rate /10", "rate /100")
    return not same and LABEL_OF_REMEDY.get(remedy, case.plant.label) != case.plant.label


def _healthy(case: Case, seeds: Sequence[Sequence[Gain]]) -> Truth:
    """Kept where no remedy takes on any seed, and none gains much on their mean."""
    every = [g for found in seeds for g in found]
    took = max((g for g in every if g.took), key=lambda g: g.gain, default=None)
    if took:
        return Truth("", (), f"not healthy: {took.remedy} gains {took.gain:.0%} on one seed")
    means = {g.remedy: float(np.mean([o.gain for o in every if o.remedy == g.remedy])) for g in every}
    best = max(means, key=lambda name: means[name])
    most = f"{best} gains {means[best]:.0%} on the mean of {len(seeds)} seeds"
    if means[best] >= CLEAR:
        return Truth("", (), f"not healthy: {most}")
    return Truth("healthy", case.plant.codes, f"at most {most}")
