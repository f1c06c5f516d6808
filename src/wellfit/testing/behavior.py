"""Contracts on what a regularizer does: neutral, pure, the same in every form of its knobs, true to its strength."""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree

from wellfit.draws import Now
from wellfit.knobs import Knob
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.testing.facts import examples, hold
from wellfit.testing.outcome import begun, in_stack, outcome
from wellfit.testing.samples import Sample, draw_sample, small_network

Outcome = dict[str, Tensor]


def check_neutral(cls: type[Regularizer]) -> None:
    """At each neutral value every stage is the exact identity: as a float, a 0-d tensor, and in a stack."""
    for task in sorted(cls.tasks):
        network = small_network(task, cls.inputs)
        samples = [draw_sample(seed, task, inputs=cls.inputs) for seed in range(3)]
        for part in _neutrals(cls):
            like = samples[0].target.weight
            for form in (part, Recipe(part).on(like).parts[0]):
                got = outcome(form, samples[0], network)
                _hold_equal(cls, got, outcome(form, samples[0], network, plain=True), f"{form!r} is no identity")
            members = [part, cls(), part]
            got, idle = in_stack(members, samples, network), in_stack(members, samples, network, plain=True)
            for i in (0, 2):
                _hold_equal(cls, _member(got, i), _member(idle, i), f"{part!r} in a stack is no identity")


def check_purity(cls: type[Regularizer]) -> None:
    """Stages leave their inputs and every global generator alone, and give the same result for the same seed."""
    task = sorted(cls.tasks)[0]
    sample, network = draw_sample(1, task, inputs=cls.inputs), small_network(task, cls.inputs)
    before = (copy.deepcopy(sample), copy.deepcopy(network.state_dict()))
    generators = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    for part in examples(cls):
        first = outcome(part, sample, network)
        _hold_equal(cls, outcome(part, sample, network), first, "the same seed gives another result")
        part.rewrite(network)
    for old, new in zip(_pytree.tree_leaves(before[0]), _pytree.tree_leaves(sample), strict=True):
        hold(torch.equal(old, new), cls, "a stage writes into its input")
    _hold_equal(cls, dict(network.state_dict()), before[1], "rewrite writes into the network it is given")
    hold(torch.equal(torch.get_rng_state(), generators[0]), cls, "it draws from torch's global generator")
    hold((np.random.get_state()[1] == generators[1]).all(), cls, "it draws from NumPy's global generator")
    hold(random.getstate() == generators[2], cls, "it draws from Python's global generator")


def check_knob_forms(cls: type[Regularizer]) -> None:
    """A knob may be a float, a 0-d tensor or a member of a stack, with one result."""
    task = sorted(cls.tasks)[0]
    network = small_network(task, cls.inputs)
    parts = list(examples(cls))
    for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 2e-5)):
        samples = [draw_sample(seed, task, dtype, inputs=cls.inputs) for seed in range(len(parts))]
        stacked = in_stack(parts, samples, network)
        for i, (part, sample) in enumerate(zip(parts, samples, strict=True)):
            as_float = outcome(part, sample, network)
            as_tensor = outcome(Recipe(part).on(sample.target.weight).parts[0], sample, network)
            hold(_distance(as_float, as_tensor) <= bound, cls, f"{part!r} as a tensor differs from a float ({dtype})")
            hold(_distance(as_float, _member(stacked, i)) <= bound, cls, f"{part!r} in a stack differs ({dtype})")


def check_dtype_and_device(cls: type[Regularizer]) -> None:
    """What goes in as float32, float64 or bfloat16 comes out so, where it was; floats stay finite."""
    task = sorted(cls.tasks)[0]
    network = small_network(task, cls.inputs)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for device in ("cpu", "cuda" if torch.cuda.is_available() else "meta"):
            sample = draw_sample(2, task, dtype, device, inputs=cls.inputs)
            for part in (cls(), Recipe(cls()).on(sample.target.weight).parts[0]):
                got, idle = outcome(part, sample, network), outcome(part, sample, network, plain=True)
                for name, value in got.items():
                    kind = f"{value.dtype} on {value.device}"
                    kept = value.dtype == idle[name].dtype and value.device == idle[name].device
                    hold(kept, cls, f"{name} goes in as {idle[name].dtype} on {device} and comes out as {kind}")
                    finite = value.is_meta or bool(torch.isfinite(value).all())
                    hold(finite, cls, f"{name} is not finite in {dtype}")
        types = {p.dtype for p in cls().rewrite(small_network(task, cls.inputs).to(dtype)).parameters()}
        hold(types == {dtype}, cls, f"rewrite makes {types} of {dtype}")


