"""The experiment: the setting and its changes, trained side by side on several seeds, and what each gained."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence

import numpy as np
import torch

from wellfit.diagnosis import curves
from wellfit.diagnosis.bench import Bench, Recorded
from wellfit.diagnosis.effects import Effect, bca, paired, stopped
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.result import Tried
from wellfit.diagnosis.setting import Setting
from wellfit.diagnosis.variants import BASE, LONGER, Variant, first_round, second_round, widened
from wellfit.regularizers import EarlyStopping


@dataclasses.dataclass
class Evidence:
    """What the trainings showed.

    Attributes:
        base: the record that holds the setting itself, whose members stand at ``own``.
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

    @property
    def gap(self) -> Effect:
        return bca(self.base.fitted[self.own].mean(0), self.last.mean(0))

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


def run(setting: Setting, limits: Limits, deadline: float) -> Evidence:
    """Train the setting and its changes, as far as the deadline allows.

    Where members train one by one the setting itself and its halves come first, then every change by itself.
    """
    bench = Bench(setting, folds(setting))
    variants = first_round(setting)
    together = variants if setting.mode != "apart" else [variants[0], variants[-1]]
    base = bench.train([m for v in together for m in v.members(setting)], setting.steps, deadline)
    evidence = Evidence(setting, bench, limits, base, base.places(BASE))
    if base.steps[-1] < setting.steps:
        told = f"the budget allowed {base.steps[-1]} of {setting.steps} steps"
        evidence.skipped.append(f"the end of the training: {told}")
    for variant in together[1:]:
        note(evidence, variant, base, base.places(variant.name))
    note_stopping(evidence)
    for variant in variants:
        if variant not in together and not _late(evidence, deadline, variant.label):
            _alone(evidence, variant, deadline)
    if unscaled(setting, limits):
        _standardized(evidence, deadline)
    if unfitted(evidence):
        _second(evidence, deadline)
    return evidence


def _alone(evidence: Evidence, variant: Variant, deadline: float) -> None:
    setting = evidence.setting
    record = evidence.bench.train(variant.members(setting), setting.steps, deadline)
    if record.steps[-1] < setting.steps:
        evidence.skipped.append(f"{variant.label}: the budget was used up")
        return
    note(evidence, variant, record, list(range(setting.seeds)))


def unscaled(setting: Setting, limits: Limits) -> bool:
    """Whether many columns vary far too much, or all inputs together far from 1; single still ones do no harm."""
    x = setting.x[: setting.held]
    if not x.is_floating_point() or len(x) < 2:
        return False
    whole = float(x.std())
    wide = x.ndim == 2 and bool((x.std(0) > limits.scale).double().mean() > 0.1)
    return wide or whole > limits.scale or 0 < whole < 1.0 / limits.scale


def _standardized(evidence: Evidence, deadline: float) -> None:
    label = "inputs standardized"
    if _late(evidence, deadline, label):
        return
    setting = evidence.setting
    seen = setting.x[: setting.held]
    center, spread = (seen.mean(0), seen.std(0)) if seen.ndim == 2 else (seen.mean(), seen.std())
    x = (setting.x - center) / torch.where(spread > 0, spread, 1.0)
    _elsewhere(evidence, dataclasses.replace(setting, x=x), "standardized", label, deadline)


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
    losses = ended(evidence.setting, record, places)
    fitted = record.fitted[places].mean()
    floor = max(evidence.fitted, 0.01 * evidence.guess)
    fit = (evidence.fitted - float(fitted)) / floor
    _note(evidence, variant.name, variant.label, losses, fit)


def note_stopping(evidence: Evidence) -> None:
    """Early stopping, from the setting's own curves; how much more the training fits then is below 0 by its nature."""
    found, chosen = stopped(evidence.curves, evidence.setting.seed)
    epochs = evidence.base.steps[chosen] / evidence.setting.epoch_steps
    label = f"stopping at epoch {np.median(epochs):.0f} of {evidence.setting.epochs}"
    at = evidence.base.train[evidence.own][np.arange(len(found))[:, None], chosen].mean()
    now = evidence.base.train[evidence.own, -1].mean()
    _note(evidence, "early_stopping", label, found, float((now - at) / max(now, 0.01 * evidence.guess)))


def _note(evidence: Evidence, name: str, label: str, losses: np.ndarray, fit: float) -> None:
    limits, valid = evidence.limits, evidence.valid
    effect = paired(evidence.last - losses, limits.level, evidence.setting.seed)
    least = max(limits.gain * valid, limits.floor * evidence.guess)
    helps = effect.low > 0 and effect.value >= least
    share = (effect.value / valid, (effect.low / valid, effect.high / valid)) if valid > 0 else (None, None)
    evidence.effects[name], evidence.levels[name] = effect, float(losses.mean())
    evidence.tried[name] = Tried(name, label, effect.value, (effect.low, effect.high), *share, fit, len(losses), helps)


def _second(evidence: Evidence, deadline: float) -> None:
    """Much slower, normalized, longer, wider: each in a stack of its own."""
    setting = evidence.setting
    for variant in second_round(setting):
        if _late(evidence, deadline, variant.label):
            return
        _alone(evidence, variant, deadline)
    if evidence.helps("rate_up", "rate_down", "rate_far_down", "norm", "none") is None:
        if going(evidence):
            _longer(evidence, deadline)
        _wider(evidence, deadline)


def _late(evidence: Evidence, deadline: float, label: str) -> bool:
    late = time.monotonic() > deadline
    if late:
        evidence.skipped.append(f"{label}: the budget was used up")
    return late


def _longer(evidence: Evidence, deadline: float) -> None:
    label = f"{LONGER} times the epochs"
    if _late(evidence, deadline, label):
        return
    setting = evidence.setting
    variant = Variant("longer", label, first_round(setting)[0].recipe)
    record = evidence.bench.train(variant.members(setting), LONGER * setting.steps, deadline)
    note(evidence, variant, record, list(range(setting.seeds)))


def _wider(evidence: Evidence, deadline: float) -> None:
    label = "four times the width"
    if _late(evidence, deadline, label):
        return
    setting = evidence.setting
    make = widened(setting.make, setting.x[: min(8, setting.held)])
    if make is None:
        evidence.skipped.append(f"{label}: the model is not a chain of layers")
        return
    _elsewhere(evidence, dataclasses.replace(setting, make=make), "wider", label, deadline)


def _elsewhere(evidence: Evidence, other: Setting, name: str, label: str, deadline: float) -> None:
    """A change that needs other networks or other rows."""
    bench = Bench(other, evidence.bench.rows.folds)
    variant = Variant(name, label, first_round(other)[0].recipe)
    record = bench.train(variant.members(other), other.steps, deadline)
    if record.steps[-1] < other.steps:
        evidence.skipped.append(f"{label}: the budget was used up")
        return
    note(evidence, variant, record, list(range(other.seeds)))
    evidence.bench.spent += bench.spent
    evidence.bench.seconds += bench.seconds
    evidence.bench.tracing += bench.tracing
