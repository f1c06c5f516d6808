"""Images as arrays: .npy and .npz files read block by block, and arrays from Python, in whatever layout."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy

from wellfit.data.notes import Note, shown
from wellfit.errors import DataError

Block = numpy.ndarray
"""(some, channels, height, width)."""

_AT_ONCE = 2**24  # numbers of a block
_COLORS = (1, 3)

IMAGES = ("x", "x_train", "X")
"""What the array of images in an .npz file may be called."""


@dataclass
class Pixels:
    """Images of one size, read block by block.

    Args:
        shape: (images, height, width) or with channels before or behind, as they come.
        read: gives blocks of the array as it came, rows first.
        notes: how the layout was read.
        dtype: of what blocks are brought to: ``u1`` where the numbers are whole and 0 to 255, else ``f4``.
    """

    shape: tuple[int, ...]
    read: Callable[[], Iterator[numpy.ndarray]]
    dtype: str = "u1"
    first: bool = False
    notes: list[Note] = field(default_factory=list)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def channels(self) -> int:
        return 1 if len(self.shape) == 3 else self.shape[1] if self.first else self.shape[3]

    @property
    def height(self) -> int:
        return self.shape[2] if self.first else self.shape[1]

    @property
    def width(self) -> int:
        return self.shape[3] if self.first else self.shape[2]

    def blocks(self) -> Iterator[Block]:
        for block in self.read():
            if block.ndim == 3:
                yield block[:, None]
            else:
                yield block if self.first else numpy.moveaxis(block, -1, 1)


def pixels_of(x: Any, name: str = "x") -> Pixels:
    """Images from an array of Python.

    Raises:
        DataError: its shape, its type or its numbers cannot be images.
    """
    held = _array(x, name)
    _require_shape(held.shape, held.dtype, name)
    step = max(1, _AT_ONCE // max(1, int(numpy.prod(held.shape[1:]))))
    return _pixels(held.shape, held.dtype, lambda: (held[i : i + step] for i in range(0, len(held), step)), name)


def _array(x: Any, name: str) -> numpy.ndarray:
    try:
        return numpy.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{name} is not a regular array ({shown(error, 120)}).", fix="Bring all images to one size.", code="WF-D19"
        ) from error


def looks_like_images(x: Any) -> bool:
    """Whether an array of Python has the shape of images and not of a table."""
    return getattr(x, "ndim", 0) in (3, 4) and hasattr(x, "dtype")


class NpzFile:
    """An .npz file: which arrays it holds, read without unpacking them whole into memory.

    Raises:
        DataError: it is damaged, or holds objects, which could run code.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self.names = [n.removesuffix(".npy") for n in archive.namelist()]
        except (OSError, zipfile.BadZipFile) as error:
            reason = getattr(error, "strerror", None) or "it is no .npz file, or damaged"
            raise DataError(
                f"{shown(path.name)} cannot be read: {reason}.", fix="Write it again with numpy.savez.", code="WF-D91"
            ) from error

    @property
    def images(self) -> str:
        """The name of its array of images, or the one that it should have."""
        return next((n for n in IMAGES if n in self.names), IMAGES[0])

    def pixels(self, name: str) -> Pixels:
        """The images of one of its arrays."""
        shape, dtype = self._head(name)
        _require_shape(shape, dtype, name)
        return _pixels(shape, dtype, lambda: self._blocks(name, shape, dtype), name)

    def small(self, name: str) -> numpy.ndarray:
        """One of its arrays, whole: labels."""
        shape, dtype = self._head(name)
        if int(numpy.prod(shape)) * dtype.itemsize > 2**31:
            raise DataError(
                f"the array {name} of {shown(self.path.name)} has the shape {shape}: far too many classes or numbers.",
                fix="Store one for each image.", code="WF-D19",
            )  # fmt: skip
        with self._reading(name), numpy.load(self.path, allow_pickle=False) as archive:
            return archive[name]

    def _head(self, name: str) -> tuple[tuple[int, ...], numpy.dtype]:
        with self._reading(name), zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as handle:
            shape, fortran, dtype = _read_head(handle)  # type: ignore[arg-type]
        if dtype.hasobject:
            raise self._objects(name)
        if fortran and len(shape) > 1:
            raise DataError(
                f"the array {name} of {shown(self.path.name)} is stored by columns.",
                fix="Store numpy.ascontiguousarray(x).",
                code="WF-D19",
            )
        return shape, dtype

    def _blocks(self, name: str, shape: tuple[int, ...], dtype: numpy.dtype) -> Iterator[numpy.ndarray]:
        row = int(numpy.prod(shape[1:]))
        step = max(1, _AT_ONCE // max(1, row))
        with self._reading(name), zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as handle:
            _read_head(handle)  # type: ignore[arg-type]
            for start in range(0, shape[0], step):
                count = min(step, shape[0] - start)
                body = handle.read(count * row * dtype.itemsize)
                yield numpy.frombuffer(body, dtype).reshape(count, *shape[1:])

    def _reading(self, name: str) -> _Reading:
        return _Reading(self.path.name, name)

    def _objects(self, name: str) -> DataError:
        return DataError(
            f"the array {name} of {shown(self.path.name)} holds Python objects, which are not loaded.",
            fix="Store numbers or fixed-width texts: y.astype(str).",
            code="WF-D18",
        )


class _Reading:
    """While it is open, what goes wrong in reading an archive becomes a DataError."""

    def __init__(self, file: str, name: str) -> None:
        self._file, self._name = file, name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, KeyError):
            raise DataError(
                f"{shown(self._file)} holds no array {self._name}.", fix="Store x and y.", code="WF-D94"
            ) from error
        if isinstance(error, Exception) and not isinstance(error, DataError):  # zlib, zipfile and numpy raise their own
            raise DataError(
                f"the array {self._name} of {shown(self._file)} is damaged.",
                fix="Write the file again with numpy.savez.",
                code="WF-D91",
            ) from error


