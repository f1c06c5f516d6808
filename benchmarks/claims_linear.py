"""Claims about the penalties of linear models, which are solved to the end here: wellfit.duality, float64."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import numpy as np
import torch
from sklearn import datasets, linear_model

from claims_setup import (
    RATE,
    SPLITS,
    Array,
    Claim,
    Finding,
    gain,
    interval,
    percent,
    plain_interval,
    spread_out,
    table,
    train,
    verdict,
)
from wellfit import Recipe
from wellfit.duality import Penalty, fit_penalized
from wellfit.regularizers import L1, L2, ElasticNet, WeightDecay
from wellfit.training.optimizers import SGD

STRENGTHS = tuple(10**e for e in np.arange(-2.0, 0.6, 0.5))
KINDS: dict[str, Callable[[float], Penalty]] = {"L1": L1, "L2": L2, "elastic net": ElasticNet}
WORLDS = ("few matter", "all matter", "p > n, correlated")


@functools.cache
def world(kind: str, seed: int) -> tuple[Array, Array, Array]:
    """Inputs (560, columns), target, true weights; 60 rows are to train on, 100 to choose by, 400 to score on."""
    draw = np.random.default_rng(seed)
    columns = 90 if kind == WORLDS[2] else 30
    x = draw.normal(size=(560, columns))
    w = np.zeros(columns)
    if kind == WORLDS[0]:
        w[:4] = 1.5
    elif kind == WORLDS[1]:
        w[:] = 0.5
    else:  # groups of 10 columns that are nearly one; three groups matter, every column of theirs alike
        x = 0.95 * np.repeat(draw.normal(size=(560, 9)), 10, axis=1) + 0.31 * x
        w[:30] = 0.3
    clean = x @ w
    return x, clean + draw.normal(size=560) * clean.std() / 1.5, w


@functools.cache
def solved(kind: str, name: str, seed: int) -> tuple[Array, float]:
    """The weights of the strength with the least validation error, and their test error."""
    x, y, _ = world(kind, seed)
    x, y = x - x[:60].mean(0), y - y[:60].mean()
    found = []
    for strength in STRENGTHS:
        w = fit_penalized(x[:60], y[:60], KINDS[name](float(strength)))[0].numpy()
        wrong = (x @ w - y) ** 2
        found.append((wrong[60:160].mean(), wrong[160:].mean(), w))
    best = min(found, key=lambda row: row[0])
    return best[2], float(best[1])


def errors(kind: str, name: str) -> Array:
    return np.array([solved(kind, name, seed)[1] for seed in range(SPLITS)])


def ahead(kind: str, name: str) -> Finding:
    """One penalty beside the other two in one world."""
    others = [n for n in KINDS if n != name]
    shown = {other: gain(errors(kind, name), errors(kind, other)) for other in others}
    figure = "; ".join(f"than {other} {percent(g)}" for other, g in shown.items())
    lows, highs = zip(*(interval(g)[1:] for g in shown.values()), strict=True)
    held = "held" if min(lows) > 0 else "held in part" if max(lows) > 0 and min(highs) > 0 else "did not hold"
    return Finding(f"test error lower {figure}", held)


def elastic_always() -> Finding:
    """How elastic net does against the better of the two: the text warns that it is not always ahead."""
    shown = {}
    for kind in WORLDS:
        shown[kind] = gain(errors(kind, "elastic net"), np.minimum(errors(kind, "L1"), errors(kind, "L2")))
    always = all(interval(g)[1] > 0 for g in shown.values())
    return Finding(f"against the better of both: {spread_out(shown)}", "did not hold" if always else "held")


def zeros() -> Finding:
    x, y = datasets.load_diabetes(return_X_y=True)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    linear = [sum(float((fit_penalized(x, y, k(s)) == 0).sum()) for s in (0.1, 0.3)) / 20 for k in (L1, L2)]
    arms = {
        "step": Recipe(L1(1e-3)),
        "loss": Recipe(L1(1e-3, form="loss")),
        "L2": Recipe(L2(1e-3)),
    }
    found = train(table("digits"), {n: (r, RATE) for n, r in arms.items()})
    nets = {n: float((o.weights["blocks.0.linear.weight"] == 0).float().mean()) for n, o in found.items()}
    figure = (
        f"weights exactly 0: linear (diabetes) L1 {linear[0]:.0%}, L2 {linear[1]:.0%}; net (digits, first layer) L1 as "
        f"proximal step {nets['step']:.0%}, L1 as a term of the loss {nets['loss']:.0%}, L2 {nets['L2']:.0%}"
    )
    proper = linear[0] > 0 == linear[1] and nets["step"] > 0 == nets["L2"]
    return Finding(figure, "did not hold" if not proper else "held" if nets["loss"] > 0 else "held in part")


def less_sparse() -> Finding:
    counts = {n: [(solved(k, n, s)[0] != 0).mean() for k in WORLDS for s in range(SPLITS)] for n in KINDS}
    more = np.array(counts["elastic net"]) - np.array(counts["L1"])
    shares = ", ".join(f"{n} {np.mean(c):.0%}" for n, c in counts.items())
    held = interval(more)[1] > 0 and np.mean(counts["elastic net"]) < 1
    return Finding(f"weights kept: {shares}; more {plain_interval(more)}", "held" if held else "did not hold")


def groups() -> Finding:
    kept = {
        n: np.array([(solved(WORLDS[2], n, s)[0][:30].reshape(3, 10) != 0).sum(1).mean() for s in range(SPLITS)])
        for n in KINDS
    }
    figure = "columns kept of each 10 that are alike: " + ", ".join(
        f"{n} {plain_interval(k, 1)}" for n, k in kept.items()
    )
    high = interval(kept["L1"])[2]
    return Finding(figure, "held" if high <= 1.5 else "held in part" if high < 5 else "did not hold")


def same_scale() -> Finding:
    """Columns of other units, 1 to 1,000 times as large, beside standardized ones; scikit-learn's solvers."""
    task, better = table("diabetes"), {}
    models = {"Ridge": linear_model.Ridge, "Lasso": functools.partial(linear_model.Lasso, max_iter=100_000)}
    for name, model in models.items():
        gains = []
        for seed, rows in enumerate(task.splits):
            units = 10 ** np.random.default_rng(seed).uniform(0, 3, task.x.shape[1])
            scores = [_tuned(model, task.x.numpy() * u, task.target.values.numpy()[:, 0], rows) for u in (1.0, units)]
            gains.append(np.log(scores[1] / scores[0]))
        better[name] = np.array(gains)
    return Finding(f"test error of standardized inputs lower: {spread_out(better)}", verdict(better))


