"""Whether every part of a given recipe finds something to act on in the network that the job trains."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from wellfit.errors import RecipeError
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizer import Regularizer
from wellfit.sites import Site, find_sites

_ON_WEIGHTS = frozenset({"extend", "rate", "weights", "penalty", "gradient", "shrink", "project", "deploy"})
_ON_ROWS = frozenset({"resample", "rewrite"})
_SHOWN = 8
"""Names that a refusal lists."""


def check_places(recipe: Recipe | None, network: nn.Module) -> None:
    """Refuse a recipe with a part that would train along and change nothing.

    Args:
        network: as the job makes it; parts that change its structure are applied first.

    Raises:
        RecipeError: it names the part, and what there is to act on.
    """
    if recipe is None:
        return
    network = recipe.rewrite(network)
    sites = list(find_sites(network).values())
    params = {n: p.detach() for n, p in network.named_parameters()}
    for part in recipe:
        for there in _missed(part, sites, params):
            raise RecipeError(
                f"{part.name} finds nothing to act on in this network: {there}.",
                fix="Drop it, or confine it to one of these by where().",
                code="WF-R12",
            )


def _missed(part: Regularizer, sites: list[Site], params: dict[str, Tensor]) -> Iterator[str]:
    """What there is, where that is none of what the part needs."""
    if not part.stages.isdisjoint(_ON_ROWS):
        return
    if "activation" in part.stages or ("objective" in part.stages and leaf_of(part).site_kinds):
        if not any(part.selects_site(s) for s in sites):
            yield f"its places are {_listed([f'{s.name} ({s.kind})' for s in sites])}"
    elif not part.stages.isdisjoint(_ON_WEIGHTS) and not part.select(params):
        yield f"its parameters are {_listed(list(params))}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
