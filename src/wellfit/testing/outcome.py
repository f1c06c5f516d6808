"""What a regularizer makes of a small sample: every stage it has, called once, as a flat dictionary of tensors."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from wellfit.draws import Now
from wellfit.recipe import Recipe
from wellfit.regularizer import Params, Regularizer
from wellfit.sites import Site
from wellfit.stacking import stack
from wellfit.target import Target
from wellfit.testing.hidden import hidden_forms
from wellfit.testing.samples import Sample, as_numbers, draw_sample, small_fold, small_network, small_pairs
from wellfit.text.lexicon import SMALL
from wellfit.training.step import Seen, network_weights

__all__ = [
    "SITES", "ContractBroken", "Sample", "begun", "draw_sample", "in_stack", "outcome", "resampled", "slope",
    "small_network", "stack_trees",
]  # fmt: skip

KINDS = ("input", "preactivation", "hidden", "embedding", "branch", "branches")
SITES = tuple(Site(f"{kind}.{i}", kind, i, 2, table="vectors.weight") for kind in KINDS for i in range(2))
_LOSSES = (3.0, 2.0, 1.0, *[1.0] * 37)
"""Validation losses that a stopper is shown: three of progress, then none."""


class ContractBroken(AssertionError):
    """A regularizer does not keep what every regularizer promises."""


def outcome(part: Regularizer, sample: Sample, network: nn.Module, *, step: int = 3, plain: bool = False) -> Any:
    """Every stage of ``part`` on a sample, as {"stage.what": tensor}.

    Args:
        part: the regularizer, inside or outside of vmap.
        sample: what it reads.
        network: for the stages that need a gradient.
        step: the moment.
        plain: take the defaults of ``Regularizer`` in place of the part's own stages: what doing nothing gives.
    """
    found = resampled(part, sample, step, plain)
    return found | _during(part, sample, network, step, plain)


def resampled(part: Regularizer, sample: Sample, step: int = 3, plain: bool = False) -> dict[str, Tensor]:
    """What ``resample`` makes of a small fold. It runs before there is a stack, on the CPU where tables are encoded."""
    if "resample" not in part.stages or sample.x.is_meta:  # how many rows come out is not known without the rows
        return {}
    call = functools.partial(_stage, part, plain)
    return {f"resample.{n}": v for n, v in _resample(call, part, sample, step).items()}


def _during(part: Regularizer, sample: Sample, network: nn.Module, step: int, plain: bool) -> dict[str, Tensor]:
    """The stages of a training, which run inside a stack."""
    found: dict[str, Tensor] = {}
    part, sample = begun(part, sample)
    call = functools.partial(_stage, part, plain)
    for names, trial in _TRIALS.items():
        if not part.stages.isdisjoint(names):
            result = trial(call, part, sample, network, step)
            found |= {f"{names[0]}.{n}": torch.as_tensor(v) for n, v in result.items()}
    return found


def begun(part: Regularizer, sample: Sample) -> tuple[Regularizer, Sample]:
    """The part as training has begun it, from weights half as large, and the sample with the tensors that it adds."""
    added = part.extend(part.select(sample.params), [s for s in SITES if part.selects_site(s)])
    sample = sample._replace(params={**sample.params, **added})
    first = {n: w * 0.5 if w.is_floating_point() else w for n, w in sample.weights.items()}
    return part.start(part.select(first)), sample


def in_stack(
    parts: Sequence[Regularizer], samples: Sequence[Sample], network: nn.Module, *, step: int = 3, plain: bool = False
) -> Any:
    """``outcome`` of several parts of one class as members of a stack, each on a sample of its own.

    What comes of ``resample`` is a list, one tensor a member: each has a fold of its own, of its own length.
    """
    like = next(iter(samples[0].params.values()))
    recipe = stack([Recipe(p) for p in parts], like)
    joined = stack_trees(samples)
    found = torch.func.vmap(lambda r, s: _during(r.parts[0], s, network, step, plain))(recipe, joined)
    before = [resampled(p, s, step, plain) for p, s in zip(parts, samples, strict=True)]
    return {**found, **{n: [b[n] for b in before] for n in before[0]}}


def stack_trees(trees: Sequence[Any]) -> Any:
    """Several trees of tensors as one whose tensors have the trees along their first axis."""
    rows = zip(*(_pytree.tree_leaves(t) for t in trees), strict=True)
    return _pytree.tree_unflatten([torch.stack(row) for row in rows], _pytree.tree_structure(trees[0]))


def slope(network: nn.Module, sample: Sample, params: Params) -> dict[str, Tensor]:
    """The gradient of the plain loss."""

    def loss(params: dict[str, Tensor]) -> Tensor:
        return sample.target.loss(_predict(network, params, sample.x))

    return torch.func.grad(loss)(dict(params))


def _predict(network: nn.Module, params: Params, x: Tensor) -> Tensor:
    return torch.func.functional_call(network, network_weights(params), (x,))


def _stage(part: Regularizer, plain: bool, name: str) -> Callable[..., Any]:
    return functools.partial(getattr(Regularizer, name), part) if plain else getattr(part, name)


def _now(part: Regularizer, sample: Sample, step: int) -> Now:
    like = sample.target.weight
    rates = {n: like.new_full((), 0.1) for n in sample.params}
    epoch = torch.tensor(step / 4, device=like.device)
    steps = torch.tensor(step, device=like.device)
    sites = tuple(s for s in SITES if part.selects_site(s))
    brought = {"transform": torch.fliplr}
    return Now(sample.key, steps, epoch, rates, moment=step, owner=part.name, sites=sites, resources=brought)


def _rate(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    now = _now(part, sample, step)
    return {**now.rates, **call("rate")(now.rates, now)}


def _batch(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    x, target = call("batch")(sample.x, sample.target, _now(part, sample, step))
    return {"x": x, "values": target.values, "weight": target.weight}


def _parameters(stage: str) -> Callable[..., Params]:
    def trial(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
        return {**sample.params, **call(stage)(part.select(sample.params), _now(part, sample, step))}

    return trial


def _activation(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    now = _now(part, sample, step)
    sites = [s for s in SITES if part.selects_site(s)]
    forms = {s: hidden_forms(sample.hidden, s.kind) for s in sites}
    return {
        f"{s.name}.{form}": call("activation")(h, s, sample.params, now) for s in sites for form, h in forms[s].items()
    }


def _objective(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    def loss_of(x: Tensor, target: Target, now: Now) -> tuple[Tensor, Seen]:
        kept = ~now.of("outcome").chance(0.3, tuple(x.shape), "kept")  # so that two passes differ
        outputs = _predict(network, sample.params, x * kept)
        every = {s: _words(sample, x) if s.kind == "embedding" and part.inputs == "tokens" else _at(s, sample)
                 for s in SITES}  # fmt: skip
        hidden = {s.name: h for s, h in every.items() if part.selects_site(s)}
        params = dict(part.select(sample.params))
        return target.loss(outputs), Seen(outputs, {}, hidden, {(s, 1): h for s, h in every.items()}, params)

    now = dataclasses.replace(
        _now(part, sample, step),
        predict=lambda weights, x: _predict(network, weights, x),
        resources={"teacher": lambda x: x[:, :1] - sample.target.values},
    )
    if call.args[1]:  # plain
        return {"loss": call("objective")(loss_of, sample.x, sample.target, now)[0]}
    ready = part.start(part.select(sample.weights))
    return {"loss": ready.objective(loss_of, sample.x, sample.target, now)[0]}


def _words(sample: Sample, x: Tensor) -> Tensor:
    return nn.functional.embedding(x, sample.params["vectors.weight"])


def _at(site: Site, sample: Sample) -> Tensor:
    """Hidden values: (batch, units) at the first site of a kind, (batch, time, units) at the second."""
    return sample.hidden.unflatten(1, (-1, 2)) if site.index else sample.hidden


def _penalty(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    chosen, now = part.select(sample.params), _now(part, sample, step)
    none = {n: torch.zeros_like(w) for n, w in chosen.items()}
    if call.args[1]:  # plain
        return {"value": sample.target.weight.new_zeros(()), **none}
    return {"value": part.penalty(chosen, now), **none, **part.penalty_gradient(chosen, now)}


def _gradient(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    chosen = part.select(sample.params)

    def grad_of(some: Params) -> Params:
        grads = slope(network, sample, {**sample.params, **some})
        return {n: grads[n] for n in some}

    return call("gradient")(grad_of, chosen, _now(part, sample, step))


def _memory(call: Any, part: Regularizer, sample: Sample, network: nn.Module, step: int) -> Params:
    """Three steps, then evaluations without end of progress, the weights going round: what would be deployed, when it
    would stop, and which learning rates it leaves.
    """
    weights = part.select(sample.weights)
    path = [{n: w * (1.0 + 0.3 * i) if w.is_floating_point() else w + i for n, w in weights.items()} for i in range(3)]
    rates = {f"rate.{n}": rate for n, rate in _now(part, sample, step).rates.items()}
    if call.args[1]:  # plain
        return {**path[-1], **rates, "stops": torch.zeros(len(_LOSSES), dtype=torch.bool, device=sample.x.device)}
    part = part.start(weights)
    for i, later in enumerate(path):
        part = part.after_step(later, _now(part, sample, step + i))
    stops = []
    for i, loss in enumerate(_LOSSES):
        seen = {"loss": sample.target.weight.new_full((), loss)}
        part = part.after_epoch(path[i % 3], seen, _now(part, sample, step))
        stops.append(torch.as_tensor(part.stop(), device=sample.x.device))
    left = _rate(functools.partial(_stage, part, False), part, sample, network, step)
    return {**part.deploy(path[-1]), **{f"rate.{n}": r for n, r in left.items()}, "stops": torch.stack(stops)}


def _translated(texts: list[str]) -> list[str]:
    """A translator there and back that says it in other words."""
    return [f"They say: {text}" for text in texts]


def _resample(call: Any, part: Regularizer, sample: Sample, step: int) -> Params:
    now = dataclasses.replace(_now(part, sample, step), key=sample.key.to("cpu"), resources=_ON_TEXTS)
    later = call("resample")(small_fold(sample, part.inputs), now)
    return {"x": as_numbers(later.x), "labels": later.labels, "weight": later.weight}


_ON_TEXTS = {"lexicon": SMALL, "translator": _translated, "tokenizer": small_pairs()}


_TRIALS: dict[tuple[str, ...], Callable[..., Params]] = {
    ("rate",): _rate,
    ("batch",): _batch,
    ("weights",): _parameters("weights"),
    ("activation",): _activation,
    ("objective",): _objective,
    ("penalty",): _penalty,
    ("gradient",): _gradient,
    ("shrink",): _parameters("shrink"),
    ("project",): _parameters("project"),
    ("after_step", "after_epoch", "deploy"): _memory,
}
