"""Claims about what L2 does to weights, rare classes, residual nets, and ensembles."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import torch
from sklearn import datasets, metrics, tree
from torch import nn

from claims_nets import outcomes
from claims_setup import (
    RATE,
    TABLES,
    Array,
    Claim,
    Finding,
    Task,
    gain,
    interval,
    net,
    percent,
    plain_interval,
    split_rows,
    spread_out,
    table,
    targets,
    task_of,
    train,
    verdict,
)
from wellfit import Recipe
from wellfit.draws import Now
from wellfit.ensembles import Bagging, BoostingRegressor, DeepEnsemble, NetClassifier, NetRegressor
from wellfit.fold import Fold
from wellfit.models.mlp import MLP, Shape
from wellfit.regularizers import L2, SMOTE, ClassWeights, Dropout, StochasticDepth
from wellfit.training.optimizers import SGD

ENSEMBLE_SPLITS = 6
MEMBERS = 10


def usual_strengths() -> Finding:
    grid = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    best = {}
    for name in TABLES:
        arms = {f"{s:g}": (Recipe(L2(s)), 0.02) for s in grid}
        found = train(table(name), arms, optimizer=SGD(0.9))
        best[name] = float(min(found, key=lambda s: float(np.nan_to_num(np.log(found[s].best), nan=np.inf).mean())))
    inside = sum(1e-4 <= s <= 1e-2 for s in best.values())
    shown = ", ".join(f"{n} {s:g}" for n, s in best.items())
    words = {len(best): "held", 0: "did not hold"}
    return Finding(f"best of {', '.join(f'{s:g}' for s in grid)}: {shown}", words.get(inside, "held in part"))


def evenness() -> Finding:
    """The share of the first layer's squared weights that the heaviest tenth of its units holds."""
    more = {}
    for name in ("digits", "generated"):
        shares = [_heaviest(outcomes(m, name)[arm].weights) for m, arm in (("none", "none 0"), ("L2", "L2 2"))]
        more[name] = np.log(shares[0] / shares[1])
    return Finding(f"share held by the heaviest tenth of units less: {spread_out(more)}", verdict(more))


def _heaviest(weights: dict[str, torch.Tensor]) -> Array:
    square = weights["blocks.0.linear.weight"].square().sum(2).sort(1, descending=True).values
    return (square[:, :6].sum(1) / square.sum(1)).numpy()


def faster_learning() -> Finding:
    lower = {}
    for name in TABLES:
        found = train(table(name), {f"{s:g}": (Recipe(L2(s)), 0.02) for s in (0.0, 1e-3)}, steps=60, optimizer=SGD(0.9))
        lower[name] = gain(found["0.001"].train_last, found["0"].train_last)
    return Finding(f"training loss after 60 steps lower: {spread_out(lower)}", verdict(lower))


def residual() -> Finding:
    better = {}
    for name in TABLES:
        task = table(name)
        arms = {f"{p:g}": (Recipe(StochasticDepth(p)), RATE) for p in (0.0, 0.3)}
        shape = Shape(task.x.shape[1], task.outputs, 64, 6, residual=True)
        found = train(task, arms, lambda shape=shape: MLP(shape))
        better[name] = gain(found["0.3"].best, found["0"].best)
    return Finding(spread_out(better), verdict(better))


def too_simple() -> Finding:
    x, y = datasets.make_circles(1000, noise=0.1, factor=0.5, random_state=0)
    task = Task(torch.as_tensor(x, dtype=torch.float32), targets(y, 2), split_rows(len(x), 200, 100))
    arms, kinds = {"one": (Recipe(), RATE)}, {"150": (150, 0), "2400": (2400, 0), "net": (150, 2)}
    found = {
        name: train(task, arms, net(task, 64, depth), steps=steps, every=50)["one"].wrong
        for name, (steps, depth) in kinds.items()
    }
    figure = f"wrong: linear {plain_interval(found['150'], 2)}, 16 times the steps {plain_interval(found['2400'], 2)}, "
    held = interval(found["2400"] - found["net"])[1] > 0.1 > abs(interval(found["150"] - found["2400"])[0])
    return Finding(f"{figure}net {plain_interval(found['net'], 3)}", "held" if held else "did not hold")


