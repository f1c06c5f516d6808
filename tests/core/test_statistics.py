"""Statistics of normalization under averaged weights, against torch's update_bn; and averages inside a population."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from worlds import COURSE, make, make_normalized, make_rows, now_at, train, train_alone

from wellfit import (
    ASAM,
    EMA,
    SWA,
    AdaptiveClip,
    BatchNorm,
    ClipValue,
    CosineSchedule,
    Dropout,
    EarlyStopping,
    FreezeStatistics,
    GhostBatchNorm,
    GradientCentralization,
    LayerwiseRates,
    Lookahead,
    Recipe,
    ReduceOnPlateau,
    WarmUp,
)
from wellfit.testing.outcome import draw_sample, small_network
from wellfit.training.cohort import Member
from wellfit.training.optimizers import SGD
from wellfit.training.statistics import settled
from wellfit.training.step import Batch, Trainer


def trained(recipe, network, steps=12):
    trainer = Trainer(copy.deepcopy(network), SGD())
    state = trainer.start(network, recipe)
    for step in range(steps):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step))
    return trainer, state


def normalized():
    return BatchNorm(momentum=0.3).rewrite(small_network("classification").double())


def batches(count=6):
    return torch.stack([draw_sample(100 + i).x for i in range(count)])


@pytest.mark.parametrize("part", [EMA(0.9), Lookahead(0.5, steps=5)], ids=lambda p: p.name)
def test_oracle_settled_statistics_are_those_of_update_bn(part):
    trainer, state = trained(Recipe(part), normalized())
    ours, x = settled(trainer, state, batches()), batches()
    peer = normalized()
    peer.load_state_dict(state.deployed())
    torch.optim.swa_utils.update_bn(list(x), peer)
    for name, value in peer.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert_close(ours[name], value, rtol=0, atol=1e-12)
    stale = max(float((ours[n] - v).abs().max()) for n, v in state.deployed().items() if n.endswith("running_var"))
    assert stale > 1e-3, "the averages of the path are others"


def test_weights_as_trained_keep_their_statistics():
    for part in (EMA(0.9).neutral(), SWA(50.0), Lookahead().neutral(), Dropout(0.2)):
        trainer, state = trained(Recipe(part), normalized())
        ours = settled(trainer, state, batches())
        assert all(torch.equal(ours[n], w) for n, w in state.weights().items())
        momenta = [m.momentum for m in trainer.network.modules() if isinstance(m, nn.BatchNorm1d)]
        assert momenta == [0.3, 0.3], "the network's own settings are as before"


def test_frozen_statistics_are_not_taken_anew():
    recipe = Recipe(EMA(0.9))
    trainer, state = trained(recipe, FreezeStatistics().rewrite(normalized()))
    ours = settled(trainer, state, batches())
    for name, value in normalized().named_buffers():
        assert torch.equal(ours[name], value)


@pytest.mark.parametrize("build", [make_normalized, lambda: GhostBatchNorm(size=4).rewrite(make())])
def test_averages_in_a_stack_are_those_alone(build):
    """Some members average, some do not: each ends as it does alone, statistics included."""
    recipes = [
        Recipe(SWA(start), EMA(decay), Lookahead(alpha, steps=4))
        for start, decay, alpha in ((1.0, 0.0, 1.0), (1e6, 0.9, 1.0), (1e6, 0.0, 1.0), (1e6, 0.0, 0.5))
    ]  # fmt: skip
    members = [Member(r, 0.02, seed=3 + i, fold=i % 2) for i, r in enumerate(recipes)]
    cohort = train(members, build=build)
    for i, member in enumerate(members):
        lone = train_alone(member, build=build)
        assert_close(cohort.best.loss[i], torch.tensor(lone.best_loss, dtype=torch.float64), rtol=0, atol=1e-9)
        for name, weight in lone.best_weights.items():
            assert_close(cohort.best.weights[name][i], weight, rtol=0, atol=1e-8)


def test_swa_averages_what_is_trained_and_not_its_own_averages():
    """The member's twin without SWA walks the same path: the mean of that path is what SWA hands over."""
    rows, path = make_rows(), []
    with_swa, plain = (Member(Recipe(part), 0.05, seed=1) for part in (SWA(0.0), SWA(1e6)))
    for until in range(3, 13, 3):
        course = dataclasses.replace(COURSE, until=until)
        path.append(train([plain], rows, course).last_weights())
    handed = train([with_swa], rows, course).last_weights()
    for name, value in handed.items():
        assert_close(value, torch.stack([w[name] for w in path]).mean(0), rtol=0, atol=1e-12)


