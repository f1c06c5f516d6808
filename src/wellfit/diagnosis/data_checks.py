"""Checks of rows and labels: broken ones, rows on both sides, wrong labels, classes left behind, calibration."""

from __future__ import annotations

import math

import numpy as np
import torch

from wellfit.diagnosis.bench import Recorded
from wellfit.diagnosis.class_gap import classes
from wellfit.diagnosis.copies import copied, share_interval
from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.features import features
from wellfit.diagnosis.group_checks import of_groups
from wellfit.diagnosis.result import Finding
from wellfit.diagnosis.setting import Setting
from wellfit.proof import probabilities


def look(evidence: Evidence) -> list[Finding]:
    """Every check of the rows."""
    return [
        _broken(evidence), _leak(evidence), features(evidence), _mislabeled(evidence), classes(evidence).finding,
        *([evidence.shift] if evidence.shift else []),
    ]  # fmt: skip


def of_rows(evidence: Evidence) -> list[Finding]:
    """What of these is known without any more trainings, and takes no time."""
    return [f for f in (_scaled(evidence), _leak(evidence), classes(evidence).finding) if f is not None]


def preflight(setting: Setting) -> Finding | None:
    """What makes any training pointless; None where there is something to learn."""
    seen = setting.target.values[: setting.held]
    if setting.labels is not None and len(torch.unique(setting.labels[: setting.held])) < 2:
        return Finding("broken", "finding", "all training rows have one label: there is nothing to learn", 1.0,
                       "classes", None, True)  # fmt: skip
    if setting.labels is None and bool((seen == seen[:1]).all()):
        return Finding("broken", "finding", "all training rows have one target: there is nothing to learn", 0.0,
                       "standard deviation", None, True)  # fmt: skip
    x = setting.x[: setting.held]
    if bool((x == x[:1]).all()):
        return Finding("broken", "finding", "all training rows have the same inputs", 0.0, "distinct rows", None, True)
    return None


def _broken(evidence: Evidence) -> Finding:
    limits = evidence.limits
    scaled = _scaled(evidence)
    if scaled is not None:
        return scaled
    still = _still(evidence.setting.x[: evidence.setting.held])
    if still > 0.5 and evidence.fitted > limits.fitted * evidence.guess:
        return Finding("broken", "finding", f"{still:.0%} of the inputs never change over the training rows", still, "")
    return one_batch(evidence)


def _scaled(evidence: Evidence) -> Finding | None:
    change = evidence.tried.get("standardized")
    if change is None or not change.helps:
        return None
    told = f"inputs are far from standardized; standardizing lowers the validation loss {change.relative or 0:.0%}"
    return Finding("broken", "finding", told, change.relative, "of the validation loss", change.relative_interval, True)


def one_batch(evidence: Evidence) -> Finding:
    """Whether 200 steps on 32 rows, all regularizers off, fit those rows; and how the first loss compares to guessing.

    It is only looked at where training rows are not fitted: where they are, one batch is, too.
    """
    setting, limits = evidence.setting, evidence.limits
    first = float(evidence.base.train[evidence.own, 0].mean()) / evidence.guess
    told = f"after the first epochs the loss is {first:.2g} times that of guessing"
    if evidence.fitted < 0.5 * evidence.guess:
        return Finding("broken", "healthy", told, first, "of guessing")
    best, start = _fitted_alone(setting)
    told = f"the first loss is {start / evidence.guess:.2g} times that of guessing, one batch comes to {best:.2g}"
    if best > limits.one_batch * evidence.guess and setting.labels is not None and not _any_freer(evidence):
        return Finding("broken", "finding", f"{told} in 200 steps", best, "loss")
    return Finding("broken", "healthy", told, best, "loss")


def _any_freer(evidence: Evidence) -> bool:
    """Whether some change helps: then it names the illness."""
    return any(t.helps for t in evidence.tried.values())


