"""From arrays or a DataLoader to tensors that are read again and again."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from wellfit.errors import DataError
from wellfit.hashes import hash_integers

_MOST = 2**32
"""Bytes that the rows of one part may take: they are held in memory, once for all members."""

_PASSES = 8
"""Passes that are read of a loader whose transform draws at random; fewer where they would take too much memory."""

_POOL = 2**29  # bytes that those passes may take together


@dataclasses.dataclass(frozen=True)
class Part:
    """Training, validation or test rows.

    Attributes:
        x: (rows, ...) inputs.
        y: (rows, ...) targets, as they came.
        rows: how many there are in one pass; ``x`` and ``y`` hold ``passes`` times as many.
        passes: more than one where a loader gives other values every time.
        batch: the loader's batch size, or None.
    """

    x: Tensor
    y: Tensor
    rows: int
    passes: int = 1
    batch: int | None = None

    def hash(self) -> str:
        """A short name of the content."""
        digest = hashlib.sha256()
        for tensor in (self.x, self.y):
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


def read_part(data: Any, name: str, seed: int, again: bool = False) -> Part:
    """Read a pair (X, y) or a DataLoader (any iterable of such pairs, batch by batch).

    Args:
        name: of the part, for errors.
        seed: what shuffling and random transforms of a loader draw from while it is read.
        again: whether to look if a second pass gives other values, and to read several then.

    Raises:
        DataError: it is neither, holds no rows, or does not fit into memory.
    """
    if isinstance(data, tuple | list) and len(data) == 2 and not isinstance(data[0], tuple | list):
        x, y = (_tensor(part, name) for part in data)
        return _checked(x, y, name, None)
    if not hasattr(data, "__iter__"):
        raise DataError(
            f"the {name} data are {type(data).__name__}; a pair (X, y) of arrays or tensors, or a DataLoader, is "
            "allowed.",
            fix="Bring one of them.",
            code="WF-D60",
        )
    first = _pass(data, name, seed, 0)
    if not again or not _varies(data, name, seed):
        return first
    each = max(1, _bytes(first.x))
    count = max(2, min(_PASSES, _POOL // each))
    passes = [first] + [_pass(data, name, seed, number) for number in range(1, count)]
    x, y = torch.cat([p.x for p in passes]), torch.cat([p.y for p in passes])
    return Part(x, y, first.rows, count, first.batch)


def _checked(x: Tensor, y: Tensor, name: str, batch: int | None) -> Part:
    if x.ndim < 1 or y.ndim < 1 or len(x) != len(y) or not len(x):
        raise DataError(
            f"the {name} data are inputs {tuple(x.shape)} and targets {tuple(y.shape)}; as many of both, and at "
            "least one row, are allowed.",
            fix="Bring one target for every row.",
            code="WF-D61",
        )
    for what, tensor in (("inputs", x), ("targets", y)):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DataError(
                f"the {name} {what} hold values that are not finite.", fix="Fill or drop them.", code="WF-D74"
            )
    return Part(x, y, len(x), 1, batch)


def _pass(loader: Any, name: str, seed: int, number: int) -> Part:
    """One pass over a loader, everything random in it seeded."""
    inputs, targets, held = [], [], 0
    with reading(loader, hash_integers(seed, number, len(name))):
        for batch in loader:
            x, y = _pair(batch, name)
            inputs.append(x)
            targets.append(y)
            held += _bytes(x) + _bytes(y)
            if held > _MOST:
                raise DataError(
                    f"the {name} data take more than {_MOST / 2**30:.0f} GB, and search holds them in memory.",
                    fix="Search on fewer rows or smaller pictures, and train with the recipe on all of them.",
                    code="WF-D63",
                )
    if not inputs:
        raise DataError(f"the {name} loader gives no batch.", fix="Bring rows.", code="WF-D61")
    size = getattr(loader, "batch_size", None)
    return _checked(_joined(inputs, name), _joined(targets, name), name, size if isinstance(size, int) else None)


def _joined(parts: Sequence[Tensor], name: str) -> Tensor:
    shapes = {tuple(p.shape[1:]) for p in parts}
    if len(shapes) > 1:
        raise DataError(
            f"batches of the {name} data differ in shape: {', '.join(str(s) for s in sorted(shapes)[:3])}.",
            fix="Pad or resize all rows to one shape.",
            code="WF-D64",
        )
    return torch.cat(list(parts))


def _varies(loader: Any, name: str, seed: int) -> bool:
    """Whether the loader's rows are other ones under other draws, whatever their order."""
    dataset = getattr(loader, "dataset", None)
    if dataset is None or not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        return False
    first = []
    for number in range(2):
        with reading(loader, hash_integers(seed, number, 55)):
            items = [dataset[i] for i in range(min(4, len(dataset)))]
            first.append([_tensor(item[0], name) for item in items if isinstance(item, tuple | list)])
    return any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(*first, strict=True))


def _pair(batch: Any, name: str) -> tuple[Tensor, Tensor]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise DataError(
            f"a batch of the {name} loader is {type(batch).__name__}; a pair (inputs, targets) is allowed.",
            fix="Let the data set return pairs, and the model's forward take the inputs as one tensor.",
            code="WF-D65",
        )
    return _tensor(batch[0], name), _tensor(batch[1], name)


def _tensor(values: Any, name: str) -> Tensor:
    """A tensor of its own, on the CPU: numbers only."""
    try:
        if not isinstance(values, Tensor):
            values = torch.from_numpy(np.array(values))
        return values.detach().cpu()
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the {name} data hold {type(values).__name__} that are no numbers ({str(error)[:80]}).",
            fix="Encode classes as 0, 1, 2, ... and columns as numbers; for tables as they are there is wellfit.fit.",
            code="WF-D66",
        ) from error


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


@contextlib.contextmanager
def reading(loader: Any, seed: int) -> Iterator[None]:
    """Everything that a loader may draw from is seeded while the context is open, and as before afterwards."""
    seed = int(seed) % 2**31
    own = loader.generator if isinstance(loader, DataLoader) else None
    kept = (random.getstate(), np.random.get_state(), own.get_state() if own is not None else None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        if own is not None:
            own.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])
            if own is not None and kept[2] is not None:
                own.set_state(kept[2])
