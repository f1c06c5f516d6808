"""Several tests at once: p-values that keep the chance of a single false finding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjusted p-values, in the order given: max over j <= i of min(1, (m - j + 1) p_(j)), p_(1) being the smallest.

    Rejecting what lies below .05 errs in any of the m tests with a chance of .05 at most, however they depend on each
    other.

    Args:
        p_values: (tests,) in [0, 1].

    Source:
        Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    found = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(found, kind="stable")
    raised = found[order] * np.arange(len(found), 0, -1)
    adjusted = np.empty_like(found)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised)) if len(found) else raised
    return adjusted
