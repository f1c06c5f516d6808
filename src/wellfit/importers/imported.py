"""What an import came to: one recipe, and in words what is not in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import L1, L2
from wellfit.wrappers import Where, where


@dataclasses.dataclass(frozen=True)
class Imported:
    """A recipe read from another tool's objects.

    Attributes:
        recipe: what was understood.
        not_understood: what regularizes there and is not in the recipe, one sentence each; empty where nothing is lost.
        notes: what a reader has to know of what was understood.
    """

    recipe: Recipe
    not_understood: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass
class Gathered:
    """What an importer has found so far: parts with where each came from, and sentences."""

    parts: list[tuple[Regularizer, str]] = dataclasses.field(default_factory=list)
    not_understood: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, parts: Iterable[Regularizer], came_from: str) -> None:
        self.parts += [(part, came_from) for part in parts]

    def join(self, other: Gathered) -> None:
        self.parts += other.parts
        self.not_understood += other.not_understood
        self.notes += other.notes

    def imported(self) -> Imported:
        """One recipe: penalties of one kind on the same weights add up, and what contradicts itself is told."""
        kept: dict[str, Regularizer] = {}
        refused = list(self.not_understood)
        for part, came_from in self.parts:
            first = kept.get(part.name)
            if first is None:
                kept[part.name] = part
            elif _adds_up(first, part):
                kept[part.name] = _sum(first, part)
            elif first != part:
                refused.append(f"{came_from}: {part} beside {first}, and a recipe holds one of them.")
        return Imported(Recipe(*kept.values()), tuple(dict.fromkeys(refused)), tuple(dict.fromkeys(self.notes)))


@dataclasses.dataclass(frozen=True)
class Placed:
    """A part found at one place of a network: the patterns of names that it acts on there."""

    part: Regularizer
    patterns: tuple[str, ...]


def spread(found: Iterable[Placed], everywhere: Mapping[type[Regularizer], frozenset[str]]) -> list[Regularizer]:
    """Parts at places, as few as say the same: equal ones are one part, and ``where`` falls away that leaves none out.

    Args:
        found: parts at their places.
        everywhere: all patterns at which a class acts by itself; a part that has them all needs no ``where``.
    """
    groups: dict[Regularizer, list[str]] = {}
    for placed in found:
        groups.setdefault(placed.part, []).extend(placed.patterns)
    parts = []
    for part, patterns in groups.items():
        whole = everywhere.get(type(part), frozenset())
        bare = not patterns or (whole and whole <= set(patterns))
        parts.append(part if bare else where(part, "|".join(dict.fromkeys(patterns))))
    return parts


def escaped(name: str) -> str:
    """A name as a pattern that matches it and nothing else."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _adds_up(first: Regularizer, other: Regularizer) -> bool:
    inner, also = _inner(first), _inner(other)
    forms = getattr(inner, "form", None) == getattr(also, "form", None)
    return isinstance(inner, L1 | L2) and type(inner) is type(also) and forms


def _sum(first: Regularizer, other: Regularizer) -> Regularizer:
    inner, also = _inner(first), _inner(other)
    both = inner.replace(strength=inner.strength + also.strength)
    return first.replace(inner=both) if isinstance(first, Where) else both


def _inner(part: Regularizer) -> Regularizer:
    return part.inner if isinstance(part, Where) else part
