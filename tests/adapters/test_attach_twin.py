"""A loop with the recipe attached against the functional step: the same recipe gives the same training, in float64."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from loops import RATE, Net, batches, functional, loop, make, optimizer_for, values
from torch import nn
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe, ramp, schedule, where
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import SGD

PARTS = {
    "L1": wf.L1(1e-2),
    "L1 in the loss": wf.L1(1e-2, form="loss"),
    "L2": wf.L2(1e-2),
    "L2 on biases": where(wf.L2(1e-1), "*bias"),
    "ElasticNet": wf.ElasticNet(1e-2, 1e-2),
    "GroupLasso": wf.GroupLasso(1e-2),
    "Nuclear": wf.Nuclear(1e-2),
    "Orthogonal": wf.Orthogonal(1e-2),
    "L2SP": wf.L2SP(1e-1),
    "L0": wf.L0(1e-2),
    "WeightDecay": wf.WeightDecay(0.5),
    "WeightDecay coupled": wf.WeightDecay(0.5, form="coupled"),
    "MaxNorm": wf.MaxNorm(0.5),
    "Ball": wf.Ball(1.0),
    "NonNegative": where(wf.NonNegative(), "head.weight"),
    "Dropout": wf.Dropout(0.3),
    "Dropout somewhere": where(wf.Dropout(0.3), "relu"),
    "VariationalDropout": wf.VariationalDropout(0.25, 1e-2),
    "DropConnect": wf.DropConnect(0.2),
    "Mixout": wf.Mixout(0.5),
    "InputNoise": wf.InputNoise(0.2),
    "WeightNoise": wf.WeightNoise(0.05),
    "ActivationNoise": wf.ActivationNoise(0.1),
    "GradientNoise": wf.GradientNoise(0.1),
    "Mixup": wf.Mixup(0.4),
    "ManifoldMixup": wf.ManifoldMixup(1.0),
    "LabelSmoothing": wf.LabelSmoothing(0.1),
    "ConfidencePenalty": wf.ConfidencePenalty(0.1),
    "RDrop with dropout": [wf.RDrop(1.0), wf.Dropout(0.3)],
    "AdversarialTraining": wf.AdversarialTraining(0.5, 0.1),
    "VirtualAdversarial": wf.VirtualAdversarial(1.0, 0.5),
    "JacobianPenalty": wf.JacobianPenalty(1e-2),
    "ActivityPenalty": wf.ActivityPenalty(1e-2),
    "SelfDistillation": wf.SelfDistillation(1.0, 0.9),
    "ClipNorm": wf.ClipNorm(0.1),
    "AdaptiveClip": wf.AdaptiveClip(0.02),
    "GradientCentralization": wf.GradientCentralization(),
    "EMA": wf.EMA(0.9),
    "Lookahead": wf.Lookahead(0.5, steps=3),
    "WarmUp": wf.WarmUp(2.0, 0.1),
    "CosineSchedule": wf.CosineSchedule(3.0),
    "Freeze": where(wf.Freeze(), "first.*"),
    "Freeze partly": where(wf.Freeze(0.3), "first.*"),
    "LayerwiseRates": wf.LayerwiseRates(0.7),
    "schedule": schedule(wf.Dropout(0.5), ramp(2)),
    "many": [
        wf.Dropout(0.2), wf.Mixup(0.4), wf.InputNoise(0.1), wf.WeightDecay(0.1), wf.MaxNorm(1.5), wf.EMA(0.9),
        wf.L1(1e-3), wf.ClipNorm(0.5), wf.LabelSmoothing(0.05), wf.WarmUp(1.0, 0.1),
    ],
}  # fmt: skip
TWICE = {"SAM": wf.SAM(0.1), "ASAM": wf.ASAM(0.5), "SAM and more": [wf.SAM(0.1), wf.Dropout(0.3), wf.ClipNorm(0.3)]}


def _recipe(parts):
    return Recipe(*parts) if isinstance(parts, list) else Recipe(parts)


def _both(parts, name, *, closure=False, norm=False, **options):
    """The weights handed over by a loop and by its twin, and where both began."""
    recipe, model = _recipe(parts), make(Net, norm=norm)
    begun = values(model)
    lone = functional(model, recipe, name)
    optimizer = optimizer_for(model, name)
    with recipe.attach(model, optimizer, seed=7, epoch_steps=4, closure=closure, **options) as run:
        loop(model, optimizer, run, closure=closure)
        trained = values(model)
    return values(model), trained, lone, begun


def _check(parts, name, **options):
    handed, trained, lone, begun = _both(parts, name, **options)
    for n, w in lone.weights().items():
        assert_close(handed[n], w, rtol=0, atol=1e-10)
    for n, w in lone.state.weights().items():
        if n in trained:
            assert_close(trained[n], w, rtol=0, atol=1e-10)
    assert any(not torch.equal(trained[n], w) for n, w in begun.items())


@pytest.mark.parametrize("case", PARTS)
def test_a_loop_is_the_functional_step(case):
    _check(PARTS[case], "momentum")


@pytest.mark.parametrize("case", ["L1", "Nuclear", "GroupLasso", "Ball", "WeightDecay", "LayerwiseRates", "many"])
def test_in_the_metric_of_adam(case):
    _check(PARTS[case], "Adam")


@pytest.mark.parametrize("case", TWICE)
def test_a_closure_takes_the_gradient_twice(case):
    _check(TWICE[case], "momentum", closure=True)


@pytest.mark.parametrize("case", ["many", "L1", "Dropout", "RDrop with dropout", "Freeze partly"])
def test_a_closure_changes_nothing_else(case):
    _check(PARTS[case], "Adam", closure=True)


@pytest.mark.parametrize("case", ["Dropout", "RDrop with dropout", "AdversarialTraining", "VirtualAdversarial"])
def test_running_statistics_see_the_clean_pass_only(case):
    _check(PARTS[case], "momentum", norm=True, allow=["WF-L40"])


def test_running_statistics_do_not_see_the_second_pass_of_sam():
    _check(wf.SAM(0.1), "momentum", closure=True, norm=True)


def test_each_part_does_something():
    """No equality above is that of a recipe without effect."""
    plain = _both([], "momentum")[1]
    for case, parts in {**PARTS, **TWICE}.items():
        handed, trained, _, _ = _both(parts, "momentum", closure=case in TWICE)
        apart = [not torch.equal(plain[n], w) for n, w in (*handed.items(), *trained.items())]
        assert any(apart), case


def test_weight_decay_is_that_of_adamw():
    model = make()
    peer = copy.deepcopy(model)
    optimizer = optimizer_for(model, "Adam")
    decayed = [p for p in peer.parameters() if p.ndim > 1]
    groups = [{"params": decayed, "weight_decay": 0.3}, {"params": [p for p in peer.parameters() if p.ndim < 2]}]
    adamw = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.0)
    with Recipe(wf.WeightDecay(0.3)).attach(model, optimizer) as run:
        loop(model, optimizer, run)
    with Recipe().attach(peer, adamw) as run:
        loop(peer, adamw, run)
    assert_close(values(model), values(peer), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", [torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.SGD])
def test_the_reach_of_a_weight_times_its_gradient_is_its_update(rule):
    """What a proximal step is taken in: seen through L1, whose step is reach * strength."""
    strength, model = 1e-4, make()
    peer = copy.deepcopy(model)
    for network, recipe in ((model, Recipe(wf.L1(strength))), (peer, Recipe())):
        optimizer = rule(network.parameters(), lr=0.01)
        with recipe.attach(network, optimizer) as run:
            loop(network, optimizer, run, count=1)
    gradient, update = peer.head.weight.grad, make().head.weight - peer.head.weight
    reach = (peer.head.weight - model.head.weight).abs() / strength
    assert_close(reach * gradient, update, rtol=1e-6, atol=1e-12)


def test_a_teacher_is_a_resource():
    teacher, recipe = make(), Recipe(wf.Distillation(0.5, 2.0), wf.Dropout(0.2))
    with torch.no_grad():
        teacher.head.weight += 1.0
    model = make()
    lone = Lone(model, recipe, SGD(0.9), rate=RATE, seed=7)
    lone.trainer = dataclasses.replace(lone.trainer, resources={"teacher": teacher})
    for x, y in batches(6):
        lone.step(x, Target(nn.functional.one_hot(y, 3).double(), torch.ones(len(x)).double(), classes=True))
    optimizer = optimizer_for(model, "momentum")
    with recipe.attach(model, optimizer, seed=7, resources={"teacher": teacher}) as run:
        loop(model, optimizer, run, count=6)
    assert_close(values(model), lone.weights(), rtol=0, atol=1e-10)
