"""A diagnosis of curves alone: its verdict is a suspicion at most."""

from __future__ import annotations

from typing import Any

from wellfit.diagnosis import passive
from wellfit.diagnosis.checks import CHECKS
from wellfit.diagnosis.history import History
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.remedies import cure
from wellfit.diagnosis.result import Diagnosis, Finding
from wellfit.diagnosis.verdict import in_order, primary

_WANTS_MODEL = "no model and no rows were given: changes, layers, leaks and calibration were not looked at"


def diagnose_history(history: History, limits: Limits) -> Diagnosis:
    """What curves alone show."""
    findings = passive.look(history, limits)
    first = primary(findings)
    if first.name == "healthy":
        first = _without_illness(history, findings)
        findings.append(first)
    check = CHECKS[first.name]
    not_checked = [_WANTS_MODEL]
    not_checked += [f"{CHECKS[f.name].title}: {f.sentence}" for f in findings if f.outcome == "not_applicable"]
    if not history.clean and history.train_loss is not None and history.val_loss is not None:
        not_checked.append("whether both losses were measured in the same way: a training loss as trained is not")
    return Diagnosis(
        check.verdict, check.code, "suspected", _told(first), in_order(findings), (), check.remedy,
        tuple(not_checked), curves=_drawn(history), cure=cure(first.name),
    )  # fmt: skip


def _drawn(history: History) -> dict[str, Any]:
    """The losses as one seed's curves; empty where none was kept."""
    kept = {"train": history.train_loss, "valid": history.val_loss}
    curves = {name: [curve.tolist()] for name, curve in kept.items() if curve is not None}
    return {"epoch": history.epoch.tolist(), **curves} if curves else {}


def _without_illness(history: History, findings: list[Finding]) -> Finding:
    judged = [f for f in findings if f.outcome != "not_applicable"]
    if len(history) < 2 or not {"too-long", "variance", "capacity"} & {f.name for f in judged}:
        return Finding("undecided", "finding", f"{_count(history)} and {len(judged)} checks are too little to tell")
    return Finding("healthy", "finding", "no curve shows an illness; only an experiment could rule one out")


def _count(history: History) -> str:
    return f"{len(history)} epoch{'s' if len(history) != 1 else ''}"


def _told(first: Finding) -> str:
    title = CHECKS[first.name].title
    return first.sentence if first.name in ("healthy", "undecided") else f"{title}: {first.sentence}"


def as_history(value: Any, name: str = "the history") -> History:
    """A history from whatever holds one."""
    from wellfit.diagnosis.history import make_history

    return make_history(value, name)
