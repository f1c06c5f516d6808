"""Where images come from: a folder with one folder for each class, an .npz file, or arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wellfit.data import Note, NpzFile, looks_like_images, parts_of, pixels_of, read_arrays, read_folders
from wellfit.data.arrays import target_from_array
from wellfit.data.notes import listed
from wellfit.data.pictures import Read
from wellfit.errors import DataError, UsageError
from wellfit.job.options import Options, refuse_roles
from wellfit.job.picture_kind import PICTURES
from wellfit.job.table_source import Source, split_parts

_Y = ("y", "y_train")
_OTHER_PARTS = {"test": ("x_test", "y_test"), "valid": ("x_valid", "y_valid")}


def holds_pictures(path: str | Path) -> bool:
    """Whether a path is read as images: a folder, or an .npz file."""
    return Path(path).is_dir() or Path(path).suffix.lower() == ".npz"


def pictures_from_path(path: str | Path, options: Options) -> Source:
    """Images of a folder or an .npz file, with validation and test images where they have places of their own.

    Raises:
        UsageError: an option is for tables.
        DataError: the images cannot be used; the sentence says why.
    """
    refuse_roles(options, "images")
    place = Path(path)
    more = {"valid": options.valid, "test": options.test}
    given = {part: Path(p) for part, p in more.items() if p is not None}
    if place.is_dir():
        if options.target:
            told = "the classes of images are the names of their folders, and --target names a column."
            raise UsageError(told, fix="Leave --target out.", code="WF-U16")
        inside = parts_of(place)
        folders = {**(inside or {"training": place}), **given}
        for part, folder in folders.items():
            if not folder.is_dir():
                raise UsageError(f"the {part} images are to be a folder too.", fix="Name one.", code="WF-U16")
        read = read_folders(folders, options.size)
        if inside:
            told = f"the folders {listed([p.name for p in inside.values()])} are read as parts, not as classes."
            read.samples.notes.append(Note("WF-D98", told))
    else:
        read = read_arrays(_archive(place, given), options.size, options.task)
    return _source(read, options, place.name or place.resolve().name)


def pictures_from_arrays(x: Any, y: Any, options: Options, *, valid: Any = None, test: Any = None) -> Source:
    """The same from arrays (n, height, width), with channels behind or before; parts are pairs (x, y)."""
    refuse_roles(options, "images")
    pairs = {"training": (x, y), "valid": valid, "test": test}
    given = {}
    for part, pair in pairs.items():
        if pair is not None:
            pixels = pixels_of(pair[0])
            given[part] = (pixels, target_from_array(pair[1], len(pixels))[0].rename("y"))
    return _source(read_arrays(given, options.size, options.task), options, "arrays")


def _archive(path: Path, others: dict[str, Path]) -> dict[str, tuple[Any, pd.Series]]:
    file = NpzFile(path)
    names = _names(file)
    given = {"training": _pair(file, *names["training"])}
    for part in _OTHER_PARTS:
        if part in others:
            given[part] = _pair(NpzFile(others[part]), "x", "y")
        elif part in names:
            given[part] = _pair(file, *names[part])
    return given


def arrays_in(path: Path) -> tuple[tuple[str, str], ...]:
    """The names of the arrays of images and of their classes in an .npz file, a pair for each part, in reading order.

    Raises:
        DataError: there are none.
    """
    return tuple(_names(NpzFile(path)).values())


def _names(file: NpzFile) -> dict[str, tuple[str, str]]:
    x, y = file.images, next((n for n in _Y if n in file.names), _Y[0])
    if not {x, y} <= set(file.names):
        raise DataError(
            f"the file holds {listed(file.names) or 'nothing'}; x and y are needed.",
            fix="numpy.savez(path, x=images, y=classes), and x_test, y_test where there are test images.",
            code="WF-D94",
        )
    for part, (images, classes) in _OTHER_PARTS.items():
        if images in file.names and classes not in file.names:
            told = f"the file holds {images} and no {classes}, so it is not known what the {part} images are."
            raise DataError(told, fix=f"Store {classes} too, or leave {images} out.", code="WF-D94")
    return {"training": (x, y), **{part: pair for part, pair in _OTHER_PARTS.items() if set(pair) <= set(file.names)}}


def _pair(file: NpzFile, x: str, y: str) -> tuple[Any, pd.Series]:
    pixels = file.pixels(x)
    labels = np.asarray(file.small(y))
    return pixels, target_from_array(labels, len(pixels))[0].rename("y")


def _source(read: Read, options: Options, name: str) -> Source:
    return Source(read.samples, split_parts(read.samples, read.parts, options), name, (), PICTURES)


__all__ = ["arrays_in", "holds_pictures", "looks_like_images", "pictures_from_arrays", "pictures_from_path"]
