"""How long the test takes: its time is kept free, and of slow networks fewer seeds are judged than were trained."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from wellfit.job.nets import rows_at_once
from wellfit.job.prepare import Material
from wellfit.training.study import Study

_NETS = 20
"""Networks that the test has to read: two seeds of five entrants, the control's last epoch, and an ensemble."""

_LARGEST_SHARE = 0.2
"""Of what is left of the budget: a test that would take longer is judged on fewer seeds."""


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

    def reserve(self, material: Material, left: float) -> float:
        """Seconds to keep free for the test, of those that are left."""
        return min(_LARGEST_SHARE * left, self.per_row * _NETS * len(material.split.test))

    def seeds(self, material: Material, finalists: int, trained: int, others: int) -> int:
        """How many seeds of each finalist there is time for: one at least, all where nothing is to be cut.

        Args:
            trained: seeds of each finalist.
            others: networks that are judged in any case: what is handed over, and the ensemble's.
        """
        if self.end is None or self.per_row <= 0.0:
            return trained
        test, valid = len(material.split.test), max(len(v) for _, v in material.split.folds)
        # the control's last epoch is judged too, and its temperature is fitted on validation rows
        each = self.per_row * len(material.judging) * (min(5, finalists + 1) * test + valid)
        left = self.end - time.monotonic() - self.per_row * others * test
        return max(1, min(trained, int(left / max(1e-9, each))))

    @contextlib.contextmanager
    def threaded(self) -> Iterator[None]:
        """While it is open, torch computes with as many threads as served best; then with as many as before."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or before)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def time_judging(material: Material, study: Study) -> Judging:
    """Have an untrained network read a block of rows, with one thread and with all: beside other work one is faster."""
    network = study.network().eval()
    rows = rows_at_once(study.shape)  # type: ignore[arg-type]
    x = material.rows.x[torch.arange(rows) % len(material.rows.x)]
    timed = {}
    for threads in {1, torch.get_num_threads()}:
        with torch.no_grad(), Judging(threads=threads).threaded():
            timed[threads] = _seconds(network, x)
    threads = min(timed, key=timed.__getitem__)
    return Judging(timed[threads] / rows, threads=threads)


def _seconds(network: nn.Module, x: Tensor) -> float:
    """Of the second of two readings: the first one begins much that stays."""
    for _ in range(2):
        begun = time.monotonic()
        network(x)
    return time.monotonic() - begun
