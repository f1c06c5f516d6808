"""The lint: what is known to go wrong when regularizers meet each other, a model, an optimizer or the data."""

from wellfit.lint.findings import RULES, Finding, Rule, lint
from wellfit.lint.situation import Situation

__all__ = ["RULES", "Finding", "Rule", "Situation", "lint"]
