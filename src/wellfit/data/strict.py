"""Reads stored JSON without trust: exact keys, exact types, finite numbers."""

from __future__ import annotations

import math
from typing import Any

from wellfit.data.notes import listed, shown
from wellfit.errors import RunFolderError


def fields_of(data: object, what: str, **expected: object) -> dict[str, Any]:
    """Check a JSON object against the expected fields and return it.

    A field is a type, a tuple of allowed types or values, ``[type]`` for a list, or ``{str: type}`` for an object.

    Raises:
        RunFolderError: ``WF-F01`` for unknown or missing keys and wrong types.
    """
    if not isinstance(data, dict):
        raise corrupt(what, f"it is a {type(data).__name__}, not an object")
    unknown, absent = sorted(map(str, set(data) - set(expected))), sorted(set(expected) - set(data))
    if unknown or absent:
        said = [f"unknown {listed(unknown)}"] if unknown else []
        raise corrupt(what, " and ".join(said + ([f"missing {listed(absent)}"] if absent else [])))
    for key, wanted in expected.items():
        if not _fits(data[key], wanted):
            raise corrupt(what, f"{shown(key)} cannot be {shown(repr(data[key]))}")
    return {key: float(value) if expected[key] is float else value for key, value in data.items()}


def corrupt(what: str, why: str) -> RunFolderError:
    """The error for a stored preprocessing that cannot be trusted."""
    return RunFolderError(
        f"the stored preprocessing is not valid: {what}: {why}.",
        fix="The file was changed; train again.",
        code="WF-F01",
    )


def _fits(value: object, wanted: object) -> bool:
    if isinstance(wanted, tuple):
        return any(
            _fits(value, one) if isinstance(one, type) else type(value) is type(one) and value == one for one in wanted
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(_fits(item, wanted[0]) for item in value)
    if isinstance(wanted, dict):
        inner = next(iter(wanted.values()))
        return isinstance(value, dict) and all(
            isinstance(key, str) and _fits(item, inner) for key, item in value.items()
        )
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is wanted
