"""The ordered rules: the first finding that holds is the primary one, the others are listed."""

from __future__ import annotations

from collections.abc import Sequence

from wellfit.diagnosis.checks import CHECKS
from wellfit.diagnosis.result import Finding

ORDER = (
    "broken", "leakage", "features", "diverged", "dead", "vanishing", "unstable", "collapsed", "over-regularized",
    "epochs", "optimization", "capacity", "double-descent", "label-noise", "too-long", "variance", "class-gap", "shift",
    "over-confident", "undecided", "benign-gap",
)  # fmt: skip
"""Names of checks, most urgent first. What is not here (a noisy curve, the edge of a search) is listed, and is no
verdict. Wrong labels stand before the overfitting that they bring about."""

LISTED_UNLESS_CONFIRMED = ("class-gap", "shift", "label-noise", "double-descent")
"""Classes and groups differ in nearly all data, and where the target is hard to tell the surest rows err, too: without
an experiment that mends it this is a note, not an illness."""


def primary(findings: Sequence[Finding]) -> Finding:
    """The finding that gives the verdict; health where there is none."""
    found = {f.name: f for f in findings if f.outcome == "finding"}
    for name in ORDER:
        if name in found and (found[name].confirmed or name not in LISTED_UNLESS_CONFIRMED):
            return found[name]
    listed = [CHECKS[name].title for name in found if name in LISTED_UNLESS_CONFIRMED]
    told = "no change that was tried helps" if listed else "nothing that was looked at is out of order"
    return Finding("healthy", "finding", f"{told}, but look at this: {'; '.join(listed)}" if listed else told)


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings first, then what is undecided, healthy, and not applicable; each in the order of the codes."""
    ranks = {"finding": 0, "undecided": 1, "healthy": 2, "not_applicable": 3}
    names = list(CHECKS)
    return tuple(sorted(findings, key=lambda f: (ranks[f.outcome], names.index(f.name))))
