"""A diagnosis of trainings that a search has done anyway: the network without regularization, and what was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from wellfit.diagnosis.checks import CHECKS
from wellfit.diagnosis.curves import best_epoch, progress
from wellfit.diagnosis.effects import paired, stopped
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.remedies import cure
from wellfit.diagnosis.result import Diagnosis, Finding, Tried
from wellfit.diagnosis.verdict import in_order, primary
from wellfit.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Trained:
    """One recipe's trainings.

    Attributes:
        name: ``control``, ``single`` or ``cocktail``.
        label: for a person.
        curves: (seeds, evaluations, rows) losses of validation rows.
        train: (seeds, evaluations) training losses as trained.
        epochs: (evaluations,) when they were looked at.
        recipe: what they trained under.
        groups: (rows,) of validation rows that belong together; None where each stands for itself.
    """

    name: str
    label: str
    curves: np.ndarray
    train: np.ndarray
    epochs: np.ndarray
    recipe: Recipe
    groups: np.ndarray | None = None


def diagnose_run(control: Trained, others: Sequence[Trained], fresh: bool, limits: Limits | None = None) -> Diagnosis:
    """What is wrong with the control, from what the others gain over it.

    Every stop is chosen on one half of the rows and scored on the other.

    Args:
        others: each name once; the recipes were chosen before these trainings.
        fresh: whether they were chosen on other rows than these.
    """
    limits = limits or Limits()
    last = control.curves[:, -1]
    tried = [_stopping(control, last, limits)]
    tried += [_tried(o.name, o.label, last, stopped(o.curves, groups=o.groups)[0], control, o, limits) for o in others]
    findings = _findings(control, tried, limits)
    first = primary(findings)
    if first.name == "healthy":
        findings = [*findings, first]
    check = CHECKS[first.name]
    told = first.sentence if first.name in ("healthy", "undecided") else f"{check.title}: {first.sentence}"
    missing = ["leaks, labels, other learning rates and half of the rows: wellfit diagnose does"]
    enough = len(last) >= limits.seeds
    if not enough:
        missing.append(f"more than {len(last)} seeds: {limits.seeds:g} are needed to confirm anything")
    if not fresh:
        missing.append("other rows: the recipes were chosen on the same validation rows, which flatters them")
    helped = max((t for t in tried if t.helps and t.name != "early_stopping"), key=lambda t: t.gain, default=None)
    found = next((o.recipe.active() for o in others if helped and o.name == helped.name), None)
    return Diagnosis(
        check.verdict, check.code, "confirmed" if first.confirmed and enough else "suspected", told, in_order(findings),
        tuple(sorted(tried, key=lambda t: -t.gain)), check.remedy, tuple(missing),
        cure=cure(first.name, round(float(control.epochs[-1])), None, found),
    )  # fmt: skip


def _stopping(control: Trained, last: np.ndarray, limits: Limits) -> Tried:
    found, chosen = stopped(control.curves, groups=control.groups)
    label = f"stopping at epoch {np.median(control.epochs[chosen]):.0f} of {control.epochs[-1]:.0f}"
    return _tried("early_stopping", label, last, found, control, None, limits)


def _tried(
    name: str, label: str, last: np.ndarray, losses: np.ndarray, control: Trained, other: Trained | None, limits: Limits
) -> Tried:
    count = min(len(last), len(losses))
    effect = paired(last[:count] - losses[:count], limits.level, groups=control.groups)
    valid = float(last[:count].mean())
    fit = None
    if other is not None:
        own, its = (float(np.mean(t.train[:, -_tail(t.train) :])) for t in (control, other))
        fit = (own - its) / max(own, 1e-12)
    shares = (effect.value / valid, (effect.low / valid, effect.high / valid)) if valid > 0 else (None, None)
    helps = effect.low > 0 and effect.value >= limits.gain * valid
    return Tried(name, label, effect.value, (effect.low, effect.high), *shares, fit, count, helps)


def _tail(train: np.ndarray) -> int:
    return max(1, train.shape[1] // 10)


def _findings(control: Trained, tried: list[Tried], limits: Limits) -> list[Finding]:
    valid, train = float(control.curves[:, -1].mean()), float(np.mean(control.train[:, -_tail(control.train) :]))
    found = [_by("too-long", tried[0])] if tried[0].helps else [_not("too-long", tried[0])]
    found += _unfinished(control, limits) if not any(t.helps for t in tried) else []
    best = max((t for t in tried[1:] if t.helps), key=lambda t: t.gain, default=None)
    gap = valid - train
    if best is not None and gap > limits.apart * valid:
        found.append(_by("variance", best))
    elif best is not None:
        found.append(_by("optimization", best))
    told = f"validation loss lies {gap:.3g} above training loss"
    open_ones = [t for t in tried if not t.helps and (t.relative or 0.0) >= limits.gain]
    if not any(t.helps for t in tried) and open_ones:
        change = max(open_ones, key=lambda t: t.gain)
        found.append(dataclasses.replace(_by("undecided", change), confirmed=False))
    elif not any(t.helps for t in tried) and gap > 0:
        found.append(Finding("benign-gap", "finding", f"{told}, and no change lowers it by enough to matter", gap,
                             "loss", None, True))  # fmt: skip
    return found


def _unfinished(control: Trained, limits: Limits) -> list[Finding]:
    """A training whose validation loss still falls at its end: that a longer one gains is suspected, not tried."""
    curve = control.curves.mean((0, 2))
    share = progress(curve)
    late = best_epoch(curve) >= len(curve) - 1 - max(1, len(curve) // 10)
    if not (late and share > limits.progress):
        return []
    told = f"the last tenth of the steps still brought {share:.0%} of all that the validation loss fell"
    return [Finding("epochs", "finding", told, share, "of the whole fall")]


def _by(name: str, change: Tried) -> Finding:
    return Finding(name, "finding", change.told(), change.relative, "of the validation loss",
                   change.relative_interval, True)  # fmt: skip


def _not(name: str, change: Tried) -> Finding:
    return Finding(name, "healthy", change.told(), change.relative, "of the validation loss", change.relative_interval)
