"""What dropout does to hidden values: which go missing under each form, and the thinned networks that are left."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import torch

from wellfit.gallery.look import BLUE, INK, PANEL, PAPER, QUIET, RED, bare, sheet
from wellfit.gallery.plate import Plate, Table, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from wellfit.regularizer import Regularizer
    from wellfit.sites import Site


def masks(seed: int = 0) -> dict[str, torch.Tensor]:
    """By form of dropout, (4 channels, 16, 16) of what becomes of ones: 0 where dropped, above 1 where kept."""
    from wellfit.draws import Now
    from wellfit.regularizers import DropBlock, Dropout, RowDropout, SpatialDropout
    from wellfit.sites import Site

    site, ones = Site("hidden", "hidden"), torch.ones(1, 4, 16, 16, dtype=torch.float64)
    steps = {"SpatialDropout(0.25)": _dropping(SpatialDropout(0.25), site, ones, seed)}
    parts = {
        "Dropout(0.25)": Dropout(0.25),
        "SpatialDropout(0.25)": SpatialDropout(0.25),
        "DropBlock(0.25, size=5)": DropBlock(0.25, size=5),
        "RowDropout(1.0)": RowDropout(1.0),
    }
    return {
        name: part.activation(ones, site, {}, Now.at(steps.get(name, 0), seed).of(name))[0]
        for name, part in parts.items()
    }


def _dropping(part: Regularizer, site: Site, ones: torch.Tensor, seed: int) -> int:
    """The first step in which something is dropped, and not all of it."""
    from wellfit.draws import Now

    name = f"{type(part).__name__}(0.25)"
    for step in range(1000):
        zeros = float((part.activation(ones, site, {}, Now.at(step, seed).of(name)) == 0).double().mean())
        if 0.0 < zeros < 1.0:
            return step
    return 0


@figure("dropout-masks", "Dropout masks")
def dropout_masks(seed: int = 0) -> Plate:
    """Four channels of a feature map under four forms of dropout."""
    from matplotlib.colors import ListedColormap

    found = masks(seed)
    finding = "Forms of dropout differ in what goes missing together: values, channels, blocks or lines"
    made, panels = sheet(finding, 4, height=2.7)
    colors = ListedColormap([RED, BLUE])
    for panel, (name, mask) in zip(panels, found.items(), strict=True):
        for channel in range(4):
            left, top = 17.5 * (channel % 2), 17.5 * (channel // 2)
            place = (left, left + 16, top + 16, top)
            panel.imshow((mask[channel] > 0).numpy(), cmap=colors, vmin=0, vmax=1, extent=place)
        bare(panel)
        panel.set(xlim=(0, 33.5), ylim=(33.5, 0), title=name)
        panel.set_xlabel(f"{(mask == 0).double().mean():.0%} dropped, kept × {mask.max():.2f}")
    rows = [
        (name, (mask == 0).double().mean(), mask.max(), mask.mean(), *(mask == 0).double().mean((1, 2)).tolist())
        for name, mask in found.items()
    ]
    columns = ("form", "dropped", "kept times", "mean", *(f"dropped in channel {c}" for c in range(1, 5)))
    alt = (
        "Four groups of four square maps: scattered dots, whole squares, compact blocks, and single lines are dropped."
    )
    note = "Blue is kept and scaled up, orange is dropped; ones of 4 channels of 16 x 16 went in, one draw each form."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


LAYERS = (4, 6, 6, 1)


def thinned(step: int, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Which units of each layer stay in a step, and which rows of each weight get a gradient in it."""
    from torch import nn

    from wellfit.draws import Now
    from wellfit.regularizers import Dropout
    from wellfit.sites import Site

    generator = torch.Generator().manual_seed(seed)
    weights = [
        nn.Parameter(torch.rand(b, a, generator=generator, dtype=torch.float64) + 0.1)
        for a, b in itertools.pairwise(LAYERS)
    ]
    h, kept = torch.ones(1, LAYERS[0], dtype=torch.float64), [np.ones(LAYERS[0], bool)]
    now = Now.at(step, seed).of("Dropout")
    for depth, w in enumerate(weights):
        h = h @ w.T
        if depth < len(weights) - 1:  # never at the output
            h = Dropout(0.5).activation(torch.relu(h), Site(f"h{depth}", "hidden"), {}, now)
        kept.append((h[0] != 0).numpy() if depth < len(weights) - 1 else np.ones(1, bool))
    h.sum().backward()
    return kept, [(w.grad != 0).any(1).numpy() for w in weights]


@figure("thinned-networks", "Thinned networks")
def thinned_networks(seed: int = 0) -> Plate:
    """A network of two hidden layers, whole and in three steps of dropout."""
    steps = (1, 2, 5)
    finding = "Each step of dropout trains another, thinner network; dropped units do not learn"
    made, panels = sheet(finding, 4, height=3.4)
    _network(panels[0], [np.ones(n, bool) for n in LAYERS])
    panels[0].set_title("in evaluation: all 12")
    rows = []
    for panel, step in zip(panels[1:], steps, strict=True):
        kept, learned = thinned(step, seed)
        _network(panel, kept)
        panel.set_title(f"step {step}: {kept[1].sum() + kept[2].sum()} of 12 left")
        for layer in (1, 2):
            for unit in range(LAYERS[layer]):
                dead = int(not kept[layer][unit])
                rows.append((step, layer, unit + 1, 1 - dead, int(learned[layer - 1][unit])))
    columns = ("step", "hidden layer", "unit", "mask", "gradient")
    alt = "Four diagrams of a network of 4 inputs, 6 and 6 hidden units and one output; three have units crossed out."
    note = "Dropout(0.5) on both hidden layers; a crossed unit puts out 0, and its incoming weights get no gradient."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


def _network(panel: Axes, kept: list[np.ndarray]) -> None:
    """Draw units as circles and weights as lines; what is dropped is pale, and crossed."""
    places = [(np.arange(n) - (n - 1) / 2) for n in LAYERS]
    for depth in range(len(LAYERS) - 1):
        for i, a in enumerate(places[depth]):
            for j, b in enumerate(places[depth + 1]):
                on = kept[depth][i] and kept[depth + 1][j]
                panel.plot([depth, depth + 1], [a, b], color=BLUE if on else QUIET, alpha=0.55 if on else 0.12, lw=0.9)
    for depth, ys in enumerate(places):
        for i, y in enumerate(ys):
            on = bool(kept[depth][i])
            face, edge = (BLUE, PAPER) if on else (PANEL, QUIET)
            panel.plot([depth], [y], "o", markersize=13, color=face, markeredgecolor=edge, zorder=4)
            if not on:
                panel.plot([depth], [y], "x", markersize=7, color=INK, markeredgewidth=1.4, zorder=5)
    bare(panel)
    panel.set(xlim=(-0.35, 3.35), ylim=(-3.0, 3.0))
