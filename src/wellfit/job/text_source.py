"""Where texts come from: a column of a file, or a list."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wellfit.data import Note, Samples, read_table, read_texts
from wellfit.data.arrays import target_from_array
from wellfit.data.labels import joined_labels, storable_labels
from wellfit.data.notes import listed, shown
from wellfit.data.texts import plain_texts
from wellfit.errors import DataError, RecipeError, RunFolderError, UsageError
from wellfit.job.options import Options, refuse_roles
from wellfit.job.table_source import Source, split_parts
from wellfit.job.text_kind import TEXTS, TextKind
from wellfit.models.text_shape import MODELS
from wellfit.recipe_json import parse_strict
from wellfit.text.lexicon import find_lexicon

FROM_MEMORY = "texts"
"""The name of texts that came as a list or a frame: no file is called so, since those have an ending."""


def texts_from_file(path: str | Path, options: Options) -> Source:
    """A column of texts and one of classes or numbers; validation and test rows may have files of their own.

    Raises:
        UsageError: no target was named, or an option is for tables.
        DataError: a column is missing, or the data cannot be used.
    """
    refuse_roles(options, "texts", ("text",))
    if not options.target:
        raise UsageError("which column is to be predicted?", fix="Name it with --target.", code="WF-U03")
    named = {"training": path, "valid": options.valid, "test": options.test}
    text, target = str(options.text), str(options.target)
    refuse_own_target(text, target)
    frames = {part: read_table(p, [text]) for part, p in named.items() if p is not None}
    notes = [Note(*n) for f in frames.values() for n in f.attrs.get("notes", [])]
    for part, frame in frames.items():
        for column in (text, target):
            if column not in frame.columns:
                raise DataError(
                    f"the {part} file has no column {shown(column)}; it has {listed([str(c) for c in frame.columns])}.",
                    fix="Name one of them: --text for the texts, --target for what is to be predicted.",
                    code="WF-D20",
                )
    texts = pd.concat([f[text] for f in frames.values()], ignore_index=True)
    labels = joined_labels([f[target] for f in frames.values()])
    samples = dataclasses.replace(read_texts(texts, labels, text, target, options.task), column=text)
    split = _split(samples, [len(f) for f in frames.values()], list(frames), options)
    delimiter = frames["training"].attrs.get("delimiter")
    return Source(samples, split, Path(path).name, tuple(notes), _kind(options), delimiter)


def texts_from_lists(x: Any, y: Any, options: Options, *, valid: Any = None, test: Any = None) -> Source:
    """The same from lists of texts, or from frames with a column of them; parts are pairs (texts, targets)."""
    refuse_roles(options, "texts", ("text",))
    parts = {"training": (x, y), "valid": valid, "test": test}
    pairs = {part: pair for part, pair in parts.items() if pair is not None}
    column = options.text or ""
    texts = [_texts_in(pair[0], column) for pair in pairs.values()]
    given = [storable_labels(pair[1]) for pair in pairs.values()]
    labels = [target_from_array(y, len(t))[0] for y, t in zip(given, texts, strict=True)]
    every = [t for part in texts for t in part]
    samples = read_texts(every, joined_labels(labels), column or "text", "target", options.task, markers=False)
    samples = dataclasses.replace(samples, column=column)
    split = _split(samples, [len(t) for t in texts], list(pairs), options)
    return Source(samples, split, FROM_MEMORY, (), _kind(options))


def refuse_own_target(text: str | None, target: str | None) -> None:
    """Raises UsageError where one column is named for both the texts and what is to be predicted of them."""
    if text is not None and text == target:
        raise UsageError(
            f"the column {shown(text)} is named for the texts and as the target.",
            fix="Name two columns: text for the texts, target for what is to be predicted.",
            code="WF-U16",
        )


def _texts_in(x: Any, column: str) -> list[Any]:
    """The texts of a list, or of a frame: its column of this name, or the only one."""
    names = list(getattr(x, "columns", ()))
    if names and column not in names and (column or len(names) != 1):
        told = f"there is no column {shown(column)} of texts" if column else "which column holds the texts is not said"
        raise DataError(
            f"{told}; there are {listed([str(n) for n in names])}.", fix="Name it with text=.", code="WF-D20"
        )
    return plain_texts(x[column if column in names else names[0]] if names else x)


def looks_like_texts(x: Any) -> bool:
    """Whether something is a list of texts."""
    if isinstance(x, str) or hasattr(x, "columns") or getattr(x, "ndim", 1) != 1:
        return False
    try:
        first = next(iter(x))
    except (TypeError, StopIteration):
        return False
    return isinstance(first, str)


def _kind(options: Options) -> TextKind:
    """Texts, read by the network that was asked for; a plan that is repeated has its own."""
    if options.network not in ("auto", *MODELS):
        raise UsageError(
            f"no network for texts is called {shown(options.network)}.",
            fix=f"Choose auto, {', '.join(MODELS)}.",
            code="WF-U16",
        )
    planned = _planned_network(options.plan) if options.plan is not None else ""
    if planned and options.network not in ("auto", planned):
        raise RunFolderError(
            f"the plan in {options.plan} was made for the network {planned}, not {options.network}.",
            fix="Leave --network out, or plan anew without --plan.",
            code="WF-F07",
        )
    lexicon = str(options.lexicon or "")
    if lexicon:
        find_lexicon(place=lexicon)  # that it cannot be read is said before anything is trained
    return dataclasses.replace(TEXTS, model=planned or options.network, lexicon=lexicon)


def _planned_network(path: str | Path) -> str:
    """The network of a run that is repeated; empty where its record does not say."""
    try:
        model = parse_strict(Path(path).read_text("utf-8"), "the plan")["plan"]["shape"]["model"]
    except (OSError, RecipeError, ValueError, KeyError, TypeError):
        return ""  # that it cannot be read is told where it is planned with
    return model if model in MODELS else ""


def _split(samples: Samples, counts: list[int], names: list[str], options: Options) -> Any:
    ends = np.cumsum(counts)
    parts = {name: np.arange(end - count, end) for name, count, end in zip(names, counts, ends, strict=True)}
    return split_parts(samples, parts, options)