def test_a_plateau_lowers_the_rate_of_its_member_alone():
    """With factor 0 a member stands still from its first plateau on; the one beside it goes on."""
    part = ReduceOnPlateau(patience=1, factor=0.0, threshold=0.9)  # two evaluations in a row are a plateau
    members = [Member(Recipe(p), 0.05, seed=1) for p in (part, ReduceOnPlateau(math.inf))]
    early, late = (train(members, course=dataclasses.replace(COURSE, until=until)) for until in (9, 24))
    for name, weight in late.last_weights().items():
        assert torch.equal(weight[0], early.last_weights()[name][0])
        assert not torch.equal(weight[1], early.last_weights()[name][1])


def test_a_traced_training_is_the_eager_one():
    recipe = Recipe(
        WarmUp(1), CosineSchedule(5), ReduceOnPlateau(1), LayerwiseRates(0.8), Lookahead(steps=4), SWA(1.0), EMA(0.9),
        AdaptiveClip(0.1), ClipValue(0.5), GradientCentralization(), ASAM(0.2), EarlyStopping(3),
    )  # fmt: skip
    members = [Member(recipe, 0.02, seed=i, fold=i % 2) for i in range(2)]
    found = [train(members, course=dataclasses.replace(COURSE, mode=mode)) for mode in ("eager", "traced")]
    for name, weight in found[0].best.weights.items():
        assert_close(found[1].best.weights[name], weight, rtol=0, atol=1e-10)
    assert_close(found[1].last_loss, found[0].last_loss, rtol=0, atol=1e-10)


def test_oracle_settled_statistics_of_ghost_batch_norm_count_every_part():
    """The first norm's mean and variance are the plain means over all parts of all batches, by hand."""
    network = GhostBatchNorm(size=4).rewrite(small_network("classification").double())
    trainer, state = trained(Recipe(EMA(0.9)), network)
    weights, x = settled(trainer, state, batches()), batches()
    name = next(n for n, m in network.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))
    seen = []
    trainer.network.get_submodule(name).register_forward_pre_hook(lambda _module, args: seen.append(args[0].detach()))
    for batch in x:
        torch.func.functional_call(trainer.network, {n: w.clone() for n, w in weights.items()}, (batch,))
    parts = [p for h in seen for p in h.tensor_split(len(h) // 4)]
    assert len(parts) > len(x)
    assert_close(weights[f"{name}.running_mean"], torch.stack([p.mean(0) for p in parts]).mean(0))
    assert_close(weights[f"{name}.running_var"], torch.stack([p.var(0) for p in parts]).mean(0))


def test_the_last_weights_are_those_that_were_judged_last():
    """Averaged weights go out with statistics of their own: the loss of the last look is theirs."""
    members = [Member(Recipe(EMA(0.9)), 0.05, seed) for seed in (1, 2)]
    cohort = train(members, build=make_normalized)
    rows, kept = make_rows(), cohort.take([1]).to("cpu")
    network = make_normalized().eval()
    weights = {n: w[0] for n, w in kept.last_weights().items()}
    valid = rows.folds[0][1]
    outputs = torch.func.functional_call(network, weights, (rows.x[valid],))
    target = rows.target.take(valid)
    loss = (target.weight * target.row_losses(outputs)).sum() / target.weight.sum()
    assert_close(loss, kept.last_loss[0], rtol=1e-10, atol=1e-10)
