"""The rules of an experiment: from what the changes gained to findings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wellfit.diagnosis.experiment import Evidence, going, unfitted
from wellfit.diagnosis.layers import spread
from wellfit.diagnosis.result import Finding, Tried

Layers = list[dict[str, Any]]
Rule = Callable[[Evidence, Layers], Finding]
FREER = ("none", "wider", "longer", "norm", "rate_up", "rate_down", "rate_far_down")
"""Changes that may let a model fit more."""


def judge(evidence: Evidence, layers: Layers) -> list[Finding]:
    """Every rule's finding, in order."""
    return [rule(evidence, layers) for rule in RULES]


def _by(name: str, change: Tried, before: str = "") -> Finding:
    """A finding that an experiment confirms."""
    return Finding(name, "finding", before + change.told(), change.relative, "of the validation loss",
                   change.relative_interval, True)  # fmt: skip


def _freeing(evidence: Evidence, *names: str) -> Tried | None:
    """The change of these that helps most by fitting training rows better."""
    found = [evidence.tried[n] for n in names if n in evidence.tried and evidence.tried[n].helps]
    found = [t for t in found if t.fit is not None and t.fit > evidence.limits.easier]
    return max(found, key=lambda t: t.gain, default=None)


def _diverged(evidence: Evidence, layers: Layers) -> Finding:
    share = evidence.fitted / evidence.guess if evidence.guess > 0 else math.nan
    update = float(np.median([e["update_ratio"] for e in layers])) if layers else math.nan
    slower = _freeing(evidence, "rate_down", "rate_far_down")
    lost = not share < evidence.limits.diverged
    told = f"the training loss ends at {share:.2g} times that of guessing"
    if lost or (update > evidence.limits.update and slower):
        if slower:
            return _by("diverged", slower, f"{told}; ")
        if lost:
            return Finding("diverged", "finding", told, share, "x guessing")
    return Finding("diverged", "healthy", told, share, "x guessing")


def _unstable(evidence: Evidence, layers: Layers) -> Finding:
    from wellfit.diagnosis.curves import spikes

    curve = evidence.base.train[evidence.own]
    count = float(np.mean([spikes(c, evidence.limits.spike) for c in curve]))
    slower = _freeing(evidence, "rate_down", "rate_far_down")
    told = f"{count:.1f} spikes in the training loss"
    if count >= evidence.limits.spikes and slower:
        return _by("unstable", slower, f"{told}; ")
    return Finding("unstable", "healthy", told, count, "spikes")


def sick(evidence: Evidence, layers: Layers) -> bool:
    """Whether units are dead or saturated, gradients vanish, or the loss has spikes: then slower and normalized
    trainings are worth trying."""
    limits = evidence.limits
    worst = max((e["dead"] or 0.0 for e in layers), default=0.0)
    full = max((e["saturated"] or 0.0 for e in layers), default=0.0)
    return worst > limits.dead or full > limits.saturated or spread(layers) < limits.vanishing or _spiky(evidence)


def _spiky(evidence: Evidence) -> bool:
    from wellfit.diagnosis.curves import spikes

    count = np.mean([spikes(c, evidence.limits.spike) for c in evidence.base.train[evidence.own]])
    return bool(count >= evidence.limits.spikes)


def wide(evidence: Evidence) -> bool:
    """Whether validation rows are predicted far worse than training rows, and not well anyhow."""
    limits = evidence.limits
    large = evidence.valid > limits.large_loss * evidence.guess
    return large and evidence.gap.low > limits.apart * evidence.valid