def _read_head(handle: BinaryIO) -> tuple[tuple[int, ...], bool, numpy.dtype]:
    version = numpy.lib.format.read_magic(handle)
    read = numpy.lib.format.read_array_header_1_0 if version == (1, 0) else numpy.lib.format.read_array_header_2_0
    return read(handle)


def _require_shape(shape: tuple[int, ...], dtype: numpy.dtype, name: str) -> None:
    sides = shape[1:] if len(shape) == 3 else (shape[1:3] if len(shape) == 4 and shape[3] in _COLORS else shape[2:])
    colors = len(shape) == 3 or (len(shape) == 4 and (shape[3] in _COLORS or shape[1] in _COLORS))
    if not colors or min(shape) < 1 or max(sides) > 4096:
        raise DataError(
            f"{name} has the shape {shape}; images are (n, height, width), (n, height, width, 1 or 3) or "
            "(n, 1 or 3, height, width).",
            fix="Bring them into one of these; leave transparency out.",
            code="WF-D19",
        )
    if dtype.kind not in "buif":
        raise DataError(f"{name} holds {dtype}, not numbers.", fix="Bring uint8 or floats.", code="WF-D18")


def _pixels(
    shape: tuple[int, ...], dtype: numpy.dtype, raw: Callable[[], Iterator[numpy.ndarray]], name: str
) -> Pixels:
    first = len(shape) == 4 and shape[3] not in _COLORS
    notes = [Note("WF-D98", f"{name} is read as (n, channels, height, width).")] if first else []
    kind = "u1" if dtype == numpy.uint8 or dtype.kind == "b" or _are_bytes(dtype, raw) else "f4"

    def blocks() -> Iterator[numpy.ndarray]:
        place = 0
        for block in raw():
            with numpy.errstate(over="ignore"):
                made = block.astype(numpy.dtype(kind))
            if kind == "f4" and not numpy.isfinite(made).all():
                row = place + int(numpy.flatnonzero(~numpy.isfinite(made).reshape(len(made), -1).all(1))[0])
                told = f"image {row} of {name} has pixels that are no numbers, or far too large."
                raise DataError(told, fix="Leave it out.", code="WF-D93")
            place += len(made)
            yield made

    return Pixels(shape, blocks, kind, first, notes)


def _are_bytes(dtype: numpy.dtype, raw: Callable[[], Iterator[numpy.ndarray]]) -> bool:
    """Whether whole numbers of a wider type are all 0 to 255."""
    return dtype.kind in "ui" and all(b.min() >= 0 and b.max() <= 255 for b in raw())