def raw_inputs() -> Finding:
    better = {}
    for name, load, rows in (("breast cancer", datasets.load_breast_cancer, 120), ("wine", datasets.load_wine, 60)):
        x, y = load(return_X_y=True)
        standard = task_of(x, y, y.max() + 1, rows, rows // 2)
        raw = dataclasses.replace(standard, x=torch.as_tensor(x, dtype=torch.float32))
        scores = [train(t, {"one": (Recipe(), RATE)})["one"].best for t in (standard, raw)]
        better[name] = gain(*scores)
    return Finding(f"test loss lower: {spread_out(better)}", verdict(better))


def rare() -> dict[str, Task]:
    """Two tables whose class 1 is rare: generated rows (5 %), and the digit 8 against all others (10 %)."""
    x, y = datasets.make_classification(
        4000, 15, n_informative=6, n_redundant=2, weights=[0.95], class_sep=1.0, flip_y=0.01, random_state=3
    )
    pixels, digit = datasets.load_digits(return_X_y=True)
    spread = np.where(pixels.std(0) > 0, pixels.std(0), 1.0)
    tables = {"generated": ((x - x.mean(0)) / x.std(0), y), "digit 8": ((pixels - pixels.mean(0)) / spread, digit == 8)}
    return {
        name: Task(torch.as_tensor(a, dtype=torch.float32), targets(b.astype(int), 2), split_rows(len(a), 400, 200))
        for name, (a, b) in tables.items()
    }


def resampled(task: Task, recipe: Recipe) -> Task:
    """Every training fold through the recipe's ``resample``; what is added stands behind the rows there are."""
    x, values, weight, train_rows, count = [task.x], [task.target.values], [task.target.weight], [], len(task.x)
    for seed, (fit, _, _) in enumerate(task.splits):
        fold = Fold(task.x[fit], task.target.values[fit].argmax(1), torch.ones(len(fit)), 2)
        made = recipe.resample(fold, Now.at(0, seed=seed))
        x.append(made.x)
        values.append(nn.functional.one_hot(made.labels, 2).float())
        weight.append(made.weight.float())
        train_rows.append(torch.arange(count, count + len(made)))
        count += len(made)
    target = dataclasses.replace(task.target, values=torch.cat(values), weight=torch.cat(weight))
    return Task(torch.cat(x), target, task.splits).with_train(train_rows)


def judged(task: Task, weights: dict[str, torch.Tensor]) -> dict[str, Array]:
    """(splits,) of each figure on the test rows."""
    network, found = MLP(Shape(task.x.shape[1], 2, 64, 2)).eval(), []
    for place, (_, _, test) in enumerate(task.splits):
        one = {n: w[place] for n, w in weights.items()}
        share = torch.softmax(torch.func.functional_call(network, one, (task.x[test],)), 1)[:, 1].detach().numpy()
        truth = task.target.values[test, 1].numpy()
        loss = metrics.log_loss(truth, share.astype(float))
        found.append((metrics.recall_score(truth, share > 0.5), metrics.roc_auc_score(truth, share), loss))
    return dict(zip(("recall", "AUC", "log loss"), np.array(found).T, strict=True))


def rare_classes(recipe: Recipe) -> Finding:
    recalls, shown, worse = {}, [], []
    for name, task in rare().items():
        bare, treated = (
            judged(t, train(t, {"one": (Recipe(), RATE)})["one"].weights) for t in (task, resampled(task, recipe))
        )
        recalls[name] = treated["recall"] - bare["recall"]
        auc, loss = treated["AUC"] - bare["AUC"], gain(treated["log loss"], bare["log loss"])
        shown.append(
            f"{name}: recall {plain_interval(recalls[name], 2)}, AUC {plain_interval(auc)}, log loss {percent(loss)}"
        )
        worse.append(interval(loss)[2] < 0 or interval(auc)[2] < 0)
    held = verdict(recalls)
    return Finding(f"change of {'; '.join(shown)}", "held in part" if held == "held" and any(worse) else held)


def _score(fitted: Any, x: Array, y: Array) -> float:
    if y.dtype.kind == "i":
        return metrics.log_loss(y, fitted.predict_proba(x))
    return float(((fitted.predict(x) - y) ** 2).mean() / y.var())


@functools.cache
def ensembles() -> dict[str, dict[str, Array]]:
    """Scores by table: one net, ten nets, ten on bootstrap samples, and five on five parts of the rows."""
    found: dict[str, dict[str, Array]] = {}
    for name, load in (("digits", datasets.load_digits), ("diabetes", datasets.load_diabetes)):
        x, y = load(return_X_y=True)
        kind = NetRegressor if name == "diabetes" else NetClassifier
        rows = [[] for _ in range(4)]
        for seed in range(ENSEMBLE_SPLITS):
            order = np.random.default_rng(seed).permutation(len(x))
            fit, test = order[:250], order[250:]
            one = kind(Recipe(Dropout(0.1)), epochs=30, seed=seed)
            deep = DeepEnsemble(one, MEMBERS, seed=seed).fit(x[fit], y[fit])
            bagged = Bagging(one, MEMBERS, seed=seed).fit(x[fit], y[fit])
            parts = [one.fit(x[part], y[part]) for part in np.array_split(fit, 5)]
            rows[0].append(_score(one.fit(x[fit], y[fit]), x[test], y[test]))
            rows[1].append(_score(deep, x[test], y[test]))
            rows[2].append(_score(bagged, x[test], y[test]))
            rows[3].append(_score(_Mean(parts) if name == "diabetes" else _MeanShares(parts), x[test], y[test]))
        found[name] = dict(zip(("one", "deep", "bagging", "parts"), map(np.array, rows), strict=True))
    return found


@dataclasses.dataclass(frozen=True)
class _Mean:
    """The mean of numbers."""

    nets: list[Any]

    def predict(self, x: Array) -> Array:
        return np.mean([n.predict(x) for n in self.nets], axis=0)


@dataclasses.dataclass(frozen=True)
class _MeanShares:
    """The mean of probabilities; every part of the rows has all classes."""

    nets: list[Any]

    def predict_proba(self, x: Array) -> Array:
        return np.mean([n.predict_proba(x) for n in self.nets], axis=0)


def several(kind: str) -> Finding:
    found = ensembles()
    better = {name: gain(scores[kind], scores["one"]) for name, scores in found.items()}
    return Finding(spread_out(better), verdict(better))


@functools.cache
def boosted() -> list[dict[float, Array]]:
    """By draw of the data and shrinkage: the test error after each stage."""
    found = []
    for seed in range(ENSEMBLE_SPLITS):
        x, y = datasets.make_friedman1(700, noise=2.0, random_state=seed)
        stages = {}
        for shrinkage in (1.0, 0.1):
            model = BoostingRegressor(tree.DecisionTreeRegressor(max_depth=2), stages=200, shrinkage=shrinkage)
            staged = model.fit(x[:200], y[:200]).staged_predict(x[200:])
            stages[shrinkage] = np.array([((p - y[200:]) ** 2).mean() for p in staged])
        found.append(stages)
    return found


def boosting() -> Finding:
    """The whole of 200 small steps beside the first tree taken whole."""
    better = {"generated": np.array([np.log(s[1.0][0] / s[0.1][-1]) for s in boosted()])}
    return Finding(f"test error lower than one tree's: {spread_out(better)}", verdict(better))


def boosting_steps() -> Finding:
    """Trees of depth 2, 200 stages: the loss at the end and at its least, by shrinkage."""
    better, shown = [], []
    for stages in boosted():
        better.append(np.log(stages[1.0][-1] / stages[0.1][-1]))
        shown.append([stages[s][-1] / stages[s].min() for s in (1.0, 0.1)])
    worse = np.mean(shown, axis=0)
    figure = f"error after 200 stages lower by {percent(np.array(better))}; error at the end over the least: "
    figure += f"{worse[0]:.2f} at 1, {worse[1]:.2f} at 0.1"
    return Finding(figure, verdict({"generated": np.array(better)}))


ONE = "digits and diabetes, 250 rows, nets of 2 x 64, six splits: log loss or squared error against one net"
CLAIMS = [
    Claim("lambda-range", "3 4", "Good strengths of L2 lie between 0.0001 and 0.01 (the default of text 4: 0.01)",
          "SGD, momentum 0.9; strength of the least mean test loss, each table", usual_strengths),
    Claim("l2-even", "2", "L2 keeps a few units from dominating", "first layer, L2(0.01) against none", evenness),
    Claim("l2-speed", "4", "Since it pulls harder at large weights, L2 makes learning faster",
          "L2(0.001) against none, SGD with momentum 0.9, 60 steps", faster_learning),
    Claim("stochastic-depth", "4", "Dropping whole residual blocks regularizes",
          "6 residual blocks of 64, rate 0.3: test loss at the best epoch with and without", residual),
    Claim("smote", "4", "SMOTE helps where a class is rare", "400 rows, class 1 at 5% and 10%; training folds only: "
          "change on test rows; in part where AUC or log loss gets worse", lambda: rare_classes(Recipe(SMOTE(1.0)))),
    Claim("class-weights", "4", "Balancing the classes helps where one is rare", "the same with ClassWeights(1.0)",
          lambda: rare_classes(Recipe(ClassWeights(1.0)))),
    Claim("bagging", "4", "Bagging cancels what single nets overfit", f"{ONE}; ten nets", lambda: several("bagging")),
    Claim("five-parts", "4", "Five nets on five equal parts of the rows, as the text puts bagging, do so too",
          f"{ONE} on all rows", lambda: several("parts")),
    Claim("averaging", "4", "Averaging several nets does better than one", f"{ONE}; ten nets on the same rows",
          lambda: several("deep")),
    Claim("boosting", "4", "Boosting makes a better model of weak ones",
          "Friedman's first function, 200 rows, trees of depth 2, 200 stages, shrinkage 0.1", boosting),
    Claim("underfit", "4", "What is too simple is mended by a larger net and not by more training",
          "circles in each other, 200 rows: a linear model for 150 and 2,400 steps, a net of 2 x 64", too_simple),
    Claim("normalize", "2", "Standardized inputs steady training",
          "breast cancer and wine: columns as they come against standardized", raw_inputs),
    Claim("boosting-steps", "4", "Boosting does not overfit where its steps are small",
          "the same: shrinkage 0.1 against 1", boosting_steps),
]  # fmt: skip
