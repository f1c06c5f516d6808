"""Which changes are tried, in rounds: each only where it may still decide, and none once the verdict stands."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import torch

from wellfit.diagnosis import layers, rules
from wellfit.diagnosis.bench import Bench
from wellfit.diagnosis.class_gap import classes
from wellfit.diagnosis.data_checks import of_rows
from wellfit.diagnosis.descent import second_descent
from wellfit.diagnosis.experiment import (
    Evidence,
    folds,
    going,
    note,
    note_halves,
    note_stopping,
    note_weighted,
    unfitted,
    unscaled,
)
from wellfit.diagnosis.features import features
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.setting import Setting
from wellfit.diagnosis.variants import BASE, LONGER, Variant, first_round, second_round, weighted, widened
from wellfit.diagnosis.verdict import primary

NAMES = {
    "none": "no regularization", "more": "more regularization", "much_more": "much more regularization",
    "rate_up": "learning rate x 10", "rate_down": "learning rate / 10", "half": "half of the training rows",
}  # fmt: skip
"""The changes that a person may miss in the list."""

_LIGHT = 2_000_000  # weights times rows of a batch


def run(setting: Setting, limits: Limits, deadline: float, thorough: bool = False) -> Evidence:
    """Train the setting, then its changes in rounds, as far as they are needed and the deadline allows.

    Args:
        thorough: whether every change is tried, also where the verdict stands already.
    """
    bench = Bench(setting, folds(setting))
    variants = {v.name: v for v in (*first_round(setting), *second_round(setting))}
    base = bench.train(variants[BASE].members(setting), setting.steps, deadline)
    evidence = Evidence(setting, bench, limits, base, base.places(BASE), recipes={BASE: variants[BASE].recipe})
    evidence.layers = layers.look(bench, base, evidence.own)
    note_stopping(evidence)
    if base.steps[-1] < setting.steps:
        evidence.skipped.append(
            f"the end of the training: the budget allowed {base.steps[-1]} of {setting.steps} steps"
        )
        return evidence
    trial = Trial(evidence, variants, deadline, thorough)
    for step in ROUNDS:
        if not thorough and trial.settled():
            break
        step(trial)
    if not unfitted(evidence) and features(evidence).outcome == "finding":
        trial.together("more", "much_more")  # before inputs are called empty
    _halves_for_labels(trial)
    missed = [told for name, told in NAMES.items() if name in variants and name not in evidence.tried]
    if missed:
        evidence.skipped.append(f"not needed for the verdict, and not tried: {', '.join(missed)}")
    return evidence


@dataclasses.dataclass
class Trial:
    """One diagnosis under way."""

    evidence: Evidence
    variants: dict[str, Variant]
    deadline: float
    thorough: bool

    def settled(self) -> bool:
        """Whether an illness is confirmed, and no round that is left could put another before it."""
        evidence, tried = self.evidence, self.evidence.tried
        first = primary([*rules.judge(evidence, evidence.layers), *of_rows(evidence)])
        if first.name in ("too-long", "variance"):
            if rules.sick(evidence, evidence.layers) and not {"norm", "more"} <= tried.keys():
                return False
            if unfitted(evidence) and "rate_up" not in tried:
                return False
        return first.confirmed and first.name not in ("benign-gap", "healthy")

    def late(self, label: str) -> bool:
        late = time.monotonic() > self.deadline
        if late:
            self.evidence.skipped.append(f"{label}: the budget was used up")
        return late

    @property
    def light(self) -> bool:
        """Whether a step is so small that its overhead costs more than its sums: then more members are nearly free."""
        setting = self.evidence.setting
        weights = sum(w[0].numel() for w in self.evidence.base.weights.values())
        return setting.mode != "apart" and setting.batch * weights < _LIGHT

    def together(self, *names: str) -> None:
        """Try changes that train in one stack, one by one where members do not stack."""
        setting, bench = self.evidence.setting, self.evidence.bench
        wanted = [self.variants[n] for n in names if n in self.variants and n not in self.evidence.tried]
        groups = [[v] for v in wanted] if setting.mode == "apart" else [wanted]
        for group in groups:
            if not group or self.late(", ".join(v.label for v in group)):
                continue
            record = bench.train([m for v in group for m in v.members(setting)], setting.steps, self.deadline)
            if record.steps[-1] < setting.steps:
                self.evidence.skipped.append(f"{', '.join(v.label for v in group)}: the budget was used up")
                continue
            for variant in group:
                note(self.evidence, variant, record, record.places(variant.name))

    def elsewhere(self, other: Setting, variant: Variant, noted: Callable = note) -> None:
        """Try a change that needs other networks, other rows, or other weights of rows."""
        evidence = self.evidence
        bench = Bench(other, evidence.bench.rows.folds)
        record = bench.train(variant.members(other), other.steps, self.deadline)
        evidence.bench.spent += bench.spent
        evidence.bench.seconds += bench.seconds
        evidence.bench.tracing += bench.tracing
        if record.steps[-1] < other.steps:
            evidence.skipped.append(f"{variant.label}: the budget was used up")
            return
        noted(evidence, variant, record, list(range(other.seeds)))


def _scaled(trial: Trial) -> None:
    """Standardized inputs, where they are far from that."""
    setting, label = trial.evidence.setting, "inputs standardized"
    if not unscaled(setting, trial.evidence.limits) or trial.late(label):
        return
    seen = setting.x[: setting.held]
    center, spread = (seen.mean(0), seen.std(0)) if seen.ndim == 2 else (seen.mean(), seen.std())
    x = (setting.x - center) / torch.where(spread > 0, spread, 1.0)
    trial.elsewhere(dataclasses.replace(setting, x=x), Variant("standardized", label, trial.variants[BASE].recipe))


def _inside(trial: Trial) -> None:
    """Normalization and lower rates, where units are dead or saturated, gradients vanish, or the loss has spikes."""
    if trial.thorough or rules.sick(trial.evidence, trial.evidence.layers):
        if unfitted(trial.evidence):  # weights that regularization shrank kill units and gradients, too
            trial.together("none")
            if trial.settled() and not trial.thorough:
                return
        trial.together("norm")
        if trial.thorough or not trial.settled():
            trial.together("rate_down", "rate_far_down")


def _freer(trial: Trial) -> None:
    """What may let training rows be fitted better, where they are not, or where losses still fell."""
    evidence = trial.evidence
    still = going(evidence)
    if not unfitted(evidence):
        if still:
            trial.together("none", "rate_up")
        return
    for names in (("none",), ("rate_up", *(() if still else ("rate_down",)))):
        trial.together(*names)
        if trial.settled() and not trial.thorough:
            return
    if not trial.thorough and _hopeless(evidence):
        return
    lower = evidence.tried.get("rate_down")
    if not still and (lower is None or lower.interval[1] >= 0.0):
        trial.together("rate_far_down")
    trial.together("norm")
    if evidence.helps("rate_up", "rate_down", "rate_far_down", "norm", "none") is None:
        if still:
            _longer(trial)
        _wider(trial)


def _hopeless(evidence: Evidence) -> bool:
    """Whether columns of a table tell nothing to any model so far; of pixels and words other models are no judge."""
    x = evidence.setting.x
    return x.ndim == 2 and x.is_floating_point() and features(evidence).outcome == "finding"


def _restrained(trial: Trial) -> None:
    """More regularization, where there is a gap that it could narrow by enough to count."""
    if trial.thorough or trial.evidence.gap.high >= trial.evidence.least:
        if trial.light:
            trial.together("more", "much_more", *(("half",) if rules.wide(trial.evidence) else ()))
        else:
            trial.together("more")
        mild = trial.evidence.tried.get("more")
        if trial.thorough or (mild is not None and not mild.helps and mild.interval[1] >= 0.0):
            trial.together("much_more")
        if trial.thorough:
            trial.together("none", "rate_up", "rate_down")


def _halved(trial: Trial) -> None:
    """Half of the rows, where there is a wide gap that nothing narrows."""
    evidence = trial.evidence
    if trial.thorough or (rules.wide(evidence) and evidence.helps(*evidence.tried) is None):
        _halves(trial, evidence.setting.steps)


def _weighted(trial: Trial) -> None:
    """Weights that let every class count the same, where a rare one is left behind; asked to be thorough, any."""
    evidence = trial.evidence
    found = classes(evidence)
    if found.finding.outcome != "finding":
        return
    if not found.rare and not trial.thorough:
        evidence.skipped.append("weights of classes: no class left behind is rare; a thorough diagnosis tries them")
        return
    label = "every class counts the same, by the error averaged over classes"
    if not trial.late(label):
        other = weighted(evidence.setting)
        trial.elsewhere(other, Variant("weighted", label, trial.variants[BASE].recipe), note_weighted)


def _beyond_the_peak(trial: Trial) -> None:
    """Four times the width, where the validation loss rose and fell again."""
    if second_descent(trial.evidence).outcome == "finding" and "wider" not in trial.evidence.tried:
        _wider(trial)


ROUNDS = (_scaled, _inside, _freer, _restrained, _beyond_the_peak, _halved, _weighted)


def _halves_for_labels(trial: Trial) -> None:
    """Two models of half of the rows tell of wrong labels; they need no more steps than the setting's best stop."""
    evidence = trial.evidence
    setting = evidence.setting
    over = evidence.helps("early_stopping", "more", "much_more")
    if over is None or setting.labels is None or setting.held < 100 or evidence.halves is not None:
        return
    best = int(np.median(evidence.base.steps[evidence.curves.mean(2).argmin(1)]))
    _halves(trial, min(setting.steps, 2 * best))


def _halves(trial: Trial, steps: int) -> None:
    evidence, variant = trial.evidence, trial.variants["half"]
    if trial.late(variant.label) or evidence.halves is not None:
        return
    record = evidence.bench.train(variant.members(evidence.setting), steps, trial.deadline)
    if record.steps[-1] < steps:
        evidence.skipped.append(f"{variant.label}: the budget was used up")
    else:
        note_halves(evidence, variant, record)


def _longer(trial: Trial) -> None:
    setting, label = trial.evidence.setting, f"{LONGER} times the epochs"
    if not trial.late(label):
        more = dataclasses.replace(setting, epochs=LONGER * setting.epochs)
        trial.elsewhere(more, Variant("longer", label, trial.variants[BASE].recipe))


def _wider(trial: Trial) -> None:
    setting, label = trial.evidence.setting, "four times the width"
    if trial.late(label):
        return
    make = widened(setting.make, setting.x[: min(8, setting.held)])
    if make is None:
        trial.evidence.skipped.append(f"{label}: the model is not a chain of layers")
        return
    trial.elsewhere(dataclasses.replace(setting, make=make), Variant("wider", label, trial.variants[BASE].recipe))
