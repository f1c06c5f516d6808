"""``wellfit prune``: a run's networks without the hidden units that are zero, checked, timed, and written anew."""

from __future__ import annotations

import dataclasses
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wellfit.data import Encoder
from wellfit.errors import RunFolderError
from wellfit.files import write_text
from wellfit.job.folder import Stored, plain, preprocess_json, write_json, write_model
from wellfit.job.nets import Nets
from wellfit.job.run import Run, load
from wellfit.job.zero_units import prunable, without_zero_units

ALIKE = 1e-6
"""How far outputs may be apart: rounding moves them less in double precision."""

_ROWS = 4096
_REPEATS, _LEAST = 31, 6  # a median of five at least, however slow the machine
_PATIENCE = 3.0  # seconds that timing may take


@dataclasses.dataclass(frozen=True)
class Pruned:
    """What pruning came to.

    Attributes:
        before, after: hidden units of all networks that are used.
        networks: how many those are.
        difference: the largest difference of an output, in double precision.
        times: seconds of predicting ``rows`` rows (before, after), one pair a repeat.
        rows: how many rows were timed.
        notes: what was left as it is, and why.
        run: the smaller run; None where nothing was zero, and nothing was written.
    """

    before: int
    after: int
    networks: int
    difference: float = 0.0
    times: tuple[tuple[float, float], ...] = ()
    rows: int = _ROWS
    notes: tuple[str, ...] = ()
    run: Run | None = None

    def speed(self) -> tuple[float, float, float]:
        """How many times faster: the median of the repeats' ratios, with the middle four fifths of them."""
        found = statistics.quantiles([a / b for a, b in self.times], n=10)
        return statistics.median(a / b for a, b in self.times), found[0], found[-1]

    def to_json(self) -> dict[str, Any]:
        """The facts, without the run."""
        facts = {
            "units_before": self.before, "units_after": self.after, "networks": self.networks,
            "difference": self.difference, "rows": self.rows, "repeats": len(self.times), "notes": list(self.notes),
        }  # fmt: skip
        if not self.times:
            return facts
        speed, low, high = self.speed()
        medians = {
            f"seconds_{n}": statistics.median(t[i] for t in self.times) for i, n in enumerate(("before", "after"))
        }
        return {**facts, **medians, "speed": speed, "speed_range": [low, high]}


def prune(folder: str | Path, out: str | Path | None = None) -> Pruned:
    """Take the hidden units that are exactly zero out of a run's networks, and write a smaller run.

    Args:
        folder: of a finished run.
        out: the new run's folder, which must not exist; by default the run's name with ``-pruned``.

    Raises:
        RunFolderError: the folder holds no run, the new one exists or cannot be made, or outputs would change.
    """
    run, stored = load(folder), Stored(Path(folder))
    target = Path(out) if out is not None else run.folder.with_name(f"{run.folder.resolve().name}-pruned")
    if target.exists():
        raise RunFolderError(f"{target} exists already.", fix="Name another folder with --out.", code="WF-F06")
    used = list(dict.fromkeys((g, int(i)) for use in stored.use.values() for g, i in use["members"]))
    old = {member: stored.groups[member[0]].take([member[1]]) for member in used}
    reasons = {member: prunable(nets, stored.shape) for member, nets in old.items()}
    new = {m: nets if reasons[m] else without_zero_units(nets, stored.shape) for m, nets in old.items()}
    notes = tuple(sorted({f"left as they are: {reason}" for reason in reasons.values() if reason}))
    before, after = (sum(_units(nets, stored) for nets in side.values()) for side in (old, new))
    if before == after:
        return Pruned(before, after, len(used), notes=notes)
    difference = max(_difference(stored, old[m], new[m]) for m in used)
    if not difference <= ALIKE:
        raise RunFolderError(
            f"outputs would change by {difference:.2g}; {ALIKE:g} is allowed.", fix="Keep the run.", code="WF-F06"
        )
    found = Pruned(before, after, len(used), difference, _timed(stored, old, new), notes=notes)
    _write(run, stored, new, target, found)
    return dataclasses.replace(found, run=load(target))


