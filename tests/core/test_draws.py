"""Draws: their distributions, their independence, and that nobody else's generator notices them."""

from __future__ import annotations

import dataclasses
import math
import random

import numpy as np
import pytest
import scipy.stats
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as some

from wellfit.draws import Now, Request, member_key, member_turn, normal_stream, shared_draw
from wellfit.hashes import hash_integers
from wellfit.normals import graph_normals, stream_tensor
from wellfit.training.cohort import seeded
from wellfit.training.order import epoch_rows

KEYS = torch.stack([member_key(seed) for seed in range(400)])


def _draw(kind, *shape, seed=0, step=0, owner="Part", name="draw"):
    return getattr(Now.at(step, seed).of(owner), kind)(shape, name)


def _ring_turns(step, keys=KEYS, name="Part/draw"):
    return member_turn(Request("uniform", (1,), name), step, keys)[0]


@pytest.mark.parametrize("seed", range(3))
def test_uniform_moments_and_lags(seed):
    n = 200_000
    u = _draw("uniform", n, seed=seed, step=seed).double()
    assert (u >= 0).all()
    assert (u < 1).all()
    assert abs(u.mean() - 0.5) < 5 * math.sqrt(1 / 12 / n)
    assert abs(12 * u.var() - 1) < 0.015
    centered = u - u.mean()
    for lag in (1, 2, 3, 7, 64, 1000):
        correlation = (centered[lag:] * centered[:-lag]).mean() / centered.var()
        assert abs(correlation) < 5 / math.sqrt(n), lag
    assert scipy.stats.kstest(u.numpy(), "uniform").pvalue > 1e-4


def test_normal_moments_and_lags():
    n = 200_000
    z = _draw("normal", n, seed=5).double()
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs(z.var() - 1) < 0.02
    assert abs((z**3).mean()) < 5 * math.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)
    for lag in (1, 5, 100):
        assert abs((z[lag:] * z[:-lag]).mean()) < 5 / math.sqrt(n)
    assert scipy.stats.kstest(z.numpy(), "norm").pvalue > 1e-4


@pytest.mark.parametrize(("kind", "law"), [("uniform", "uniform"), ("normal", "norm")])
def test_independent_streams_pass_kolmogorov_smirnov_as_often_as_they_should(kind, law):
    """P-values over streams are uniform themselves: a generator that is too good would fail as well."""
    values = [
        scipy.stats.kstest(_draw(kind, 500, seed=s, step=3 * s, name=f"n{s % 5}").numpy(), law).pvalue
        for s in range(200)
    ]
    assert scipy.stats.kstest(values, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_one_number_over_steps_has_the_distribution_too(kind):
    """Across steps a member's turn counts as much as the shared draw."""
    over_steps = torch.stack([_draw(kind, 2, seed=3, step=s) for s in range(3000)]).double()
    law = "norm" if kind == "normal" else "uniform"
    for column in over_steps.T:
        assert scipy.stats.kstest(column.numpy(), law).pvalue > 1e-3
    pair = np.corrcoef(over_steps.T.numpy())[0, 1]
    assert abs(pair) < 5 / math.sqrt(3000)
    serial = np.corrcoef(over_steps[1:, 0].numpy(), over_steps[:-1, 0].numpy())[0, 1]
    assert abs(serial) < 5 / math.sqrt(3000)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_members_are_uncorrelated_over_steps(kind):
    steps = 2500
    draws = torch.stack([torch.stack([_draw(kind, 3, seed=m, step=s) for m in (0, 1, 2, 77)]) for s in range(steps)])
    correlations = np.corrcoef(draws[:, :, 0].double().numpy().T)
    assert np.abs(correlations - np.eye(4)).max() < 5 / math.sqrt(steps)


def test_members_masks_coincide_as_often_as_independent_ones():
    """Over steps: both dropped p^2 of the time; within one step two members share the draw and differ by the turn."""
    p, steps = 0.3, 600
    both = []
    for step in range(steps):
        one, other = (Now.at(step, seed).of("Dropout").chance(p, (64,), "hidden") for seed in (4, 9))
        both.append(float((one & other).float().mean()))
    spread = np.std(both) / math.sqrt(steps)
    assert abs(np.mean(both) - p * p) < 5 * spread


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.25, 0.9, 1.0])
def test_chance_has_its_probability(p):
    share = Now.at(1, 2).of("x").chance(p, (300_000,), "mask").double().mean()
    assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 300_000)
    as_tensor = Now.at(1, 2).of("x").chance(torch.tensor(p, dtype=torch.float64), (300_000,), "mask")
    assert torch.equal(as_tensor, Now.at(1, 2).of("x").chance(p, (300_000,), "mask"))


