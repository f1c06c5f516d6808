"""Rows in a file: written one after the other, read where they are asked for, never all in memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy

from wellfit.errors import DataError

_AT_ONCE = 2**24  # numbers of a block: 16 MiB of bytes


class Mapped:
    """An array in a file, mapped into memory; a process that is handed one opens the file itself.

    Args:
        path: of the file, which holds the numbers and nothing else.
        shape: (rows, ...).
        dtype: of the numbers.
        keep: the folder to be removed when nobody holds this array any more; stays in the process that made it.
    """

    def __init__(self, path: str, shape: tuple[int, ...], dtype: str, keep: Any = None) -> None:
        self.path, self.shape, self.dtype, self._keep = path, tuple(shape), numpy.dtype(dtype), keep
        self._array: numpy.ndarray | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Mapped, (self.path, self.shape, self.dtype.str)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> numpy.ndarray:
        """A copy of these rows."""
        if self._array is None:
            self._array = numpy.memmap(self.path, self.dtype, "r", shape=self.shape)
        return numpy.array(self._array[rows])

    def blocks(self, rows: numpy.ndarray) -> Iterable[numpy.ndarray]:
        """These rows in blocks that are small beside the memory."""
        step = max(1, _AT_ONCE // max(1, int(numpy.prod(self.shape[1:]))))
        for start in range(0, len(rows), step):
            yield self[rows[start : start + step]]

    def pick(self, rows: numpy.ndarray) -> Picked:
        """These rows, none of which is read yet."""
        return Picked(self, rows)

    @property
    def megabytes(self) -> float:
        return float(numpy.prod(self.shape)) * self.dtype.itemsize / 2**20


class Picked:
    """Some rows of a ``Mapped``, read where they are asked for."""

    def __init__(self, held: Mapped, rows: numpy.ndarray) -> None:
        self.held, self.rows = held, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> numpy.ndarray:
        return self.held[self.rows[rows]]


class Writing:
    """A new ``Mapped`` of so many rows at most, filled from the front; its file is gone with the last who holds it.

    Raises:
        DataError: ``WF-D97``, where the folder for temporary files has no room.
    """

    def __init__(self, rows: int, shape: tuple[int, ...], dtype: str) -> None:
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="wellfit-", ignore_cleanup_errors=True)
            self._path = Path(self._folder.name) / "rows.bin"
            self._shape, self._dtype, self._count = shape, numpy.dtype(dtype), 0
            self._handle = open(self._path, "xb")  # noqa: SIM115 - closed in done()
        except OSError as error:
            raise _no_room(error, rows) from error

    def add(self, rows: numpy.ndarray) -> None:
        """(some, ...) rows behind those that are there."""
        try:
            self._handle.write(numpy.ascontiguousarray(rows, self._dtype).tobytes())
        except OSError as error:
            raise _no_room(error, len(rows)) from error
        self._count += len(rows)

    def done(self) -> Mapped:
        try:
            self._handle.close()
        except OSError as error:
            raise _no_room(error, self._count) from error
        return Mapped(str(self._path), (self._count, *self._shape), self._dtype.str, self._folder)

    def drop(self) -> None:
        """Give up: nothing of it stays."""
        with contextlib.suppress(OSError):
            self._handle.close()
        self._folder.cleanup()


def _no_room(error: OSError, rows: int) -> DataError:
    return DataError(
        f"the pixels of {rows:,} images cannot be written to {tempfile.gettempdir()}: "
        f"{error.strerror or type(error).__name__}.",
        fix="Free some space, name another folder in TMPDIR, or take a smaller --size.",
        code="WF-D97",
    )
