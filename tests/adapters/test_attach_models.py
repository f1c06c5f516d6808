"""The models that people have: tied weights, frozen parameters, copies and pickles; and nothing is left in them."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import weakref

import pytest
import torch
from loops import CRITERION, EVERYTHING, RATE, STEPPING, Net, batches, loop, make, optimizer_for, trained, values
from torch import nn
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe


def test_what_the_recipe_trains_besides_is_cleared_with_the_model():
    """``model.zero_grad()`` does not know the extra tensors; their gradients do not pile up all the same."""

    def clearing(clear):
        def body(model, optimizer, run):
            for x, y in batches(6):
                (model if clear == "model" else optimizer).zero_grad()
                CRITERION(model(x), y).backward()
                optimizer.step()

        return body

    recipe = Recipe(wf.VariationalDropout(0.2, 1e-2))
    by_model, by_optimizer = (trained(recipe, body=clearing(what)) for what in ("model", "optimizer"))
    assert_close(by_model, by_optimizer, rtol=0, atol=0)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 3)
        self.relu = nn.ReLU()
        self.two.weight = self.one.weight

    def forward(self, x):
        return self.head(self.relu(self.two(self.relu(self.one(x)))))


def test_tied_weights_are_one_parameter():
    """The gradient that L2 adds to them is that of one weight, and noise on them is the same in both places."""
    model, x = make(Tied), next(batches(1))[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = model.one.weight.detach().clone()
    with Recipe(wf.L2(0.1)).attach(model, optimizer):
        (0.0 * model(x).sum()).backward()
        optimizer.step()
    assert model.two.weight is model.one.weight
    assert_close(model.one.weight.detach(), before - 0.2 * before)
    seen = {}
    with Recipe(wf.DropConnect(0.5)).attach(model, optimizer):
        for name in ("one", "two"):
            getattr(model, name).register_forward_hook(lambda m, a, o, name=name: seen.update({name: m.weight}))
        model(x)
        assert torch.equal(seen["one"], seen["two"]) and bool((seen["one"] == 0).any())
    assert model.two.weight is model.one.weight and isinstance(model.two.weight, nn.Parameter)


def test_frozen_parameters_are_left_alone():
    model = make()
    model.first.requires_grad_(False)
    before = values(model)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=RATE)
    recipe = Recipe(*EVERYTHING, wf.UnitNorm())
    with recipe.attach(model, optimizer, seed=7) as run:
        loop(model, optimizer, run)
    after = values(model)
    assert all(torch.equal(after[n], before[n]) == n.startswith("first") for n in before)
    assert model.first.weight.grad is None


def test_what_another_optimizer_trains_is_left_alone():
    model = make()
    before = values(model)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=RATE)
    with STEPPING.attach(model, optimizer, seed=7) as run:
        loop(model, optimizer, run)
    after = values(model)
    assert all(torch.equal(after[n], before[n]) != n.startswith("head") for n in before)


def _state(model, optimizer):
    """Everything of a model and an optimizer that an adapter could have left something in."""
    modules = [(n, sorted(vars(m)), len(m._forward_hooks), len(m._forward_pre_hooks), list(m._parameters),
                len(m._forward_hooks_always_called), len(m._forward_hooks_with_kwargs),
                len(m._forward_pre_hooks_with_kwargs)) for n, m in model.named_modules()]  # fmt: skip
    hooks = (len(optimizer._optimizer_step_pre_hooks), len(optimizer._optimizer_step_post_hooks))
    groups = [{k: (len(v) if k == "params" else v) for k, v in g.items()} for g in optimizer.param_groups]
    return modules, hooks, groups, sorted(vars(optimizer)), [id(p) for p in model.parameters()]


@pytest.mark.parametrize("breaks", [False, True])
def test_no_trace_is_left(breaks):
    model = make()
    optimizer = optimizer_for(model, "momentum")
    before = _state(model, optimizer)
    recipe = Recipe(*EVERYTHING, wf.WarmUp(2.0, 0.1))
    try:
        with recipe.attach(model, optimizer, epoch_steps=4) as run:
            assert _state(model, optimizer) != before
            loop(model, optimizer, run)
            if breaks:
                model(torch.zeros(2, 4, dtype=torch.float64))
    except RuntimeError as error:
        assert breaks and "mat1" in str(error)
    assert _state(model, optimizer) == before
    assert all(type(p) is nn.Parameter for p in model.parameters())
    assert set(optimizer.state) <= set(model.parameters())


def test_nothing_keeps_the_run_alive():
    model = make()
    optimizer = optimizer_for(model, "momentum")
    run = EVERYTHING.attach(model, optimizer, seed=7)
    with run:
        loop(model, optimizer, run, count=2)
    seen = weakref.ref(run)
    del run
    gc.collect()
    assert seen() is None


def test_a_copy_or_pickle_of_an_attached_model_is_free_of_it():
    model = make()
    optimizer = optimizer_for(model, "momentum")
    x = next(batches(1))[0]
    with Recipe(wf.Dropout(0.9), wf.DropConnect(0.5), wf.EMA(0.9)).attach(model, optimizer, seed=7) as run:
        loop(model, optimizer, run, count=3)
        twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        stream = io.BytesIO()
        torch.save(model, stream)
        stream.seek(0)
        twins.append(torch.load(stream, weights_only=False))
        weights = values(model)
        noisy = model(x)
        with Recipe(wf.L2(0.1)).attach(twins[0], optimizer_for(twins[0], "SGD")):
            pass  # a copy is free
    plain = make()
    plain.load_state_dict(weights)
    for twin in twins:
        assert twin.training
        assert torch.equal(twin(x), plain(x)) and torch.equal(twin.eval()(x), plain(x))
        assert not torch.equal(noisy, plain(x))


def test_a_step_without_gradients_is_no_step():
    model = make()
    optimizer = optimizer_for(model, "Adam")
    before = values(model)
    with Recipe(wf.MaxNorm(0.1), wf.WeightDecay(0.5)).attach(model, optimizer) as run:
        optimizer.step()
        assert run.step == 0
    assert_close(values(model), before, rtol=0, atol=0)


def test_a_parameter_without_a_gradient_is_not_stepped():
    """Clipping makes no zeros out of what backward has not reached; a penalty reaches it all the same."""
    model = make(Net)
    model.spare = nn.Linear(2, 2).double()
    x, y = next(batches(1))
    decaying = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.5)
    before = model.spare.weight.detach().clone()
    with Recipe(wf.ClipNorm(0.1)).attach(model, decaying):
        CRITERION(model(x), y).backward()
        decaying.step()
    assert model.spare.weight.grad is None and torch.equal(model.spare.weight, before)
    plain = torch.optim.SGD(model.parameters(), lr=RATE)
    with Recipe(wf.L2(0.1)).attach(model, plain):
        CRITERION(model(x), y).backward()
        plain.step()
    assert_close(model.spare.weight.detach(), before - RATE * 0.2 * before, rtol=0, atol=1e-12)
