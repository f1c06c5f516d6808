"""Training steps in bfloat16 against torch's own autocast; what is kept in float32 stays so."""

from __future__ import annotations

import copy
import dataclasses
import functools

import pytest
import torch
import worlds
from torch import nn
from torch.testing import assert_close
from worlds import COURSE, now_at

from wellfit import EMA, SAM, BatchNorm, ClipNorm, Dropout, Recipe, UsageError, WeightDecay
from wellfit.testing.outcome import draw_sample, small_network
from wellfit.training.cohort import Member, Rows
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer


def batch_of(seed):
    sample = draw_sample(seed, dtype=torch.float32)
    return Batch(sample.x, sample.target)


@pytest.mark.parametrize("normalized", [False, True])
def test_oracle_bfloat16_steps_are_those_of_autocast(normalized):
    """Ten steps of SGD by hand: forward under torch.autocast, loss in float32, backward outside of it."""
    network = small_network("classification")
    network = BatchNorm().rewrite(network) if normalized else network
    peer = copy.deepcopy(network)
    trainer = Trainer(copy.deepcopy(network), SGD(), precision="bfloat16")
    state = trainer.start(network, Recipe())
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.1)
    for step in range(10):
        batch = batch_of(step)
        state, loss = trainer.step(state, batch, now_at(state.params, step))
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = peer.train()(batch.x)
        assert outputs.dtype is torch.bfloat16
        theirs = nn.functional.cross_entropy(outputs.float(), batch.target.values)
        theirs.backward()
        optimizer.step()
        assert_close(loss, theirs.detach(), rtol=1e-5, atol=1e-6)
    for name, p in peer.named_parameters():
        assert_close(state.params[name], p.detach(), rtol=1e-4, atol=1e-5)


@functools.cache
def trained(precision, mode="eager"):
    def make():
        return worlds.make_normalized().float()

    rows = worlds.make_rows()
    target = dataclasses.replace(rows.target, values=rows.target.values.float(), weight=rows.target.weight.float())
    recipe = Recipe(Dropout(0.2), ClipNorm(1.0), WeightDecay(0.1), EMA(0.9), SAM(0.05))
    members = [Member(recipe, 0.01, seed=i, fold=i % 2) for i in range(3)]
    course = dataclasses.replace(COURSE, precision=precision, mode=mode)
    return worlds.train(members, Rows(rows.x.float(), target, rows.folds), course, make)


def test_a_stack_in_bfloat16_stays_near_float32_and_keeps_its_weights_in_it():
    low, full = trained("bfloat16"), trained("float32")
    for tree in (low.state.params, low.state.buffers, low.best.weights, low.state.moments["mean"]):
        assert {w.dtype for w in tree.values()} <= {torch.float32, torch.int64}
    assert_close(low.best.loss, full.best.loss, rtol=0.05, atol=0)
    difference = max(float((low.state.params[n] - w).abs().max()) for n, w in full.state.params.items())
    assert 1e-5 < difference < 0.1, "it is other arithmetic, and nearly the same training"
    assert low.best.outputs.dtype is torch.float32


def test_a_traced_graph_computes_in_bfloat16_too():
    eager, traced = trained("bfloat16"), trained("bfloat16", "traced")
    for name, w in eager.state.params.items():
        assert_close(traced.state.params[name], w, rtol=0, atol=2e-3)
    full = trained("float32")  # a trace in float32 would be within its rounding
    assert max(float((traced.state.params[n] - w).abs().max()) for n, w in full.state.params.items()) > 1e-5


def test_float64_is_left_alone():
    course = dataclasses.replace(COURSE, precision="bfloat16", until=6)
    members = [Member(Recipe(Dropout(0.2)), 0.01, seed=1)]
    low, full = worlds.train(members, course=course), worlds.train(members, course=dataclasses.replace(COURSE, until=6))
    for name, w in full.state.params.items():
        assert torch.equal(low.state.params[name], w)


def test_other_precisions_are_refused():
    network = small_network("classification")
    trainer = Trainer(network, SGD(), precision="float8")
    state = trainer.start(network, Recipe())
    with pytest.raises(UsageError, match="float32 and bfloat16"):
        trainer.step(state, batch_of(0), now_at(state.params))
