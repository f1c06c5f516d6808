"""Why a run came out as it did: the diagnosis of the network without regularization, from trainings already done."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from wellfit.diagnosis.from_run import Trained, diagnose_run
from wellfit.diagnosis.verdict import in_order
from wellfit.job.history import losses_of
from wellfit.job.phases import Finalist
from wellfit.job.range_edge import edge_finding
from wellfit.job.stage import Stage
from wellfit.report.verdict import diagnosis_title


def diagnosis_of(stage: Stage, finalists: Sequence[Finalist], chosen: Finalist) -> dict[str, Any] | None:
    """The record's diagnosis; None where the control was not re-scored on two seeds and two rows at least."""
    trained = [t for t in (_trained(stage, f) for f in _once(finalists)) if t is not None]
    control = next((t for t in trained if t.name == "control"), None)
    if control is None or control.curves.shape[0] < 2 or control.curves.shape[1] < 3 or control.curves.shape[2] < 4:
        return None
    others = [t for t in trained if t.name in ("single", "cocktail") and t.curves.shape[2] == control.curves.shape[2]]
    fresh = stage.material.judging != tuple(range(stage.material.folds))
    found = diagnose_run(control, others, fresh)
    findings = in_order([*found.findings, edge_finding(stage, chosen)])
    return dataclasses.replace(found, findings=findings).to_json()


def say_why(stage: Stage, record: dict[str, Any]) -> None:
    """The verdict in one line."""
    found = record.get("diagnosis")
    if found:
        stage.progress.say("why", f"{diagnosis_title(found)}: {found['sentence']}")


def _once(finalists: Sequence[Finalist]) -> list[Finalist]:
    """The first finalist of each kind: which was best before re-scoring."""
    return list({f.key: f for f in reversed(finalists)}.values())


def _trained(stage: Stage, finalist: Finalist) -> Trained | None:
    """Its trainings: the folds of one seed stand side by side as more rows."""
    cohorts = [e.cohort for e in finalist.entrants if e.cohort is not None and e.cohort.traces]
    if not cohorts:
        return None
    count = min(len(c.traces) for c in cohorts)
    curves = np.stack([
        np.concatenate([np.stack([t[place].numpy() for t in c.traces[:count]]) for place in range(len(c))], axis=1)
        for c in cohorts
    ]).astype(np.float64)  # fmt: skip
    if not np.isfinite(curves).all():
        return None
    steps, train, _ = losses_of(finalist)
    epochs = steps[:count] / max(1, stage.material.fewest // stage.plan.batch)
    return Trained(
        finalist.key, _label(finalist), curves, train[:, :count], epochs, finalist.candidate.recipe,
        _groups(stage, [m.fold for m in cohorts[0].members], curves.shape[2] // len(cohorts[0])),
    )  # fmt: skip


def _groups(stage: Stage, folds: Sequence[int], rows: int) -> np.ndarray | None:
    """What tells apart the validation rows of the curves: the first ones of each fold."""
    material = stage.material
    found = [material.groups_of(material.valid_rows(fold)[:rows]) for fold in folds]
    return None if found[0] is None else np.concatenate(found)  # type: ignore[arg-type]


def _label(finalist: Finalist) -> str:
    names = {"single": "the best single regularizer", "cocktail": "the best recipe found"}
    return names.get(finalist.key, finalist.candidate.label)
