"""What is known of a regularizer, told for a reader: the registry's facts without its machinery."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass

from wellfit.report.numbers import number


@dataclass(frozen=True)
class KnobFacts:
    """One knob: its default, the range that a search draws from, and where it does nothing."""

    name: str
    default: float
    low: float
    high: float
    log: bool
    neutral: float | None

    def shown(self) -> str:
        """One line: ``p  default 0.2, searched 0.02 to 0.6, 0 is off``."""
        scale = " (log scale)" if self.log else ""
        off = "" if self.neutral is None else f", {number(self.neutral)} is off"
        low, high = number(self.low, 5), number(self.high, 5)
        return f"{self.name}  default {number(self.default, 5)}, searched {low} to {high}{scale}{off}"

    def to_json(self) -> dict[str, object]:
        neutral = None if self.neutral is None else "infinity" if math.isinf(self.neutral) else self.neutral
        return {
            "name": self.name,
            "default": self.default,
            "low": self.low,
            "high": self.high,
            "log": self.log,
            "neutral": neutral,
        }


@dataclass(frozen=True)
class Facts:
    """A regularizer as a reader meets it."""

    name: str
    grade: str
    sentence: str
    formula: str
    use_when: str
    avoid_when: str
    source: str
    tasks: tuple[str, ...]
    knobs: tuple[KnobFacts, ...]

    @property
    def short(self) -> str:
        """What it does to training, without the formula."""
        return self.sentence.split(": ")[0].split("; ")[0].replace("`", "").rstrip(".")

    def to_json(self) -> dict[str, object]:
        return {**vars(self), "tasks": list(self.tasks), "knobs": [knob.to_json() for knob in self.knobs]}


def every() -> list[Facts]:
    """The facts of every registered regularizer, by name."""
    import wellfit.regularizers  # noqa: F401  its classes register themselves
    from wellfit.regularizer import REGISTRY

    return [_facts(REGISTRY[name]) for name in sorted(REGISTRY, key=str.casefold)]


def _facts(cls: type) -> Facts:
    lines = (inspect.getdoc(cls) or "").split("\n\n")[0]
    return Facts(
        name=cls.__name__,
        grade=cls.grade,
        sentence=" ".join(lines.split()),
        formula=cls.formula,
        use_when=cls.use_when,
        avoid_when=cls.avoid_when,
        source=cls.source,
        tasks=tuple(sorted(cls.tasks)),
        knobs=tuple(_knob(cls, name, knob) for name, knob in cls.knobs().items()),
    )


def _knob(cls: type, name: str, knob: object) -> KnobFacts:
    default = cls.__dataclass_fields__[name].default
    return KnobFacts(name, float(default), knob.low, knob.high, knob.log, knob.neutral)
