"""Which step of a training it is, and which pass of the step: what the draws of a person's own loop are keyed by."""

from __future__ import annotations

from wellfit.errors import UsageError


class Clock:
    """Counts steps, epochs, and what happens between two steps.

    The first pass of a step has the draws of the step itself. Each further one (a microbatch of an accumulated
    gradient, a second pass over the same rows) has fresh draws. A closure that is called again begins again, so that
    its second gradient sees the same dropout as its first.

    Args:
        epoch_steps: steps that make one epoch; None where the loop tells only where epochs end.

    Attributes:
        step: steps taken.
        epochs: epochs that have ended.
        batches: batches that have been handed out since the last step, or since the closure was called.
    """

    def __init__(self, epoch_steps: int | None) -> None:
        if epoch_steps is not None and (isinstance(epoch_steps, bool) or epoch_steps < 1):
            raise UsageError(
                f"epoch_steps is {epoch_steps!r}; a whole number from 1 is allowed.",
                fix="It is how often the optimizer steps in one epoch: len(loader), unless gradients are accumulated.",
                code="WF-A01",
            )
        self.epoch_steps = epoch_steps
        self.step = self.epochs = 0
        self.batches = self._passes = self._epoch_began = 0
        self._last_length: int | None = None

    @property
    def epoch(self) -> float:
        """Epochs passed, as the stages of a step count them."""
        if self.epoch_steps is not None:
            return self.step / self.epoch_steps
        if self._last_length is None:
            return float(self.epochs)
        return self.epochs + min((self.step - self._epoch_began) / self._last_length, 1.0)

    def next_batch(self) -> str:
        """The fork of the draws for a new batch: empty for the first one of a step."""
        self.batches += 1
        self._passes = 0
        return self._fork(0)

    def next_pass(self) -> str:
        """The fork of the draws for a new pass through the network."""
        self._passes += 1
        return self._fork(self._passes - 1)

    def restart(self) -> None:
        """The loop computes the loss of the same step once more."""
        self.batches = self._passes = 0

    def mark(self) -> tuple[int, int]:
        """Where in the step it is: batches and passes so far."""
        return self.batches, self._passes

    def rewind(self, mark: tuple[int, int]) -> None:
        """Back to a mark of this step: what follows has the draws that followed it before."""
        self.batches, self._passes = mark

    def stepped(self) -> None:
        self.step += 1
        self.restart()

    def ended_epoch(self) -> None:
        self.epochs += 1
        self._last_length = max(1, self.step - self._epoch_began)
        self._epoch_began = self.step

    def _fork(self, number: int) -> str:
        batch = max(self.batches - 1, 0)
        return f"{batch}.{number}" if batch or number else ""
