"""Non-inferiority: that something smaller is not worse by more than a margin that was stated before."""

from __future__ import annotations

from collections.abc import Sequence

from wellfit.proof.paired import Difference

KEPT_GAIN = 0.25
"""The margin as a share of the gain over the control: what is left keeps three quarters of it. Half is the convention
of drug trials (FDA, Non-Inferiority Clinical Trials to Establish Effectiveness, 2016); a recipe costs less to keep."""


def non_inferior(difference: Difference, margin: float) -> bool:
    """Whether the other is worse by less than the margin, at the 2.5 % level: the interval's low end lies above it.

    Args:
        difference: of the smaller one against the whole, positive where the smaller one is better.
        margin: above 0; at 0 or below nothing can be shown.
    """
    return margin > 0 and difference.interval().low > -margin


def furthest(chain: Sequence[Difference], margin: float) -> int:
    """How far down a chain of ever smaller ones non-inferiority holds: so many from the start.

    They are tested in this order, which was fixed before, up to the first failure; so the chance of a single false
    answer stays at 2.5 % without an adjustment.

    Source:
        Westfall & Krishen, Optimally Weighted, Fixed Sequence and Gatekeeper Multiple Testing Procedures, Journal of
        Statistical Planning and Inference 99 (2001).
    """
    for place, difference in enumerate(chain):
        if not non_inferior(difference, margin):
            return place
    return len(chain)