def _dead(evidence: Evidence, layers: Layers) -> Finding:
    limits = evidence.limits
    dead = max(((e["dead"], e["name"]) for e in layers if e["dead"] is not None), default=None)
    full = max(((e["saturated"], e["name"]) for e in layers if e["saturated"] is not None), default=None)
    if dead is None and full is None:
        return Finding("dead", "not_applicable", "no ReLU, tanh or sigmoid module was found in the model")
    told, share = f"no layer has more than {dead[0] if dead else 0.0:.0%} dead units", dead[0] if dead else 0.0
    ill = False
    if dead and dead[0] > limits.dead:
        told, ill = f"{dead[0]:.0%} of the units behind {dead[1]!r} are 0 on every row", True
    elif full and full[0] > limits.saturated:
        told, share, ill = f"{full[0]:.0%} of the values behind {full[1]!r} are saturated", full[0], True
    change = _freeing(evidence, "rate_down", "rate_far_down", "norm")
    stuck = unfitted(evidence)
    if ill and change and stuck and not _restraint(evidence, change):
        return _by("dead", change, f"{told}; ")
    mended = _mending(evidence) if ill and not stuck else None
    if mended:
        return _by("dead", mended, f"{told}; ")
    lone = ill and _guessing(evidence) and not _freeing(evidence, "none")
    return Finding("dead", "finding" if lone else "healthy", told, share, "of units")


def _mending(evidence: Evidence) -> Tried | None:
    """The change that lets units move again, where training rows are fitted all the same and it gains more than any
    restraint does: then the gap comes of the units, too."""
    change = evidence.helps("norm", "rate_down", "rate_far_down")
    rivals = [evidence.tried[n].gain for n in ("early_stopping", "more", "much_more", "none") if n in evidence.tried]
    if change is None or ("more" not in evidence.tried and evidence.gap.high >= evidence.least):
        return None
    return change if change.gain > max(rivals) else None


def _guessing(evidence: Evidence) -> bool:
    """Whether next to nothing was learned."""
    return not evidence.fitted < evidence.limits.guessing * evidence.guess


def _restraint(evidence: Evidence, change: Tried) -> bool:
    """Whether regularization is to blame instead: weights shrunk to nothing kill units and gradients, too."""
    freed = _freeing(evidence, "none")
    return freed is not None and freed.gain >= change.gain


def _vanishing(evidence: Evidence, layers: Layers) -> Finding:
    share = spread(layers)
    if math.isnan(share):
        return Finding("vanishing", "not_applicable", "fewer than two layers with gradients")
    told = f"of all layers' gradients, in units of their weights, the least is {share:.1e} of the largest"
    change = _freeing(evidence, "norm", "rate_up", "rate_down")
    ill = share < evidence.limits.vanishing and unfitted(evidence)
    if ill and change and not _restraint(evidence, change):
        return _by("vanishing", change, f"{told}; ")
    lone = ill and _guessing(evidence) and not _freeing(evidence, "none")
    return Finding("vanishing", "finding" if lone else "healthy", told, share, "of the largest")


def _collapsed(evidence: Evidence, layers: Layers) -> Finding:
    if not len(evidence.setting.recipe):
        return Finding("collapsed", "not_applicable", "the setting has no regularizer")
    ratios = [e["norm"] / e["first_norm"] for e in layers if e["first_norm"] > 0]
    least = min(ratios, default=math.nan)
    told = f"the smallest layer keeps {least:.0%} of its first norm"
    change = _freeing(evidence, "none")
    if change and _guessing(evidence):
        return _by("collapsed", change, f"{told}, and nothing is learned; ")
    return Finding("collapsed", "healthy", told, least, "of its first norm")


def _restrained(evidence: Evidence, layers: Layers) -> Finding:
    if "none" not in evidence.tried:
        return Finding("over-regularized", "not_applicable", "the setting has no regularizer that could be left out")
    change = _freeing(evidence, "none")
    if change:
        return _by("over-regularized", change)
    told = evidence.tried["none"].told()
    return Finding("over-regularized", "healthy", told, evidence.tried["none"].relative, "of the validation loss")


def _short(evidence: Evidence, layers: Layers) -> Finding:
    change = _freeing(evidence, "rate_up", "longer")
    if change and going(evidence):
        return _by("epochs", change, "the losses still fell at the end; ")
    told = "the losses still fell at the end" if going(evidence) else "the losses had come to rest"
    return Finding("epochs", "healthy", told)


def _slow(evidence: Evidence, layers: Layers) -> Finding:
    change = _freeing(evidence, "rate_up", "rate_down", "rate_far_down", "norm", "longer")
    if change and unfitted(evidence):
        return _by("optimization", change)
    return Finding("optimization", "healthy", "no learning rate and no normalization fits training rows much better")


