"""What a program for images is made from: their form, where they lie, and what each is called there."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from wellfit.data import PictureEncoder, parts_of
from wellfit.data.picture_folder import clean, find_classes
from wellfit.errors import UsageError
from wellfit.exporter.facts import (
    DRAWN,
    OTHER_FILES,
    Facts,
    Reading,
    given_options,
    other_files,
    require_same,
    shared_facts,
    split_of,
)
from wellfit.job.folder import Stored
from wellfit.job.picture_source import arrays_in, holds_pictures, pictures_from_path
from wellfit.job.run import Run
from wellfit.job.table_source import Source
from wellfit.models.picture_shape import PictureShape

_PARTS = "The parts: the run had its own images to validate or test by; here all are one (--data PATH mends it)."
_ARRAYS = "The data: the run was given arrays; here they are read from an .npz file with x and y."


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureFacts(Facts):
    """What else a program for images is made from.

    Attributes:
        encoder: size and channels, and whether pixels are bytes.
        archive: whether they are in an .npz file; else in folders.
        parts_in: the folders below the one that is named that hold folders of classes, or the pairs of arrays.
    """

    kind: ClassVar[str] = "image"
    encoder: PictureEncoder
    archive: bool
    parts_in: tuple[Any, ...]

    @property
    def form(self) -> PictureShape:
        assert isinstance(self.shape, PictureShape)
        return self.shape


def read_picture_facts(run: Run, stored: Stored, data: str | Path | None) -> PictureFacts:
    """Read a run on images, and the images where their folder or file is named.

    Raises:
        UsageError: these are not the run's images.
        DataError: they cannot be read.
    """
    record = run.record
    place = Path(data if data is not None else str(record["data"]["file"]))
    arrays = record["data"]["file"] == "arrays"
    archive = arrays or place.suffix.lower() == ".npz"
    if data is None:
        split, parts_in = "", (("x", "y"),) if archive else ("",)
        missing = [DRAWN, *([_PARTS] if "as given" in str(record["data"].get("split")) else [])]
    else:
        split, missing, parts_in = split_and_parts(record, place)
    return PictureFacts(
        **shared_facts(run, stored, Reading(str(place), None, None, split), [*missing, *([_ARRAYS] * arrays)]),
        encoder=stored.views[-1].encoder, archive=archive, parts_in=parts_in,
    )  # fmt: skip


def split_and_parts(record: dict[str, Any], place: Path) -> tuple[str, list[str], tuple[Any, ...]]:
    """The run's split of the images, what keeps it from being written, and the folders or arrays that hold them.

    Raises:
        UsageError: these are not the run's images.
    """
    if not holds_pictures(place):
        raise UsageError(
            "the images of this run are read from a folder or an .npz file.",
            fix="Name that one with --data, or leave --data out.",
            code="WF-A41",
        )
    if place.is_dir():
        found = [str(folder.relative_to(place)) for folder in parts_of(place).values()]
        parts_in: tuple[Any, ...] = tuple(found) if found else ("",)
    else:
        parts_in = arrays_in(place)
    if other_files(record):
        return "", [OTHER_FILES], parts_in
    source = pictures_from_path(place, given_options(record))
    require_same(record, source)
    if place.is_dir():
        where, count = _places(source, place, parts_in)
    else:
        where, count = source.table.rows, len(source.table)
    return *split_of(source, where, count), parts_in


def _places(source: Source, folder: Path, parts_in: tuple[str, ...]) -> tuple[np.ndarray, int]:
    """Where each image of a source stands among all files, damaged ones included; and how many there are."""
    listed = [
        clean(str(file.relative_to(folder / part))) for part in parts_in for file in find_classes(folder / part).files
    ]
    files = iter(enumerate(listed))
    names = source.table.names  # type: ignore[attr-defined] - images are samples
    return np.array([next(i for i, name in files if name == wanted) for wanted in names], dtype=np.int64), len(listed)
