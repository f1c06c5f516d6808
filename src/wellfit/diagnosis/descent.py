"""Double descent over the epochs: a validation loss that rose, and fell again while training rows were just fitted."""

from __future__ import annotations

import numpy as np

from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.result import Finding

_LEAST, _SMOOTH = 8, 3  # evaluations that a rise and a fall take; evaluations of a running mean


def second_descent(evidence: Evidence) -> Finding:
    """WF024: the peak and the dip before it are chosen on one half of the validation rows and compared on the other.

    Rise and fall count where they are worth a gain that would count, with intervals above 0. It is certain where four
    times the width lowers the loss: beyond the peak there is more to gain.
    """
    limits = evidence.limits
    curves = _smoothed(evidence.curves)
    if evidence.fitted > limits.interpolated * evidence.guess:
        return Finding("double-descent", "healthy", "training rows are not fitted to the last")
    if curves.shape[1] < _LEAST:
        return Finding("double-descent", "not_applicable", f"takes {_LEAST} evaluations or more")
    rise, fall = _moves(curves, evidence.setting.seed)
    up, down = (evidence.effect(move) for move in (rise, fall))
    told = f"the validation loss rose by {up.value:.3g} and then fell by {down.value:.3g}"
    worth = all(e.low > 0 and e.value >= evidence.least for e in (up, down))
    if not worth:
        return Finding("double-descent", "healthy", told, down.value, "loss", (down.low, down.high))
    wider = evidence.tried.get("wider")
    sure = wider is not None and wider.helps
    if wider is not None:
        told += f"; four times the width takes {wider.relative or 0:.0%} off it"
    return Finding("double-descent", "finding", told, down.value, "loss", (down.low, down.high), sure)


def _smoothed(curves: np.ndarray) -> np.ndarray:
    """(seeds, evaluations, rows), each the mean of a few neighbors: single evaluations jump."""
    count = curves.shape[1] - _SMOOTH + 1
    if count < 1:
        return curves
    return np.stack([curves[:, i : i + _SMOOTH].mean(1) for i in range(count)], axis=1)


def _moves(curves: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(seeds, rows) how far the loss rose from its first dip to its peak, and fell from there to its end."""
    rows = curves.shape[2]
    order = np.random.default_rng((seed, rows, 37)).permutation(rows)
    halves = (order[: rows // 2], order[rows // 2 :])
    rise, fall = np.zeros((len(curves), rows)), np.zeros((len(curves), rows))
    for judging, scored in (halves, halves[::-1]):
        for member, curve in enumerate(curves[:, :, judging].mean(2)):
            dip, peak = _dip_and_peak(curve)
            rise[member, scored] = curves[member, peak, scored] - curves[member, dip, scored]
            fall[member, scored] = curves[member, peak, scored] - curves[member, -1, scored]
    return rise, fall


def _dip_and_peak(curve: np.ndarray) -> tuple[int, int]:
    """The dip and the later peak between which the smaller of rise and following fall is largest."""
    least = np.minimum.accumulate(curve)
    both = np.minimum(curve - least, curve - curve[-1])
    peak = int(both.argmax())
    return int(curve[: peak + 1].argmin()), peak
