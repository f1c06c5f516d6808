"""Two weights and a loss: its surface, the balls that penalties stand for, and the paths that training takes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from wellfit.gallery.look import BLUE, GREEN, INK, PAPER, PURPLE, QUIET, RED, dot, say, sheet
from wellfit.gallery.plate import Plate, Table, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from wellfit.recipe import Recipe
    from wellfit.regularizers import Ball

Array = NDArray[np.float64]
KINDS = {"l2": ("L2 ball", BLUE), "l1": ("L1 ball", RED), "elastic": ("elastic-net ball", GREEN)}


@dataclasses.dataclass(frozen=True)
class Problem:
    """Least squares with two columns: mean((y - x w) ** 2), centered rows."""

    x: Array
    y: Array

    def loss(self, w: Array) -> Array:
        """The loss at points (..., 2)."""
        return ((self.y - w @ self.x.T) ** 2).mean(-1)

    @property
    def least(self) -> Array:
        """The weights of the least loss."""
        return np.linalg.lstsq(self.x, self.y, rcond=None)[0]


def problem(best: tuple[float, float] = (1.3, 0.9), seed: int = 0) -> Problem:
    """120 rows of two correlated columns (0.6), whose least squares are at ``best``, exactly."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((120, 2))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True)).T)
    x = x @ np.array([[1.0, 0.6], [0.0, 0.8]]) * np.array([1.0, 0.7])
    noise = draw.standard_normal(120)
    basis = np.column_stack([x, np.ones(120)])
    noise -= basis @ np.linalg.lstsq(basis, noise, rcond=None)[0]
    return Problem(x, x @ np.array(best) + 0.5 * noise)


def grid(low: float, high: float, count: int) -> tuple[Array, Array, Array]:
    """Places along an axis, twice as a mesh, and as points (count, count, 2)."""
    line = np.linspace(low, high, count)
    a, b = np.meshgrid(line, line)
    return a, b, np.stack([a, b], -1)


@figure("loss-surface", "A loss over two weights")
def loss_surface(seed: int = 0) -> Plate:
    """The loss of two weights as a surface and as contours, with its least point."""
    case = problem(seed=seed)
    best = case.least
    finding = f"A squared loss is a bowl with one lowest point, here at ({best[0]:.2f}, {best[1]:.2f})"
    made, panels = sheet(finding, 2, height=4.2)
    a, b, points = grid(-2.0, 3.0, 34)
    place = panels[0].get_subplotspec()
    panels[0].remove()
    solid = made.add_subplot(place, projection="3d")
    solid.plot_surface(a, b, case.loss(points), cmap="cividis_r", linewidth=0.15, edgecolor=QUIET, alpha=0.95)
    solid.plot(*[[v] for v in best], [float(case.loss(best))], "o", color=RED, markersize=8, zorder=9)
    solid.set(xlabel="weight 1", ylabel="weight 2", zlabel="loss", title="as a surface")
    solid.view_init(32, -58)
    solid.set_box_aspect(None, zoom=0.94)
    for axis in (solid.xaxis, solid.yaxis, solid.zaxis):
        axis.set_pane_color((0.5, 0.5, 0.5, 0.06))
    _contours(panels[1], case, (-2.0, 3.0))
    dot(panels[1], *best, RED, size=10)
    say(panels[1], best[0] + 0.14, best[1] + 0.1, f"least loss {case.loss(best):.2f}")
    panels[1].set(title="as contours of equal loss")
    corners = [(-2.0, -2.0), (3.0, -2.0), (-2.0, 3.0), (3.0, 3.0), (0.0, 0.0)]
    rows = [("least", *best, case.loss(best))]
    rows += [(f"at ({u:g}, {v:g})", u, v, case.loss(np.array([u, v]))) for u, v in corners]
    alt = "A bowl-shaped surface at the left; at the right its contours, tilted ellipses round a marked lowest point."
    note = "Mean squared error of 120 rows with two correlated columns (0.6)."
    return Plate(made, Table.of(("point", "weight 1", "weight 2", "loss"), rows), finding, alt, note)


