"""Whether a setting's model trains in stacks, or one by one."""

from __future__ import annotations

import time
import warnings

import torch
from torch import nn

from wellfit.diagnosis.bench import Bench
from wellfit.diagnosis.experiment import folds
from wellfit.diagnosis.setting import Setting
from wellfit.recipe import Recipe
from wellfit.training.cohort import Member, start
from wellfit.training.population import Course

_MEMBERS, _STEPS = 6, 3
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def way(setting: Setting) -> tuple[str, str]:
    """``traced`` or ``apart``, and why.

    Convolutions of many members at once are slow on some processors: there both ways are timed for a few steps.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stacked = _seconds(setting, "eager")
        except Exception as error:  # whatever a model may raise under vmap
            return "apart", f"members train one by one: vmap does not run the model ({type(error).__name__})"
        with torch.random.fork_rng(devices=[]):
            convolves = any(isinstance(m, _CONVOLUTIONS) for m in setting.make().modules())
        if convolves and _seconds(setting, "apart") < stacked:
            return "apart", "members train one by one, which is faster here"
    return "traced", "members train side by side in one stack"


def _seconds(setting: Setting, mode: str) -> float:
    """Of some steps of some members."""
    bench = Bench(setting, folds(setting), most=8)
    population = bench.population(Recipe())
    members = [Member(Recipe(), setting.rate, i) for i in range(_MEMBERS)]
    cohort = start(population.trainer, lambda: bench.network(Recipe()), members, bench.rows)
    cohort = population.train(cohort, Course(1, setting.batch, 10**9, mode))
    begun = time.monotonic()
    population.train(cohort, Course(1 + _STEPS, setting.batch, 10**9, mode))
    return time.monotonic() - begun
