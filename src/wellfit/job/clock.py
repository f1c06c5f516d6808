"""The budget of a run: when it began, when each thing has to be over, and whether there is any time at all."""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

from wellfit.errors import NothingTrained
from wellfit.job.folder import write_json
from wellfit.job.judging import Judging

_SOONEST = 0.5  # seconds left that are worth a probe

_BUDGETS = (20, 30, 60, 120, 180, 300, 600)
"""Seconds of the budgets that are proposed: one of these, or whole minutes."""


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

    def keep_free(self, judging: Judging, rows: int, again: bool = False) -> None:
        """From now on, training leaves the test of so many rows its time; ``again`` as ``Judging.reserve`` takes it."""
        judging.end = self.tested
        self.reserve = judging.reserve(rows, self.tested - time.monotonic(), again)

    def used(self) -> float:
        return time.monotonic() - self.started

    def until(self, share: float) -> float:
        """The moment when a share of what is left now has gone by."""
        now = time.monotonic()
        return now + max(0.0, self.end - now) * share


def check_time(clock: Clock, record: dict[str, Any], folder: Path) -> None:
    """Raises NothingTrained where starting and reading have used up the budget: a probe would only make it later."""
    if clock.end - time.monotonic() > _SOONEST:
        return
    record["status"], record["seconds"] = "budget", clock.used()
    say_nothing(record, folder, "budget")
    raise nothing_trained(clock, record, folder)


def say_nothing(record: dict[str, Any], folder: Path, status: str) -> None:
    """Write into the record that there is no model, and why."""
    why = {"interrupted": "the run was stopped", "budget": "the budget ended"}.get(status, "the run ended")
    record["verdict"] = {
        "level": "nothing trained", "sentence": f"Nothing was trained: {why} before training began. There is no model.",
        "not_checked": [],
    }  # fmt: skip
    write_json(folder / "run.json", record)


def nothing_trained(clock: Clock, record: dict[str, Any], folder: Path) -> NothingTrained:
    """The error of a budget that was over before; it names one that leaves time to train."""
    start = clock.used() - sum(float(phase["seconds"]) for phase in record.get("phases", ()))
    wanted = max(20.0, 2.0 * clock.seconds, 2.0 * start + 10.0)
    seconds = next((s for s in _BUDGETS if s >= wanted), 60 * math.ceil(wanted / 60))
    told = f"{seconds // 60}m" if seconds % 60 == 0 and seconds > 60 else f"{seconds}s"
    return NothingTrained(
        f"the budget of {clock.seconds:g} s was over before training could begin: starting and reading the data took "
        f"{start:.1f} s. Nothing was trained; {folder} holds no model.",
        fix=f"Give --budget {told} or more.",
        code="WF-B03",
    )
