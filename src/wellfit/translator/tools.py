"""Every tool that can be translated from and to, by name."""

from __future__ import annotations

from wellfit.translator.linear_models import LINEAR_MODELS
from wellfit.translator.losses import WITH_OWN_LOSS
from wellfit.translator.optimizers import OPTIMIZERS
from wellfit.translator.records import Tool
from wellfit.translator.statistics import STATISTICS

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*LINEAR_MODELS, *OPTIMIZERS, *WITH_OWN_LOSS, *STATISTICS)}
"""A new tool is a record in one of the four lists and a comparison of solutions in its tests."""
