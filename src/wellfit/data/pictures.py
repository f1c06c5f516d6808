"""Images with their classes: from folders, arrays or .npz files to bytes of one size in a file of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import pandas

from wellfit.data.labeled import Samples
from wellfit.data.mapped import Mapped, Writing
from wellfit.data.notes import Note, counted, listed
from wellfit.data.picture import Header, read_picture
from wellfit.data.picture_arrays import Pixels
from wellfit.data.picture_folder import Found, bad_notes, clean, find_classes, headers, judge_bad, treatment_notes
from wellfit.data.target import class_text, read_target
from wellfit.errors import DataError

MIN_IMAGES = 20
LARGEST_SIDE = 64
"""Pixels of the longer side where no size is asked for: what a network on a processor trains on within minutes."""

SIDES = (4, 1024)  # of --size
_BILINEAR = 2  # PIL.Image.Resampling.BILINEAR, without importing Pillow


@dataclass(frozen=True)
class Form:
    """The form that all images are brought to."""

    height: int
    width: int
    channels: int

    @property
    def told(self) -> str:
        return f"{self.width} x {self.height} pixels, {'color' if self.channels == 3 else 'gray'}"


@dataclass
class Read:
    """Images of one study.

    Args:
        samples: all parts, one after the other.
        form: what they were brought to.
        parts: the row numbers of each part: ``training``, ``valid`` and ``test``.
    """

    samples: Samples
    form: Form
    parts: dict[str, numpy.ndarray]


def read_folders(folders: dict[str, Path], size: int | None = None) -> Read:
    """The images of folders with one folder for each class.

    Args:
        folders: ``training``, and ``valid`` and ``test`` where they have folders of their own.
        size: pixels of the longer side; by default as the images are, 64 at most.

    Raises:
        DataError: there is nothing to train on, or too much of it cannot be read.
    """
    classes = {part: find_classes(folder) for part, folder in folders.items()}
    each = {part: headers(found) for part, found in classes.items()}
    heads = [h for _, some in each.values() for h in some]
    files = [(part, path) for part, (found, _) in each.items() for path in found.files]
    labels = [label for found, _ in each.values() for label in found.labels]
    form, sized = choose_form(heads, size)
    pixels, bad = decode([path for _, path in files], form)
    judge_bad(bad, len(files))
    lost = {path for path, _ in bad}
    kept = [i for i, (_, path) in enumerate(files) if path not in lost]
    _require_whole(classes, {(files[i][0], labels[i]) for i in kept})
    notes = [n for found, _ in each.values() for n in found.notes]
    notes += [*treatment_notes(heads), *sized, *bad_notes(bad)]
    names = [clean(str(files[i][1].relative_to(folders[files[i][0]]))) for i in kept]
    series = pandas.Series(pandas.Categorical([labels[i] for i in kept]))
    return _read(pixels, series, [files[i][0] for i in kept], notes, names, "class", None)


def _require_whole(classes: dict[str, Found], there: set[tuple[str, str]]) -> None:
    """Raises DataError where a part has lost all images of a class."""
    for part, found in classes.items():
        lost = sorted({label for label in found.labels if (part, label) not in there})
        if lost:
            raise DataError(
                f"no {part} image of {listed(lost)} can be read.",
                fix="Fetch them again, or take the folder away.",
                code="WF-D87",
            )


def read_arrays(given: dict[str, tuple[Pixels, pandas.Series]], size: int | None, task: str | None) -> Read:
    """Images from arrays, and their classes or numbers, by part.

    Raises:
        DataError: lengths differ, or the numbers cannot be images.
    """
    for part, (x, y) in given.items():
        if len(x) != len(y):
            raise DataError(
                f"the {part} part has {len(x):,} images and {len(y):,} targets.", fix="Give one each.", code="WF-D19"
            )
    heads = [Header(x.height, x.width, x.channels == 1, ()) for x, _ in given.values() for _ in range(len(x))]
    form, notes = choose_form(heads, size)
    notes += list({n.sentence: n for x, _ in given.values() for n in x.notes}.values())
    dtype = "u1" if all(x.dtype == "u1" for x, _ in given.values()) else "f4"
    if dtype == "f4":
        _require_one_unit({part: max(float(b.max()) for b in x.blocks()) for part, (x, _) in given.items()})
    blocks = (resized(spread(b, form), form.height, form.width) for x, _ in given.values() for b in x.blocks())
    held = store(blocks, sum(len(x) for x, _ in given.values()), form, dtype)
    labels = pandas.concat([y for _, y in given.values()], ignore_index=True)
    parts = [part for part, (x, _) in given.items() for _ in range(len(x))]
    return _read(held, labels, parts, notes, [], str(labels.name or "y"), task)


def _require_one_unit(highest: dict[str, float]) -> None:
    """Raises DataError where one part ends at 1 at most and another goes far beyond."""
    low, high = min(highest, key=lambda p: highest[p]), max(highest, key=lambda p: highest[p])
    if 0.0 < highest[low] <= 1.0 and highest[high] > 32.0:
        raise DataError(
            f"the {low} images hold numbers up to {highest[low]:.4g}, and the {high} images up to {highest[high]:.4g}.",
            fix="Bring all parts in the same units.",
            code="WF-D89",
        )


def spread(block: numpy.ndarray, form: Form) -> numpy.ndarray:
    """Images (some, channels, height, width) with as many channels as the form has: gray ones are repeated."""
    return block if block.shape[1] == form.channels else numpy.repeat(block, form.channels, axis=1)


def choose_form(heads: Sequence[Header], size: int | None) -> tuple[Form, list[Note]]:
    """One size for all, and whether there is any color; what is chosen is said where images are not of it already.

    Raises:
        DataError: ``size`` is out of range.
    """
    if size is not None and not SIDES[0] <= size <= SIDES[1]:
        raise DataError(
            f"the size is {size}; {SIDES[0]} to {SIDES[1]} pixels are allowed.", fix="Name another.", code="WF-D99"
        )
    heights, widths = (numpy.array([getattr(h, side) for h in heads]) for side in ("height", "width"))
    height, width = float(numpy.median(heights)), float(numpy.median(widths))
    longest = max(height, width)
    scale = (size or min(longest, LARGEST_SIDE)) / longest
    form = Form(max(1, round(height * scale)), max(1, round(width * scale)), 1 if all(h.gray for h in heads) else 3)
    other = int(((heights != form.height) | (widths != form.width)).sum())
    if not other:
        return form, []
    told = f"all images are resized to {form.width} x {form.height}"
    if len(heads) > 1:
        told += f" ({counted(other, 'of them is', 'of them are')} of another size)"
    return form, [Note("WF-D98", f"{told}; --size takes another.")]


def decode(files: Sequence[Path], form: Form) -> tuple[Mapped, list[tuple[Path, DataError]]]:
    """The pixels of files, one after the other into a file of their own, and the files that turned out damaged."""
    bad: list[tuple[Path, DataError]] = []

    def blocks() -> Iterator[numpy.ndarray]:
        for path in files:
            try:
                yield read_picture(path, form.height, form.width, form.channels)[None]
            except DataError as error:
                bad.append((path, error))

    return store(blocks(), len(files), form, "u1"), bad


def store(blocks: Iterator[numpy.ndarray], rows: int, form: Form, dtype: str) -> Mapped:
    """Blocks (some, channels, height, width) in a file."""
    writing = Writing(rows, (form.channels, form.height, form.width), dtype)
    try:
        for block in blocks:
            writing.add(block)
    except BaseException:
        writing.drop()
        raise
    return writing.done()


def gray_if_colorless(pixels: Mapped) -> Mapped:
    """One channel in place of three that are the same everywhere."""
    rows = numpy.arange(len(pixels))
    if pixels.shape[1] != 3 or not all((b == b[:, :1]).all() for b in pixels.blocks(rows)):
        return pixels
    form = Form(pixels.shape[2], pixels.shape[3], 1)
    return store((b[:, :1] for b in pixels.blocks(rows)), len(pixels), form, pixels.dtype.str)


def resized(block: numpy.ndarray, height: int, width: int) -> numpy.ndarray:
    """(some, channels, height, width) of another size, by the filter that files are resized with."""
    if block.shape[2:] == (height, width):
        return block
    from PIL import Image

    if block.dtype == numpy.uint8 and block.shape[1] == 3:  # three channels at once: half the time
        colors = block.transpose(0, 2, 3, 1)
        made = [numpy.asarray(Image.fromarray(c).resize((width, height), _BILINEAR)) for c in colors]
        return numpy.stack(made).transpose(0, 3, 1, 2)
    planes = block.reshape(-1, *block.shape[2:])
    planes = planes if block.dtype == numpy.uint8 else planes.astype(numpy.float32)
    made = [numpy.asarray(Image.fromarray(p).resize((width, height), _BILINEAR)) for p in planes]
    return numpy.stack(made).reshape(*block.shape[:2], height, width).astype(block.dtype)


def _read(
    pixels: Mapped, labels: pandas.Series, parts: Sequence[str], notes: list[Note], names: list[str], target: str,
    task: str | None,
) -> Read:  # fmt: skip
    if len(pixels) < MIN_IMAGES:
        raise DataError(
            f"there are {counted(len(pixels), 'usable image')}; at least {MIN_IMAGES} are needed.",
            fix="Add some.",
            code="WF-D15",
        )
    read = read_target(labels, target, task, markers=False)
    if not read.kept.all():
        lost = int((~read.kept).sum())
        raise DataError(
            f"{counted(lost, 'image has', 'images have')} no class.", fix="Give every image one.", code="WF-D13"
        )
    pixels, places = gray_if_colorless(pixels), numpy.array(parts)
    form, hashes = Form(pixels.shape[2], pixels.shape[3], pixels.shape[1]), hashes_of(pixels)
    classes = [class_text(v) for v in read.class_values]
    if classes:
        _require_known(read.values, places, classes)
        notes = [*notes, *contradictions(hashes, read.values)]
    found = Samples(
        pixels, "image", hashes, read.values, read.task, classes, read.class_values, [*read.notes, *notes], target,
        rows=numpy.arange(len(pixels)), names=names,
    )  # fmt: skip
    return Read(found, form, {part: numpy.flatnonzero(places == part) for part in dict.fromkeys(parts)})


def _require_known(values: numpy.ndarray, places: numpy.ndarray, classes: Sequence[str]) -> None:
    """Raises DataError where a validation or test image has a class that no training image has."""
    known = numpy.unique(values[places == "training"])
    for part in dict.fromkeys(places.tolist()):
        new = numpy.setdiff1d(values[places == part], known)
        if len(new):
            told = listed([classes[int(v)] for v in new], 3)
            raise DataError(
                f"the {part} images have {counted(len(new), 'class', 'classes')} that no training image has: {told}.",
                fix="Write every class as in training, or leave these images out.",
                code="WF-D88",
            )


def contradictions(hashes: numpy.ndarray, values: numpy.ndarray) -> list[Note]:
    """A note where the same pixels stand in several classes."""
    pairs = numpy.unique(numpy.stack([hashes, values.astype(numpy.uint64)], 1), axis=0)
    each, counts = numpy.unique(pairs[:, 0], return_counts=True)
    copies = int(numpy.isin(hashes, each[counts > 1]).sum())
    if not copies:
        return []
    return [Note("WF-D86", f"{copies:,} images stand in several classes: the same pixels, another class.")]


def hashes_of(pixels: Mapped) -> numpy.ndarray:
    """(rows,) uint64 of each image's pixels."""
    found = [
        int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")
        for block in pixels.blocks(numpy.arange(len(pixels)))
        for row in block
    ]
    return numpy.array(found, dtype=numpy.uint64)
