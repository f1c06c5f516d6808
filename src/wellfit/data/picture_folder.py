"""A folder of images: which files there are, which class each is of, and what of it cannot be used."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wellfit.data.notes import Note, counted, listed, shown
from wellfit.data.picture import SUFFIXES, TREATMENTS, Header, read_header
from wellfit.errors import DataError

_PARTS = {
    "train": "training", "training": "training", "test": "test", "val": "valid", "valid": "valid",
    "validation": "valid",
}  # fmt: skip
_SYSTEM = frozenset({"thumbs.db", "desktop.ini"})
_FORGIVEN = 0.1
"""Share of the files that may be left out as unreadable; more, and the folder is not what it is taken for."""


@dataclass
class Found:
    """The files of a folder.

    Args:
        files: in the order of their names.
        labels: the class of each, by its folder; empty for files that are only predicted.
        notes: what was left out, and why.
    """

    files: list[Path] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def find_classes(folder: Path) -> Found:
    """The images of a folder with one folder for each class; images deeper down belong to the topmost one.

    Raises:
        DataError: there is none, or names cannot be told apart.
    """
    others: list[Path] = []
    loops: list[Path] = []
    found = Found()
    loose = [p for p in _entries(folder) if p.is_file()]
    for place in (p for p in _entries(folder) if p.is_dir() and not p.name.startswith(".")):
        images = list(_walk(place, others, loops))
        found.files += images
        found.labels += [clean(place.name)] * len(images)
    if not found.files:
        raise DataError(
            f"{shown(folder)} holds no folder with images (their names end with "
            f"{', '.join(sorted(SUFFIXES)[:6])} ...).",
            fix="Put the images of each class into a folder of its own: images/cat/1.png.",
            code="WF-D94",
        )
    _require_names(folder)
    found.notes += _told(loose, others, loops)
    return found


def find_files(folder: Path) -> Found:
    """All images of a folder and what is below it, to predict; a single file is one."""
    if folder.is_file():
        return Found([folder])
    others: list[Path] = []
    loops: list[Path] = []
    files = list(_walk(folder, others, loops))
    if not files:
        raise DataError(f"{shown(folder)} holds no images.", fix="Name a folder with some.", code="WF-D94")
    return Found(files, [], _told([], others, loops))


def parts_of(folder: Path) -> dict[str, Path]:
    """Training, test and validation folders, where the folder holds these and no class; else nothing."""
    inside = [p for p in _entries(folder) if p.is_dir() and not p.name.startswith(".")]
    parts = {_PARTS.get(p.name.lower(), ""): p for p in inside}
    known = len(parts) == len(inside) and "training" in parts and "" not in parts
    deeper = known and all(any(q.is_dir() for q in _entries(p)) for p in inside)
    return parts if deeper and len(parts) > 1 else {}


def headers(found: Found) -> tuple[Found, list[Header]]:
    """The files that are images, with what they say of themselves; the others are left out and named.

    Raises:
        DataError: more than a tenth of them cannot be read.
    """
    kept, heads, bad = Found(notes=list(found.notes)), [], []
    for place, path in enumerate(found.files):
        try:
            heads.append(read_header(path))
        except DataError as error:
            bad.append((path, error))
            continue
        kept.files.append(path)
        kept.labels += found.labels[place : place + 1]
    judge_bad(bad, len(found.files))
    kept.notes += bad_notes(bad)
    return kept, heads


def judge_bad(bad: list[tuple[Path, DataError]], count: int) -> None:
    """Raises DataError where too many of the files to train on cannot be read."""
    if len(bad) > _FORGIVEN * count:
        path, error = bad[0]
        raise DataError(
            f"{counted(len(bad), 'file')} of {count:,} cannot be read as images; {shown(path.name)}: {error.message}",
            fix="Take them away or fetch them again; a tenth at most may be left out.",
            code=error.code,
        ) from error


def judge_none(bad: list[tuple[Path, DataError]], count: int) -> None:
    """Raises DataError where none of the files to predict can be read."""
    if len(bad) < count:
        return
    path, error = bad[0]
    head = f"none of {count:,} files can be read as an image; " if count > 1 else ""
    fix = "Fetch it again, or name another." if count == 1 else "Name a folder of images, or fetch them again."
    raise DataError(f"{head}{shown(path.name)}: {error.message}", fix=fix, code=error.code) from error


def bad_notes(bad: list[tuple[Path, DataError]]) -> list[Note]:
    """One note for each code: how many files, and what is wrong with the first."""
    by_code: dict[str, list[tuple[Path, DataError]]] = collections.defaultdict(list)
    for path, error in bad:
        by_code[error.code].append((path, error))
    return [
        Note(
            code,
            f"{counted(len(some), 'file')} left out ({listed([p.name for p, _ in some], 3)}): {some[0][1].message}",
        )
        for code, some in sorted(by_code.items())
    ]


def treatment_notes(heads: Iterable[Header]) -> list[Note]:
    """What is done to images that are not plain: one note for each."""
    counts = collections.Counter(key for head in heads for key in head.said)
    return [Note("WF-D98", f"{counted(n, 'image')} {TREATMENTS[key]}.") for key, n in sorted(counts.items())]


def clean(name: str) -> str:
    """A file's name as text that can be written: bytes that are no UTF-8 become the replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{shown(folder)} cannot be read: {error.strerror or type(error).__name__}.",
            fix="Name a folder that can be read.",
            code="WF-D01",
        ) from error


def _walk(folder: Path, others: list[Path], loops: list[Path], above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Image files below a folder by name; links are followed unless they lead back to a folder above them."""
    real = os.path.realpath(folder)
    if real in above:
        loops.append(folder)
        return
    for path in _entries(folder):
        if path.name.startswith(".") or path.name.lower() in _SYSTEM:
            continue
        if path.is_dir():
            yield from _walk(path, others, loops, above | {real})
        elif path.suffix.lower() in SUFFIXES:
            yield path
        else:
            others.append(path)


def _require_names(folder: Path) -> None:
    """Raises DataError where two classes have one name once what cannot be written is replaced."""
    names = [clean(p.name) for p in _entries(folder) if p.is_dir()]
    twice = [n for n, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"two folders are called {shown(twice[0])} once bytes that are no text are replaced.",
            fix="Give one of them another name.",
            code="WF-D95",
        )


def _told(loose: list[Path], others: list[Path], loops: list[Path]) -> list[Note]:
    notes = []
    images = [p.name for p in loose if p.suffix.lower() in SUFFIXES]
    if images:
        notes.append(Note("WF-D96", f"{counted(len(images), 'image')} outside of any class folder left out."))
    if others:
        names = listed(sorted({p.suffix.lower() or p.name for p in others}), 3)
        notes.append(Note("WF-D96", f"{counted(len(others), 'file')} left out that are no images ({names})."))
    if loops:
        notes.append(Note("WF-D96", f"{counted(len(loops), 'link')} left out that lead back to a folder above."))
    return notes
