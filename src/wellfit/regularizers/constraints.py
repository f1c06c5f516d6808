"""Constraints: a set that weights must lie in, kept by projection after each optimizer step."""

from __future__ import annotations

import math

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob


class MaxNorm(Regularizer):
    """Bound each unit's incoming weights: ||w_unit|| <= limit, by projection after the step.

    A unit is an output row of a weight (``dim=0`` in torch); its norm runs over the rest:
    w_unit <- w_unit * min(1, limit / ||w_unit||).

    Args:
        limit: the largest norm, above 0; infinity is neutral; 1 to 4 is usual.

    Example:
        >>> import torch
        >>> MaxNorm(1.0).project({"w": torch.tensor([[3.0, 4.0], [0.3, 0.4]])}, None)["w"].tolist()
        [[0.6000000238418579, 0.800000011920929], [0.30000001192092896, 0.4000000059604645]]

    Source:
        Srebro, Rennie & Jaakkola, Maximum-Margin Matrix Factorization, NeurIPS 17, 2004; with dropout: Srivastava et
        al., Dropout, JMLR 15, 2014.
    """

    formula = "w_unit <- w_unit * min(1, limit / ||w_unit||)"
    source = "Srebro, Rennie & Jaakkola, Maximum-Margin Matrix Factorization, NeurIPS 17, 2004"
    use_when = "with dropout and large learning rates"
    avoid_when = "weight decay already keeps the norms small"
    grade = "B"
    standard = frozenset({"table", "image", "text"})
    rank = 90
    limit: float = knob(3.0, low=0.5, high=8.0, log=True, neutral=math.inf, minimum=1e-12)

    def project(self, params: Params, now: Now) -> Params:
        bounded = {}
        for name, w in params.items():
            norm = (w * w).sum(dim=tuple(range(1, w.ndim)), keepdim=True).sqrt()
            # 1e-30 keeps limit / 0 out of an all-zero row
            bounded[name] = w * (self.limit / norm.clamp(min=1e-30)).clamp(max=1.0)
        return bounded