def _tuned(model: Callable[..., object], x: Array, y: Array, rows: tuple[torch.Tensor, ...]) -> float:
    fit, choose, score = (r.numpy() for r in rows)
    found = []
    for strength in 10 ** np.arange(-4.0, 7.1, 0.5 if model is linear_model.Ridge else 1.0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lasso says that very small strengths converge slowly
            fitted = model(alpha=strength).fit(x[fit], y[fit])
        wrong = (fitted.predict(x) - y) ** 2
        found.append((wrong[choose].mean(), wrong[score].mean()))
    return min(found)[1]


def decay_factor() -> Finding:
    task, apart = table("digits"), {}
    recipes = {"penalty": (Recipe(L2(1e-2)), 0.05), "factor": (Recipe(WeightDecay(2e-2)), 0.05)}
    for name, optimizer, rate in (("SGD", SGD(), 0.05), ("Adam", None, RATE)):
        found = train(task, {n: (r, rate) for n, (r, _) in recipes.items()}, optimizer=optimizer, steps=100)
        a, b = (found[n].weights["blocks.0.linear.weight"] for n in recipes)
        apart[name] = float((a - b).norm() / a.norm())
    figure = "weights after 100 steps differ by " + ", ".join(f"{d:.1e} under {n}" for n, d in apart.items())
    words = {2: "held", 1: "held in part", 0: "did not hold"}
    return Finding(figure, words[sum(d < 1e-4 for d in apart.values())])


def limits() -> Finding:
    """Strength 0 and a strength without end, on standardized columns of diabetes."""
    x, y = (a.numpy() for a in (table("diabetes").x, table("diabetes").target.values[:, 0]))
    free = linear_model.LinearRegression().fit(x, y).coef_
    at_zero = max(float(np.abs(fit_penalized(x, y, k(0.0))[0].numpy() - free).max()) for k in (L1, L2))
    at_end = max(float(fit_penalized(x, y, k(1e6)).abs().max()) for k in (L1, L2))
    figure = f"0: weights {at_zero:.0e} from least squares; 10^6: the largest weight is {at_end:.0e}"
    return Finding(figure, "held" if at_zero < 1e-5 and at_end < 1e-5 else "did not hold")


def descent_path() -> Finding:
    """Plain gradient descent on least squares, stopped at its best, beside the nearest ridge solution."""
    task, near, worse = table("diabetes"), [], []
    for fit, choose, score in task.splits:
        x, y = task.x.double(), task.target.values[:, 0].double()
        path, w = [], torch.zeros(x.shape[1], dtype=torch.float64)
        for _ in range(400):
            w = w - 0.02 * 2 * x[fit].T @ (x[fit] @ w - y[fit]) / len(fit)
            path.append(w)
        stopped = min(path, key=lambda v: float(((x[choose] @ v - y[choose]) ** 2).mean()))
        x_fit, eye = x[fit], torch.eye(x.shape[1], dtype=torch.float64)
        ridge = [torch.linalg.solve(x_fit.T @ x_fit / len(fit) + s * eye, x_fit.T @ y[fit] / len(fit))
                 for s in 10 ** np.arange(-4, 2, 0.1)]  # fmt: skip
        nearest = min(ridge, key=lambda v: float((v - stopped).norm()))
        near.append(float((nearest - stopped).norm() / stopped.norm()))
        errors_of = [float(((x[score] @ v - y[score]) ** 2).mean()) for v in (stopped, nearest)]
        worse.append(np.log(errors_of[0] / errors_of[1]))
    low, high = interval(np.array(worse))[1:]
    figure = f"distance {plain_interval(np.array(near), 2)} of the weights' norm; test errors apart by "
    figure += f"{100 * interval(np.array(worse))[0]:+.1f}% ({100 * low:.1f} to {100 * high:.1f})"
    return Finding(figure, "held" if max(abs(low), abs(high)) < 0.02 else "held in part")


BEST = "60 rows of generated data, ten draws; strength of each by 100 other rows; test error on 400"
CLAIMS = [
    Claim("exact-zeros", "0 1 2 4", "L1 makes weights exactly 0, L2 only makes them small",
          "share of exact zeros; in the net as a proximal step, and as a term of the loss as in the texts", zeros),
    Claim("l1-few", "1 2 4", "L1 is ahead where many inputs are irrelevant", f"{BEST}; 4 of 30 columns matter",
          lambda: ahead(WORLDS[0], "L1")),
    Claim("l2-all", "1 4", "L2 is ahead where all inputs matter a little", f"{BEST}; all 30 columns matter alike",
          lambda: ahead(WORLDS[1], "L2")),
    Claim("elastic-net-p-n", "4", "Elastic net is ahead with more columns than rows that are correlated",
          f"{BEST}; 90 columns in 9 groups of correlation 0.9, 3 groups matter",
          lambda: ahead(WORLDS[2], "elastic net")),
    Claim("elastic-net-always", "4", "Elastic net is not always better than both (the text calls that a misconception)",
          "the three worlds above", elastic_always),
    Claim("elastic-net-sparse", "4", "Elastic net makes fewer zeros than L1, but makes some",
          "the three worlds above: share of weights that are not 0", less_sparse),
    Claim("l1-groups", "4", "Of columns that are alike L1 keeps one", "the world of groups: columns kept in each group "
          "that matters", groups),
    Claim("standardize", "2 4", "Standardize before a penalty, or columns of small numbers are punished unfairly",
          "diabetes, ten splits; units up to 1,000 times apart against standardized, strength chosen in both",
          same_scale),
    Claim("lambda-limits", "4", "lambda 0 changes nothing, an endless lambda leaves nothing", "L1 and L2, diabetes",
          limits),
    Claim("decay-factor", "3 4", "An L2 penalty is weight decay: each step takes a fixed share of every weight",
          "L2(0.01) against WeightDecay(0.02) on digits, 100 steps", decay_factor),
    Claim("stopping-l2", "-", "Early stopping acts as L2 does (common knowledge; none of the five texts says it)",
          "gradient descent on least squares, diabetes, ten splits: the nearest ridge solution", descent_path),
]  # fmt: skip
