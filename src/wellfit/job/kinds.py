"""The kinds of data that there are, by name."""

from __future__ import annotations

from wellfit.job.kind import Kind
from wellfit.job.picture_kind import PICTURES
from wellfit.job.table_kind import TABLE
from wellfit.job.text_kind import TEXTS

KINDS: dict[str, Kind] = {kind.name: kind for kind in (TABLE, PICTURES, TEXTS)}


def kind_named(name: str) -> Kind:
    """Raises ValueError where there is none of that name."""
    if name not in KINDS:
        raise ValueError(f"no kind of data is called {name!r}")
    return KINDS[name]
