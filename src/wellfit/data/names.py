"""Column names: cleaned, unique, and the nearest one when a name is mistyped."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import pandas

from wellfit.data.notes import Note, counted, listed, shown
from wellfit.errors import DataError


def clean_name(name: object) -> str:
    """Turn any column label into a string: stripped, inner whitespace collapsed, Unicode composed (NFC)."""
    return " ".join(unicodedata.normalize("NFC", str(name)).split())


def clean_names(names: Iterable[object]) -> tuple[list[str], list[Note]]:
    """Clean all names of a table and say which text names changed.

    Raises:
        DataError: ``WF-D08`` when a name is empty or two names are equal once cleaned.
    """
    raw = list(names)
    cleaned = [clean_name(name) for name in raw]
    _refuse_empty(cleaned)
    _refuse_repeated(cleaned)
    changed = [new for old, new in zip(raw, cleaned, strict=True) if isinstance(old, str) and old != new]
    if not changed:
        return cleaned, []
    sentence = (
        f"{counted(len(changed), 'column name')} had stray whitespace or other forms of a letter: now "
        f"{listed(changed)}."
    )
    return cleaned, [Note("WF-D65", sentence)]


def clean_frame(frame: pandas.DataFrame) -> tuple[pandas.DataFrame, list[Note]]:
    """Return the frame with clean names and a fresh index; the cells are shared, not copied.

    Raises:
        DataError: ``WF-D08`` for names that are empty, equal or nested (a MultiIndex).
    """
    if isinstance(frame.columns, pandas.MultiIndex):
        raise DataError(
            f"the columns have {frame.columns.nlevels} levels of names; one is allowed.",
            fix='Join them first: frame.columns = ["_".join(map(str, name)) for name in frame.columns].',
            code="WF-D08",
        )
    names, notes = clean_names(frame.columns)
    result = frame.reset_index(drop=True)
    result.columns = pandas.Index(names, dtype=object)
    return result, notes


def nearest(name: str, names: Sequence[str]) -> str:
    """Say which existing names are closest, as a sentence; all of them where none is."""
    return close_names(name, names) or f"The columns are {listed(list(names), 8)}."


def close_names(name: str, names: Sequence[str]) -> str:
    """Ask whether one of the names that are written alike was meant; nothing where there is none."""
    lowered = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), list(lowered)[:5000], n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(shown(lowered[match]) for match in close)}?" if close else ""


def _refuse_empty(names: list[str]) -> None:
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"column {position} of {len(names)} has no name.", fix="Give every column a name.", code="WF-D08"
            )


def _refuse_repeated(names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        stand = "stands" if len(repeated) == 1 else "stand"
        raise DataError(
            f"{counted(len(repeated), 'column name')} {stand} more than once: {listed(repeated)}.",
            fix="Rename or remove the repeated columns; names must differ by more than whitespace.",
            code="WF-D08",
        )


def names_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names of columns, of which one may stand by itself."""
    return (given,) if isinstance(given, str) else tuple(given)
