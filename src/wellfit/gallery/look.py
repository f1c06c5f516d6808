"""The gallery's look: colors that any eye tells apart, calm axes, titles that say what is found, two schemes."""

from __future__ import annotations

import contextlib
import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from wellfit.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, RULE, PAPER, PANEL = "#1d2126", "#586069", "#dcdcd6", "#fdfdfc", "#f0f0ec"
# Okabe & Ito, Color Universal Design, 2008.
BLUE, RED, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
COLORS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
DARK = {
    INK: "#e6e8ea", QUIET: "#a3abb3", RULE: "#33393f", PAPER: "#15181b", PANEL: "#24292e",
    BLUE: "#3f9fdf", RED: "#f08a3c", GREEN: "#2fc79c", PURPLE: "#dd94c2",
}  # fmt: skip
"""What each color is in a dark scheme; those that are left out serve in both."""

WIDTH = 9.6
"""Inches across every figure; letters of 10 points then read well on a page and on a slide."""


_NOT_STYLE = {"backend", "backend_fallback", "interactive", "toolbar", "timezone", "tk.window_focus"}
"""Settings of windows, not of pictures: asking for the backend would load pyplot."""


@contextlib.contextmanager
def look() -> Iterator[None]:
    """While open, matplotlib draws in the gallery's style; whatever was set before is set again afterwards.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise MissingExtra("matplotlib", "plots") from error
    usual = {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in _NOT_STYLE}
    with matplotlib.rc_context({**usual, **_style()}):
        yield


def _style() -> dict[str, Any]:
    return {
        "figure.facecolor": PAPER, "axes.facecolor": PAPER, "savefig.facecolor": PAPER, "text.color": INK,
        "axes.edgecolor": QUIET, "axes.labelcolor": QUIET, "axes.titlecolor": INK, "xtick.color": QUIET,
        "ytick.color": QUIET, "grid.color": RULE, "axes.grid": True, "axes.axisbelow": True, "grid.linewidth": 0.7,
        "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "font.size": 10.0,
        "axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 8.0,
        "legend.frameon": False, "legend.fontsize": 9.5, "lines.linewidth": 2.0, "svg.hashsalt": "wellfit",
        "axes.prop_cycle": _cycle(), "xtick.labelsize": 9.0, "ytick.labelsize": 9.0, "axes.unicode_minus": True,
        "figure.dpi": 100, "savefig.dpi": 150, "image.interpolation": "nearest", "font.family": ["DejaVu Sans"],
    }  # fmt: skip


def _cycle() -> Any:
    from cycler import cycler

    return cycler(color=COLORS)


def sheet(
    finding: str, columns: int = 1, rows: int = 1, *, height: float = 3.8, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with its title and a list of axes, row by row.

    Args:
        finding: what the figure shows; wrapped where it is long.
        columns, rows: of axes.
        height: in inches, without the title.
        options: for ``Figure.subplots``.
    """
    from matplotlib.figure import Figure

    lines = textwrap.wrap(finding, 88)
    made = Figure(figsize=(WIDTH, height + 0.28 * len(lines)), layout="constrained")
    made.get_layout_engine().set(w_pad=0.08, h_pad=0.08, wspace=0.04, hspace=0.05)  # type: ignore[union-attr]
    made.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    axes = made.subplots(rows, columns, squeeze=False, **options)
    return made, list(axes.flat)


def bare(axes: Axes) -> None:
    """Take ticks, grid and frame away: for pictures and diagrams."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)


def say(axes: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Write words at a place in the axes' own units, on a halo of paper."""
    from matplotlib.patheffects import withStroke

    chosen = {"fontsize": 9.5, "color": INK, **options}
    axes.text(x, y, text, path_effects=[withStroke(linewidth=3, foreground=PAPER)], **chosen)


def dot(axes: Axes, x: float, y: float, color: str, marker: str = "o", size: float = 9.0) -> None:
    """A mark with a rim of paper, so that it stands out from lines."""
    axes.plot([x], [y], marker, color=color, markersize=size, markeredgecolor=PAPER, markeredgewidth=1.3, zorder=6)


def label_bars(axes: Axes, names: Sequence[str], shares: Sequence[float], colors: Sequence[str]) -> None:
    """A label as lying bars, with the share beside each."""
    places = list(range(len(names)))[::-1]
    axes.barh(places, shares, color=list(colors), height=0.62)
    axes.set(xlim=(0, 1.32), ylim=(-0.6, len(names) - 0.4), xticks=[])
    axes.set_yticks(places, list(names))
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    for place, share in zip(places, shares, strict=True):
        axes.text(share + 0.03, place, f"{share:.2f}", va="center", fontsize=9)


def as_svg(figure: Figure) -> str:
    """The figure as SVG: equal bytes from equal figures, and colors that follow the reader's scheme.

    Colors stand in the elements as for a light page; a style sheet inside overrides them where the reader prefers dark.
    """
    with look():
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "wellfit"})
    head, start, rest = text.getvalue().partition("<defs>")
    return f"{head}<style>{dark_rules()}</style>{start}{rest}"


def dark_rules() -> str:
    """The style sheet that a dark scheme gets."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme:dark){{{rules}}}"


def as_png(figure: Figure) -> bytes:
    """The figure as PNG, 150 pixels an inch, for a light page."""
    with look():
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": "wellfit"})
    return content.getvalue()
