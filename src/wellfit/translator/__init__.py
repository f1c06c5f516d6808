"""Translate a regularization strength between tools: same problem, same weights, other words.

Every tool is a record: what it minimizes as a multiple of the mean loss plus a penalty. One rule takes any tool to the
canonical ``mean loss + L1 * sum(|w|) + L2 * sum(w ** 2)`` and on to any other, or says why none is equal.
"""

from wellfit.translator.records import Strength, Tool
from wellfit.translator.statistics import leaf_value
from wellfit.translator.tools import TOOLS
from wellfit.translator.translation import Translation, translate

__all__ = ["TOOLS", "Strength", "Tool", "Translation", "leaf_value", "translate"]
