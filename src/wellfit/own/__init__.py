"""Search over somebody's own model: the same phases, run folder and proof as the main job, for any ``nn.Module``."""

from wellfit.own.api import search
from wellfit.own.result import Found

__all__ = ["Found", "search"]
