"""What the page says differently where the run searched over somebody's own model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.plain import plain
from wellfit.report.record import find, text_at


def is_own_model(record: Mapping[str, Any]) -> bool:
    """Whether the run is one of ``wellfit.search``."""
    return text_at(record, "kind", limit=20) == "model"


def compared_words(record: Mapping[str, Any]) -> str:
    """Which rows judged, and what the control is."""
    if text_at(record, "compared_on", limit=20) == "test":
        rows = "All were scored on the same test rows, which nothing was chosen on."
    else:
        rows = (
            "There were no untouched rows: all were scored on the validation rows, which also chose learning rates, "
            "recipes and best epochs, so that every figure here is too good."
        )
    return (
        f"{rows} Brackets are 95 % intervals over rows and seeds; the control is the same model without regularization "
        "at its best validation epoch, with as many member-steps to find its learning rate as the search had. Nothing "
        "is calibrated: scores are of the outputs as the model gives them."
    )


def call_of(record: Mapping[str, Any]) -> str:
    """The Python call of the run; what it was given is named, not shown."""
    words = [text_at(record, "model", "class", limit=80) or "make_model", "train", "val"]
    if text_at(record, "compared_on", limit=20) == "test":
        words.append("test=test")
    words += [f"{n}={n}" for n in ("loss", "metric", "recipe") if find(record, "options", n) is not None]
    for name in ("budget", "seed"):
        value = find(record, "options", name)
        if isinstance(value, str):
            words.append(f"{name}={plain(value, 20)!r}")
        elif isinstance(value, int | float):
            words.append(f"{name}={value:g}")
    return f"wellfit.search({', '.join(words)})"
