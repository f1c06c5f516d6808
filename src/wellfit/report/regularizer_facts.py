"""What is known of a regularizer, told for a reader: the registry's facts without its machinery."""

from __future__ import annotations

import inspect
import math
import sys
from dataclasses import dataclass, field

from wellfit.report.docstrings import Parts, parts_of
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
class ChoiceFacts:
    """A field that changes the structure and is not searched."""

    name: str
    default: object

    def shown(self) -> str:
        return f"{self.name}  default {self.default!r}"

    def to_json(self) -> dict[str, object]:
        plain = self.default if isinstance(self.default, str | int | float | bool | None) else repr(self.default)
        return {"name": self.name, "default": plain}


@dataclass(frozen=True)
class Facts:
    """A regularizer as a reader meets it.

    Attributes:
        family: the file that it lives in, without folder and ending.
        stages: in the order of a training step.
        exempt: why nothing switches it off, where nothing does.
        parts: its docstring.
        own: whether it comes with wellfit.
    """

    name: str
    grade: str
    sentence: str
    formula: str
    use_when: str
    avoid_when: str
    source: str
    tasks: tuple[str, ...]
    knobs: tuple[KnobFacts, ...]
    choices: tuple[ChoiceFacts, ...] = ()
    family: str = ""
    stages: tuple[str, ...] = ()
    exempt: str = ""
    parts: Parts = field(default_factory=Parts)
    own: bool = True

    @property
    def short(self) -> str:
        """What it does to training, without the formula."""
        return self.sentence.split(": ")[0].split("; ")[0].replace("`", "").rstrip(".")

    def to_json(self) -> dict[str, object]:
        facts = {name: value for name, value in vars(self).items() if name not in {"parts", "knobs", "choices"}}
        told = self.parts.fields
        return {
            **facts,
            "tasks": list(self.tasks),
            "stages": list(self.stages),
            "knobs": [{**knob.to_json(), "meaning": told.get(knob.name, "")} for knob in self.knobs],
            "choices": [{**choice.to_json(), "meaning": told.get(choice.name, "")} for choice in self.choices],
            "details": list(self.parts.rest),
            "example": self.parts.example,
            "references": self.parts.sources,
        }


def every() -> list[Facts]:
    """The facts of every registered regularizer, by name."""
    import wellfit.regularizers  # noqa: F401  its classes register themselves
    from wellfit.regularizer import REGISTRY

    return [_facts(REGISTRY[name]) for name in sorted(REGISTRY, key=str.casefold)]


def family_title(family: str) -> str:
    """The name of a family for a reader: ``structured_penalties`` is Structured penalties."""
    return family.replace("_", " ").capitalize()


def family_sentence(facts: Facts) -> str:
    """What the file of a family says it holds."""
    from wellfit.regularizer import REGISTRY

    module = sys.modules.get(REGISTRY[facts.name].__module__)
    return " ".join((inspect.getdoc(module) or "").split()) if module else ""


def _facts(cls: type) -> Facts:
    parts = parts_of(cls)
    return Facts(
        name=cls.__name__,
        grade=cls.grade,
        sentence=parts.first,
        formula=cls.formula,
        use_when=cls.use_when,
        avoid_when=cls.avoid_when,
        source=cls.source,
        tasks=tuple(sorted(cls.tasks)),
        knobs=tuple(_knob(cls, name, knob) for name, knob in cls.knobs().items()),
        choices=tuple(ChoiceFacts(name, cls.__dataclass_fields__[name].default) for name in cls.statics()),
        family=cls.__module__.rpartition(".")[2],
        stages=_stages(cls),
        exempt=cls.exempt,
        parts=parts,
        own=cls.__module__.startswith("wellfit."),
    )


def _stages(cls: type) -> tuple[str, ...]:
    from wellfit.regularizer import STAGES

    return tuple(stage for stage in STAGES if stage in cls.stages)


def _knob(cls: type, name: str, knob: object) -> KnobFacts:
    default = cls.__dataclass_fields__[name].default
    return KnobFacts(name, float(default), knob.low, knob.high, knob.log, knob.neutral)
