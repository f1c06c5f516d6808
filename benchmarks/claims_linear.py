"""Claims about the penalties of linear models, which are solved to the end here: wellfit.duality, float64."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
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
from sklearn import datasets, linear_model
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import PolynomialFeatures

from wellfit import Recipe
from wellfit.duality import Penalty, fit_penalized
from wellfit.regularizers import L1, L2, ElasticNet, WeightDecay
from wellfit.training.optimizers import SGD

STRENGTHS = tuple(10**e for e in np.arange(-2.5, 0.6, 0.5))
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
    figure = "columns kept of each 10 that are alike: " + ", ".join(f"{n} {plain_interval(k, 1)}" for n, k in kept.items())
    low, high = interval(kept["L1"])[1:]
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


def inverse_strength() -> Finding:
    x, y = datasets.load_wine(return_X_y=True)
    x, strength = (x - x.mean(0)) / x.std(0), 0.01
    ours = fit_penalized(x, torch.as_tensor(y), L2(strength)).numpy()
    off = []
    for c in (1 / strength, 1 / (2 * len(x) * strength)):
        coef = linear_model.LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(x, y).coef_
        off.append(np.abs(coef - ours).max() / np.abs(ours).max())
    figure = f"C = 1/lambda: weights off by {off[0]:.0%}; C = 1/(2 n lambda): {off[1]:.1e}"
    return Finding(figure, "held" if off[0] < 1e-3 else "did not hold")


def polynomial() -> Finding:
    published = {"plain": (1.6713, 5.4532), "Ridge": (2.9305, 1.7757), "Lasso": (2.8759, 2.1135),
                 "elastic net": (2.8328, 1.7885)}  # fmt: skip
    models = {"plain": linear_model.LinearRegression(), "Ridge": linear_model.Ridge(0.5),
              "Lasso": linear_model.Lasso(0.1), "elastic net": linear_model.ElasticNet(0.1, l1_ratio=0.4)}  # fmt: skip
    ours = {n: _curve(m, 42) for n, m in models.items()}
    same = [n for n in models if np.allclose(np.round(ours[n], 4), published[n], atol=2e-4)]
    better = np.array([np.log(_curve(models["plain"], s)[1] / _curve(models["Ridge"], s)[1]) for s in range(200)])
    figure = f"the figures of {', '.join(same)} come out as published; over 200 draws Ridge's test error is lower in "
    figure += f"{np.mean(better > 0):.0%}, {percent(better)}"
    held = interval(better)[1] > 0
    return Finding(figure, "did not hold" if not held else "held" if len(same) == 4 else "held in part")


def _curve(model: object, seed: int) -> tuple[float, float]:
    draw = np.random.RandomState(seed)
    x = np.linspace(0, 1, 30).reshape(-1, 1)
    y = 20 * x[:, 0] ** 3 - 15 * x[:, 0] ** 2 + 10 * x[:, 0] + 5 + draw.randn(30) * 2
    fit, score, y_fit, y_score = train_test_split(PolynomialFeatures(8).fit_transform(x), y, test_size=0.2, random_state=42)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coordinate descent stops at 1,000 rounds, as it did for the text
        model.fit(fit, y_fit)
    return tuple(float(((model.predict(a) - b) ** 2).mean()) for a, b in ((fit, y_fit), (score, y_score)))


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


def no_roll_back() -> Finding:
    x, y = datasets.load_digits(return_X_y=True)
    def fit(**limits: int) -> linear_model.SGDClassifier:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return linear_model.SGDClassifier(early_stopping=True, random_state=0, **limits).fit(x, y == 3)
    stopped = fit(n_iter_no_change=5)
    ends = [fit(n_iter_no_change=5, max_iter=stopped.n_iter_ - back).coef_ for back in range(5)]
    moved = [float(np.abs(a - b).max()) for a, b in zip(ends, ends[1:], strict=False)]
    figure = f"after each of the last 5 epochs the weights handed over differ, by {min(moved):.2g} and more"
    return Finding(figure, "did not hold" if min(moved) > 0 else "held")


def sparse_speed() -> Finding:
    x, w = torch.randn(256, 1024), torch.randn(1024, 1024)
    scattered = w * (torch.rand_like(w) > 0.9)
    kinds = {"dense": w, "scattered": scattered, "removed": w[:, :102].contiguous()}
    seconds: dict[str, list[float]] = {n: [] for n in kinds}
    for _ in range(40):
        for name, matrix in kinds.items():
            begun = time.perf_counter()
            x @ matrix
            seconds[name].append(time.perf_counter() - begun)
    speed = {n: float(np.median(seconds["dense"]) / np.median(s)) for n, s in seconds.items()}
    figure = f"one layer, 90% of the weights 0, scattered: {speed['scattered']:.1f} times as fast; 90% of its units "
    words = "held" if speed["scattered"] > 1.2 else "held in part" if speed["removed"] > 1.2 else "did not hold"
    return Finding(f"{figure}removed: {speed['removed']:.1f} times", words)
