"""The lint: what is known to go wrong when regularizers meet each other, a model, an optimizer or the data."""

from wellfit.lint.findings import Finding, Rule, all_rules, lint
from wellfit.lint.situation import Situation

__all__ = ["Finding", "Rule", "Situation", "all_rules", "lint"]
