"""Parts of a recipe put around the loss and around the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import GradOf, Params, Regularizer
from wellfit.sites import Site
from wellfit.target import Target


def around(part: Regularizer, loss_of: Callable[..., Any]) -> Callable[..., Any]:
    """``part.objective`` around a loss; of hidden values and parameters it is shown those that it selects."""

    def narrow(x: Tensor, target: Target, now: Now) -> tuple[Tensor, Any]:
        loss, seen = loss_of(x, target, now)
        chosen = {(s, call): h for (s, call), h in seen.everywhere.items() if part.selects_site(s)}
        hidden = {_told(s, call): h for (s, call), h in chosen.items()}
        return loss, seen._replace(hidden=hidden, params=part.select(seen.params))

    return lambda x, target, now: part.objective(narrow, x, target, now.of(part.name))


def _told(site: Site, call: int) -> str:
    return site.name if call == 1 else f"{site.name}#{call}"


def middle(part: Regularizer, grad_of: GradOf, now: Now) -> GradOf:
    """``part.gradient`` over the parameters it selects; the others keep the gradient of the last pass it asked for."""

    def outer(params: Params) -> Params:
        if not part.select(params):
            return grad_of(params)
        last: dict[str, Tensor] = {}

        def narrow(some: Params) -> Params:
            last.update(grad_of({**params, **some}))
            return {n: last[n] for n in some}

        chosen = part.gradient(narrow, part.select(params), now)
        return {**last, **chosen}

    return outer
