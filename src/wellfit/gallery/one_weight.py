"""What a penalty does to one weight: its price, its pull, how far it shrinks, and when it reaches zero exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from wellfit.gallery.look import BLUE, COLORS, GREEN, INK, ORANGE, PURPLE, QUIET, RED, dot, say, sheet
from wellfit.gallery.optimum import outline
from wellfit.gallery.plate import Plate, Table, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from wellfit.draws import Now

Array = NDArray[np.float64]


def _moment(rate: float = 1.0) -> Now:
    from wellfit.draws import Now

    return Now.at(0, rates={"w": torch.tensor(rate, dtype=torch.float64)})


def charged(part: object, w: Array) -> tuple[Array, Array]:
    """Penalty and gradient of each weight by itself."""
    now = _moment()
    values = torch.tensor(w)
    prices = [float(part.penalty({"w": v.view(1, 1)}, now)) for v in values]  # type: ignore[attr-defined]
    slopes = part.penalty_gradient({"w": values.view(1, -1)}, now)["w"].view(-1)  # type: ignore[attr-defined]
    return np.array(prices), slopes.numpy()


@figure("penalties", "Price and pull")
def penalties(seed: int = 0) -> Plate:
    """Penalty and gradient of L1, L2, elastic net and a third power, of strength 1, over one weight."""
    from wellfit.regularizers import L1, L2, ElasticNet, Lp

    parts = {
        "L1": L1(1.0, form="loss"), "L2": L2(1.0), "elastic net": ElasticNet(1.0, 0.5, form="loss"),
        "power 3": Lp(1.0, 3.0),
    }  # fmt: skip
    finding = "L1 pulls a small weight as hard as a large one; L2 lets go as the weight nears zero"
    made, panels = sheet(finding, 2, height=3.8)
    w = np.linspace(-2.0, 2.0, 401)
    marks = ((RED, "-"), (BLUE, "-"), (GREEN, "--"), (PURPLE, ":"))
    for (name, part), (color, style) in zip(parts.items(), marks, strict=True):
        price, slope = charged(part, w)
        panels[0].plot(w, price, color=color, linestyle=style, label=name)
        slope = np.where((np.abs(w) < 0.005) & (name in ("L1", "elastic net")), np.nan, slope)  # the jump is no line
        panels[1].plot(w, slope, color=color, linestyle=style, label=name)
    panels[0].set(title="penalty", xlabel="weight", ylim=(-0.1, 4.2))
    panels[1].set(title="gradient", xlabel="weight", ylim=(-4.2, 4.2))
    panels[1].legend(loc="upper left")
    dot(panels[1], 0.0, float(charged(parts["L1"], np.zeros(1))[1][0]), INK, size=8)
    places = (-2.0, -1.0, -0.1, 0.0, 0.1, 1.0, 2.0)
    rows = [(name, p, *(v[0] for v in charged(part, np.array([p])))) for name, part in parts.items() for p in places]
    alt = "Left: V of L1, parabola of L2, elastic net between, a flat cubic. Right: steps and lines of the gradients."
    note = "All of strength 1; elastic net half L1. At zero L1 has no slope of its own; wellfit takes 0, the dot."
    return Plate(made, Table.of(("penalty", "weight", "price", "gradient"), rows), finding, alt, note)


def shrunk(name: str, w: Array, strength: float = 1.0) -> Array:
    """Where a weight comes to rest that would be w without a penalty: least (v - w) ** 2 / 2 + penalty(v)."""
    from wellfit.regularizers import L1, L2, ElasticNet, MaxNorm

    params, now = {"w": torch.tensor(w).view(-1, 1)}, _moment(1.0)
    if name == "L1":
        return L1(strength).project(params, now)["w"].view(-1).numpy()
    if name == "max norm":
        return MaxNorm(strength).project(params, now)["w"].view(-1).numpy()
    if name == "L2":  # with the 1/2 that makes the strengths comparable: slope strength * v
        slope = float(L2(strength / 2.0).penalty_gradient({"w": torch.ones(1, 1, dtype=torch.float64)}, now)["w"])
        return w / (1.0 + slope)
    net = ElasticNet(strength, 0.5)
    return net.project(params, now)["w"].view(-1).numpy() / (1.0 + 2.0 * float(net.l2))


@figure("shrinkage", "Shrinkage maps")
def shrinkage(seed: int = 0) -> Plate:
    """Weight without penalty against weight with it, for L1, L2, elastic net and max norm."""
    finding = "L1 subtracts and stops at zero, L2 divides, elastic net does both, max norm cuts off"
    made, panels = sheet(finding, 4, height=3.0, sharey=True)
    w = np.linspace(-3.0, 3.0, 601)
    names = {"L1": RED, "L2": BLUE, "elastic net": GREEN, "max norm": PURPLE}
    for panel, (name, color) in zip(panels, names.items(), strict=True):
        panel.plot(w, w, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
        panel.plot(w, shrunk(name, w), color=color, linewidth=2.6)
        panel.set(title=name, xlabel="weight without penalty", aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
    panels[0].set_ylabel("weight with it")
    places = (-3.0, -1.5, -0.5, 0.0, 0.5, 1.5, 3.0)
    rows = [(name, p, float(shrunk(name, np.array([p]))[0])) for name in names for p in places]
    alt = "Four maps against the dashed diagonal: a dead zone round zero, a flatter line, both at once, and a cut at 1."
    note = "Where (v - w)² / 2 + penalty(v) is least, at strength 1 (L2: v² / 2); max norm has the limit 1."
    return Plate(made, Table.of(("penalty", "without", "with"), rows), finding, alt, note)


def approach(form: str, start: float = 0.5, steps: int = 24, rate: float = 0.1, strength: float = 0.7) -> Array:
    """A weight that only L1 acts on, step by step: as a proximal step, or by its subgradient in the loss."""
    from wellfit.regularizers import L1

    part, now = L1(strength, form=form), _moment(rate)
    w = torch.tensor([[start]], dtype=torch.float64)
    path = [start]
    for _ in range(steps):
        slope = part.penalty_gradient({"w": w}, now).get("w", torch.zeros_like(w))
        w = part.project({"w": w - rate * slope}, now)["w"]
        path.append(float(w))
    return np.array(path)


def decayed(start: float = 0.5, steps: int = 24, rate: float = 0.1, strength: float = 0.7) -> Array:
    """The same weight under L2 of the same strength."""
    from wellfit.regularizers import L2

    part, w, path = L2(strength), torch.tensor([[start]], dtype=torch.float64), [start]
    for _ in range(steps):
        w = w - rate * part.penalty_gradient({"w": w}, _moment(rate))["w"]
        path.append(float(w))
    return np.array(path)


@figure("exact-zeros", "How a weight becomes exactly zero")
def exact_zeros(seed: int = 0) -> Plate:
    """One weight under the proximal step of L1, under its subgradient, and under L2."""
    paths = {
        "proximal L1": (approach("proximal"), RED, "o"),
        "L1 in the loss": (approach("loss"), ORANGE, "s"),
        "L2": (decayed(), BLUE, "^"),
    }
    first = int(np.argmax(paths["proximal L1"][0] == 0))
    finding = f"Only the proximal step lands on zero, at step {first}; a subgradient keeps jumping over it"
    made, (panel,) = sheet(finding, height=3.8)
    panel.axhline(0, color=INK, linewidth=1)
    for name, (path, color, mark) in paths.items():
        panel.plot(path, f"{mark}-", color=color, markersize=5, linewidth=1.4, label=name)
    panel.set(xlabel="step", ylabel="weight", xlim=(0, 24))
    panel.legend(loc="upper right")
    rows = [(name, step, w, w == 0) for name, (path, *_) in paths.items() for step, w in enumerate(path)]
    alt = "Three lines from 0.5: one lands on zero and stays, one zigzags round zero, one only nears it."
    note = "A weight that nothing but the penalty acts on: rate 0.1, strength 0.7, plain gradient descent."
    return Plate(made, Table.of(("form", "step", "weight", "exactly zero"), rows), finding, alt, note)


def diabetes(train: int = 220, seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """scikit-learn's diabetes, columns and target standardized by the training rows: x, y, x and y held out."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = x[order], y[order]
    x, y = (x - x[:train].mean(0)) / x[:train].std(0), (y - y[:train].mean()) / y[:train].std()
    return x[:train], y[:train], x[train:], y[train:]


