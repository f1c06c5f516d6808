"""TensorBoard's event files, read by tensorboard itself where it is installed."""

from __future__ import annotations

from pathlib import Path

from wellfit.diagnosis.history import History, make_history
from wellfit.errors import DataError, MissingExtra


def read_events(path: Path) -> History:
    """The scalar curves of an event file or a folder of them.

    Raises:
        MissingExtra: tensorboard is not installed.
        DataError: there is no curve in it.
    """
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError as error:
        raise MissingExtra("tensorboard", "tensorboard") from error
    events = EventAccumulator(str(path), size_guidance={"scalars": 0})
    events.Reload()
    found = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags().get("scalars", [])}
    if not found:
        raise DataError(f"{path.name} holds no scalar curve.", fix="Log train_loss and val_loss.", code="WF-G03")
    # curves written once an epoch stand at other steps than those written every few batches
    valid = [t for t in found if "val" in t.lower()] or list(found)
    steps = sorted(set().union(*(found[t] for t in valid)))
    columns = {tag: [_last(values, step) for step in steps] for tag, values in found.items()}
    return make_history({"epoch": list(range(1, len(steps) + 1)), **columns}, path.name)


def _last(values: dict[int, float], step: int) -> float | None:
    """The value at a step, or the latest before it."""
    before = [s for s in values if s <= step]
    return values[max(before)] if before else None
