"""How the time for training is divided among the phases of a study."""

from __future__ import annotations

SHARES = {"controls": 0.31, "search": 0.31, "rescoring": 0.30, "refit": 0.08}
"""How the time for training is divided where steps without regularizers take as long as with them."""

ENSEMBLE = 0.08
"""What training the ensemble's members again on all rows counts beside re-scoring and the refit, whose time it shares,
where the budget is long enough."""

ABLATION = 0.16
"""Share of the time for training that taking the chosen recipe apart may have, where the budget is long enough."""

ABLATED_FROM = 40.0
"""Seconds of budget from which there is an ablation: less would not train each ingredient's absence often enough, nor
leave time for the ensemble's members again."""

FEW_SHARES = {"controls": 0.21, "search": 0.21, "rescoring": 0.50, "refit": 0.08}
"""The division where there are few candidates: each training has about the same length then."""


def time_shares(bare: float, budget: float = 0.0, few: bool = False, again: bool = False) -> dict[str, float]:
    """How the time for training is divided, so that the controls get as many member-steps as the search.

    Args:
        bare: how many times as fast steps without regularizers are.
        budget: seconds in all: a long one leaves time for an ablation.
        few: whether there are so few candidates that re-scoring takes most trainings; an ablation takes more than it.
        again: whether the ensemble's members train again on all rows.
    """
    ablation = ABLATION if budget >= ABLATED_FROM and not few else 0.0
    ensemble = ENSEMBLE if budget >= ABLATED_FROM and again else 0.0
    shares = {name: (1.0 - ablation) * share for name, share in (FEW_SHARES if few else SHARES).items()}
    both, late = (shares[a] + shares[b] for a, b in (("controls", "search"), ("rescoring", "refit")))
    each = late / (late + ensemble)
    return {
        "controls": both / (1.0 + bare), "search": both * bare / (1.0 + bare), "rescoring": each * shares["rescoring"],
        "refit": each * shares["refit"], "ensemble": each * ensemble, "ablation": ablation,
    }  # fmt: skip