@given(p=some.floats(0, 1), more=some.floats(0, 1), seed=some.integers(0, 2**40), step=some.integers(0, 2**31 - 1))
@settings(max_examples=60, deadline=None)
def test_more_probability_only_adds(p, more, seed, step):
    """The same draw whatever the strength: what was dropped stays dropped."""
    now = Now.at(step, seed).of("x")
    low, high = sorted((p, more))
    assert not (now.chance(low, (50,), "m") & ~now.chance(high, (50,), "m")).any()


def test_a_member_draws_the_same_in_every_company():
    for kind in ("uniform", "normal", "order"):
        request = Request(kind, (40,), "Dropout/hidden")
        for chosen in ([7], [7, 3], list(range(50)), [200, 7]):
            together = member_turn(request, 11, KEYS[chosen])
            alone = member_turn(request, 11, KEYS[7])
            assert all(torch.equal(t[chosen.index(7)], a) for t, a in zip(together, alone, strict=True))


def test_a_draw_depends_on_each_of_its_names_and_on_nothing_else():
    base = {"seed": 1, "step": 2, "owner": "Dropout", "name": "hidden"}
    first = _draw("uniform", 30, **base)
    assert torch.equal(_draw("uniform", 30, **base), first)
    for change in ({"seed": 2}, {"step": 3}, {"owner": "Dropout@a"}, {"name": "hidden2"}):
        assert not torch.equal(_draw("uniform", 30, **{**base, **change}), first)
    again = Now.at(2, 1).of("Dropout").again("R").uniform((30,), "hidden")
    assert not torch.equal(again, first)
    torch.manual_seed(99)
    assert torch.equal(_draw("uniform", 30, **base), first)


def test_names_do_not_run_into_each_other():
    """Names that differ by a letter, an order or a place give unrelated draws."""
    names = [f"Dropout@{a}*/blocks.{i}.hidden" for a in "abcdefgh" for i in range(40)]
    draws = np.stack([shared_draw(Request("uniform", (4,), n), 0).numpy() for n in names])
    assert len({tuple(row) for row in draws}) == len(names)
    correlations = np.corrcoef(draws[:-1].ravel(), draws[1:].ravel())[0, 1]
    assert abs(correlations) < 5 / math.sqrt(draws.size)


def test_keys_of_seeds_do_not_collide():
    keys = {int(member_key(seed)) for seed in range(5000)}
    assert len(keys) >= 4998  # 32 bits: 0.003 collisions are expected
    assert len({hash_integers(a, b) for a in range(300) for b in range(300)}) == 90_000


def test_turns_are_uniform_over_members_and_over_steps():
    assert scipy.stats.kstest(_ring_turns(5).numpy() % 1, "uniform").pvalue > 1e-3
    over_steps = np.array([float(_ring_turns(s, KEYS[3])) for s in range(2000)]) % 1
    assert scipy.stats.kstest(over_steps, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(over_steps[1:], over_steps[:-1])[0, 1]) < 5 / math.sqrt(2000)
    other = np.array([float(_ring_turns(s, KEYS[3], "Part/other")) for s in range(2000)]) % 1
    assert abs(np.corrcoef(over_steps, other)[0, 1]) < 5 / math.sqrt(2000)
    difference = (_ring_turns(5) - _ring_turns(6)) % 1
    assert scipy.stats.kstest(difference.numpy(), "uniform").pvalue > 1e-3


def test_a_turn_keeps_a_normal_draw_on_its_circle():
    cosine, sine = member_turn(Request("normal", (3,), "x/y"), 4, KEYS)
    assert (cosine**2 + sine**2 - 1).abs().max() < 1e-6


@given(n=some.integers(1, 200), seed=some.integers(0, 2**40), step=some.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_permutation_is_one(n, seed, step):
    order = Now.at(step, seed).of("Mixup").permutation(n, "partner")
    assert order.sort().values.tolist() == list(range(n))


def test_every_row_comes_to_every_place_equally_often():
    places = np.stack([Now.at(s, 1).of("x").permutation(8, "o").numpy() for s in range(4000)])
    for column in places.T:
        assert scipy.stats.chisquare(np.bincount(column, minlength=8)).pvalue > 1e-4
    pairs = np.bincount(places[:, 0] * 8 + places[:, 1], minlength=64).reshape(8, 8)[~np.eye(8, dtype=bool)]
    assert scipy.stats.chisquare(pairs).pvalue > 1e-4


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.2, 1.0, 4.0, 30.0])
def test_beta_has_its_distribution(alpha):
    """Drawn by many members at once; each member's draw is a rotation of one, so several steps are pooled."""
    draws = []
    for step in range(0, 1500):
        draws.append(Now.at(step, step % 7).of("Mixup").beta(alpha, "share"))
    found = torch.stack(draws).double()
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 1).all()
    reference = np.random.default_rng(1).beta(alpha, alpha, 30_000).astype(np.float32)
    assert scipy.stats.ks_2samp(found.numpy(), reference).pvalue > 1e-3
    assert abs(found.mean() - 0.5) < 5 * reference.std() / math.sqrt(len(found))
    assert abs(found.var() / reference.var() - 1) < 0.2