def _contours(panel: Axes, case: Problem, span: tuple[float, float], through: float | None = None) -> None:
    """Ellipses of equal loss, evenly spaced in its root, one of them through a given loss."""
    a, b, points = grid(*span, 201)
    z, least = case.loss(points), float(case.loss(case.least))
    steps = np.arange(1, 12) * 0.32
    panel.contour(a, b, z, least + steps**2, colors=[QUIET], linewidths=0.8, alpha=0.6)
    if through is not None and through > least + 1e-9:
        panel.contour(a, b, z, [through], colors=[INK], linewidths=1.7)
    panel.set(xlim=span, ylim=span, aspect="equal", xlabel="weight 1", ylabel="weight 2")


def outline(kind: str, limit: float, ratio: float = 0.5, count: int = 721) -> Array:
    """(count, 2) points of a ball's edge, by angle; corners of the L1 ball among them."""
    angle = np.linspace(0.0, 2.0 * np.pi, count)
    way = np.stack([np.cos(angle), np.sin(angle)], -1)
    size = np.abs(way).sum(-1)
    if kind == "l1":
        return way * (limit / size)[:, None]
    if kind == "l2":
        return way * limit
    # ratio * size * r + (1 - ratio) * r ** 2 = limit
    share = 1.0 - ratio
    reach = (np.sqrt((ratio * size) ** 2 + 4.0 * share * limit) - ratio * size) / (2.0 * share)
    return way * reach[:, None]


def optimum(case: Problem, ball: Ball) -> tuple[Array, float]:
    """The point of least loss in a ball, and the strength of the penalty with that very solution."""
    from wellfit.duality import equivalent_strength, fit_constrained

    w = fit_constrained(case.x, case.y, ball).numpy().ravel()
    return w, equivalent_strength(torch.tensor(case.x), torch.tensor(case.y), ball)


def _ball_panels(case: Problem, finding: str, span: tuple[float, float]) -> tuple[object, list[tuple[object, ...]]]:
    from wellfit.regularizers import Ball

    made, panels = sheet(finding, 3, height=3.7, sharey=True)
    rows: list[tuple[object, ...]] = []
    for panel, (kind, (name, color)) in zip(panels, KINDS.items(), strict=True):
        ball = Ball(1.0, 0.5, kind=kind)
        w, strength = optimum(case, ball)
        _contours(panel, case, span, float(case.loss(w)))
        edge = outline(kind, 1.0)
        panel.fill(*edge.T, color=color, alpha=0.18, linewidth=0)
        panel.plot(*edge.T, color=color)
        dot(panel, *case.least, INK, "s", 7 if strength > 0 else 13)
        dot(panel, *w, color, "o", 10 if strength > 0 else 7)
        panel.set(title=name)
        told = f"optimum ({w[0]:.2f}, {w[1]:.2f})\nstrength {strength:.2f}"
        say(panel, span[0] + 0.12, span[1] - 0.12, told, va="top", bbox={"facecolor": PAPER, "linewidth": 0, "pad": 3})
        measure = float(ball.measure({"w": torch.tensor(w)}))
        rows.append((name, *w, case.loss(w), measure, strength, int((w == 0).sum())))
    panels[1].set_ylabel("")
    panels[2].set_ylabel("")
    return made, rows


_BALL_COLUMNS = ("ball", "weight 1", "weight 2", "loss", "measure", "strength", "zeros")


