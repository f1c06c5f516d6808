"""Rules and what they find. A rule is a function from a situation to sentences; its facts stand beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from wellfit.lint.situation import Situation
from wellfit.recipe import Recipe

LEVELS = ("error", "warning", "note")

Judge = Callable[[Situation], Iterable[str]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is known to go wrong.

    Attributes:
        code: ``WF-L01`` and so on, stable.
        level: ``error`` (refused until it is allowed by code), ``warning`` or ``note``.
        title: the rule in a few words.
        source: who showed it.
        fix: the way out.
        judge: gives a sentence for each place where the rule is broken.
    """

    code: str
    level: str
    title: str
    source: str
    fix: str
    judge: Judge


@dataclasses.dataclass(frozen=True)
class Finding:
    """A rule that a situation breaks, and how."""

    code: str
    level: str
    sentence: str
    source: str
    fix: str

    def __str__(self) -> str:
        return f"{self.code} {self.level}: {self.sentence} {self.fix} ({self.source})"

    def to_json(self) -> dict[str, str]:
        return dataclasses.asdict(self)


RULES: dict[str, Rule] = {}


def rule(code: str, level: str, title: str, *, source: str, fix: str) -> Callable[[Judge], Judge]:
    """Register a rule."""

    def register(judge: Judge) -> Judge:
        RULES[code] = Rule(code, level, title, source, fix, judge)
        return judge

    return register


def lint(recipe: Recipe, model: Any = None, *, silence: Sequence[str] = (), **known: Any) -> list[Finding]:
    """Hold a recipe against every rule.

    Args:
        recipe: the recipe; parts at their neutral value do not count.
        model: a ``torch.nn.Module``, where there is one.
        silence: codes that are not to be reported.
        known: what else is known, see ``Situation``: ``optimizer``, ``batch``, ``rows``, ``monitor``, ``stopping_on``,
            ``augment_validation``, ``calibrated``, ``scales``.

    Returns:
        Findings, errors first.

    Raises:
        TypeError: for a name in ``known`` that ``Situation`` does not have.

    Example:
        >>> from wellfit import L2, WeightDecay
        >>> [f.code for f in lint(Recipe(L2(1e-4), WeightDecay(0.01)))]
        ['WF-L01']
    """
    situation = Situation(recipe, model, **known)
    found = [f for r in all_rules() if r.code not in silence for f in _apply(r, situation)]
    return sorted(found, key=lambda f: (LEVELS.index(f.level), f.code))


def all_rules() -> list[Rule]:
    """Every rule, by code."""
    from wellfit.lint import rules_model, rules_recipe, rules_training  # noqa: F401  (fills RULES)

    return [RULES[code] for code in sorted(RULES)]


def _apply(rule: Rule, situation: Situation) -> Iterator[Finding]:
    for sentence in rule.judge(situation):
        yield Finding(rule.code, rule.level, sentence, rule.source, rule.fix)