def _small(evidence: Evidence, layers: Layers) -> Finding:
    if not unfitted(evidence):
        share = evidence.fitted / evidence.guess
        told = f"training rows are fitted to {share:.0%} of the loss of guessing, or better than validation rows"
        return Finding("capacity", "healthy", told, share, "of guessing")
    change = _freeing(evidence, "wider")
    if change:
        return _by("capacity", change)
    if "wider" not in evidence.tried:
        return Finding("capacity", "not_applicable", "a wider model was not tried")
    return Finding("capacity", "healthy", evidence.tried["wider"].told())


def _long(evidence: Evidence, layers: Layers) -> Finding:
    change = evidence.tried["early_stopping"]
    if change.helps:
        return _by("too-long", change)
    return Finding("too-long", "healthy", change.told(), change.relative, "of the validation loss",
                   change.relative_interval)  # fmt: skip


def _variance(evidence: Evidence, layers: Layers) -> Finding:
    found = [evidence.tried[n] for n in ("more", "much_more", "rate_down") if n in evidence.tried]
    found = [t for t in found if t.helps and (t.fit or 0.0) < evidence.limits.easier]
    change = max(found, key=lambda t: t.gain, default=None)
    if change:
        return _by("variance", change)
    gap, half = evidence.gap, evidence.tried.get("half")
    told = f"validation loss lies {gap.value:.3g} above training loss [{gap.low:.3g}, {gap.high:.3g}]"
    taken = -half.gain / (evidence.levels["half"]) if half else 0.0
    if half and wide(evidence) and half.interval[1] < 0 and taken > evidence.limits.halved:
        told += f"; the second half of the training rows took away {taken:.0%} of it: more rows would go on"
        return Finding("variance", "finding", told, gap.value, "loss", (gap.low, gap.high), True)
    return Finding("variance", "healthy", told, gap.value, "loss", (gap.low, gap.high))


def _benign(evidence: Evidence, layers: Layers) -> Finding:
    gap, helped = evidence.gap, any(t.helps for t in evidence.tried.values())
    told = f"validation loss lies {gap.value:.3g} above training loss [{gap.low:.3g}, {gap.high:.3g}]"
    if gap.low > 0 and not helped:
        small = gap.high < evidence.least and "more" not in evidence.tried
        told += ", less than what a restraint has to gain to count" if small else ", and no change lowers it"
        return Finding("benign-gap", "finding", told, gap.value, "loss", (gap.low, gap.high), True)
    return Finding("benign-gap", "healthy", told, gap.value, "loss", (gap.low, gap.high))


def _undecided(evidence: Evidence, layers: Layers) -> Finding:
    """Whether something may help that these rows are too few to confirm."""
    limits, rows = evidence.limits, evidence.setting.valid
    worth = max(limits.gain * evidence.valid, limits.floor * evidence.guess)
    names = ("early_stopping", "more", "much_more", *(FREER if unfitted(evidence) else ()))
    if any(t.helps for t in evidence.tried.values()):
        names = ()
    open_ones = [n for n in names if n in evidence.effects and evidence.effects[n].value >= worth]
    least = min((e.resolvable for n, e in evidence.effects.items() if n != "half"), default=math.nan)
    told = f"the smallest gain that {rows} validation rows and {evidence.setting.seeds} seeds resolve is {least:.3g}"
    if rows < limits.rows:
        return Finding("undecided", "finding", f"{told}; {rows} rows are too few to certify health", least, "loss")
    if open_ones:
        label = evidence.tried[max(open_ones, key=lambda n: evidence.effects[n].value)]
        return Finding("undecided", "finding", f"{label.told()}: that may be chance; {told}", least, "loss")
    return Finding("undecided", "healthy", told, least, "loss")


RULES: tuple[Rule, ...] = (
    _diverged, _unstable, _dead, _vanishing, _collapsed, _restrained, _short, _slow, _small, _long, _variance, _benign,
    _undecided,
)  # fmt: skip
