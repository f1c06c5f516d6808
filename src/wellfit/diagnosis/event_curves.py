"""The curves of TensorBoard's event files, of one file or of a folder with one folder for each side."""

from __future__ import annotations

from pathlib import Path

from wellfit.diagnosis.event_files import scalars
from wellfit.diagnosis.history import History, make_history, recognized
from wellfit.errors import DataError

_MOST = 200 * 2**20  # bytes of all files; what is larger holds pictures, which are read through in vain


def read_events(path: Path) -> History:
    """The scalar curves of an event file or a folder of them; TensorBoard itself is not needed.

    A subfolder's name is part of its curves' names: Keras writes ``train`` and ``validation``.

    Raises:
        DataError: there is no curve in it, it is damaged, or too large.
    """
    files = sorted(p for p in path.rglob("*tfevents*") if p.is_file()) if path.is_dir() else [path]
    found: dict[str, dict[int, float]] = {}
    for file in files:
        above = "/".join(file.relative_to(path).parts[:-1]) if path.is_dir() else ""
        for tag, step, value in scalars(_content(file, files), file.name):
            found.setdefault(f"{above}/{tag}" if above else tag, {})[step] = value
    roles = recognized(found)
    curves = {role: found[tag] for role, tag in roles.items() if role != "epoch"}
    if not {"train_loss", "val_loss", "train_metric", "val_metric"} & curves.keys():
        told = f"the scalars {', '.join(map(repr, list(found)[:8]))}" if found else "no scalar curve"
        raise DataError(f"{path.name} holds {told}.", fix="Log train_loss and val_loss.", code="WF-G03")
    # curves written once an epoch stand at other steps than those written every few batches
    beat = curves.get("val_loss") or curves.get("val_metric") or next(iter(curves.values()))
    steps = sorted(beat)
    columns = {roles[role]: [_last(values, step) for step in steps] for role, values in curves.items()}
    return make_history({"epoch": list(range(1, len(steps) + 1)), **columns}, path.name)


def _content(file: Path, files: list[Path]) -> bytes:
    try:
        if sum(f.stat().st_size for f in files) > _MOST:
            told = f"{file.name} and its neighbors have more than 200 MB."
            raise DataError(told, fix="Log the curves by themselves.", code="WF-G08")
        return file.read_bytes()
    except OSError as error:
        raise DataError(
            f"{file.name} cannot be read: {error.strerror or type(error).__name__}.", fix="Check the path.",
            code="WF-G08",
        ) from error  # fmt: skip


def _last(values: dict[int, float], step: int) -> float | None:
    """The value at a step, or the latest before it."""
    before = [s for s in values if s <= step]
    return values[max(before)] if before else None
