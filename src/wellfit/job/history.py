"""The history of a run: losses over the steps, as arrays and as curves for the report."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from wellfit.job.phases import Finalist

_POINTS = 120


def losses_of(finalist: Finalist) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps (points,), training losses as trained and validation losses, (trainings, points) each."""
    cohorts = [e.cohort for e in finalist.entrants if e.cohort is not None and e.cohort.history]
    count = min(len(c.history) for c in cohorts)
    steps = np.array([h[0] for h in cohorts[0].history[:count]])
    train = np.concatenate([np.stack([h[1].numpy() for h in c.history[:count]], 1) for c in cohorts])
    valid = np.concatenate([np.stack([h[2].numpy() for h in c.history[:count]], 1) for c in cohorts])
    return steps, train, valid


def curves_of(finalists: Sequence[Finalist], chosen: Finalist) -> dict[str, Any]:
    """The control's and the chosen recipe's curves, thinned out for a picture; one where none was chosen."""
    found = {}
    control = next((f for f in finalists if f.key == "control"), None)
    for name, finalist in (("control", control), ("cocktail", chosen if chosen is not control else None)):
        if finalist is None:
            continue
        steps, train, valid = losses_of(finalist)
        some = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _POINTS)).astype(int))
        found[name] = {"step": steps[some], "train": train[:8, some], "valid": valid[:8, some]}
    return found


def history_bytes(finalists: Sequence[Finalist]) -> bytes:
    """Every finalist's losses as an npz file: NAME/step, NAME/train, NAME/valid."""
    arrays = {}
    for number, finalist in enumerate(finalists):
        steps, train, valid = losses_of(finalist)
        name = f"{number}-{finalist.key}"
        arrays |= {f"{name}/step": steps, f"{name}/train": train, f"{name}/valid": valid}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