@figure("balls", "Penalties as balls, minimum outside")
def balls(seed: int = 0) -> Plate:
    """The L1, L2 and elastic-net balls with the contour that touches each at its exact optimum."""
    case = problem((2.1, 0.9), seed)
    finding = "The lowest contour touches the L1 ball at a corner, where one weight is exactly zero"
    made, rows = _ball_panels(case, finding, (-1.4, 2.8))
    alt = "Three balls of radius 1; the contour of the least loss that each allows touches it at one marked point."
    note = (
        "Round: the exact optimum in the ball (limit 1; the elastic net is half L1). Square: the minimum without it. "
        "The dark contour runs through the optimum; the strength is that of the penalty with the same solution."
    )
    return Plate(made, Table.of(_BALL_COLUMNS, rows), finding, alt, note)


@figure("balls-inside", "Penalties as balls, minimum inside")
def balls_inside(seed: int = 0) -> Plate:
    """The same balls where the minimum lies inside: the constraint does nothing."""
    case = problem((0.35, 0.25), seed)
    finding = "Where the minimum lies inside the ball, the limit changes nothing: its strength is 0"
    made, rows = _ball_panels(case, finding, (-1.4, 1.8))
    alt = "Three balls of radius 1 with the lowest point inside each; optimum and minimum coincide."
    note = "The optimum in the ball (round) is the minimum without it (square): no contour has to touch the edge."
    return Plate(made, Table.of(_BALL_COLUMNS, rows), finding, alt, note)


def trace(case: Problem, recipe: Recipe, steps: int = 100, rate: float = 0.2) -> Array:
    """(steps + 1, 2): the weights after each step of the library's own training from (-1.6, 2.4)."""
    from torch import nn

    from wellfit.target import Target
    from wellfit.training.lone import Lone
    from wellfit.training.optimizers import SGD

    network = nn.Linear(2, 1, bias=False).double()
    network.weight.data = torch.tensor([[-1.6, 2.4]], dtype=torch.float64)
    x, y = torch.tensor(case.x), torch.tensor(case.y)[:, None]
    target = Target(y, torch.ones(len(y), dtype=torch.float64), classes=False)
    lone = Lone(network, recipe, SGD(), rate=rate)
    path = [lone.weights()["weight"].numpy().ravel().copy()]
    for _ in range(steps):
        lone.step(x, target)
        path.append(lone.weights()["weight"].detach().numpy().ravel().copy())
    return np.array(path)


@figure("optimization-paths", "Where training goes")
def optimization_paths(seed: int = 0) -> Plate:
    """Paths of gradient descent from one start under four recipes; each ends at the optimum of its problem."""
    from wellfit.recipe import Recipe
    from wellfit.regularizers import L1, L2, Ball

    case = problem((1.3, 0.9), seed)
    recipes = {
        "no penalty": (Recipe(), INK),
        "L2 of strength 0.4": (Recipe(L2(0.4)), BLUE),
        "L1 of strength 1.5": (Recipe(L1(1.5)), RED),
        "L2 ball of radius 1": (Recipe(Ball(1.0, kind="l2")), GREEN),
    }
    finding = "From one start, each penalty leads training to a place of its own"
    made, panels = sheet(finding, 4, height=2.75, sharey=True)
    rows = []
    for panel, (name, (recipe, color)) in zip(panels, recipes.items(), strict=True):
        path = trace(case, recipe)
        _contours(panel, case, (-2.0, 2.9))
        panel.plot(*path.T, ".-", color=color, markersize=4, linewidth=1.2)
        dot(panel, *path[0], PURPLE, "D", 7)
        dot(panel, *case.least, INK, "s", 7)
        dot(panel, *path[-1], color, "o", 10)
        panel.set(title=name)
        panel.set_ylabel("weight 2" if panel is panels[0] else "")
        rows.append((name, *path[-1], case.loss(path[-1]), len(path) - 1))
    alt = "Four panels of the same contours; paths of dots run from one diamond to four different round end points."
    note = "100 steps of gradient descent, rate 0.2. Diamond: start. Square: least loss. Round: where training rests."
    columns = ("recipe", "weight 1", "weight 2", "loss", "steps")
    return Plate(made, Table.of(columns, rows), finding, alt, note)