@figure("mix-ratio", "The dial between L2 and L1")
def mix_ratio(seed: int = 0) -> Plate:
    """The elastic net from pure L2 to pure L1: its ball, the weights that are left, and the error."""
    from wellfit.duality import fit_penalized
    from wellfit.regularizers import ElasticNet

    x, y, x_held, y_held = diabetes(seed=seed)
    rows = []
    for ratio in np.linspace(0.0, 1.0, 11):
        w = fit_penalized(x, y, ElasticNet(0.3, float(ratio))).numpy().ravel()
        held = float(((y_held - x_held @ w) ** 2).mean())
        rows.append((round(float(ratio), 2), int((w != 0).sum()), held, np.abs(w).sum(), np.sqrt((w**2).sum())))
    best = min(rows, key=lambda row: row[2])[0]
    finding = f"Turning the dial from L2 to L1 leaves {rows[-1][1]} of 10 weights; the error is least at {best:g}"
    made, panels = sheet(finding, 3, height=3.3)
    for ratio, color in zip((0.0, 0.25, 0.5, 0.75, 1.0), COLORS, strict=False):
        kind = {0.0: "l2", 1.0: "l1"}.get(ratio, "elastic")
        panels[0].plot(*outline(kind, 1.0, ratio).T, color=color, label=f"{ratio:g}")
    panels[0].set(title="ball of measure 1", aspect="equal", xlabel="weight 1", ylabel="weight 2")
    panels[0].legend(title="share of L1", loc="center", fontsize=8, title_fontsize=8, handlelength=1.2)
    dial = [row[0] for row in rows]
    panels[1].plot(dial, [row[1] for row in rows], "o-", color=BLUE)
    panels[1].set(title="weights left of 10", xlabel="share of L1", ylim=(0, 10.6))
    panels[2].plot(dial, [row[2] for row in rows], "o-", color=RED)
    panels[2].set(title="error on rows held out", xlabel="share of L1")
    columns = ("l1_ratio", "weights left", "error held out", "l1 norm", "l2 norm")
    alt = "Balls from circle to diamond; a falling staircase of weights left; the error over the share of L1."
    note = "Diabetes (scikit-learn), standardized, 220 rows to fit, strength 0.3; mean squared error in units of sd²."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


