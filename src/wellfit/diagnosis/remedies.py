"""From an illness to a recipe: what to begin with, before a search finds the strengths."""

from __future__ import annotations

from collections.abc import Callable

from wellfit.recipe import Recipe
from wellfit.regularizers import ClipNorm, Dropout, EarlyStopping, LabelSmoothing, WeightDecay

_PATIENCE = 0.15
"""Of the epochs: what a stop waits for; between a tenth and a fifth is usual."""


def _restraint(epochs: int) -> Recipe:
    return Recipe(EarlyStopping(_patience(epochs)), WeightDecay(1e-2), Dropout(0.2))


def _for_noise(epochs: int) -> Recipe:
    return Recipe(EarlyStopping(_patience(epochs)), LabelSmoothing(0.1), WeightDecay(1e-2))


def _patience(epochs: int) -> float:
    return float(max(2, round(_PATIENCE * epochs)))


CURES: dict[str, Callable[[int], Recipe]] = {
    "too-long": _restraint,
    "variance": _restraint,
    "label-noise": _for_noise,
    "over-confident": lambda epochs: Recipe(EarlyStopping(_patience(epochs)), LabelSmoothing(0.05)),
    "double-descent": lambda epochs: Recipe(WeightDecay(1e-2)),
    "diverged": lambda epochs: Recipe(ClipNorm(1.0)),
    "unstable": lambda epochs: Recipe(ClipNorm(1.0)),
}
"""By the name of the check; evidence and cheapness decided the order of parts."""


def cure(name: str, epochs: int = 20, own: Recipe | None = None, helped: Recipe | None = None) -> Recipe:
    """The recipe to go on with.

    Args:
        name: of the primary finding.
        own: the setting's recipe, which is kept where the illness is not that it is too strong.
        helped: the recipe of the change that helped most, which is better than any rule.
    """
    own = own if own is not None else Recipe()
    if name in ("over-regularized", "collapsed"):
        return helped if helped is not None else Recipe()
    base = helped if helped is not None else own
    more = CURES[name](epochs) if name in CURES else Recipe()
    held = {p.name for p in base}
    return Recipe(*base, *(p for p in more if p.name not in held))
