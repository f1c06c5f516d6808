"""Checks of rows and labels: broken ones, rows on both sides, wrong labels, classes left behind, calibration."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import stats

from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.result import Finding
from wellfit.diagnosis.setting import Setting
from wellfit.proof import holm, probabilities


def look(evidence: Evidence) -> list[Finding]:
    """Every check of the rows."""
    return [
        _broken(evidence), _leak(evidence), _features(evidence), _mislabeled(evidence), _classes(evidence),
    ]  # fmt: skip


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
    setting, limits = evidence.setting, evidence.limits
    x = setting.x[: setting.held]
    change = evidence.tried.get("standardized")
    if change is not None and change.helps:
        told = f"inputs are far from standardized; standardizing lowers the validation loss {change.relative or 0:.0%}"
        return Finding("broken", "finding", told, change.relative, "of the validation loss", change.relative_interval,
                       True)  # fmt: skip
    still = _still(x)
    if still > 0.5 and evidence.fitted > limits.fitted * evidence.guess:
        return Finding("broken", "finding", f"{still:.0%} of the inputs never change over the training rows", still, "")
    return one_batch(evidence)


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
    setting, limits = evidence.setting, evidence.limits
    train, valid = _flat(setting.x[: setting.held]), _flat(setting.x[setting.held :])
    known = {row.tobytes() for row in train}
    copied = np.array([row.tobytes() in known for row in valid])
    share = float(copied.mean())
    within = 1.0 - len(known) / len(train)
    gap = evidence.gap
    told = f"{share:.1%} of the validation rows are training rows too, {within:.1%} of the training rows are repeats"
    if share > limits.duplicates and share > 2.0 * within:
        return Finding("leakage", "finding", told, share, "of validation rows", _share_interval(copied), True)
    if gap.high < 0 and -gap.value > limits.gain * evidence.fitted:
        told = f"validation loss lies {-gap.value:.3g} below the clean training loss [{-gap.high:.3g}, {-gap.low:.3g}]"
        return Finding("leakage", "finding", told, gap.value, "loss", (gap.low, gap.high))
    return Finding("leakage", "healthy", told, share, "of validation rows")


def _flat(x: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.reshape(len(x), -1).numpy())


def _share_interval(hits: np.ndarray) -> tuple[float, float]:
    found = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def _features(evidence: Evidence) -> Finding:
    """Whether any model at all predicts validation rows better than guessing."""
    least = min([evidence.valid, *(v for n, v in evidence.levels.items() if n != "half")])
    guess = float(evidence.guess)
    told = f"the best of all changes comes to {least / guess:.0%} of the loss of guessing"
    if least < evidence.limits.nothing * guess:
        return Finding("features", "healthy", told, least / guess, "of guessing")
    trees = boosted(evidence)
    if trees is None:
        return Finding("features", "undecided", f"{told}; boosted trees were not tried", least / guess, "of guessing")
    told += f", boosted trees to {trees / guess:.0%}"
    outcome = "finding" if trees > evidence.limits.nothing * guess else "healthy"
    return Finding("features", outcome, told, least / guess, "of guessing", None, True)


def boosted(evidence: Evidence) -> float | None:
    """Validation loss of boosted trees on the flattened inputs; None where the target is not a class or one number."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import log_loss, mean_squared_error

    setting = evidence.setting
    x = _flat(setting.x.float())
    train, valid = x[: setting.held], x[setting.held :]
    if setting.labels is not None:
        y = setting.labels.numpy()
        model = HistGradientBoostingClassifier(max_iter=30, early_stopping=True, random_state=0)
        found = model.fit(train, y[: setting.held]).predict_proba(valid)
        count = setting.target.values.shape[1]
        whole = np.full((len(valid), count), 1e-6)
        whole[:, model.classes_] = np.maximum(found, 1e-6)
        return float(log_loss(y[setting.held :], whole / whole.sum(1, keepdims=True), labels=np.arange(count)))
    if setting.target.criterion is None and setting.target.values.shape[1:] == (1,):
        y = setting.target.values[:, 0].numpy()
        model = HistGradientBoostingRegressor(max_iter=30, early_stopping=True, random_state=0)
        return float(mean_squared_error(y[setting.held :], model.fit(train, y[: setting.held]).predict(valid)))
    return None


