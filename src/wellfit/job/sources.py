"""Which kind of data a path or an array holds, and the study's source from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wellfit.errors import UsageError
from wellfit.job.options import Options
from wellfit.job.picture_source import holds_pictures, looks_like_images, pictures_from_arrays, pictures_from_path
from wellfit.job.table_source import Source, from_arrays, from_file
from wellfit.job.text_source import looks_like_texts, texts_from_file, texts_from_lists

KINDS = ("table", "image", "text")


def open_path(path: str | Path, options: Options) -> Source:
    """A folder or an .npz file holds images; every other file is a table, or texts where their column is named."""
    if not options.text:
        _refuse_text_options(options)
    if holds_pictures(path):
        return pictures_from_path(path, options)
    if options.size is not None:
        raise UsageError("--size is for images, and this is a table.", fix="Leave --size out.", code="WF-U16")
    return texts_from_file(path, options) if options.text else from_file(path, options)


def open_arrays(
    x: Any, y: Any, options: Options, *, kind: str | None, weight: Any, groups: Any, time: Any, valid: Any, test: Any
) -> Source:
    """Arrays of three or four dimensions are images, lists of texts and frames with a column named for them are texts,
    everything else is a table, unless ``kind`` says otherwise.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"no kind of data is called {kind!r}.", fix=f"Choose {', '.join(KINDS)}.", code="WF-U16")
    text = kind == "text" or (kind is None and (bool(options.text) or looks_like_texts(x)))
    if options.text and not (text and hasattr(x, "columns")):
        told = "text= names the column of texts of a frame, and this is none, or of another kind."
        raise UsageError(told, fix="Leave text= out.", code="WF-U16")
    if not text:
        _refuse_text_options(options)
    if kind == "image" or (kind is None and looks_like_images(x)):
        if any(v is not None for v in (weight, groups, time)):
            raise UsageError("images take no weights, groups or times.", fix="Leave them out.", code="WF-U16")
        return pictures_from_arrays(x, y, options, valid=valid, test=test)
    if text:
        if any(v is not None for v in (weight, groups, time)):
            raise UsageError("texts take no weights, groups or times.", fix="Leave them out.", code="WF-U16")
        return texts_from_lists(x, y, options, valid=valid, test=test)
    return from_arrays(x, y, options, weight=weight, groups=groups, time=time, valid=valid, test=test)


def _refuse_text_options(options: Options) -> None:
    for name, unset in (("network", "auto"), ("lexicon", None)):
        if getattr(options, name) != unset:
            told = f"--{name} is for texts, and these are none."
            raise UsageError(told, fix=f"Leave --{name} out.", code="WF-U16")
