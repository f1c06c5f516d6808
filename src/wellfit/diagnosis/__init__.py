"""Diagnosis by experiment: does a network overfit or underfit, how sure is that, and what helps."""

from __future__ import annotations

from wellfit.diagnosis.api import diagnose
from wellfit.diagnosis.checks import CHECKS, Check
from wellfit.diagnosis.decomposition import bias_variance
from wellfit.diagnosis.groups import shift
from wellfit.diagnosis.history import History, make_history
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.memory import random_labels
from wellfit.diagnosis.metrics import gap, norms
from wellfit.diagnosis.result import Diagnosis, Finding, Tried
from wellfit.diagnosis.setting import Setting, make_setting

__all__ = [
    "CHECKS", "Check", "Diagnosis", "Finding", "History", "Limits", "Setting", "Tried", "bias_variance", "diagnose",
    "gap", "make_history", "make_setting", "norms", "random_labels", "shift",
]  # fmt: skip