def test_beta_streams_pass_kolmogorov_smirnov_as_often_as_they_should():
    """What the prototype left open: p-values of Beta(.2, .2) over independent streams are uniform."""
    values = []
    for stream in range(60):
        draws = [float(Now.at(s, stream).of(f"l{stream}").beta(0.2, "share")) for s in range(60)]
        values.append(scipy.stats.kstest(draws, scipy.stats.beta(0.2, 0.2).cdf).pvalue)
    assert scipy.stats.kstest(values, "uniform").pvalue > 1e-3


def test_epochs_read_each_row_once_and_members_start_elsewhere():
    rows = torch.arange(100, 140)
    keys = KEYS[:5]
    order = epoch_rows([rows] * 5, keys, 3, 8, 5)
    assert order.shape == (5, 5, 8)
    for member in range(5):
        assert order[:, member].flatten().sort().values.tolist() == rows.tolist()
        alone = epoch_rows([rows], keys[member : member + 1], 3, 8, 5)
        assert torch.equal(alone[:, 0], order[:, member])
    assert not torch.equal(order[:, 0], order[:, 1])
    assert not torch.equal(order, epoch_rows([rows] * 5, keys, 4, 8, 5))


def test_the_rows_left_out_change_from_epoch_to_epoch():
    rows = torch.arange(21)
    left = [set(range(21)) - set(epoch_rows([rows], KEYS[:1], e, 8, 2).flatten().tolist()) for e in range(6)]
    assert all(len(out) == 5 for out in left)
    assert len({frozenset(out) for out in left}) > 1


@pytest.mark.parametrize("mode", ["eager", "traced"])
def test_a_whole_training_leaves_the_global_generators_alone(mode):
    states = (torch.get_rng_state(), np.random.get_state(), random.getstate())
    worlds.train(worlds.six_members()[:2], course=dataclasses.replace(worlds.COURSE, until=4, mode=mode))
    assert torch.equal(torch.get_rng_state(), states[0])
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), states[1], strict=True))
    assert random.getstate() == states[2]


def test_the_first_weights_follow_from_the_seed_alone():
    torch.manual_seed(1)
    one = seeded(worlds.make, 5).state_dict()
    torch.manual_seed(2)
    other = seeded(worlds.make, 5).state_dict()
    assert all(torch.equal(one[n], other[n]) for n in one)
    assert not torch.equal(one["head.weight"], seeded(worlds.make, 6).state_dict()["head.weight"])


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 40_001])
def test_a_graph_makes_the_numbers_that_the_host_makes(size):
    request = Request("normal", (size,), "WeightNoise/layer.weight")
    for step in (0, 5, 2**31 - 1):
        drawn = shared_draw(request, step).reshape(2, -1)
        made = graph_normals(stream_tensor(normal_stream(request, step)), size)
        assert all(torch.equal(ready, inside) for ready, inside in zip(drawn, made, strict=True))


def test_streams_of_normal_numbers_are_unrelated():
    """Of steps, of names, and of one stream moved by some places: no pair is more alike than chance has it."""
    n = 20_000
    names = [f"GradientNoise/blocks.{i}.weight" for i in range(12)]
    draws = [shared_draw(Request("normal", (n,), name), step).reshape(2, -1)[0] for name in names for step in range(4)]
    found = np.corrcoef(np.stack(draws).astype(float)) - np.eye(len(draws))
    assert np.abs(found).max() < 5 / math.sqrt(n)
    spectrum = np.abs(np.fft.rfft(np.stack(draws).astype(float), axis=1)[:, 1:-1]) ** 2 / n
    assert scipy.stats.kstest(spectrum.ravel(), "expon").pvalue > 1e-4
    assert spectrum.max() < math.log(spectrum.size) + 12


def test_each_of_the_16_bits_looked_up_comes_as_often_as_it_should():
    n = 1 << 18
    drawn = shared_draw(Request("normal", (n,), "x/y"), 3).reshape(2, -1)[0].double()
    cells = torch.special.ndtr(drawn).mul(256).long().clamp(0, 255)
    for half in cells.split(n // 2):
        assert scipy.stats.chisquare(np.bincount(half.numpy(), minlength=256)).pvalue > 1e-4
    pairs = cells[: n // 2] // 16 * 16 + cells[n // 2 :] // 16
    assert scipy.stats.chisquare(np.bincount(pairs.numpy(), minlength=256)).pvalue > 1e-4
