"""Checks of curves alone. A curve can raise a suspicion; it takes an experiment to confirm one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from wellfit.diagnosis import curves
from wellfit.diagnosis.history import History
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.result import Finding

Rule = Callable[[History, Limits], Finding]


def look(history: History, limits: Limits) -> list[Finding]:
    """Every check that curves allow, in the order of the rules."""
    return [rule(history, limits) for rule in RULES]


def _absent(name: str, what: str) -> Finding:
    return Finding(name, "not_applicable", f"needs {what}")


def _diverged(history: History, limits: Limits) -> Finding:
    known = [c for c in (history.train_loss, history.val_loss) if c is not None]
    if not known:
        return _absent("diverged", "a loss curve")
    for curve in known:
        if not np.isfinite(curve[-1]):
            lost = int(np.nonzero(~np.isfinite(curve))[0][0])
            return Finding("diverged", "finding", f"the loss is not finite from epoch {_at(history, lost)} on")
    ends = [(curves.ending(c), float(c[np.isfinite(c)][0])) for c in known if len(c) > 1]
    worst = max((end / first for end, first in ends if first > 0), default=0.0)
    if worst > limits.diverged and _train_rose(history):
        return Finding("diverged", "finding", f"the loss ends at {worst:.1f} times its first value", worst, "x first")
    return Finding("diverged", "healthy", "the losses stay finite and near or below where they began", worst, "x first")


def _train_rose(history: History) -> bool:
    """A validation loss may rise for days in a training that goes well; then the training loss falls."""
    curve = history.train_loss
    return curve is None or curves.ending(curve) > float(curve[np.isfinite(curve)][0])


def _unstable(history: History, limits: Limits) -> Finding:
    if history.train_loss is None or len(history) < 10:
        return _absent("unstable", "a training loss of ten epochs or more")
    count = curves.spikes(history.train_loss, limits.spike)
    outcome = "finding" if count >= limits.spikes else "healthy"
    return Finding("unstable", outcome, f"{count} of {len(history)} training losses are spikes", count, "spikes")


def _short(history: History, limits: Limits) -> Finding:
    if len(history) < 10:
        return _absent("epochs", "ten epochs or more")
    valid = _falling(history.val_loss, history.val_metric)
    train = _falling(history.train_loss, history.train_metric)
    if valid is None:
        return _absent("epochs", "a validation curve")
    if not np.isfinite(valid).any():
        return _absent("epochs", "a finite validation curve")
    share = curves.progress(train if train is not None else valid)
    last = len(valid) - 1 - curves.best_epoch(valid) <= max(1, len(valid) // 20)
    going = share > limits.progress and curves.progress(valid) > limits.progress and last
    told = f"the last tenth of the epochs brought {share:.1%} of all progress"
    if going:
        return Finding("epochs", "finding", f"{told}, and the last epochs are the best", share, "of progress")
    return Finding(
        "epochs", "healthy", told if not last else f"{told}; the curve has come to rest", share, "of progress"
    )


def _falling(loss: np.ndarray | None, metric: np.ndarray | None) -> np.ndarray | None:
    return loss if loss is not None else (-metric if metric is not None else None)


def _small(history: History, limits: Limits) -> Finding:
    """Low on both sides, and no gap: something keeps it from fitting; curves do not say what."""
    gained = learned(history)
    if gained is None:
        return _absent("capacity", "a training curve")
    gap = metric_gap(history)
    apart = gap is not None and gap > limits.large_gap
    if gained < 1.0 - limits.guessing + 0.05 and not apart:
        told = f"training took away {gained:.0%} of what there was to lose at its start, and both sides are alike"
        return Finding("capacity", "finding", f"{told}: the model hardly fits its training rows", gained, "of the loss")
    return Finding("capacity", "healthy", f"training took away {gained:.0%} of the first loss or error", gained)


def learned(history: History) -> float | None:
    """The share of the first training loss, or of the first error, that training took away."""
    if history.train_loss is not None and np.isfinite(history.train_loss).sum() > 1:
        some = history.train_loss[np.isfinite(history.train_loss)]
        return 1.0 - float(some.min()) / float(some[0]) if some[0] > 0 else None
    if history.train_metric is not None and np.isfinite(history.train_metric).sum() > 1:
        some = history.train_metric[np.isfinite(history.train_metric)]
        return (float(some.max()) - float(some[0])) / (1.0 - float(some[0])) if some[0] < 1.0 else None
    return None


def metric_gap(history: History) -> float | None:
    """Training metric minus validation metric, at the end."""
    if history.train_metric is None or history.val_metric is None:
        return None
    return curves.ending(history.train_metric) - curves.ending(history.val_metric)


def _long(history: History, limits: Limits) -> Finding:
    if history.val_loss is None or not np.isfinite(history.val_loss).any():
        return _absent("too-long", "a validation loss")
    if len(history) < 3:
        return _absent("too-long", "three epochs or more")
    best, risen = curves.best_epoch(history.val_loss), curves.rise(history.val_loss)
    level = curves.noise(history.val_loss)
    bar = max(limits.rise, 2.0 * level if math.isfinite(level) else 0.0)
    told = f"the validation loss is least at epoch {_at(history, best)} of {_at(history, len(history) - 1)}"
    if risen > bar and best < len(history) - 1:
        return Finding("too-long", "finding", f"{told} and ends {risen:.0%} above that", risen, "x least")
    return Finding("too-long", "healthy", f"{told} and ends within {bar:.0%} of that", risen, "x least")


def _apart(history: History, limits: Limits) -> Finding:
    gap = metric_gap(history)
    if gap is not None:
        told = f"{history.metric} is {gap:+.3f} higher on training rows"
        return Finding("variance", "finding" if gap > limits.large_gap else "healthy", told, gap, history.metric)
    if history.train_loss is None or history.val_loss is None:
        return _absent("variance", "curves of training and of validation rows")
    train, valid = curves.ending(history.train_loss), curves.ending(history.val_loss)
    first = float(history.val_loss[np.isfinite(history.val_loss)][0]) if np.isfinite(history.val_loss).any() else 0.0
    share = (valid - train) / first if first > 0 else math.nan
    told = f"the validation loss ends at {valid:.3g}, the training loss at {train:.3g}"
    if math.isnan(share):
        return Finding("variance", "undecided", told)
    return Finding("variance", "finding" if share > 0.5 else "healthy", told, share, "of the first loss")


def _sure(history: History, limits: Limits) -> Finding:
    if history.val_loss is None or history.val_metric is None or len(history) < 3:
        return _absent("over-confident", "a validation loss and a validation metric")
    risen = _long(history, limits)
    lost = float(np.nanmax(history.val_metric)) - curves.ending(history.val_metric)
    told = f"{history.metric} ends {lost:.3f} below its best while the validation loss ends {risen.number:.0%} above"
    if risen.outcome == "finding" and lost < limits.gap:
        return Finding("over-confident", "finding", told, risen.number, "x least")
    return Finding("over-confident", "healthy", told, risen.number, "x least")


def _noisy(history: History, limits: Limits) -> Finding:
    if history.val_loss is None or not math.isfinite(curves.noise(history.val_loss)):
        return _absent("noisy-curve", "a validation loss of ten epochs or more")
    level = curves.noise(history.val_loss)
    outcome = "finding" if level > limits.noise else "healthy"
    return Finding("noisy-curve", outcome, f"the validation loss jumps by {level:.1%} of itself", level, "of itself")


def _at(history: History, place: int) -> str:
    return f"{history.epoch[place]:g}"


RULES: tuple[Rule, ...] = (_diverged, _unstable, _short, _small, _long, _apart, _sure, _noisy)
