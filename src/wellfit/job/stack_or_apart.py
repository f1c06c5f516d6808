"""How members of a model are trained: side by side in a stack, or one by one, and why."""

from __future__ import annotations

import dataclasses
import time
import warnings
from typing import Protocol

import torch
from torch import Tensor, nn

from wellfit.job.machine_memory import usable_memory
from wellfit.job.probe import STACK, Probe
from wellfit.recipe import Recipe
from wellfit.training.cohort import Cohort, Member, seeded
from wellfit.training.crew import Engine
from wellfit.training.population import Course
from wellfit.training.study import Task

_COPIES = 8
"""Copies of its weights that a member in training has, about: weights, gradient, Adam's two, the best, an average."""

_KEPT = 8
"""How many times the values of its largest layer a step keeps for the gradient, about."""

_MEMORY = 0.25  # of what this process may have, that a stack may take

_COMPARED = 4  # steps of a stack that have to come to what the same members come to alone

_ALIKE, _NEAR = 1e-3, 5e-2
"""How far training and validation losses of a stack and of lone members may lie apart in those steps, as a share. In
validation more, since Adam makes rounding errors as large as steps where a gradient is 0: a bias before batch norm
wanders, training does not see it, and the running mean follows late."""

_TIMED, _LEAST, _SHARE = 48, 3, 0.04
"""Steps that are timed at most and at least, and the share of the time left that each kind of step is timed for."""

BREADTH = 8
"""Candidates that are compared in one rung where members train one by one: half as many as a stack holds."""


class Networks(Protocol):
    """What the engine trains: whatever makes networks."""

    def network(self) -> nn.Module: ...


@dataclasses.dataclass(frozen=True)
class Mixes:
    """Recipes that are timed.

    Attributes:
        whole: every part of the search, neutral: what a stack carries.
        typical: a cocktail, as one that trains alone carries it.
        nothing: what the model without regularization carries.
    """

    whole: Recipe
    typical: Recipe
    nothing: Recipe


_TIMES, _TRYING = 4.0, 0.25
"""How many times as long as a bare stack one that carries everything takes to build (measured on images: 52 s to 14 s
on a crowded machine), and the share of the time left that trying it may take."""


LONG_STEP = 0.02
"""Seconds of a lone step on a processor from which stacks of networks for images or texts are not tried: they save what
a step costs beside its arithmetic, a few milliseconds there (images: 1.2 times as fast at 8 x 8, where a step takes
5 ms, 0.7 times at 28 x 28)."""


_WHY = (
    ("randomness", "it draws random numbers of its own, which a stack cannot keep apart"),
    ("data-dependent control flow", "its forward decides by the values it computes"),
    ("tracing tensor", "its forward decides by the values it computes"),
    (".item()", "its forward decides by the values it computes"),
    ("inplace", "it writes in place into a tensor that is no buffer"),
    ("in-place", "it writes in place into a tensor that is no buffer"),
)


def choose_way(
    engine: Engine, study: Networks, mixes: Mixes, batch: int, left: float, *, short: bool = False,
    longest: float = float("inf"),
) -> Probe:  # fmt: skip
    """Try a stack and the same members one by one; where both come to the same, the faster way is taken.

    One by one, a member carries the parts of its own recipe alone; in a stack all carry everything, most of it neutral.

    A stack that carries nothing is tried first: where that is slower than one by one already, or took long to build, a
    stack that carries all is not built, which takes several times as long.

    Args:
        left: seconds left for training.
        short: whether that is too short for stacks to be tried at all.
        longest: seconds of a lone step from which they are not tried either.
    """
    seconds, hands = _SHARE * max(0.0, left), engine.hands
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of operations that vmap runs in a loop: they are timed here
        lone = _pace(engine, _members(1, mixes.typical), batch, "apart", seconds)
        reason, stack, light, what = "the budget is too short to try stacks", 0.0, 0.0, ""
        if lone * longest < 1.0:
            reason = f"a step takes {1e3 / lone:,.0f} ms, of which a stack would save little"
        elif not short:
            reason, stack, light, what = _tried(engine, study, mixes, batch, left, lone)
        told = f"a stack of {STACK} runs {stack:,.0f} member-steps/s a process{what}, one by one {lone:,.0f}"
        if reason or lone >= stack:
            bare = _pace(engine, _members(1, mixes.nothing), batch, "apart", seconds)
            way = f": {reason} ({lone:,.0f} member-steps/s)" if reason else f", which is faster here: {told}"
            return Probe(1, "apart", "loop", lone * hands, f"one by one{way}", _bare(lone, bare))
        name, way = "processes" if hands > 1 else "stack", f"stacks of {STACK}: {told}"
        return Probe(STACK, "traced", name, stack * hands, way, _bare(stack, light))


