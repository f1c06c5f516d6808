"""Contracts on what a regularizer says of itself: its facts, its documentation, its knobs, its forms on disk."""

from __future__ import annotations

import copy
import doctest
import json
import math
import pickle
import re
import sys
from collections.abc import Iterator
from typing import Any

from wellfit.errors import RecipeError
from wellfit.knobs import Knob
from wellfit.recipe import Recipe
from wellfit.recipe_json import parse_strict
from wellfit.regularizer import REGISTRY, Regularizer
from wellfit.testing.outcome import ContractBroken

GRADES = ("A", "A-", "B+", "B", "B-", "C+", "C", "C-")
INPUTS = ("any", "image", "tokens", "text")
_YEAR = re.compile(r"\b(1[89]|20)\d\d\b")


def hold(kept: Any, cls: type[Regularizer], message: str) -> None:
    """Raise ContractBroken where a promise is not kept."""
    if not kept:
        raise ContractBroken(f"{cls.__name__}: {message}")


def check_facts(cls: type[Regularizer]) -> None:
    """It is registered and final, has a stage, and says what it is, when it helps, when not, and who found it."""
    hold(REGISTRY.get(cls.__name__) is cls, cls, "it is not in the registry under its name")
    others = [b.__name__ for b in cls.__mro__[1:] if b.__name__ in REGISTRY]
    hold(not others, cls, f"it subclasses {others}; leaves are final, wrap them instead")
    hold(cls.stages, cls, "it overrides no stage, so it does nothing")
    for fact in ("formula", "source", "use_when", "avoid_when", "grade"):
        hold(isinstance(getattr(cls, fact), str) and getattr(cls, fact).strip(), cls, f"{fact} is not set")
    hold(cls.grade in GRADES, cls, f"grade is {cls.grade!r}; allowed are {', '.join(GRADES)}")
    hold(_YEAR.search(cls.source), cls, f"source names no year: {cls.source!r}")
    hold(cls.standard <= {"table", "image", "text"}, cls, f"standard is {set(cls.standard)}")
    searchable = not cls.standard or not (cls.exempt or cls.grade.startswith("C"))
    hold(searchable, cls, "what default searches draw from is graded A or B and has a neutral value")
    hold(cls.inputs in INPUTS, cls, f"inputs is {cls.inputs!r}; allowed are {', '.join(INPUTS)}")
    hold(cls.tasks <= {"classification", "regression"} and cls.tasks, cls, f"tasks are {set(cls.tasks)}")


def check_documentation(cls: type[Regularizer]) -> None:
    """Its docstring says what it does, explains every field, names its source, and shows an example that runs."""
    text = cls.__doc__ or ""
    first = text.strip().split("\n")[0]
    hold(len(first) > 20 and not first.startswith(f"{cls.__name__}("), cls, "its docstring says nothing in line one")
    for section in ("Source:", "Example:"):
        hold(section in text, cls, f"its docstring has no {section!r}")
    arguments = re.search(r"Args:\n(.*?)(\n\s*\n|\Z)", text, re.S)
    for name in (*cls.knobs(), *cls.statics()):
        hold(arguments and re.search(rf"\b{name}\b", arguments[1]), cls, f"Args does not explain {name}")
    for name, facts in cls.knobs().items():
        hold(facts.neutral is None or "neutral" in arguments[1], cls, f"Args does not say what is neutral for {name}")
    runner = doctest.DocTestRunner(verbose=False)
    output: list[str] = []
    test = doctest.DocTestParser().get_doctest(text, dict(vars(sys.modules[cls.__module__])), cls.__name__, None, None)
    hold(test.examples, cls, "its docstring's example is no doctest")
    hold(runner.run(test, out=output.append).failed == 0, cls, f"its example fails: {''.join(output)}")


def check_knobs(cls: type[Regularizer]) -> None:
    """Each knob has a finite range that holds its default, makes sense at its ends and refuses what makes none."""
    default = cls()
    for name, facts in cls.knobs().items():
        hold(math.isfinite(facts.low) and math.isfinite(facts.high), cls, f"{name} has no finite range")
        value = getattr(default, name)
        hold(facts.low < facts.high, cls, f"the range of {name} is empty")
        hold(facts.low <= value <= facts.high, cls, f"{name} = {value} lies outside {facts.low} to {facts.high}")
        hold(facts.minimum <= facts.low and facts.high <= facts.maximum, cls, f"{name} is searched where it is refused")
        hold(not facts.log or facts.low > 0, cls, f"{name} is on a logarithmic scale that starts at {facts.low}")
        for good in knob_values(facts):
            hold(getattr(cls(**{name: good}), name) == good, cls, f"{name} = {good} is not kept")
        for bad in (math.nan, "0.1", None, True, facts.minimum - 1.0, facts.maximum + 1.0):
            if bad != math.inf:
                hold(_refused(cls, name, bad), cls, f"{name} = {bad!r} is accepted")
    neutral = [n for n, k in cls.knobs().items() if k.neutral is not None]
    hold(
        bool(neutral) != bool(cls.exempt.strip()), cls, "it needs a neutral value or, in `exempt`, the reason for none"
    )
    if neutral:
        hold(cls().neutral().is_neutral(), cls, "neutral() is not neutral")
        hold(not cls().is_neutral(), cls, "its default is neutral: it does nothing")


def check_forms(cls: type[Regularizer]) -> None:
    """JSON, pickle and deepcopy give back an equal part with an equal hash; other knobs make another part."""
    for part in examples(cls):
        text = json.dumps(Recipe(part).to_json(), allow_nan=False)
        again = Recipe.from_json(parse_strict(text, "recipe"))
        copies = [*again, pickle.loads(pickle.dumps(part)), copy.deepcopy(part), part.replace()]
        for other in copies:
            same = other == part and hash(other) == hash(part) and type(other) is type(part)
            hold(same and repr(other) == repr(part), cls, f"{part!r} came back as {other!r}")
    distinct = list(examples(cls))
    hold(len(set(distinct)) == len({repr(p) for p in distinct}), cls, "parts with other knobs are equal")


def knob_values(facts: Knob) -> list[float]:
    """Values that a knob must take: both ends of its range, between, and neutral."""
    middle = math.sqrt(facts.low * facts.high) if facts.log else (facts.low + facts.high) / 2
    return [v for v in (facts.low, middle, facts.high, facts.neutral) if v is not None]


def examples(cls: type[Regularizer]) -> Iterator[Regularizer]:
    """The default, and each knob at the values of ``knob_values``."""
    yield cls()
    for name, facts in cls.knobs().items():
        for value in knob_values(facts):
            yield cls(**{name: value})


def _refused(cls: type[Regularizer], name: str, value: Any) -> bool:
    try:
        cls(**{name: value})
    except RecipeError:
        return True
    return False
