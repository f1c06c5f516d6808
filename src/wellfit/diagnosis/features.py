"""Do the inputs say anything of the target? Every model is compared with guessing, row by row."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch

from wellfit.diagnosis.effects import Effect
from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.result import Finding

_OWN_WAY = ("half", "weighted")  # changes whose losses are measured in another way, or on fewer rows
_LINEAR = 4000  # rows that a linear model needs at most to be told from guessing


@dataclasses.dataclass(frozen=True)
class Judged:
    """What one model gets on the validation rows: (seeds, rows) losses, and for classes whether it is wrong."""

    name: str
    losses: np.ndarray
    wrong: np.ndarray | None = None


def features(evidence: Evidence) -> Finding:
    """Whether some model predicts validation rows better than guessing: the networks, then a linear model, then trees.

    What a model gains over guessing, in loss or in accuracy, is paired over the validation rows; its interval is
    widened for the number of comparisons (Bonferroni). The inputs are called empty where no interval lies above 0
    and none reaches a gain that would count; where one does it is undecided.
    """
    guess = guessing(evidence)
    if guess is None or not guess.losses.mean() > 0:
        return Finding("features", "not_applicable", "what guessing costs is not known under a loss of one's own")
    nets = list(_networks(evidence))
    level = 1.0 - (1.0 - evidence.limits.level) / (2 * (len(nets) + 2))
    seen: list[tuple[Effect, str]] = []
    for model in itertools.chain(nets, _kept(evidence)):
        for what in ("losses", "wrong"):
            own, its = getattr(guess, what), getattr(model, what)
            if own is None or its is None:
                continue
            effect = _scaled(evidence.effect(own - its, level), float(own.mean()))
            word = "loss" if what == "losses" else "error"
            told = f"{model.name} lowers the {word} of guessing by {effect.value:.0%}"
            seen.append((effect, f"{told} [{effect.low:.0%}, {effect.high:.0%}]"))
            if effect.low > 0:
                return Finding("features", "healthy", seen[-1][1], effect.value, "of guessing",
                               (effect.low, effect.high))  # fmt: skip
    return _empty(evidence, seen)


def _empty(evidence: Evidence, seen: list[tuple[Effect, str]]) -> Finding:
    effect, told = max(seen, key=lambda s: s[0].value)
    told += ", and of the networks, a linear model and boosted trees none is better"
    sure = max(e.high for e, _ in seen) < evidence.limits.gain
    if not sure:
        told += "; with so few rows that is no proof"
    outcome, ends = "finding" if sure else "undecided", (effect.low, effect.high)
    return Finding("features", outcome, told, effect.value, "of guessing", ends, sure)


def _scaled(effect: Effect, level: float) -> Effect:
    level = max(level, 1e-12)
    return Effect(effect.value / level, effect.low / level, effect.high / level, effect.error / level)


def guessing(evidence: Evidence) -> Judged | None:
    """Class frequencies, or the mean of the training rows."""
    setting = evidence.setting
    if setting.target.criterion is not None:
        return None
    mean = setting.target.take(torch.arange(setting.held)).values.mean(0)
    logits = mean.clamp_min(1e-12).log() if setting.target.classes else mean
    rows = setting.target.take(torch.arange(setting.held, len(setting.x)))
    losses = rows.row_losses(logits.expand(setting.valid, -1)).double().numpy()[None]
    if setting.labels is None:
        return Judged("guessing", losses)
    return Judged("guessing", losses, (setting.labels[setting.held :] != mean.argmax()).double().numpy()[None])


def _networks(evidence: Evidence) -> Iterator[Judged]:
    wrong = None
    if evidence.setting.labels is not None:
        labels = evidence.setting.labels[evidence.setting.held :].numpy()
        wrong = (evidence.base.outputs[evidence.own].argmax(-1) != labels).astype(float)
    yield Judged("the network", evidence.last, wrong)
    found = {n: v for n, v in evidence.losses.items() if n not in _OWN_WAY}
    for name in sorted(found, key=lambda n: found[n].mean()):
        yield Judged(evidence.tried[name].label, found[name], evidence.errors.get(name))


def _kept(evidence: Evidence) -> Iterator[Judged]:
    """Models of other kinds are fitted once, and not where the budget has ended the training."""
    if evidence.base.steps[-1] < evidence.setting.steps:
        return
    if evidence.others is None:
        evidence.others = list(_others(evidence))
    yield from evidence.others


Fit = Callable[[np.ndarray, np.ndarray, bool], Callable[[np.ndarray], np.ndarray]]


def _others(evidence: Evidence) -> Iterator[Judged]:
    """Models of other kinds, fitted where no network was enough; for classes and for one number."""
    setting = evidence.setting
    x = np.ascontiguousarray(setting.x.reshape(len(setting.x), -1).double().numpy())
    train, valid = x[: setting.held], x[setting.held :]
    for name, fit in (("a linear model", linear), ("boosted trees", boosted)):
        if setting.labels is not None:
            y = setting.labels.numpy()
            whole = np.full((len(valid), setting.target.values.shape[1]), 1e-6)
            whole[:, np.unique(y[: setting.held])] = np.maximum(fit(train, y[: setting.held], True)(valid), 1e-6)
            whole /= whole.sum(1, keepdims=True)
            own = y[setting.held :]
            losses = -np.log(whole[np.arange(len(valid)), own])[None]
            yield Judged(name, losses, (whole.argmax(1) != own).astype(float)[None])
        elif setting.target.values.shape[1:] == (1,):
            y = setting.target.values[:, 0].double().numpy()
            found = fit(train, y[: setting.held], False)(valid)
            yield Judged(name, ((found - y[setting.held :]) ** 2)[None])


def linear(x: np.ndarray, y: np.ndarray, classes: bool) -> Callable[[np.ndarray], np.ndarray]:
    """A ridge or logistic model of standardized inputs, its strength chosen on a third of the training rows."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.metrics import log_loss
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if not classes:
        return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))).fit(x, y).predict
    models = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=100)) for c in (0.003, 0.03, 0.3)]
    x, y = x[:_LINEAR], y[:_LINEAR]
    own = np.random.default_rng(31).random(len(y)) < 2 / 3
    if set(y[own]) != set(y):
        return models[1].fit(x, y).predict_proba
    labels = np.unique(y)
    scores = [log_loss(y[~own], m.fit(x[own], y[own]).predict_proba(x[~own]), labels=labels) for m in models]
    return models[int(np.argmin(scores))].fit(x, y).predict_proba


def boosted(x: np.ndarray, y: np.ndarray, classes: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Thirty small boosted trees, fewer where they stop early."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if not classes:
        model = HistGradientBoostingRegressor(max_iter=30, early_stopping=True, random_state=0)
        return model.fit(x, y).predict
    stops = int(np.unique(y, return_counts=True)[1].min()) > 1  # a stop needs two rows of each class
    return HistGradientBoostingClassifier(max_iter=30, early_stopping=stops, random_state=0).fit(x, y).predict_proba