def _fitted_alone(setting: Setting) -> tuple[float, float]:
    """(least, first) loss of one batch of 32 rows under Adam, 200 steps, rates 1e-3 and 1e-2: the better counts."""
    rows = torch.arange(min(32, setting.held))
    x, target = setting.x[rows], setting.target.take(rows)
    found, first = [], math.nan
    for rate in (1e-3, 1e-2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            network = setting.make().eval()
            optimizer = torch.optim.Adam((p for p in network.parameters() if p.requires_grad), lr=rate)
            losses = []
            for _ in range(200):
                optimizer.zero_grad()
                loss = target.loss(network(x))
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
        found.append(min((v for v in losses if math.isfinite(v)), default=math.inf))
        first = losses[0]
    return min(found), first


def _still(x: torch.Tensor) -> float:
    if not x.is_floating_point() or x.ndim != 2:
        return 0.0
    return float((x.max(0).values == x.min(0).values).double().mean())


def _leak(evidence: Evidence) -> Finding:
    if evidence.copies is None:
        evidence.copies = copied(evidence.setting, evidence.limits)
        leak, evidence.shift = of_groups(evidence.setting, evidence.limits)
        if leak is not None and evidence.copies.outcome != "finding":
            evidence.copies = leak
    gap = evidence.gap
    if evidence.copies.outcome != "finding" and gap.high < 0 and -gap.value > evidence.limits.gain * evidence.fitted:
        told = f"validation loss lies {-gap.value:.3g} below the clean training loss [{-gap.high:.3g}, {-gap.low:.3g}]"
        return Finding("leakage", "finding", told, gap.value, "loss", (gap.low, gap.high))
    return evidence.copies


def _mislabeled(evidence: Evidence) -> Finding:
    """Wrong labels: among held-out training rows those of which the model is surest should be right.

    The two halves of the training rows predict each other. Rows that are hard make a model unsure; wrong labels are
    spread over all rows, and so the error of the surest quarter is about their share. Where the target is merely hard
    to tell, the surest rows err far less than all.
    """
    setting, limits = evidence.setting, evidence.limits
    if setting.labels is None:
        return Finding("label-noise", "not_applicable", "the targets are no classes")
    if setting.held < 100:
        return Finding("label-noise", "not_applicable", "fewer than 100 training rows")
    if evidence.halves is None:
        return Finding("label-noise", "not_applicable", "takes models of half of the rows, which nothing called for")
    sure, wrong = held_out(evidence, evidence.halves)
    few = len(sure) // 4
    surest = wrong[np.argsort(-sure)[:few]]
    share, interval = float(surest.mean()), share_interval(surest)
    told = f"{share:.1%} [{interval[0]:.1%}, {interval[1]:.1%}] of the held-out rows that are surest have another label"
    told += f", of all {wrong.mean():.1%}"
    spread = share > limits.spread * wrong.mean()
    over = evidence.helps("early_stopping", "more", "much_more") is not None
    wide = evidence.gap.low > limits.apart * evidence.valid
    if interval[0] > limits.mislabeled and spread and (over or wide):
        change = evidence.helps("early_stopping", "more", "much_more")
        return Finding("label-noise", "finding", told, share, "of labels", interval, change is not None)
    return Finding("label-noise", "healthy", told, share, "of labels", interval)


def held_out(evidence: Evidence, halves: Recorded) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) how sure models of the other half are of each training row, and whether its label is another."""
    setting, bench = evidence.setting, evidence.bench
    weights = {n: w[:2] for n, w in halves.best.items()}
    population = bench.population(halves.members[0].recipe)
    sides = [bench.rows.folds[2][0], bench.rows.folds[1][0]]  # each half is predicted by the other's model
    sure, wrong = [], []
    for place, rows in enumerate(sides):
        one = {n: w[place : place + 1] for n, w in weights.items()}
        found = probabilities(bench.outputs(population, one, rows)[0].double().numpy())
        assert setting.labels is not None
        sure.append(found.max(1))
        wrong.append(found.argmax(1) != setting.labels[rows].numpy())
    return np.concatenate(sure), np.concatenate(wrong)
