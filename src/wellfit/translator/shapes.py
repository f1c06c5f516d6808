"""The shapes of penalties: how a tool's parameters make a strength, and a strength its parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from wellfit.translator.records import Setting, Strength, Value

L1_ONLY, L2_ONLY, BOTH = frozenset({"l1"}), frozenset({"l2"}), frozenset({"l1", "l2"})


class Shape(Protocol):
    """A penalty as a tool writes it; strengths here are in the tool's own scale."""

    @property
    def carries(self) -> frozenset[str]:
        """Which parts of a strength it can hold: l1, l2 or both."""
        ...

    @property
    def finds(self) -> tuple[str, ...]:
        """The parameters that a translation sets."""
        ...

    def read(self, setting: Setting) -> Strength: ...

    def write(self, strength: Strength, setting: Setting) -> dict[str, Value]: ...


@dataclass(frozen=True)
class Square:
    """``factor * parameter ** power * sum(w ** 2)``."""

    parameter: str
    factor: float = 1.0
    power: float = 1.0
    carries: frozenset[str] = L2_ONLY

    @property
    def finds(self) -> tuple[str, ...]:
        return (self.parameter,)

    def read(self, setting: Setting) -> Strength:
        return Strength(l2=self.factor * setting[self.parameter] ** self.power)

    def write(self, strength: Strength, setting: Setting) -> dict[str, Value]:
        if self.power < 0 and strength.l2 == 0:
            return {self.parameter: math.inf}
        return {self.parameter: (strength.l2 / self.factor) ** (1.0 / self.power)}


@dataclass(frozen=True)
class Absolute:
    """``parameter * sum(|w|)``."""

    parameter: str
    carries: frozenset[str] = L1_ONLY

    @property
    def finds(self) -> tuple[str, ...]:
        return (self.parameter,)

    def read(self, setting: Setting) -> Strength:
        return Strength(l1=setting[self.parameter])

    def write(self, strength: Strength, setting: Setting) -> dict[str, Value]:
        return {self.parameter: strength.l1}


@dataclass(frozen=True)
class Odds:
    """``p / (1 - p) * sum(w ** 2)``: the odds of a value going missing."""

    parameter: str
    carries: frozenset[str] = L2_ONLY

    @property
    def finds(self) -> tuple[str, ...]:
        return (self.parameter,)

    def read(self, setting: Setting) -> Strength:
        return Strength(l2=setting[self.parameter] / (1.0 - setting[self.parameter]))

    def write(self, strength: Strength, setting: Setting) -> dict[str, Value]:
        return {self.parameter: strength.l2 / (1.0 + strength.l2)}


@dataclass(frozen=True)
class Apart:
    """``absolute * sum(|w|) + factor * square * sum(w ** 2)``: a parameter for each part."""

    absolute: str
    square: str
    factor: float = 1.0
    carries: frozenset[str] = BOTH

    @property
    def finds(self) -> tuple[str, ...]:
        return (self.absolute, self.square)

    def read(self, setting: Setting) -> Strength:
        return Strength(setting[self.absolute], self.factor * setting[self.square])

    def write(self, strength: Strength, setting: Setting) -> dict[str, Value]:
        return {self.absolute: strength.l1, self.square: strength.l2 / self.factor}


RATIOS = {"l2": 0.0, "l1": 1.0}


@dataclass(frozen=True)
class Mixed:
    """``s * (ratio * sum(|w|) + (1 - ratio) / 2 * sum(w ** 2))``, where s is the strength or, for C, its inverse.

    Attributes:
        strength, ratio: the names of the parameters.
        inverse: whether the parameter is 1 / s.
        penalty: the choice that may name the ratio: l2, l1 or elasticnet; an empty text leaves it to ``ratio``.
        square_over: a fact that divides the squares: glmnet's sd_y.
        otherwise: the ratio where there is no penalty at all.
    """

    strength: str
    ratio: str
    inverse: bool = False
    penalty: str = ""
    square_over: str = ""
    otherwise: float = 0.5
    carries: frozenset[str] = BOTH

    @property
    def finds(self) -> tuple[str, ...]:
        return (*((self.penalty,) if self.penalty else ()), self.strength, self.ratio)

    def read(self, setting: Setting) -> Strength:
        given = setting[self.strength]
        total = 1.0 / given if self.inverse else given
        share = RATIOS.get(setting.word(self.penalty), setting[self.ratio]) if self.penalty else setting[self.ratio]
        over = setting[self.square_over] if self.square_over and share < 1.0 else 1.0
        return Strength(total * share, total * (1.0 - share) / (2.0 * over))

    def write(self, strength: Strength, setting: Setting) -> dict[str, Value]:
        over = setting[self.square_over] if self.square_over and strength.l2 else 1.0
        square = 2.0 * over * strength.l2
        total = strength.l1 + square
        # The parameter first, then the share: dividing by the larger of two tiny numbers keeps both exact.
        share = strength.l1 / total if total else self.otherwise
        found: dict[str, Value] = {self.strength: _inverse(total) if self.inverse else total, self.ratio: share}
        if self.penalty and "" not in setting.tool.choices[self.penalty]:
            named = {"l1": "l1", "elasticnet": "elasticnet"}.get(strength.kind, "l2")
            found = {self.penalty: named, **found}
            if named != "elasticnet":
                del found[self.ratio]
        return found


def _inverse(value: float) -> float:
    return 1.0 / value if value else math.inf