def _tried(
    engine: Engine, study: Networks, mixes: Mixes, batch: int, left: float, lone: float
) -> tuple[str, float, float, str]:
    """Why there are no stacks, or nothing; the pace of one, the pace of a bare one, and what the one carried."""
    seconds, begun = _SHARE * max(0.0, left), time.monotonic()
    reason, light = _stacked(engine, study, mixes.nothing, mixes.nothing, batch, seconds)
    took = time.monotonic() - begun
    if reason or light <= lone:
        return reason, light, light, " without a regularizer"
    if mixes.whole != mixes.nothing and _TIMES * took > _TRYING * left:
        return f"a stack that carries every regularizer takes too long to build ({took:.0f} s bare)", 0.0, light, ""
    reason, stack = _stacked(engine, study, mixes.whole, mixes.nothing, batch, seconds)
    return reason, stack, light, ""


def _stacked(
    engine: Engine, study: Networks, carried: Recipe, nothing: Recipe, batch: int, seconds: float
) -> tuple[str, float]:
    """Why the model cannot train in stacks that carry a recipe, or nothing, and the pace of a stack."""
    if _too_large(study, batch):
        return f"{STACK} of it, with what training keeps of each, would take more than a quarter of the memory", 0.0
    course = Course(_COMPARED, batch, 1, "traced")
    members = _members(STACK, carried)
    try:
        (stack,) = engine.run([Task(course, members)])
        pace = _pace(engine, members, batch, "traced", seconds)
    except Exception as error:  # whatever a model may raise under vmap
        return _told(error), 0.0
    (alone,) = engine.run([Task(dataclasses.replace(course, mode="apart"), _members(2, nothing))])
    if not _alike(stack.cohort.take([0, 1]), alone.cohort):
        return "a stack comes to other losses than the same members alone", 0.0
    return "", pace


def _alike(stack: Cohort, alone: Cohort) -> bool:
    """Whether both have the same losses at every step."""
    pairs = [pair for a, b in zip(stack.history, alone.history, strict=True) for pair in _pairs(a, b)]
    return all(torch.allclose(a, b, rtol=rtol, atol=1e-6, equal_nan=True) for a, b, rtol in pairs)


def _pairs(a: tuple[int, Tensor, Tensor], b: tuple[int, Tensor, Tensor]) -> list[tuple[Tensor, Tensor, float]]:
    return [(a[1], b[1], _ALIKE), (a[2], b[2], _NEAR)]


def _told(error: Exception) -> str:
    text = str(error)
    known = next((sentence for part, sentence in _WHY if part in text), None)
    first = text.splitlines()[0][:160] if text else type(error).__name__
    return known or f"vmap does not run it ({first})"


def _too_large(study: Networks, batch: int) -> bool:
    """Whether a stack's weights, and the values of a step where the network's shape tells them, take too much."""
    held = sum(p.numel() * p.element_size() for p in seeded(study.network, 0).parameters()) * _COPIES
    values = getattr(getattr(study, "shape", None), "values", 0) * batch * 4 * _KEPT
    return (held + values) * STACK > _MEMORY * usable_memory()


def _bare(full: float, bare: float) -> float:
    return min(3.0, max(1.0, bare / max(1e-9, full)))


def _pace(engine: Engine, members: tuple[Member, ...], batch: int, mode: str, seconds: float) -> float:
    """Member-steps a second."""
    course = Course(_TIMED, batch, 10**9, mode, least=_LEAST)
    (result,) = engine.run([Task(course, members, seconds=seconds)])
    return max(1e-3, result.pace)


def _members(count: int, recipe: Recipe) -> tuple[Member, ...]:
    return tuple(Member(recipe, 1e-3, i, 0, "probe") for i in range(count))
