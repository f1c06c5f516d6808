"""What pruning came to, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.numbers import count, duration, number, percent
from wellfit.report.record import find, finite, number_at, texts_at


def pruned_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(topic, sentence) of each thing worth knowing; empty where nothing was pruned or looked at."""
    before, after = number_at(facts, "units_before"), number_at(facts, "units_after")
    networks = number_at(facts, "networks")
    if before is None or after is None or networks is None or not before:
        return []
    notes = [("note", sentence) for sentence in texts_at(facts, "notes")[:5]]
    of = f"{count(before, 'hidden unit')} of {count(networks, 'network')}"
    if before == after:
        zeros = "L1 and GroupLasso make zeros; a moving average (EMA) of weights keeps none."
        return [("pruned", f"None of the {of} is exactly zero, so nothing was written. {zeros}"), *notes]
    told = f"{before - after:,.0f} of the {of} were zero: {before:,.0f} -> {after:,.0f} ({percent(after / before, 0)})."
    same = f"Outputs differ by {number(number_at(facts, 'difference'), 2)} at most."
    return [("pruned", told), ("same", same), *_speed(facts), *notes]


def _speed(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    speed, ends = number_at(facts, "speed"), find(facts, "speed_range")
    if speed is None or not isinstance(ends, list | tuple) or len(ends) != 2:
        return []
    low, high = (finite(end) or 0.0 for end in ends)
    times = " -> ".join(duration(number_at(facts, f"seconds_{name}")) for name in ("before", "after"))
    rows, repeats = count(number_at(facts, "rows"), "row"), count(number_at(facts, "repeats"), "repeat")
    sure = "" if low > 1.0 else ", which may be no gain at all"
    range_told = f"{speed:.2f} times as fast [{low:.2f}, {high:.2f}]{sure}"
    return [("speed", f"{range_told}: {rows} in {times} on one processor, median of {repeats} in turns.")]
