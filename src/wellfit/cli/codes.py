"""Every stable code that a message of wellfit can carry, with its meaning."""

from __future__ import annotations

import importlib

_OTHERS: dict[str, str] = {
    "WF-E01": "An optional package is not installed; the fix names the pip line.",
    "WF-F01": "A stored file could not be written, or is not what wellfit wrote.",
    "WF-F02": "The run folder cannot be made.",
    "WF-F03": "The run folder holds no model that can be read.",
    "WF-R01": "Two regularizers have the same name.",
    "WF-R02": "A knob of a regularizer is not a number.",
    "WF-R03": "A knob of a regularizer lies outside the values that make sense.",
    "WF-R04": "A recipe takes regularizers, and something else was given.",
    "WF-R05": "A recipe holds the same regularizer twice.",
    "WF-R06": "Recipes of different structure cannot be trained in one stack.",
    "WF-R10": "A recipe file is malformed; the message names the place.",
    "WF-U01": "The budget is no time above 0.",
    "WF-U02": "The metric is unknown, or does not fit the task.",
    "WF-U10": "The command line has an unknown, missing or malformed option.",
    "WF-U11": "The model to predict with is neither ensemble nor single.",
    "WF-U12": "There is no regularizer and no code of that name.",
}
"""Codes whose own part of wellfit keeps no list of them."""


def all_codes() -> dict[str, str]:
    """Every code to its sentence; a part that keeps a list of its own has the last word."""
    found = dict(_OTHERS)
    for module in ("wellfit.data.notes", "wellfit.job"):
        found |= getattr(importlib.import_module(module), "CODES", {})
    return dict(sorted(found.items()))