def check_penalty_gradient(cls: type[Regularizer]) -> None:
    """The gradient in closed form is that of automatic differentiation, and that of finite differences."""
    if "penalty" not in cls.stages:
        return
    for seed, part in enumerate(examples(cls)):
        part, sample = begun(part, draw_sample(seed, sorted(cls.tasks)[0], inputs=cls.inputs))
        params = part.select(sample.params)
        now = Now.at(0, rates=dict.fromkeys(params, torch.tensor(0.1)))
        automatic = Regularizer.penalty_gradient(part, params, now)
        # what it leaves out has no gradient of it
        closed = {**{n: torch.zeros_like(w) for n, w in params.items()}, **part.penalty_gradient(params, now)}
        hold(closed.keys() == automatic.keys(), cls, "penalty_gradient has names that it was not handed")
        hold(_distance(closed, dict(automatic)) <= 1e-10, cls, f"{part!r}: closed form differs from autograd")
        places = {n: torch.arange(w.numel(), dtype=w.dtype).view(w.shape) for n, w in params.items()}
        direction = {n: torch.cos(place + seed) for n, place in places.items()}
        ends = [{n: w + e * direction[n] for n, w in params.items()} for e in (-1e-6, 1e-6)]
        numeric = (part.penalty(ends[1], now) - part.penalty(ends[0], now)) / 2e-6
        exact = sum((closed[n] * direction[n]).sum() for n in params)
        hold(abs(numeric - exact) <= 1e-6 * (1.0 + abs(exact)), cls, f"{part!r}: differs from finite differences")


def check_strength(cls: type[Regularizer]) -> None:
    """Turning a knob away from neutral never makes the effect smaller, and in the end larger."""
    task = sorted(cls.tasks)[0]
    network = small_network(task, cls.inputs)
    for name, facts in cls.knobs().items():
        if facts.neutral is None:
            continue
        effects = [_effect(cls(**{name: value}), network, task) for value in strengths(facts)]
        rising = all(a <= b * (1 + 1e-9) + 1e-12 for a, b in itertools.pairwise(effects))
        hold(rising and effects[-1] > effects[0], cls, f"more {name} is not more effect: {effects}")


def strengths(facts: Knob) -> list[float]:
    """Neutral, then four values of a knob's range, each further from it."""
    assert facts.neutral is not None
    shares = [i / 3 for i in range(4)]
    if facts.log:
        values = [facts.low * (facts.high / facts.low) ** s for s in shares]
    else:
        values = [facts.low + (facts.high - facts.low) * s for s in shares]
    far = 1e300 if math.isinf(facts.neutral) else facts.neutral
    return [facts.neutral, *sorted(values, key=lambda v: abs(v - far) if far != 1e300 else -v)]


def _effect(part: Regularizer, network: torch.nn.Module, task: str) -> float:
    """How far a part moves what it acts on, over several steps; where it mixes rows, how far from every row there was.

    A part with a ``batch`` stage may mix rows, in the batch and at sites: all the way to another row is no effect.

    Late steps, so that a warm-up is over; of what changes learning rates the first ones too, since that may be all.
    """
    total = 0.0
    for step in (*range(100_000, 100_008), *range(8 if "rate" in part.stages else 0)):
        sample = draw_sample(step, task, rows=32, inputs=part.inputs)
        got = outcome(part, sample, network, step=step)
        idle = outcome(part, sample, network, step=step, plain=True)
        mixed = tuple(f"{stage}." for stage in ("batch", "activation") if "batch" in part.stages)
        total += sum(_moved(got[n], idle[n]) for n in got if not n.startswith(mixed))
        total += sum(_strayed(got[n], idle[n]) for n in got if n.startswith(mixed) and not n.startswith("batch."))
        if "batch" in part.stages:
            total += _strayed(_rows(got), _rows(idle))
    return total


def _rows(found: Outcome) -> Tensor:
    return torch.cat([found["batch.x"].flatten(1), found["batch.values"]], dim=1)


def _strayed(got: Tensor, idle: Tensor) -> float:
    """How far rows are from the nearest row there was."""
    return float(torch.cdist(got.flatten(1), idle.flatten(1)).min(dim=1).values.sum())


def _moved(got: Tensor, idle: Tensor) -> float:
    if got.shape != idle.shape:  # rows were added or dropped: so many
        return float(abs(len(got) - len(idle)))
    return float((got.to(torch.float64) - idle.to(torch.float64)).abs().sum())


def _neutrals(cls: type[Regularizer]) -> Iterator[Regularizer]:
    """The default with one knob at its neutral value, for each that has one: a single one switches all of it off."""
    for name, facts in cls.knobs().items():
        if facts.neutral is not None:
            yield cls(**{name: facts.neutral})


def _member(found: Outcome, i: int) -> Outcome:
    return {n: v[i] for n, v in found.items()}


def _distance(a: Outcome, b: Outcome) -> float:
    """The largest difference, relative to what is larger than 1."""
    if a.keys() != b.keys():
        return math.inf
    differences = [_relative(a[n].to(torch.float64), b[n].to(torch.float64)) for n in a if a[n].numel()]
    return max(differences, default=0.0)


def _relative(a: Tensor, b: Tensor) -> float:
    return math.inf if a.shape != b.shape else float(((a - b).abs() / a.abs().clamp(min=1.0)).max())


def _hold_equal(cls: type[Regularizer], got: Outcome, expected: Outcome, message: str) -> None:
    hold(got.keys() == expected.keys(), cls, f"{message}: {sorted(got.keys() ^ expected.keys())}")
    for name, value in got.items():
        hold(torch.equal(value, expected[name]), cls, f"{message}: {name} differs")


Check = Callable[[type[Regularizer]], None]
__all__ = [
    "Check", "Sample", "check_dtype_and_device", "check_knob_forms", "check_neutral", "check_penalty_gradient",
    "check_purity", "check_strength",
]  # fmt: skip
