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
    "train": "training", "training": "training", "test": "test", "testing": "test", "val": "valid", "valid": "valid",
    "validation": "valid", "dev": "valid", "eval": "valid",
}  # fmt: skip
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
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
    left, found, above = _Left(), Found(), {*_above(folder), os.path.realpath(folder)}
    left.loose = [p for p in _entries(folder) if p.is_file() and p.suffix.lower() in SUFFIXES]
    for place in _folders(folder):
        images = list(_walk(place, left, set(above)))
        found.files += images
        found.labels += [clean(place.name)] * len(images)
        left.empty += [] if images else [place]
    if not found.files:
        raise DataError(
            f"{shown(folder)} holds no folder with images (their names end with "
            f"{', '.join(sorted(SUFFIXES)[:6])} ...).",
            fix="Put the images of each class into a folder of its own: images/cat/1.png.",
            code="WF-D94",
        )
    _require_names(folder)
    found.notes += left.told()
    return found


def find_files(folder: Path) -> Found:
    """All images of a folder and what is below it, to predict; a single file is one."""
    if folder.is_file():
        return Found([folder])
    left = _Left()
    files = list(_walk(folder, left, _above(folder)))
    if not files:
        raise DataError(f"{shown(folder)} holds no images.", fix="Name a folder with some.", code="WF-D94")
    return Found(files, [], left.told())


def parts_of(folder: Path) -> dict[str, Path]:
    """Training, test and validation folders, where the folder holds these and no class; else nothing.

    Raises:
        DataError: it holds some of these, with folders of classes inside, and something that does not go with them.
    """
    inside = [p for p in _folders(folder) if _has_images(p)]
    named = [p for p in inside if p.name.lower() in _PARTS]
    parts = {_PARTS[p.name.lower()]: p for p in named}
    if len(named) < 2 or "training" not in parts or not _has_classes(parts["training"]):
        return {}
    odd = [p for p in inside if p not in named or not _has_classes(p)]
    if odd or len(parts) < len(named):
        why = f"{listed([p.name for p in odd])} does not go with them" if odd else "two of them are the same part"
        raise DataError(
            f"{shown(folder)} holds {listed([p.name for p in named])}, which look like parts, not classes; {why}.",
            fix="Name the parts: wellfit fit images/train --test images/test, each with a folder for each class. Where "
            "they are classes, give the folder train another name.",
            code="WF-D85",
        )  # fmt: skip
    return parts


def _has_classes(folder: Path) -> bool:
    return any(_has_images(p) for p in _folders(folder))


def _has_images(folder: Path) -> bool:
    return next(_walk(folder, _Left(), _above(folder)), None) is not None


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


def _folders(folder: Path) -> list[Path]:
    """The folders inside that may be classes or parts."""
    return [p for p in _entries(folder) if p.is_dir() and not _is_hidden(p)]


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in _SYSTEM


def _above(folder: Path) -> set[str]:
    """The real places of the folders above one."""
    return {str(place) for place in Path(os.path.realpath(folder)).parents}


def _walk(folder: Path, left: _Left, known: set[str]) -> Iterator[Path]:
    """Image files below a folder by name; links are followed, to each place once.

    Args:
        known: real places that are not to be looked into; those that were are added.
    """
    real = os.path.realpath(folder)
    if real in known:
        left.loops.append(folder)
        return
    known.add(real)
    for path in _entries(folder):
        if _is_hidden(path):
            continue
        if path.is_dir():
            yield from _walk(path, left, known)
        elif path.suffix.lower() in SUFFIXES:
            yield path
        else:
            left.others.append(path)


def _require_names(folder: Path) -> None:
    """Raises DataError where two classes have one name once what cannot be written is replaced, or one has none."""
    names = [clean(p.name).strip() for p in _folders(folder)]
    twice = [n for n, count in collections.Counter(names).items() if count > 1 or not n]
    if twice:
        told = f"two folders are called {shown(twice[0])}" if twice[0] else "a folder's name is empty"
        raise DataError(
            f"{told} once spaces at its ends go and bytes that are no text are replaced.",
            fix="Give it another name.",
            code="WF-D95",
        )


@dataclass
class _Left:
    """What of a folder is no image of a class.

    Args:
        loose: images outside of any class folder.
        others: files that are no images.
        loops: links to folders that are looked into already.
        empty: folders beside the classes without any image.
    """

    loose: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)
    empty: list[Path] = field(default_factory=list)

    def told(self) -> list[Note]:
        kinds = listed(sorted({p.suffix.lower() or p.name for p in self.others}), 3)
        names = listed([clean(p.name) for p in self.empty], 3)
        said = {
            f"{counted(len(self.loose), 'image')} outside of any class folder left out.": self.loose,
            f"{counted(len(self.others), 'file')} left out that are no images ({kinds}).": self.others,
            f"{counted(len(self.loops), 'link')} left out that lead to a folder above or read already.": self.loops,
            f"{counted(len(self.empty), 'folder')} without any image left out ({names}).": self.empty,
        }
        return [Note("WF-D96", sentence) for sentence, some in said.items() if some]
