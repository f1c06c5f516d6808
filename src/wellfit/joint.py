"""Parts that act as one: what several parts of a recipe do to a batch is computed once, where they have one joint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Regularizer
from wellfit.target import Target


class Joint(Protocol):
    """What parts of one kind do together in ``batch``: all their rotations and shifts by one interpolation, say.

    Joints are compared: parts of one rank whose joints are equal act as one. The parts come as they stand, wrappers
    taken off, each with its moment, in the order in which they would act one by one.
    """

    def __call__(self, parts: Sequence[tuple[Any, Now]], x: Tensor, target: Target) -> tuple[Tensor, Target]:
        """The inputs and targets after all of them."""


def changed(parts: Sequence[Regularizer], x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
    """A batch after the parts, in their order; those that have a joint in common act where the first of them stands."""
    for joint, group in _together(parts):
        if joint is None:
            x, target = group[0].batch(x, target, among_sites(group[0], now))
        else:
            x, target = joint([(p.at(now), among_sites(p, now)) for p in group], x, target)
    return x, target


def _together(parts: Sequence[Regularizer]) -> Iterator[tuple[Joint | None, list[Regularizer]]]:
    groups: dict[Any, list[Regularizer]] = {}
    for part in parts:
        joint = part.joint()
        groups.setdefault(part.name if joint is None else (part.rank, joint), []).append(part)
    for group in groups.values():
        yield group[0].joint(), group


def among_sites(part: Regularizer, now: Now) -> Now:
    """The moment of a part, with the sites that it selects."""
    return dataclasses.replace(now, owner=part.name, sites=tuple(s for s in now.sites if part.selects_site(s)))
