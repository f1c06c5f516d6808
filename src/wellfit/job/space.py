"""Which regularizers are searched over for a model: what is standard for such data, and works on it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn

from wellfit.draws import Now
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.searching.space import searched
from wellfit.sites import Site, acting, find_sites
from wellfit.target import Target
from wellfit.training.apart import own_draws
from wellfit.training.cohort import Rows, seeded
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam

_TRIED_ON = 8  # rows


class Trained(Protocol):
    """What the engine trains: whatever makes networks, and rows."""

    @property
    def rows(self) -> Rows: ...

    def network(self) -> nn.Module: ...


@dataclasses.dataclass(frozen=True)
class Space:
    """What is searched over.

    Attributes:
        parts: by name.
        left_out: why others are not among them, a sentence each.
    """

    parts: dict[str, type[Regularizer]]
    left_out: tuple[str, ...]


def kind_of(x: torch.Tensor) -> str:
    """What kind of data these inputs are, as regularizers name it: by their type and dimensions."""
    if x.ndim == 4:
        return "image"
    return "table" if x.is_floating_point() or x.ndim == 1 else "text"


def make_space(study: Trained, task: str, long: bool, data: str = "", tried: bool = True) -> Space:
    """Every regularizer takes one step with the model; one that fails, or that finds no place to act, is left out.

    Args:
        data: the kind of data, where it is not to be told from the inputs.
        tried: whether steps are taken; where every part is known to work with a network, places are looked for only.
    """
    parts, left_out = {}, []
    reached = _reached(study)
    for name, cls in searched(task, long, data or kind_of(study.rows.x)).items():
        reason = _why_not(study, cls(), reached) if tried else _no_place(cls(), reached)
        if reason:
            left_out.append(f"{name}: {reason}")
        else:
            parts[name] = cls
    return Space(parts, tuple(left_out))


def _reached(study: Trained) -> list[Site]:
    """The sites that values pass in a forward; a module that is held and never called is none."""
    network, seen = seeded(study.network, 0).eval(), []

    def act(h: torch.Tensor, site: Site) -> torch.Tensor:
        seen.append(site)
        return h

    with torch.no_grad(), acting(network, act, find_sites(network).values()):
        network(study.rows.x[study.rows.folds[0][0][:_TRIED_ON]])
    return seen


def _no_place(part: Regularizer, reached: Sequence[Site]) -> str:
    if "activation" in part.stages and not any(part.selects_site(s) for s in reached):
        return "finds no place to act: values pass no activation that could be found"
    return ""


def _why_not(study: Trained, part: Regularizer, reached: Sequence[Site]) -> str:
    rows = study.rows.folds[0][0][:_TRIED_ON]
    x, target = study.rows.x[rows], study.rows.target.take(rows)
    try:
        with warnings.catch_warnings(), own_draws(torch.tensor(0), torch.tensor(0)):
            warnings.simplefilter("ignore")
            lone = Lone(seeded(study.network, 0), Recipe(part), Adam(), rate=1e-3)
            if reason := _no_place(part, reached):
                return reason
            labels = not target.classes and not target.values.is_floating_point()
            if labels and "batch" in part.stages and not _leaves_labels(part, lone, x, target):
                return "mixes or softens labels, and the loss takes whole numbers"
            lone.step(x, target)
    except Exception as error:  # whatever a model raises on inputs that it was not made for
        first = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0].rstrip(".")
        return f"does not work with this model ({first[:160]})"
    return ""


def _leaves_labels(part: Regularizer, lone: Lone, x: torch.Tensor, target: Target) -> bool:
    """Whether a part changes a batch, and not its labels: for losses that take those only as whole numbers."""
    now = dataclasses.replace(Now.at(0), sites=lone.trainer.sites)
    moved, seen = lone.state.recipe.batch(x, target, now)
    same = seen.values.dtype == target.values.dtype and torch.equal(seen.values, target.values)
    return same and not torch.equal(moved, x)
