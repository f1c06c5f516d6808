"""The experiment: the setting and its changes, trained side by side on several seeds, and what each gained."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from wellfit.diagnosis import curves
from wellfit.diagnosis.bench import Bench, Recorded
from wellfit.diagnosis.effects import Effect, bca, paired, stopped
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.result import Finding, Tried
from wellfit.diagnosis.setting import Setting
from wellfit.diagnosis.variants import Variant
from wellfit.recipe import Recipe
from wellfit.regularizers import EarlyStopping


@dataclasses.dataclass
class Evidence:
    """What the trainings showed.

    Attributes:
        base: the record that holds the setting itself, whose members stand at ``own``.
        layers: what goes on inside of it, see ``layers.look``.
        halves: trainings on one half of the rows each, where they were needed.
        copies, shift: what was found of rows and groups on both sides, and between groups.
        losses: by name, (seeds, rows) validation losses under each change.
        others: what models of other kinds get on the validation rows, once they were fitted.
        errors: by name, (seeds, rows) whether each answer is wrong at the end; empty for numbers.
        recipes: by name, what each change trained under.
        tried: by name, what each change gained.
        gap: validation minus clean training loss, with its 95 % interval.
        levels: mean validation loss of each change.
        skipped: what was not tried, and why.
    """

    setting: Setting
    bench: Bench
    limits: Limits
    base: Recorded
    own: list[int]
    layers: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    halves: Recorded | None = None
    copies: Finding | None = None
    shift: Finding | None = None
    losses: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    others: list[Any] | None = None
    errors: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    recipes: dict[str, Recipe] = dataclasses.field(default_factory=dict)
    tried: dict[str, Tried] = dataclasses.field(default_factory=dict)
    levels: dict[str, float] = dataclasses.field(default_factory=dict)
    effects: dict[str, Effect] = dataclasses.field(default_factory=dict)
    skipped: list[str] = dataclasses.field(default_factory=list)

    @property
    def curves(self) -> np.ndarray:
        """(seeds, evaluations, rows) validation losses of the setting."""
        return self.base.losses[self.own]

    @property
    def last(self) -> np.ndarray:
        """(seeds, rows) validation losses that the setting ends with: where it stops early, at its stop."""
        return ended(self.setting, self.base, self.own)

    @property
    def valid(self) -> float:
        return float(self.last.mean())

    @property
    def fitted(self) -> float:
        """Clean loss on training rows."""
        return float(self.base.fitted[self.own].mean())

    @property
    def guess(self) -> float:
        return self.bench.guess

    @functools.cached_property
    def gap(self) -> Effect:
        return bca(self.base.fitted[self.own].mean(0), self.last.mean(0))

    @property
    def least(self) -> float:
        """The least gain that counts."""
        return max(self.limits.gain * self.valid, self.limits.floor * self.guess)

    def effect(self, gains: np.ndarray, level: float | None = None) -> Effect:
        """The mean of paired differences (seeds, validation rows) with its interval; groups are counted, if any."""
        return paired(gains, level or self.limits.level, self.setting.seed, self.setting.valid_groups)

    def stopped(self, curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(seeds, rows) losses under early stopping and (seeds, 2) chosen evaluations, see ``effects.stopped``."""
        return stopped(curves, self.setting.seed, self.setting.valid_groups)

    def helps(self, *names: str) -> Tried | None:
        """Of these changes the one that helps most, if any does."""
        found = [self.tried[n] for n in names if n in self.tried and self.tried[n].helps]
        return max(found, key=lambda t: t.gain, default=None)


def ended(setting: Setting, record: Recorded, places: Sequence[int]) -> np.ndarray:
    """(seeds, rows) losses at the end; a recipe that stops early keeps the best evaluation before it would stop."""
    curves = record.losses[list(places)]
    patience = next((float(p.patience) for p in setting.recipe if isinstance(p, EarlyStopping)), math.inf)
    if not math.isfinite(patience):
        return curves[:, -1]
    epochs = np.asarray(record.steps) / setting.epoch_steps
    return np.stack([curve[_stop(curve.mean(1), epochs, patience)] for curve in curves])


def _stop(curve: np.ndarray, epochs: np.ndarray, patience: float) -> int:
    best = 0
    for place in range(len(curve)):
        if curve[place] < curve[best]:
            best = place
        if epochs[place] - epochs[best] >= patience:
            break
    return best


def unscaled(setting: Setting, limits: Limits) -> bool:
    """Whether many columns vary far too much, or all inputs together far from 1; single still ones do no harm."""
    x = setting.x[: setting.held]
    if not x.is_floating_point() or len(x) < 2:
        return False
    whole = float(x.std())
    wide = x.ndim == 2 and bool((x.std(0) > limits.scale).double().mean() > 0.1)
    return wide or whole > limits.scale or 0 < whole < 1.0 / limits.scale


