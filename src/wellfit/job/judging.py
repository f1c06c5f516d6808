"""How long the test takes: its time is kept free, and of slow networks fewer seeds are judged than were trained."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn

_NETS = 20
"""Networks that the test has to read: two seeds of five entrants, the control's last epoch, and an ensemble."""

_AGAIN = 8
"""How many more the ensemble's members are where they are trained twice."""

_LARGEST_SHARE = 0.2
"""Of what is left of the budget: a test that would take longer is judged on fewer seeds."""


_NOT_CUT = 1.0
"""Seconds that a test may take however late it is: fewer seeds would widen every interval for next to nothing."""

_FIRST = 8
"""Rows that are timed first: four times as many follow, until a reading takes long enough to tell."""

_ENOUGH = 0.1  # seconds


@dataclasses.dataclass
class Judging:
    """What one network takes for a row, and until when the test may go on.

    Attributes:
        per_row: seconds.
        threads: with which a row takes that; 0 where they stay as they are.
        end: the moment when the test should be over; None where nothing is to be cut.
    """

    per_row: float = 0.0
    end: float | None = None
    threads: int = 0

    def reserve(self, rows: int, left: float, again: bool = False) -> float:
        """Seconds to keep free for a test of so many rows, of those that are left.

        Args:
            again: whether the ensemble's members are trained twice, and both predict.
        """
        return max(0.0, min(_LARGEST_SHARE * left, self.per_row * (_NETS + _AGAIN * again) * rows))

    def seeds(self, trained: int, each: int, others: int) -> int:
        """How many seeds of each finalist there is time for: one at least, all where nothing is to be cut.

        Args:
            trained: seeds of each finalist.
            each: rows that one more seed makes networks read.
            others: rows that are read in any case: by what is handed over, and by the ensemble.
        """
        if self.end is None or self.per_row <= 0.0:
            return trained
        left = max(_NOT_CUT, self.end - time.monotonic()) - self.per_row * others
        return max(1, min(trained, int(left / max(1e-9, self.per_row * each))))

    @contextlib.contextmanager
    def threaded(self) -> Iterator[None]:
        """While it is open, torch computes with as many threads as served best; then with as many as before."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or before)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def time_judging(network: nn.Module, x: Tensor, rows: int) -> Judging:
    """Have an untrained network read some rows, with one thread and with all: beside other work one is faster.

    Args:
        x: (any, ...) inputs, which are repeated where there are too few.
        rows: how many it reads at once; of a slow network fewer are timed.
    """
    network.eval()
    per_row = {}
    for threads in {1, torch.get_num_threads()}:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), Judging(threads=threads).threaded():
            per_row[threads] = _seconds_per_row(network, x, rows)
    threads = min(per_row, key=per_row.__getitem__)
    return Judging(per_row[threads], threads=threads)


def _seconds_per_row(network: nn.Module, x: Tensor, rows: int) -> float:
    """Of the faster of two readings, after a first one, which begins much that stays."""
    some = min(_FIRST, rows)
    while True:
        block, took = x[torch.arange(some) % len(x)], []
        for _ in range(3):
            begun = time.monotonic()
            network(block)
            took.append(time.monotonic() - begun)
        seconds = min(took[1:])
        if some == rows or seconds > _ENOUGH:
            return seconds / some
        some = min(4 * some, rows)
