"""The budget of a run: when it began, when each thing has to be over, and whether there is any time at all."""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

from wellfit.errors import BudgetError
from wellfit.job.folder import write_json
from wellfit.job.judging import Judging

_SOONEST = 0.5  # seconds left that are worth a probe


@dataclasses.dataclass
class Clock:
    """The budget: when it began, and when each thing has to be over.

    Attributes:
        reserve: seconds that the test is known to take.
    """

    started: float
    seconds: float
    reserve: float = 0.0

    @property
    def end(self) -> float:
        """Training ends here; what is left is for testing and writing."""
        return self.tested - self.reserve

    @property
    def tested(self) -> float:
        """The test ends here; what is left is for writing."""
        return self.started + self.seconds - min(4.0, 0.5 + 0.05 * self.seconds)

    def keep_free(self, judging: Judging, rows: int) -> None:
        """From now on, training leaves the test of so many rows its time."""
        judging.end = self.tested
        self.reserve = judging.reserve(rows, self.tested - time.monotonic())

    def used(self) -> float:
        return time.monotonic() - self.started

    def until(self, share: float) -> float:
        """The moment when a share of what is left now has gone by."""
        now = time.monotonic()
        return now + max(0.0, self.end - now) * share


def check_time(clock: Clock, record: dict[str, Any], folder: Path) -> None:
    """Raises BudgetError where starting and reading have used up the budget: a probe would only make it later."""
    if clock.end - time.monotonic() > _SOONEST:
        return
    record["status"], record["seconds"] = "budget", clock.used()
    write_json(folder / "run.json", record)
    raise BudgetError(
        f"the budget of {clock.seconds:g} s was over before training could begin: starting and reading the data took "
        f"{clock.used():.1f} s. Nothing was trained.",
        fix=f"Give --budget {max(20, 5 * math.ceil((clock.used() + 15.0) / 5))}s or more.",
        code="WF-B01",
    )