def folds(setting: Setting) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """All training rows, and two halves of them; each with the validation rows."""
    order = torch.as_tensor(np.random.default_rng((setting.seed, 7)).permutation(setting.held))
    valid = torch.arange(setting.held, len(setting.x))
    half = max(1, setting.held // 2)
    return [(torch.arange(setting.held), valid), (order[:half], valid), (order[half:], valid)]


def unfitted(evidence: Evidence) -> bool:
    """Whether training rows are not fitted, and no better predicted than others: then there is more to try."""
    apart = evidence.valid - evidence.fitted > evidence.limits.apart * evidence.valid
    return not apart and not evidence.fitted < evidence.limits.fitted * evidence.guess


def going(evidence: Evidence) -> bool:
    """Whether training and validation losses still fell in the last tenth of the epochs."""
    train, valid = evidence.base.train[evidence.own].mean(0), evidence.curves.mean((0, 2))
    late = curves.best_epoch(valid) >= len(valid) - 1 - max(1, len(valid) // 10)
    return late and min(curves.progress(train), curves.progress(valid)) > evidence.limits.progress


def note(evidence: Evidence, variant: Variant, record: Recorded, places: list[int]) -> None:
    """Write down what a change gained."""
    if variant.half:
        note_halves(evidence, variant, record.take(places))
        return
    evidence.recipes[variant.name] = variant.recipe
    losses = ended(evidence.setting, record, places)
    fitted = record.fitted[places].mean()
    floor = max(evidence.fitted, 0.01 * evidence.guess)
    fit = (evidence.fitted - float(fitted)) / floor
    if evidence.setting.labels is not None:
        labels = evidence.setting.labels[evidence.setting.held :].numpy()
        evidence.errors[variant.name] = (record.outputs[places].argmax(-1) != labels).astype(float)
    _note(evidence, variant.name, variant.label, losses, fit)


def note_stopping(evidence: Evidence) -> None:
    """Early stopping, from the setting's own curves; how much more the training fits then is below 0 by its nature."""
    found, chosen = evidence.stopped(evidence.curves)
    epochs = evidence.base.steps[chosen] / evidence.setting.epoch_steps
    label = f"stopping at epoch {np.median(epochs):.0f} of {evidence.setting.epochs}"
    at = evidence.base.train[evidence.own][np.arange(len(found))[:, None], chosen].mean()
    now = evidence.base.train[evidence.own, -1].mean()
    _note(evidence, "early_stopping", label, found, float((now - at) / max(now, 0.01 * evidence.guess)))


def note_halves(evidence: Evidence, variant: Variant, record: Recorded) -> None:
    """Half of the rows, both sides at a stop chosen on the other validation rows.

    The same number of steps sees half of the rows twice as often: without a stop it would be blamed for that, too.
    """
    own, its = (evidence.stopped(curves)[0] for curves in (evidence.curves, record.losses))
    evidence.recipes[variant.name], evidence.halves = variant.recipe, record
    _compare(evidence, variant, own, its)


def note_weighted(evidence: Evidence, variant: Variant, record: Recorded, places: list[int]) -> None:
    """Weights of classes, by the error averaged over classes: a rare class is worth as much as any other.

    The error decides, since losses of the few rows of a rare class have no interval to speak of; the mean loss,
    averaged over classes, has to fall by as much, too.
    """
    assert evidence.setting.labels is not None
    labels = evidence.setting.labels[evidence.setting.held :].numpy()
    counts = np.bincount(labels)
    share = (len(labels) / ((counts > 0).sum() * np.maximum(counts, 1)))[labels]
    evidence.recipes[variant.name] = variant.recipe
    outputs = (evidence.base.outputs[evidence.own], record.outputs[places])
    own, its = (share * (found.argmax(-1) != labels) for found in outputs)
    _compare(evidence, variant, own, its)
    losses = (share * evidence.last).mean(), (share * ended(evidence.setting, record, places)).mean()
    if losses[0] - losses[1] < evidence.limits.gain * losses[0]:
        evidence.tried[variant.name] = dataclasses.replace(evidence.tried[variant.name], helps=False)


def _compare(evidence: Evidence, variant: Variant, own: np.ndarray, its: np.ndarray) -> None:
    """Write down a change that is measured in its own way, on both sides: (seeds, rows) losses."""
    limits, level = evidence.limits, float(own.mean())
    effect = evidence.effect(own - its)
    share = (effect.value / level, (effect.low / level, effect.high / level)) if level > 0 else (None, None)
    helps = effect.low > 0 and effect.value >= max(limits.gain * level, limits.floor * evidence.guess)
    evidence.effects[variant.name], evidence.levels[variant.name] = effect, float(its.mean())
    evidence.tried[variant.name] = Tried(
        variant.name, variant.label, effect.value, (effect.low, effect.high), *share, None, len(its), helps
    )


def _note(evidence: Evidence, name: str, label: str, losses: np.ndarray, fit: float) -> None:
    valid, effect = evidence.valid, evidence.effect(evidence.last - losses)
    helps = effect.low > 0 and effect.value >= evidence.least
    share = (effect.value / valid, (effect.low / valid, effect.high / valid)) if valid > 0 else (None, None)
    evidence.effects[name], evidence.levels[name] = effect, float(losses.mean())
    evidence.losses[name] = losses
    evidence.tried[name] = Tried(name, label, effect.value, (effect.low, effect.high), *share, fit, len(losses), helps)
