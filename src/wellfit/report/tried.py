"""Everything that the search tried, read from a record: one entry for each candidate, with its strengths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wellfit.report.plain import plain
from wellfit.report.record import find, finite, list_at, mapping_at, mappings_at, number_at, text_at

_KNOBS = 60


@dataclass(frozen=True)
class Tried:
    """One candidate.

    Attributes:
        loss: at its last evaluation; None where it diverged.
        knobs: its strengths by ``Dropout p``; parts that it lacks are missing.
    """

    kind: str
    rate: float
    loss: float | None
    step: float | None
    label: str = ""
    knobs: Mapping[str, float] = field(default_factory=dict)


def read_tried(record: Mapping[str, Any]) -> list[Tried]:
    """All candidates that are known by a learning rate, those that left early too where the record holds them."""
    table = mapping_at(record, "search", "tried")
    found = _from_table(table) if table else [_from_entry(e) for e in mappings_at(record, "search", "candidates")]
    return [one for one in found if one.rate > 0]


def sampled(found: Sequence[Tried], most: int, best: int = 0) -> list[Tried]:
    """At most so many, spread evenly over the order of loss, the ``best`` ones all among them."""
    ordered = sorted(found, key=lambda one: (one.loss is None, one.loss))
    if len(ordered) <= most:
        return ordered
    rest = ordered[best:]
    return ordered[:best] + rest[:: math.ceil(len(rest) / (most - best))]


def knob_names(found: Sequence[Tried]) -> list[str]:
    """The strengths that were tried, the most often tried first."""
    counts: dict[str, int] = {}
    for one in found:
        for name in one.knobs:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: -counts[name])


def _from_entry(entry: Mapping[str, Any]) -> Tried:
    rate, loss, step = (number_at(entry, key) for key in ("rate", "loss", "step"))
    return Tried(text_at(entry, "kind", limit=20), rate or 0.0, loss, step, text_at(entry, "label", limit=80))


def _from_table(table: Mapping[str, Any]) -> list[Tried]:
    rates, losses, steps = (list_at(table, key) for key in ("rate", "loss", "step"))
    kinds, labels = list_at(table, "kind"), list_at(table, "label")
    names = list(mapping_at(table, "knobs"))[:_KNOBS]
    columns = {plain(name, 40): list_at(find(table, "knobs"), name) for name in names}
    found = []
    for place, rate in enumerate(rates):
        knobs = {name: finite(_at(values, place)) for name, values in columns.items()}
        kind, label = (plain(_at(texts, place) or "", 80) for texts in (kinds, labels))
        held = {name: value for name, value in knobs.items() if value is not None}
        found.append(
            Tried(kind, finite(rate) or 0.0, finite(_at(losses, place)), finite(_at(steps, place)), label, held)
        )
    return found


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else None
