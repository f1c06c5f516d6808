"""The bar at the bottom of the terminal: as much of it as the width allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wellfit.report.numbers import clock, number
from wellfit.report.plain import shortened

if TYPE_CHECKING:
    from rich.text import Text

_LONGEST = 32
_SHORTEST = 6
_BESIDE = 38  # columns for the best loss and what is being done; fixed, so that the bar does not jump


@dataclass(frozen=True)
class Moment:
    """How far a job is.

    Args:
        fraction: the share of the budget that is used; beyond 1 it is finishing.
        seconds: the budget.
        doing: what it does just now, in a few words.
        best: the best loss so far.
    """

    fraction: float
    seconds: float
    doing: str
    best: float | None

    @property
    def share(self) -> float:
        return min(max(self.fraction, 0.0), 1.0)

    def elapsed(self) -> str:
        return clock(max(self.fraction, 0.0) * self.seconds)

    def left(self) -> str:
        return "finishing" if self.fraction >= 1.0 else f"{clock((1.0 - self.share) * self.seconds)} left"

    def sentence(self) -> str:
        """The moment as a line of a log."""
        told = [f"{self.elapsed()} of {clock(self.seconds)}", self.left(), self.doing]
        told.append(f"best {number(self.best, 4)}" if self.best is not None else "")
        return ", ".join(part for part in told if part)


def bar(moment: Moment, width: int, encoding: str = "utf-8") -> Text:
    """One line of less than ``width`` columns: bar, times, best loss, what is being done."""
    from rich.text import Text

    room = max(width - 1, 1)
    times = f"{moment.elapsed()} of {clock(moment.seconds)}, {moment.left()}"
    if room < len(times) + _SHORTEST + 1:
        return Text(shortened(f"{100 * moment.share:.0f} % {moment.left()}", room), no_wrap=True, overflow="crop")
    best = f"best {number(moment.best, 4)}" if moment.best is not None else ""
    length = min(_LONGEST, max(_SHORTEST, room - len(times) - _BESIDE), room - len(times) - 2)
    line = _drawn(moment.share, length, encoding)
    for piece, style in ((times, ""), (best, "bold"), (moment.doing, "dim")):
        space = room - len(line) - 2
        if piece and space >= min(len(piece), 12):
            line.append("  ").append(shortened(piece, space), style=style)
    line.no_wrap, line.overflow = True, "crop"
    return line


def _drawn(share: float, length: int, encoding: str) -> Text:
    from rich.text import Text

    done = int(share * length + 0.5)
    try:
        "\u2501\u2500".encode(encoding)
        full, empty = "\u2501", "\u2500"
    except (UnicodeEncodeError, LookupError):
        full, empty = "#", "-"
    return Text().append(full * done, style="cyan").append(empty * (length - done), style="bright_black")
