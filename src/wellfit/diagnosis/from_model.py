"""A diagnosis by experiment: of a setting that can be trained again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from wellfit.diagnosis import data_checks
from wellfit.diagnosis.calibration import calibrated
from wellfit.diagnosis.checks import CHECKS
from wellfit.diagnosis.descent import second_descent
from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.measures import measures
from wellfit.diagnosis.remedies import cure
from wellfit.diagnosis.result import Diagnosis, Finding
from wellfit.diagnosis.rounds import run
from wellfit.diagnosis.rules import judge
from wellfit.diagnosis.setting import Setting
from wellfit.diagnosis.stacks import way
from wellfit.diagnosis.studies import check_studies, run_studies
from wellfit.diagnosis.verdict import in_order, primary
from wellfit.recipe import Recipe
from wellfit.training.apart import member
from wellfit.training.epochs import filled_with
from wellfit.training.step import network_weights

_MEASURED = 1024  # training rows that sharpness and margins are taken of


def diagnose_setting(
    setting: Setting,
    limits: Limits,
    seconds: float,
    studies: Sequence[str] = (),
    tell: Callable[[str], None] | None = None,
    thorough: bool = False,
) -> Diagnosis:
    """Train the setting and as many of its changes as the verdict takes, look inside, and judge."""
    begun = time.monotonic()
    check_studies(tuple(studies))
    hopeless = data_checks.preflight(setting)
    if hopeless is not None:
        return without_training(hopeless)
    mode, told = way(setting)
    setting = dataclasses.replace(setting, mode=mode)
    if tell:
        tell(told)
    evidence = run(setting, limits, begun + seconds, thorough)
    layers = evidence.layers
    calibration, sure = calibrated(evidence)
    findings = [*judge(evidence, layers), second_descent(evidence), *data_checks.look(evidence), sure]
    found = conclude(evidence, layers, findings, time.monotonic() - begun)
    each = evidence.bench.seconds / max(1.0, found.cost["trainings"])
    more = run_studies(setting, tuple(studies), each, seconds, tell)
    return dataclasses.replace(
        found, calibration=calibration, studies=more, measures=measured(evidence), curves=drawn(evidence)
    )


def without_training(hopeless: Finding) -> Diagnosis:
    """The verdict on rows that no training can make anything of."""
    check = CHECKS[hopeless.name]
    why = "everything else: it takes rows from which something can be learned"
    told = f"{check.title}: {hopeless.sentence}"
    return Diagnosis(check.verdict, check.code, "confirmed", told, (hopeless,), (), check.remedy, (why,))


def drawn(evidence: Evidence) -> dict[str, Any]:
    """The setting's own losses over training: of validation rows, and clean ones of a sample of training rows."""
    base = evidence.base
    return {
        "step": base.steps.tolist(), "train": base.train[evidence.own].tolist(),
        "valid": evidence.curves.mean(2).tolist(),
    }  # fmt: skip


def measured(evidence: Evidence) -> dict[str, Any]:
    """Sharpness and margins of the setting's first training, on training rows."""
    setting, bench, place = evidence.setting, evidence.bench, evidence.own[0]
    weights = network_weights(member(evidence.base.weights, place))
    network = filled_with(bench.network(evidence.base.members[place].recipe), weights)
    rows = bench.sample[:_MEASURED]
    labels = setting.labels[rows] if setting.labels is not None else None
    try:
        found = measures(network, setting.x[rows], setting.target.take(rows), labels)
    except (RuntimeError, NotImplementedError):  # operations whose gradient torch.func does not know
        return {}
    return found


def conclude(evidence: Evidence, layers: list[dict[str, Any]], findings: list[Finding], seconds: float) -> Diagnosis:
    """The verdict from everything that was found."""
    first = _cut_short(evidence) or primary(findings)
    if first not in findings:
        findings = [*(f for f in findings if f.name != first.name), first]
    check = CHECKS[first.name]
    sure = first.confirmed or first.name in ("healthy", "benign-gap")
    variants = sorted(evidence.tried.values(), key=lambda t: -t.gain)
    told = first.sentence if first.name in ("healthy", "undecided") else f"{check.title}: {first.sentence}"
    missing = [f"{CHECKS[f.name].title}: {f.sentence}" for f in findings if f.outcome == "not_applicable"]
    return Diagnosis(
        check.verdict, check.code, "confirmed" if sure else "suspected", told, in_order(findings), tuple(variants),
        check.remedy, (*evidence.skipped, *missing), tuple(layers), cost=cost(evidence, seconds),
        cure=cure(first.name, evidence.setting.epochs, evidence.setting.recipe, _helped(evidence, first.name)),
    )  # fmt: skip


def _cut_short(evidence: Evidence) -> Finding | None:
    """A training that the budget ended is not the one that somebody asked about."""
    reached, steps = int(evidence.base.steps[-1]), evidence.setting.steps
    if reached >= steps:
        return None
    told = f"the budget ended the training at step {reached} of {steps}: give {steps / reached:.1f} times the budget"
    return Finding("undecided", "finding", told, float(reached), "steps")


def _helped(evidence: Evidence, name: str) -> Recipe | None:
    """The recipe of the change that helped most, where a recipe is the remedy."""
    change = evidence.helps("more", "much_more") if name in ("variance", "too-long", "label-noise") else None
    change = evidence.helps("none") if name in ("over-regularized", "collapsed") else change
    if change is None:
        return None
    return evidence.recipes[change.name].active()


def cost(evidence: Evidence, seconds: float) -> dict[str, float]:
    """What it took: trainings side by side, and their time in units of one training of the setting by itself."""
    setting, bench = evidence.setting, evidence.bench
    alone = plain_seconds(setting) * setting.steps
    return {
        "trainings": bench.spent / setting.steps, "member_steps": float(bench.spent), "seconds": seconds,
        "training_seconds": bench.seconds, "building_seconds": bench.tracing, "one_training_seconds": alone,
        "times_one_training": bench.seconds / alone if alone > 0 else float("nan"),
    }  # fmt: skip


def plain_seconds(setting: Setting, steps: int = 12) -> float:
    """Seconds of one step of an ordinary training loop of the setting: the median of a few."""
    with torch.random.fork_rng(devices=[]):
        network = setting.make()
        rule = torch.optim.Adam if setting.optimizer.startswith("adam") else torch.optim.SGD
        optimizer = rule((p for p in network.parameters() if p.requires_grad), lr=setting.rate)
        times = []
        for number in range(steps):
            begun = time.perf_counter()
            rows = torch.arange(number, number + setting.batch) % setting.held
            optimizer.zero_grad()
            setting.target.take(rows).loss(network(setting.x[rows])).backward()
            optimizer.step()
            times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2]
