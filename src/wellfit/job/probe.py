"""The probe: a few timed steps that decide how the population runs, and tell how fast that is."""

from __future__ import annotations

import dataclasses
import time

from wellfit.job.plan import Plan, size_batch
from wellfit.job.prepare import Material
from wellfit.recipe import Recipe
from wellfit.searching.space import filled
from wellfit.training.cohort import Member
from wellfit.training.compiler import compiling_seconds
from wellfit.training.crew import Engine
from wellfit.training.population import Course
from wellfit.training.study import Task

STACK = 16
"""Members in one stack: more leave the processor's cache at the widths used here."""

_STEPS, _LEAST = 64, 6
"""Steps that are timed, and how many at least, whatever the time."""

_TRACING = 1.0
"""Seconds that building a full step takes where nothing else runs (measured); longer means a slow or crowded machine,
and compiling will take as many times longer."""

_SHORT = 14.0
"""Seconds left from which it is worth the time to try more than a stack; each try builds a step."""

_WORTH = 1.1
"""How much faster steps in bfloat16 have to be."""

_GAIN = 1.8
"""How much faster compiled steps are, at least, where they were measured."""


@dataclasses.dataclass(frozen=True)
class Probe:
    """What was found: how to run, and how fast that is.

    Attributes:
        rate: member-steps a second of all hands together, every regularizer of the study in the step.
        bare: how many times as fast the step without any is.
        precision: what the passes of a step are computed in; ``bfloat16`` only where that was measured to be faster.
    """

    chunk: int
    mode: str
    engine: str
    rate: float
    sentence: str
    bare: float = 1.0
    precision: str = "float32"


def choose(engine: Engine, material: Material, whole: Recipe, left: float, device: str) -> Probe:
    """Time a stack against one by one, and compiled steps where the time left may pay for compiling.

    Args:
        whole: every part of the study, neutral.
        left: seconds left for training.
    """
    folds = material.folds
    stack = max(1, STACK // folds) * folds if device == "cpu" else max(1, 256 // folds) * folds
    rows = material.fewest
    course = Course(_STEPS, size_batch(rows), 10**9, "traced", least=_LEAST)
    begun = time.monotonic()
    seconds = 0.15 * max(0.0, left)
    nothing = Recipe(whole["EarlyStopping"])
    tries = [(stack, whole), (folds, whole), (stack, nothing)][: 3 if left > _SHORT else 1]
    timed = engine.run([_task(count, folds, recipe, course, seconds) for count, recipe in tries])
    rates = {stack: timed[0].pace} | ({folds: timed[1].pace} if len(timed) > 1 else {})
    bare = timed[2].pace / max(1e-9, timed[0].pace) if len(timed) > 2 else 1.0
    chunk = max(rates, key=lambda k: rates[k])
    rate, mode = rates[chunk] * engine.hands, "traced"
    told = f"a stack of {stack} runs {rates[stack]:,.0f} member-steps/s a process"
    told += f", one by one {rates[folds]:,.0f}" if folds in rates else "; the budget is too short to try more"
    precision = "float32"
    if device == "cuda":
        halved = dataclasses.replace(course, precision="bfloat16")
        fast = engine.run([_task(chunk, folds, whole, halved, seconds)])[0].pace * engine.hands
        told += f", in bfloat16 {fast / engine.hands:,.0f}"
        if fast > _WORTH * rate:
            rate, precision, course = fast, "bfloat16", halved
    left -= time.monotonic() - begun
    crowded = max(1.0, timed[0].building / _TRACING)
    if _pays(rate, _GAIN * rate, left, compiling_seconds() * crowded):
        compiled, note = _compiled(engine, chunk, folds, whole, course)
        if compiled > rate:
            rate, mode = compiled, "compiled"
        told += f", compiled {compiled / engine.hands:,.0f}" if not note else f" ({note})"
    name, way = _told(chunk, folds, engine.hands)
    faster = min(3.0, max(1.0, bare)) if mode == "traced" else 1.0
    return Probe(chunk, mode, name, rate, f"{way}, {mode} ({told})", faster, precision)


def _told(chunk: int, folds: int, hands: int) -> tuple[str, str]:
    """The engine's name, and how members are trained in words."""
    name = ("processes" if hands > 1 else "stack") if chunk > folds else "loop"
    where = f"{hands} processes" if hands > 1 else "this process"
    return name, f"{f'stacks of {chunk}' if chunk > folds else 'one by one'} in {where}"


def _pays(slow: float, fast: float, left: float, cost: float) -> bool:
    return fast * (left - cost) > slow * left


def _compiled(engine: Engine, chunk: int, folds: int, whole: Recipe, course: Course) -> tuple[float, str]:
    """Member-steps a second of all hands with compiled steps; the compiling itself is kept by the workers."""
    course = dataclasses.replace(course, mode="compiled")
    results = engine.run([_task(chunk, folds, whole, course, float("inf"))] * engine.hands)
    note = next((r.note for r in results if r.note), "")
    return sum(r.pace for r in results), note


def _task(count: int, folds: int, whole: Recipe, course: Course, seconds: float) -> Task:
    members = tuple(Member(filled(Recipe(), whole), 1e-3, i, i % folds, "probe") for i in range(count))
    return Task(course, members, seconds=seconds)


def pinned(plan: Plan) -> Probe:
    """A stored plan's way of running, to be repeated as it was."""
    told = f"as planned before: {plan.mode}, stacks of {plan.chunk}"
    return Probe(plan.chunk, plan.mode, plan.engine, plan.rate, told, plan.bare, plan.precision)
