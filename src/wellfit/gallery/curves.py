"""Curves over strength, over rows and over time: what a person looks at to choose a penalty and to stop."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from wellfit.gallery.look import BLUE, COLORS, INK, QUIET, RED, dot, sheet
from wellfit.gallery.one_weight import diabetes
from wellfit.gallery.plate import Plate, Table, figure

Array = NDArray[np.float64]
STRENGTHS = np.logspace(-3.0, 0.5, 22)


@figure("regularization-path", "Regularization paths")
def regularization_path(seed: int = 0) -> Plate:
    """The weights of ten columns over the strength, under L2 and under L1."""
    from sklearn.datasets import load_diabetes

    from wellfit.duality import fit_penalized
    from wellfit.regularizers import L1, L2

    x, y, *_ = diabetes(seed=seed)
    names = load_diabetes().feature_names
    finding = "Under L1 columns leave one by one; under L2 all shrink together and none leaves"
    made, panels = sheet(finding, 2, height=4.0, sharey=True)
    rows = []
    for panel, (title, kind) in zip(panels, (("L2", L2), ("L1", L1)), strict=True):
        path = np.array([fit_penalized(x, y, kind(float(s))).numpy().ravel() for s in STRENGTHS])
        for place, name in enumerate(names):
            color, style = COLORS[place % 6], "-" if place < 6 else (0, (5, 1.5))
            panel.plot(STRENGTHS, path[:, place], color=color, linestyle=style, linewidth=1.6, label=name)
        panel.axhline(0, color=INK, linewidth=0.8)
        panel.set(title=title, xscale="log", xlabel="strength")
        rows += [(title, s, int((w != 0).sum()), *w) for s, w in zip(STRENGTHS, path, strict=True)]
    panels[0].set_ylabel("weight")
    panels[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="column")
    alt = "Ten lines under L2 fall smoothly toward zero; under L1 they meet the zero line one after another."
    note = "Diabetes (scikit-learn), standardized columns and target, 220 rows; loss is the mean squared error."
    return Plate(made, Table.of(("penalty", "strength", "weights left", *names), rows), finding, alt, note)


def _wide(x: Array) -> Array:
    """Columns, their squares and their products: 65 of 10."""
    a, b = np.triu_indices(x.shape[1])
    return np.column_stack([x, x[:, a] * x[:, b]])


def _scaled(rows: int, seed: int) -> tuple[Array, Array, Array, Array]:
    x, y, x_held, y_held = diabetes(seed=seed)
    x, x_held, y = _wide(x[:rows]), _wide(x_held), y[:rows]
    means, spreads = x.mean(0), x.std(0) + 1e-9
    return (x - means) / spreads, y - y.mean(), (x_held - means) / spreads, y_held - y.mean()


def errors(strength: float, rows: int, seed: int) -> tuple[float, float]:
    """Mean squared error of ridge on 65 columns: on the rows it was fitted to, and on rows held out."""
    from wellfit.duality import fit_penalized
    from wellfit.regularizers import L2

    x, y, x_held, y_held = _scaled(rows, seed)
    w = fit_penalized(x, y, L2(strength)).numpy().ravel()
    return float(((y - x @ w) ** 2).mean()), float(((y_held - x_held @ w) ** 2).mean())


@figure("validation-curve", "Validation curve")
def validation_curve(seed: int = 0) -> Plate:
    """Training and validation error over the strength of L2, over five splits."""
    strengths = np.logspace(-2.5, 1.25, 16)
    found = np.array([[errors(float(s), 220, seed + k) for s in strengths] for k in range(4)])
    mean, spread = found.mean(0), found.std(0)
    best = int(mean[:, 1].argmin())
    finding = f"Too little strength overfits, too much underfits; here {strengths[best]:.2g} is best"
    made, (panel,) = sheet(finding, height=3.8)
    for place, (name, color) in enumerate((("training rows", RED), ("rows held out", BLUE))):
        panel.plot(strengths, mean[:, place], color=color, label=name, linestyle="--" if place == 0 else "-")
        low, high = mean[:, place] - spread[:, place], mean[:, place] + spread[:, place]
        panel.fill_between(strengths, low, high, color=color, alpha=0.15, linewidth=0)
    dot(panel, strengths[best], mean[best, 1], BLUE, size=10)
    panel.set(xscale="log", xlabel="strength of L2", ylabel="mean squared error (sd²)", ylim=(0.25, 1.05))
    panel.legend(loc="upper center")
    rows = [(s, *m, *d) for s, m, d in zip(strengths, mean, spread, strict=True)]
    alt = "The training error rises with the strength; the error on rows held out falls, is least at a dot, and rises."
    note = "Diabetes with all squares and products, 65 columns, 220 rows; mean and standard deviation over four splits."
    columns = ("strength", "train error", "error held out", "train sd", "sd held out")
    return Plate(made, Table.of(columns, rows), finding, alt, note)


@figure("learning-curve", "Learning curve")
def learning_curve(seed: int = 0) -> Plate:
    """Error over the number of training rows, with little and with enough of L2."""
    counts, strengths = (70, 90, 110, 130, 160, 190, 220), {"hardly any L2 (0.003)": 0.003, "enough L2 (0.3)": 0.3}
    finding = "A penalty is worth most where rows are few: the gap closes as rows come in"
    made, panels = sheet(finding, 2, height=3.6, sharey=True)
    rows = []
    for panel, (name, strength) in zip(panels, strengths.items(), strict=True):
        found = np.array([[errors(strength, n, seed + k) for n in counts] for k in range(4)]).mean(0)
        panel.plot(counts, found[:, 1], "o-", color=BLUE, label="rows held out")
        panel.plot(counts, found[:, 0], "s--", color=RED, label="training rows")
        panel.fill_between(counts, found[:, 0], found[:, 1], color=QUIET, alpha=0.12, linewidth=0)
        panel.set(title=name, xlabel="training rows")
        rows += [(name, n, *pair, pair[1] - pair[0]) for n, pair in zip(counts, found, strict=True)]
    panels[0].set(ylabel="mean squared error (sd²)", ylim=(0, 1.06 * max(row[3] for row in rows)))
    panels[0].legend(loc="upper right")
    columns = ("setting", "rows", "train error", "error held out", "gap")
    alt = "Left, a wide gap between training error and error held out that narrows with rows; right, a narrow gap."
    note = "Ridge on 65 columns of diabetes, mean over four splits; the shaded band is the gap."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


@dataclasses.dataclass(frozen=True)
class Watched:
    """One training, watched: (epochs, 2) losses on training and validation rows, (epochs, 2) norms, last weights."""

    losses: Array
    norms: Array
    weights: Array


def watch(recipe: object, epochs: int = 60, seed: int = 0) -> Watched:
    """Train a small network on 120 rows of breast cancer with a tenth of the labels wrong, by the library's engine."""
    from sklearn.datasets import load_breast_cancer

    from wellfit.models.mlp import MLP, Shape
    from wellfit.target import Target
    from wellfit.training.cohort import seeded
    from wellfit.training.lone import Lone
    from wellfit.training.optimizers import Adam

    draw = np.random.default_rng(seed)
    x, y = load_breast_cancer(return_X_y=True)
    order = draw.permutation(len(x))
    x, y = torch.tensor(((x - x.mean(0)) / x.std(0))[order], dtype=torch.float32), y[order]
    y = np.where(draw.random(len(y)) < 0.1, 1 - y, y)
    hot = torch.nn.functional.one_hot(torch.tensor(y), 2).float()
    target = Target(hot, torch.ones(len(y)), classes=True)
    lone = Lone(seeded(lambda: MLP(Shape(30, 2, width=64)), seed), recipe, Adam(), rate=3e-3, seed=seed, epoch_steps=4)
    losses, norms = [], []
    for _ in range(epochs):
        for part in torch.tensor(draw.permutation(120)).view(4, 30):
            lone.step(x[part], target.take(part))
        weights = {n: w.detach() for n, w in lone.weights().items()}
        out = torch.func.functional_call(lone.network, weights, (x,))
        each = target.row_losses(out).detach()
        losses.append((float(each[:120].mean()), float(each[120:].mean())))
        flat = torch.cat([w.flatten() for w in weights.values() if w.ndim > 1])
        norms.append((float(flat.abs().sum()), float(flat.norm())))
    return Watched(np.array(losses), np.array(norms), flat.numpy().astype(float))