def _mislabeled(evidence: Evidence) -> Finding:
    """Wrong labels: among held-out training rows those of which the model is surest should be right.

    The two halves of the training rows predict each other. Rows that are hard make a model unsure; wrong labels are
    spread over all rows, and so the error of the surest quarter is about their share.
    """
    setting, limits = evidence.setting, evidence.limits
    if setting.labels is None:
        return Finding("label-noise", "not_applicable", "the targets are no classes")
    sure, wrong = held_out(evidence)
    few = len(sure) // 4
    if few < 25:
        return Finding("label-noise", "not_applicable", "fewer than 100 training rows")
    surest = wrong[np.argsort(-sure)[:few]]
    share, interval = float(surest.mean()), _share_interval(surest)
    told = f"{share:.1%} [{interval[0]:.1%}, {interval[1]:.1%}] of the held-out rows that are surest have another label"
    over = any(evidence.tried[n].helps for n in ("early_stopping", "more", "much_more"))
    wide = evidence.gap.low > limits.apart * evidence.valid
    if interval[0] > limits.mislabeled and (over or wide):
        change = evidence.helps("early_stopping", "more", "much_more")
        return Finding("label-noise", "finding", told, share, "of labels", interval, change is not None)
    return Finding("label-noise", "healthy", told, share, "of labels", interval)


def held_out(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) how sure models of the other half are of each training row, and whether its label is another."""
    setting, bench = evidence.setting, evidence.bench
    places = evidence.base.places("half")[:2]
    weights = {n: w[places] for n, w in evidence.base.best.items()}
    population = bench.population(evidence.base.members[places[0]].recipe)
    sides = [bench.rows.folds[2][0], bench.rows.folds[1][0]]  # each half is predicted by the other's model
    sure, wrong = [], []
    for place, rows in enumerate(sides):
        one = {n: w[place : place + 1] for n, w in weights.items()}
        found = probabilities(bench.outputs(population, one, rows)[0].double().numpy())
        assert setting.labels is not None
        sure.append(found.max(1))
        wrong.append(found.argmax(1) != setting.labels[rows].numpy())
    return np.concatenate(sure), np.concatenate(wrong)


def _classes(evidence: Evidence) -> Finding:
    setting = evidence.setting
    if setting.labels is None:
        return Finding("class-gap", "not_applicable", "the targets are no classes")
    labels = setting.labels[setting.held :].numpy()
    right = (evidence.base.outputs[evidence.own].argmax(-1) == labels).mean(0)
    worst = _worst_class(labels, right)
    if worst is None:
        return Finding("class-gap", "not_applicable", "no class has 5 validation rows")
    label, low, p = worst
    told = f"accuracy on class {label} lies {low:.2f} below that on the other classes (Holm-adjusted p {p:.2g})"
    ill = p < 0.01 and low > evidence.limits.class_gap
    return Finding("class-gap", "finding" if ill else "healthy", told, low, "accuracy")


def _worst_class(labels: np.ndarray, right: np.ndarray) -> tuple[int, float, float] | None:
    """The class with the lowest accuracy against all others: class, how far below, adjusted p-value."""
    classes = [c for c in np.unique(labels) if (labels == c).sum() >= 5]
    if len(classes) < 2:
        return None
    low = [float(right[labels != c].mean() - right[labels == c].mean()) for c in classes]
    p = [float(stats.fisher_exact(_table(labels == c, right), alternative="less")[1]) for c in classes]
    adjusted, worst = holm(p), int(np.argmax(low))
    return int(classes[worst]), low[worst], float(adjusted[worst])


def _table(own: np.ndarray, right: np.ndarray) -> list[list[int]]:
    hits = right >= 0.5
    return [[int(hits[own].sum()), int((~hits[own]).sum())], [int(hits[~own].sum()), int((~hits[~own]).sum())]]