def _units(nets: Nets, stored: Stored) -> int:
    return sum(nets.widths or stored.shape.widths or (stored.shape.width,) * stored.shape.depth)


def _difference(stored: Stored, old: Nets, new: Nets) -> float:
    """The largest difference of outputs on rows drawn over the whole range of inputs, relative to those over 1."""
    x = probe_rows(stored.views[old.views[0]].encoder, 256).double()
    first, second = (_double(nets).outputs(stored.shape, lambda _view: x) for nets in (old, new))
    return float((np.abs(first - second) / np.maximum(1.0, np.abs(first))).max())


def _double(nets: Nets) -> Nets:
    weights = {n: w.double() if w.is_floating_point() else w for n, w in nets.weights.items()}
    return dataclasses.replace(nets, weights=weights)


def probe_rows(encoder: Encoder, count: int) -> torch.Tensor:
    """(count, encoded columns) rows as they might come: numbers over their whole range, whole categories."""
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(count, encoder.width)
    for block in encoder.blocks:
        span = slice(block.start, block.start + block.width)
        if block.kind == "number":
            x[:, span] = 6.0 * torch.rand(count, block.width, generator=generator) - 3.0  # the scale's limits
        else:
            chosen = torch.randint(block.width + 1, (count,), generator=generator)
            x[:, span] = torch.nn.functional.one_hot(chosen, block.width + 1)[:, : block.width].float()
    return x


def _timed(stored: Stored, old: dict[Any, Nets], new: dict[Any, Nets]) -> tuple[tuple[float, float], ...]:
    """Seconds of all networks' outputs (before, after), in turns so that both meet the same machine.

    On one processor, and only its own time: what other programs take is no part of the gain.
    """
    x = probe_rows(stored.views[0].encoder, _ROWS)
    pairs: list[tuple[float, float]] = []
    begun, threads = time.perf_counter(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        while len(pairs) <= _REPEATS and (len(pairs) < _LEAST or time.perf_counter() - begun < _PATIENCE):
            pairs.append((_seconds(stored, old, x), _seconds(stored, new, x)))
    finally:
        torch.set_num_threads(threads)
    return tuple(pairs[1:])  # the first one warms up


def _seconds(stored: Stored, side: dict[Any, Nets], x: torch.Tensor) -> float:
    begun = time.thread_time()
    for nets in side.values():
        nets.outputs(stored.shape, lambda _view: x)
    return time.thread_time() - begun


def _write(run: Run, stored: Stored, new: dict[tuple[str, int], Nets], target: Path, found: Pruned) -> None:
    """The run's folder with smaller networks: written beside it and moved there, whole or not at all."""
    from wellfit.report.page import render

    groups = {f"{g}.{i}": nets for (g, i), nets in new.items()}
    use = {n: {**u, "members": [[f"{g}.{i}", 0] for g, i in u["members"]]} for n, u in stored.use.items()}
    record = {**run.record, "name": target.name, "pruned": found.to_json()}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
            draft = Path(scratch) / "run"
            draft.mkdir()
            for name in ("recipe.json", "recipe.lean.json", "history.npz"):
                if (run.folder / name).is_file():
                    shutil.copyfile(run.folder / name, draft / name)
            content = preprocess_json(
                stored.kind, stored.views, stored.shape, stored.classes, stored.target, stored.task, groups, use
            )
            write_model(draft / "model.safetensors", groups)
            write_json(draft / "preprocess.json", content)
            write_json(draft / "run.json", record)
            write_text(draft / "report.html", render(plain(record)))
            os.rename(draft, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunFolderError(
            f"{target} cannot be written: {reason}.", fix="Name another one.", code="WF-F06"
        ) from error
