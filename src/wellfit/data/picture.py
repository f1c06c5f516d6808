"""One image file: told apart from what only looks like one, decoded within limits, and brought to one form."""

from __future__ import annotations

import contextlib
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from wellfit.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 64_000_000
"""Of one file: more than cameras make; a file of a few kilobytes can claim billions."""

_KINDS = "png", "jpg", "jpeg", "jfif", "jpe", "gif", "bmp", "tif", "tiff", "webp", "ppm", "pgm", "pbm", "pnm"
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS)
"""What an image file's name ends with."""

_GRAY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
_CLEAR = frozenset({"LA", "La", "RGBA", "RGBa", "PA"})
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 turn width into height
UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""Pillow's number of the transposition (``PIL.Image.Transpose``) that undoes each orientation but the first."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before its pixels are decoded.

    Args:
        height, width: as it is to be looked at, EXIF orientation applied.
        gray: whether its form has no color.
        said: treatments that it needs, each a key of ``TREATMENTS``.
    """

    height: int
    width: int
    gray: bool
    said: tuple[str, ...]


TREATMENTS: dict[str, str] = {
    "frames": "with several frames: the first one is taken",
    "alpha": "with transparent pixels, which are laid on white",
    "turned": "turned upright as the EXIF orientation says",
    "deep": "of 16 bits a pixel, which are brought to 8",
    "cmyk": "in CMYK turned into RGB",
}


def read_header(path: Path) -> Header:
    """Look at a file without decoding its pixels.

    Raises:
        DataError: it is no image, or larger than ``MOST_PIXELS``.
    """
    with _opened(path) as image:
        turned = _orientation(image)
        upright = turned < 5 or image.format == "TIFF"  # a TIFF's size is that of the upright image already
        width, height = image.size if upright else image.size[::-1]
        alpha = image.mode in _CLEAR or "transparency" in image.info
        facts = {
            "frames": getattr(image, "n_frames", 1) > 1, "alpha": alpha, "turned": turned > 1,
            "deep": image.mode.startswith("I"), "cmyk": image.mode == "CMYK",
        }  # fmt: skip
        return Header(height, width, image.mode in _GRAY, tuple(k for k, there in facts.items() if there))


def read_picture(path: Path, height: int, width: int, channels: int) -> numpy.ndarray:
    """(channels, height, width) uint8 of a file.

    The first frame, turned upright, transparent pixels on white, 16 bits to 8, whatever colors to RGB or gray; resized
    by Pillow's bilinear filter, which averages where it makes smaller.

    Raises:
        DataError: it is no image, damaged, larger than ``MOST_PIXELS``, or of numbers without a range.
    """
    with _opened(path) as image:
        image.draft("RGB" if channels == 3 else "L", (width, height))  # JPEG: decoded near the size, not at the full
        image.load()
        turned = _orientation(image)  # a TIFF was turned as it was loaded, and says so now
        upright = image.transpose(UPRIGHT[turned]) if turned > 1 else image
        plain = _plain(upright).convert("RGB" if channels == 3 else "L")
        if plain.size != (width, height):
            plain = plain.resize((width, height), 2)  # PIL.Image.Resampling.BILINEAR
        pixels = numpy.asarray(plain, dtype=numpy.uint8)
    return pixels[None] if channels == 1 else numpy.moveaxis(pixels, -1, 0)


def why_not(path: Path) -> str:
    """What a file is that Pillow does not know as an image: a few words."""
    try:
        with open(path, "rb") as handle:
            start = handle.read(512).lstrip().lower()
    except OSError as error:
        return f"it cannot be read: {error.strerror or type(error).__name__}"
    if not start:
        return "it is empty"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg", b"<head")):
        return "it holds HTML or XML, not pixels"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS: the image itself was not fetched"
    return "it is no image of a form that is known (PNG, JPEG, GIF, BMP, TIFF, WebP, PPM)"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The image, its pixels not yet decoded; whatever a decoder raises becomes a DataError."""
    from PIL import Image, UnidentifiedImageError

    _require_file(path)
    Image.init()  # registers every form; without it Pillow knows five
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of size and odd metadata; the first is judged here
            # by handle: plain TIFF files that Pillow opens by name it maps into memory, and turns wrongly
            with open(path, "rb") as handle, Image.open(handle, formats=_FORMATS) as image:
                pixels = image.size[0] * image.size[1]
                if pixels > MOST_PIXELS:
                    raise _too_large(pixels)
                yield image
    except Image.DecompressionBombError as error:
        raise _too_large(None) from error
    except UnidentifiedImageError as error:
        raise DataError(f"{why_not(path)}.", code="WF-D90") from error
    except DataError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, EOFError, ValueError and others
        told = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise DataError(f"it is damaged: {told}.", code="WF-D91") from error


def _require_file(path: Path) -> None:
    try:
        kind = os.stat(path).st_mode
    except OSError as error:
        raise DataError(f"it cannot be read: {error.strerror or type(error).__name__}.", code="WF-D90") from error
    if not stat.S_ISREG(kind):  # a pipe would be waited for without end
        raise DataError("it is no regular file.", code="WF-D90")


def _too_large(pixels: int | None) -> DataError:
    told = f"{pixels:,} pixels" if pixels else "far more pixels"
    return DataError(f"it has {told}; {MOST_PIXELS:,} are allowed.", code="WF-D92")


def _orientation(image: Image) -> int:
    with contextlib.suppress(Exception):  # damaged metadata is no reason to refuse the pixels
        found: Any = image.getexif().get(_ORIENTATION, 1)
        return found if found in range(1, 9) else 1
    return 1


def _plain(image: Image) -> Image:
    """The image with 8 bits and no transparency: L or RGB."""
    from PIL import Image

    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise DataError(f"its pixels are numbers without a known range (mode {image.mode}).", code="WF-D93")
    if image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(numpy.asarray(image), image.info.get("transparency")))
    if "transparency" in image.info or image.mode in _CLEAR:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        laid = Image.alpha_composite(white, clear).convert("RGB")
        return laid.convert("L") if image.mode in ("L", "LA", "La", "1") else laid
    return image if image.mode in ("1", "L") else image.convert("RGB")


def _eight_bits(pixels: numpy.ndarray, clear: Any = None) -> numpy.ndarray:
    """16-bit grays to 8 bits, one of them laid on white where it is transparent; raises DataError where 16 do not hold
    them.
    """
    if pixels.min() < 0 or pixels.max() > 65535:
        raise DataError("its pixels are larger than 16 bits hold.", code="WF-D93")
    eight = (pixels.astype(numpy.uint32) // 257).astype(numpy.uint8)
    if isinstance(clear, int):
        eight[pixels == clear] = 255
    return eight