@figure("max-norm", "Max norm, worked through")
def max_norm(seed: int = 0) -> Plate:
    """Three units under a limit of 6: over it, under it, and under a lower limit of 3 as well."""
    from wellfit.regularizers import MaxNorm, MinMaxNorm

    cases = (
        ("over the limit", MaxNorm(6.0), [1.0, 2.0, 3.0, 4.0, 5.0]),
        ("under it", MaxNorm(6.0), [1.0, 1.0]),
        ("at least 3", MinMaxNorm(3.0, 6.0), [1.0, 1.0]),
    )
    finding, rows = "A unit over the limit keeps its direction and loses length; one below is left alone", []
    made, panels = sheet(finding, 3, height=3.5, width_ratios=(2, 1, 1))
    for panel, (name, part, values) in zip(panels, cases, strict=True):
        before = torch.tensor([values], dtype=torch.float64)
        after = part.project({"w": before}, _moment())["w"]
        lengths = float(before.norm()), float(after.norm())
        _pairs(panel, before[0].numpy(), after[0].numpy())
        panel.set_title(f"{name}: {lengths[0]:.2f} → {lengths[1]:.2f}")
        rows += [(name, i + 1, b, a, *lengths) for i, (b, a) in enumerate(zip(before[0], after[0], strict=True))]
    panels[0].legend(loc="upper left")
    say(panels[0], -0.3, 4.05, f"each times 6 / √55 = {6 / np.sqrt(55):.3f}")
    columns = ("unit", "weight", "before", "after", "length before", "length after")
    alt = "Bars of weights before and after: five scaled down to length 6, two left alone, two scaled up to length 3."
    note = "MaxNorm(6) on the units (1, 2, 3, 4, 5) and (1, 1), MinMaxNorm(3, 6) on (1, 1); a unit is a row of weights."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


def _pairs(panel: Axes, before: Array, after: Array) -> None:
    """Bars side by side with their numbers."""
    places = np.arange(len(before))
    for shift, heights, color, told in ((-0.2, before, QUIET, "before"), (0.2, after, BLUE, "after")):
        drawn = panel.bar(places + shift, heights, 0.38, color=color, label=told)
        panel.bar_label(drawn, fmt="%.2f", fontsize=8, padding=2, color=INK)
    panel.set(xlabel="weight", ylim=(0, max(*before, *after) * 1.2))
    panel.set_xticks(places, [str(i + 1) for i in places])
    panel.grid(axis="x", visible=False)
