"""What is known of a tool: its objective as data, so that one rule translates between any two."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wellfit.translator.refusals import missing

if TYPE_CHECKING:
    from wellfit.translator.shapes import Shape

Value = float | str


@dataclass(frozen=True)
class Strength:
    """How much is penalized: ``l1 * sum(|w|) + l2 * sum(w ** 2)`` beside some loss, by default the mean loss.

    Attributes:
        l1, l2: 0 and up; the canonical loss is a mean over rows, a squared error has no 1/2, the bias is free.
    """

    l1: float = 0.0
    l2: float = 0.0

    @property
    def kind(self) -> str:
        """``none``, ``l1``, ``l2`` or ``elasticnet``."""
        return {(False, False): "none", (True, False): "l1", (False, True): "l2"}.get(
            (self.l1 != 0, self.l2 != 0), "elasticnet"
        )

    def times(self, factor: float) -> Strength:
        return Strength(self.l1 * factor, self.l2 * factor)


@dataclass(frozen=True)
class Amount:
    """A number that a tool takes: its default (None: there is none) and the values that make sense."""

    default: float | None = None
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False
    endless: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value makes sense; infinity does only where the tool takes it."""
        if math.isinf(value) and not self.endless:
            return False
        inside = value > self.low if self.above else value >= self.low
        return inside and (value < self.high if self.below and math.isfinite(self.high) else value <= self.high)

    def shown(self) -> str:
        """The range in words: ``above 0``, ``0 to 1``."""
        low = f"above {self.low:g}" if self.above else f"{self.low:g}"
        if math.isinf(self.high):
            return low if self.above else f"{low} and up"
        return f"{low} to {'below ' if self.below else ''}{self.high:g}"


@dataclass(frozen=True)
class By:
    """A fact of a tool that hangs on one of its choices."""

    choice: str
    cases: Mapping[str, str]


@dataclass(frozen=True)
class Form:
    """The objective of a tool: ``scale * canonical mean loss + penalty``.

    Attributes:
        shape: the penalty as a function of the tool's parameters, and the way back.
        scale: what its data term is, as a multiple of the canonical mean loss.
    """

    shape: Shape
    scale: Callable[[Setting], float] = lambda setting: 1.0


@dataclass(frozen=True)
class Decay:
    """A decay beside the objective: each step a weight loses the share ``lr * parameter / slowness``.

    Attributes:
        parameter: what the tool calls it.
        slowness: 1 - momentum where momentum makes every decay count more than once, else 1.
    """

    parameter: str = "weight_decay"
    slowness: Callable[[Setting], float] = lambda setting: 1.0

    def share(self, setting: Setting) -> float:
        return setting["lr"] * setting[self.parameter] / self.slowness(setting)

    def settings(self, share: float, setting: Setting) -> dict[str, Value]:
        return {self.parameter: share * self.slowness(setting) / setting["lr"]}


@dataclass(frozen=True)
class Tool:
    """One tool: what it minimizes, with which parameters, and what it does beside the weights.

    Attributes:
        name: as users write it, library first.
        objective: in words and symbols of the tool.
        source: where that can be read.
        call: how the setting is written in code, with ``{}`` in the place of the parameters.
        rate: what the learning rate is called there; empty where it is no parameter.
        numbers, choices: its parameters; of a choice the first is the default.
        form: its penalty, where it has one that an objective can hold.
        decay: its decay, where each step takes the same share of a weight.
        no_form, no_decay: why not, where it has none.
        loss: squared, log, hinge, squared_hinge, or own for the loss that the user writes.
        bias: free, pulled, or absent.
        bias_out: how its bias becomes free.
        needs: facts of the problem without which it cannot be translated.
        limits: a choice and which kinds of penalty each of its values can do.
        variants: "choice=value" to the tool that it then is.
        notes: what a reader of the result has to know; ``as_target`` only where the tool is the target.
        aliases: other names for it.
    """

    name: str
    objective: str
    source: str
    call: str
    numbers: Mapping[str, Amount]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Form | None = None
    decay: Decay | None = None
    no_form: str = ""
    no_decay: str = ""
    loss: str | By = "own"
    bias: str | By = "free"
    bias_out: str = ""
    needs: tuple[str, ...] = ()
    limits: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    as_target: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    rate: str = "lr"


@dataclass(frozen=True)
class Setting:
    """A tool with values for its parameters, and what is known of the problem."""

    tool: Tool
    values: Mapping[str, Value]
    facts: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        """A number by name: a parameter, else a fact of the problem; refused by name where there is neither."""
        value = self.values.get(name, self.facts.get(name))
        if value is None:
            raise missing([(name, self.tool.name)])
        return float(value)

    def get(self, name: str, otherwise: float) -> float:
        value = self.values.get(name, self.facts.get(name))
        return otherwise if value is None else float(value)

    def word(self, name: str) -> str:
        """The value of a choice."""
        return str(self.values[name])

    def fact(self, of: str | By) -> str:
        """A fact of the tool that may hang on a choice."""
        return of.cases[self.word(of.choice)] if isinstance(of, By) else of