def _recipe() -> object:
    from wellfit.recipe import Recipe
    from wellfit.regularizers import L1, Dropout

    return Recipe(L1(3e-3), Dropout(0.3))


@figure("dashboard", "Regularization dashboard")
def dashboard(seed: int = 0) -> Plate:
    """Four views of one training without and with a recipe: losses, weights, norms, the gap."""
    from wellfit.recipe import Recipe

    found = {"no recipe": watch(Recipe(), seed=seed), "L1 and dropout": watch(_recipe(), seed=seed)}
    gaps = {name: w.losses[-1, 1] - w.losses[-1, 0] for name, w in found.items()}
    finding = "The recipe takes the gap at the last epoch from {:.2f} to {:.2f}".format(*gaps.values())
    made, panels = sheet(finding, 2, 2, height=6.4)
    for (name, w), color in zip(found.items(), (RED, BLUE), strict=True):
        epochs = np.arange(1, len(w.losses) + 1)
        panels[0].plot(epochs, w.losses[:, 1], color=color, label=f"{name}, validation")
        panels[0].plot(epochs, w.losses[:, 0], color=color, linestyle="--", linewidth=1.4, label=f"{name}, training")
        edges = np.linspace(-0.6, 0.6, 49)
        panels[1].hist(w.weights, edges, color=color, alpha=0.55, label=f"{name}: {(w.weights == 0).mean():.0%} zero")
        for place, style in ((0, "-"), (1, "--")):
            share = w.norms[:, place] / w.norms[0, place]
            panels[2].plot(epochs, share, color=color, linestyle=style, label=f"{name}, L{place + 1}")
        panels[3].plot(epochs, w.losses[:, 1] - w.losses[:, 0], color=color, label=name)
    top = 1.35 * max(w.losses.max() for w in found.values())
    panels[0].set(title="losses", xlabel="epoch", ylabel="cross-entropy", ylim=(0, top))
    panels[1].set(title="weights at the end", xlabel="weight", ylabel="count", yscale="log")
    panels[2].set(title="norms, relative to the first epoch", xlabel="epoch", ylim=(0, None))
    panels[3].set(title="validation loss less training loss", xlabel="epoch")
    panels[3].axhline(0, color=INK, linewidth=0.8)
    for panel, place in zip(panels, ("upper center", "upper left", "center right", "upper left"), strict=True):
        panel.legend(loc=place, fontsize=8.5, ncols=2 if panel is panels[0] else 1)
    columns = ("recipe", "epoch", "train loss", "validation loss", "gap", "l1 norm", "l2 norm")
    rows = [
        (name, e + 1, *w.losses[e], w.losses[e, 1] - w.losses[e, 0], *w.norms[e])
        for name, w in found.items()
        for e in range(len(w.losses))
    ]
    alt = "Four panels: loss curves, a histogram of weights, norms over epochs and the gap, without and with a recipe."
    note = "Breast cancer (scikit-learn): 120 training rows, 449 to validate; a tenth of all labels wrong."
    return Plate(made, Table.of(columns, rows), finding, alt, note)
