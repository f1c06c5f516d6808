"""The gallery as a folder: a picture, a CSV and a JSON for each figure, and one page that shows them all."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

from wellfit.errors import RunFolderError, UsageError
from wellfit.files import write_bytes, write_text
from wellfit.gallery.look import as_png, as_svg
from wellfit.gallery.page import render
from wellfit.gallery.plate import FIGURES, Entry, Plate
from wellfit.report.plain import plain

ORDER = (
    "map-of-methods", "bias-variance", "overfit-polynomial", "loss-surface", "balls", "balls-inside",
    "optimization-paths", "penalties", "shrinkage", "exact-zeros", "mix-ratio", "max-norm", "regularization-path",
    "validation-curve", "learning-curve", "dashboard", "dropout-masks", "thinned-networks", "mixup", "cutmix", "cutout",
    "augmentations", "noise-families",
)  # fmt: skip
"""How the page goes; what is not in it comes last."""


def chosen(names: Sequence[str] = ()) -> list[Entry]:
    """The figures of these names, all without any, in the order of the page.

    Raises:
        UsageError: there is no figure of that name.
    """
    known = sorted(FIGURES, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    wanted = set()
    for name in names:
        folded = name.strip().casefold().replace("_", "-").replace(" ", "-")
        if folded not in FIGURES:
            near = difflib.get_close_matches(folded, known, 1, 0.5)
            told = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"there is no figure {plain(name, 40)!r} in the gallery.",
                fix=f"{told}wellfit gallery --list names them.",
                code="WF-U40",
            )
        wanted.add(folded)
    return [FIGURES[name] for name in known if not names or name in wanted]


def draw_gallery(
    out: str | Path,
    only: Sequence[str] = (),
    *,
    seed: int = 0,
    png: bool = False,
    tell: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Draw figures into a folder, each with its numbers, and a page of them; returns the page.

    Args:
        out: the folder; made where it is not there.
        only: names of figures; all by default.
        seed: what every draw follows from; the same seed gives the same files.
        png: whether each picture is written as PNG, too.
        tell: called before each figure with its title, its place and how many there are.

    Raises:
        MissingExtra: matplotlib is not installed.
        UsageError: there is no figure of that name.
        RunFolderError: the folder cannot be written.
    """
    entries, folder, plates = chosen(only), _made(Path(out)), []
    for place, entry in enumerate(entries):
        if tell is not None:
            tell(entry.title, place, len(entries))
        plate = entry.draw(seed=seed)
        _write(folder, entry, plate, png)
        plates.append((entry, plate))
    page = folder / "index.html"
    write_text(page, render(plates, seed))
    return page


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"the folder {plain(folder)} cannot be made: {error.strerror or type(error).__name__}.",
            fix="Name another one.",
            code="WF-F02",
        ) from error
    return folder


def _write(folder: Path, entry: Entry, plate: Plate, png: bool) -> None:
    write_text(folder / f"{entry.name}.svg", as_svg(plate.figure))
    write_text(folder / f"{entry.name}.csv", plate.table.to_csv())
    write_text(folder / f"{entry.name}.json", plate.to_json())
    if png:
        write_bytes(folder / f"{entry.name}.png", as_png(plate.figure))
