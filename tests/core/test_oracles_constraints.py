"""Constraints and balls, each against Keras, torch, NumPy, SciPy or hand."""

from __future__ import annotations

import copy
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_fit import fit_linear
from torch import nn
from torch.testing import assert_close
from worlds import linear_problem, now_at

from wellfit import Ball, BatchNorm, MaxNorm, MinMaxNorm, NonNegative, Recipe, SpectralNorm, UnitNorm
from wellfit.draws import member_key
from wellfit.errors import RecipeError
from wellfit.regularizers.projections import ball_measure, project_onto_ball
from wellfit.testing import behavior, stacks
from wellfit.testing.outcome import draw_sample, small_network
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.step import Batch, Trainer

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

ROWS = {r["name"]: r for r in json.loads((Path(__file__).parents[1] / "data" / "oracles.json").read_text())}
SHAPES = [(5, 7), (4, 3, 3, 3)]


def _drawn(shape, seed=2):
    w = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return w * torch.linspace(0.1, 3.0, shape[0], dtype=torch.float64).view(-1, *[1] * (len(shape) - 1))


def _by_keras(constraint, w, kept=0):
    """Keras puts units last, so its axis is all others; the answer in float64, to its 1e-7 in the denominator."""
    axes = [a for a in range(w.ndim) if a != kept]
    made = constraint(axis=axes) if constraint is not keras.constraints.NonNeg else constraint()
    return torch.as_tensor(made(w.float()).detach()).double()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("by", ["unit", "input"])
def test_oracle_MaxNorm_in_keras_by_unit_and_by_input(shape, by):
    w, kept = _drawn(shape), ("unit", "input").index(by)
    theirs = _by_keras(lambda axis: keras.constraints.MaxNorm(2.0, axis=axis), w, kept)
    assert_close(MaxNorm(2.0, by=by).project({"w": w}, now_at())["w"], theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("by", ["unit", "input"])
def test_oracle_UnitNorm(shape, by):
    w, kept = _drawn(shape), ("unit", "input").index(by)
    ours = UnitNorm(by=by).project({"w": w}, now_at())["w"]
    assert_close(ours, _by_keras(lambda axis: keras.constraints.UnitNorm(axis=axis), w, kept), rtol=1e-5, atol=1e-6)
    assert_close(ours.transpose(0, kept).flatten(1).norm(dim=1), torch.ones(shape[kept], dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_oracle_MinMaxNorm(shape, share):
    w = _drawn(shape)
    theirs = _by_keras(lambda axis: keras.constraints.MinMaxNorm(0.8, 2.0, rate=share, axis=axis), w)
    assert_close(MinMaxNorm(0.8, 2.0, share).project({"w": w}, now_at())["w"], theirs, rtol=1e-5, atol=1e-6)


def test_oracle_NonNegative():
    w = _drawn((5, 7))
    ours = NonNegative().project({"w": w}, now_at())["w"]
    assert_close(ours, _by_keras(keras.constraints.NonNeg, w), rtol=1e-6, atol=0)
    partly = NonNegative(0.25).project({"w": w}, now_at())["w"].numpy()
    np.testing.assert_allclose(partly, np.where(w.numpy() < 0, 0.75 * w.numpy(), w.numpy()), rtol=1e-15)


def test_constraints_leave_zeros_alone_and_bound_single_biases():
    zero = {"w": torch.zeros(2, 3), "b": torch.tensor([-3.0, 0.0, 0.5])}
    for part in (MaxNorm(1.0), UnitNorm(), MinMaxNorm(0.5, 1.0)):
        assert torch.equal(part.project(zero, now_at())["w"], zero["w"])
    assert MaxNorm(1.0).project(zero, now_at())["b"].tolist() == [-1.0, 0.0, 0.5]
    assert UnitNorm().project(zero, now_at())["b"].tolist() == [-1.0, 0.0, 1.0]
    with pytest.raises(RecipeError, match="over its limit"):
        MinMaxNorm(3.0, 2.0)
    with pytest.raises(RecipeError, match=r"MaxNorm\.by"):
        MaxNorm(1.0, by="row")


def test_oracle_MaxNorm_of_an_embedding_is_torchs_max_norm():
    """nn.Embedding(max_norm) bounds the vectors that are looked up: the rows."""
    table = nn.Embedding(6, 4, max_norm=1.0).double()
    before = table.weight.detach().clone() * 3
    table.weight.data.copy_(before)
    table(torch.arange(6))
    assert_close(MaxNorm(1.0).project({"w": before}, now_at())["w"], table.weight.detach(), rtol=1e-6, atol=0)


# Balls


def _by_scipy(w, steps, kind, limit, ratio):
    """The multiplier m by root finding; then sign(w) * max(|w| - m * a * step, 0) / (1 + 2 * m * b * step)."""
    a, b = {"l1": (1.0, 0.0), "l2": (0.0, 1.0), "elastic": (ratio, 1.0 - ratio)}[kind]

    def moved(m):
        return np.sign(w) * np.maximum(np.abs(w) - m * a * steps, 0.0) / (1.0 + 2.0 * m * b * steps)

    def over(log_m):
        v = moved(np.exp(log_m))
        measure = np.sqrt((v * v).sum()) if kind == "l2" else a * np.abs(v).sum() + b * (v * v).sum()
        return measure - limit

    return w if over(-60.0) <= 0 else moved(np.exp(scipy.optimize.brentq(over, -60.0, 60.0, xtol=1e-14)))


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(["l1", "l2", "elastic"]), st.floats(0.05, 0.95), st.floats(-3, 0.2),
    st.floats(0, 6), st.integers(1, 60),
)  # fmt: skip
def test_oracle_Ball_is_the_nearest_point(seed, kind, ratio, size, decades, n):
    draw = np.random.default_rng(seed)
    w, steps = draw.standard_normal(n), 10 ** (-decades * draw.random(n))
    limit = float(ball_measure(torch.from_numpy(w), kind, ratio)) * 10**size
    ours = project_onto_ball(torch.from_numpy(w), torch.from_numpy(steps), kind, limit, ratio)
    assert_close(ours.numpy(), _by_scipy(w, steps, kind, limit, ratio), rtol=1e-6, atol=1e-9)
    assert float(ball_measure(ours, kind, ratio)) <= limit * (1 + 1e-9)
    again = project_onto_ball(ours, torch.from_numpy(steps), kind, limit * (1 + 1e-12), ratio)
    assert_close(again, ours, rtol=1e-9, atol=1e-12)


def test_oracle_Ball_L1_is_the_published_algorithm():
    """Duchi et al., figure 1: sort, find rho, subtract theta."""
    w = np.random.default_rng(0).standard_normal(40)
    u = np.sort(np.abs(w))[::-1]
    rho = max(j for j in range(1, 41) if u[j - 1] - (u[:j].sum() - 3.0) / j > 0)
    theta = (u[:rho].sum() - 3.0) / rho
    params = {"a": torch.from_numpy(w[:30]).view(5, 6), "b": torch.from_numpy(w[30:]).view(2, 5)}
    ours = Ball(3.0, kind="l1").project(params, now_at(params))
    joined = np.concatenate([ours["a"].flatten(), ours["b"].flatten()])
    np.testing.assert_allclose(joined, np.sign(w) * np.maximum(np.abs(w) - theta, 0), rtol=0, atol=1e-12)
    assert (joined == 0).sum() == 40 - rho


@pytest.mark.parametrize("name", ["constraint.L2", "constraint.L1", "constraint.EN"])
def test_oracle_rows_of_constraints(name):
    """The least quadratic in the ball, by projected gradient steps."""
    row = ROWS[name]
    c, h = (torch.tensor(row["inputs"][k], dtype=torch.float64) for k in ("c", "H"))
    kind = {"L2": "l2", "L1": "l1", "EN": "elastic"}[name.split(".")[1]]
    part, w = Ball(row["inputs"]["r"], row["inputs"].get("a", 0.5), kind=kind), torch.zeros(1, 2, dtype=torch.float64)
    for _ in range(300):
        w = part.project({"w": w - 0.2 * 2 * (w - c) @ h}, now_at("w", rate=0.2))["w"]
    assert_close(w[0].tolist(), row["expected"], rtol=0, atol=row["tol"])
    if name == "constraint.L1":
        assert float(w[0, 1]) == 0.0


@pytest.mark.parametrize("kind", ["l1", "l2", "elastic"])
def test_Ball_rests_where_scipy_does_after_sgd_and_after_adam(kind):
    """Least squares in a ball by SciPy's SLSQP; Adam ends at the same point, as its projection shares its metric."""
    x, y = linear_problem()
    ball = Ball(2.0, 0.4, kind=kind)

    def room(w, size):
        pieces = {"l1": size.sum(), "l2": np.sqrt((w * w).sum()), "elastic": 0.4 * size.sum() + 0.6 * w @ w}
        return 2.0 - pieces[kind]

    # w as the difference of two numbers from 0 on, so that |w| is smooth
    best = scipy.optimize.minimize(
        lambda pair: ((y - x @ (pair[:6] - pair[6:])) ** 2).mean(),
        np.full(12, 0.05),
        bounds=[(0, None)] * 12,
        constraints={"type": "ineq", "fun": lambda pair: room(pair[:6] - pair[6:], pair[:6] + pair[6:])},
        options={"ftol": 1e-15, "maxiter": 500},
    ).x
    best = best[:6] - best[6:]
    for optimizer, steps, rate in ((SGD(), 150, 0.2), (Adam(), 500, 0.03)):
        ours = fit_linear(ball, x, y, steps, rate, optimizer)
        assert np.abs(ours - best).max() < 2e-5, f"{optimizer}: {ours} beside {best}"
        assert room(ours, np.abs(ours)) > -1e-9


def test_Ball_edges():
    now = now_at(("w",))
    zero = {"w": torch.zeros(2, 2)}
    half = {"w": torch.tensor([[3.0, -4.0]], dtype=torch.bfloat16)}
    for kind in ("l1", "l2", "elastic"):
        assert torch.equal(Ball(1.0, kind=kind).project(zero, now)["w"], zero["w"])
        assert Ball(1.0, kind=kind).project({}, now) == {}
        assert Ball(1.0, kind=kind).project(half, now)["w"].dtype == torch.bfloat16
        assert torch.equal(Ball(math.inf, kind=kind).project(half, now)["w"], half["w"])
        stuck = Ball(1.0, kind=kind).project(half, now_at(("w",), rate=0.0))["w"].double()
        assert float(ball_measure(stuck, kind, 0.5)) <= 1.01, "at a rate of 0 it is the Euclidean projection"
    with pytest.raises(RecipeError, match=r"Ball\.kind"):
        Ball(1.0, kind="l3")


@pytest.mark.parametrize("kind", ["l1", "elastic"])
@pytest.mark.parametrize(
    "check",
    [behavior.check_neutral, behavior.check_knob_forms, behavior.check_dtype_and_device, behavior.check_strength,
     stacks.check_stack_training],
    ids=lambda c: c.__name__,
)  # fmt: skip
def test_every_ball_keeps_the_contracts(kind, check):
    from test_oracles_penalties import Form

    check(Form(Ball, kind=kind))


# Spectral norm


def test_oracle_SpectralNorm():
    """Largest singular values by NumPy; outputs, buffers and gradients by torch's own parametrization."""
    plain = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)).double()
    ours = SpectralNorm().rewrite(plain)
    peer = copy.deepcopy(plain)
    for i in (0, 3):
        assert [n for n, _ in ours[i].named_parameters()] == ["weight", "bias"]
        nn.utils.parametrizations.spectral_norm(peer[i])
        vectors = peer[i].parametrizations.weight[0]
        right = ours[i].weight.detach().flatten(1).T @ ours[i].direction
        vectors._v.copy_(right / right.norm())  # torch iterates from its right vector, ours from the left
    x = torch.randn(5, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for _ in range(3):
        out, expected = ours(x), peer(x)
        assert_close(out, expected, rtol=0, atol=1e-12)
    out.square().sum().backward()
    expected.square().sum().backward()
    for _ in range(300):  # until the directions have come to rest: enough for these weights
        ours(x), peer(x)
    for i in (0, 3):
        assert_close(ours[i].weight.grad, peer[i].parametrizations.weight.original.grad, rtol=0, atol=1e-10)
        assert_close(ours[i].direction, peer[i].parametrizations.weight[0]._u, rtol=0, atol=1e-12)
        values = np.linalg.svd(plain[i].weight.detach().flatten(1).numpy(), compute_uv=False)
        used = layer_weight(ours[i])
        assert abs(np.linalg.svd(used, compute_uv=False)[0] - 1.0) < 1e-6
        assert abs(np.linalg.norm(plain[i].weight.detach().numpy()) / np.linalg.norm(used) - values[0]) < 1e-6


def layer_weight(layer):
    from wellfit.regularizers.spectral_layers import normalized_weight

    return normalized_weight(copy.deepcopy(layer).eval()).detach().flatten(1).numpy()


def test_SpectralNorm_in_a_stack_keeps_each_member_at_its_limit():
    """Two members under vmap and functional_call, trained at a large rate; NumPy's singular values at the end."""
    part = SpectralNorm(limit=0.7)
    network = part.rewrite(small_network("classification").double())
    trainer = Trainer(network, Adam())
    states = [trainer.start(network, Recipe(part)) for _ in range(2)]
    state = torch.utils._pytree.tree_map(lambda *t: torch.stack(t), *states)
    keys = torch.stack([member_key(s) for s in range(2)])
    for step in range(30):
        sample = draw_sample(step)

        def one(state, key, rate, step=step, sample=sample):
            now = now_at(state.params, step)
            now = type(now)(key, now.step, now.epoch, dict.fromkeys(state.params, rate), moment=step)
            return trainer.step(state, Batch(sample.x, sample.target), now)[0]

        state = torch.func.vmap(one)(state, keys, torch.tensor([0.003, 0.01], dtype=torch.float64))
    layers = [n.removesuffix(".direction") for n in state.buffers if n.endswith("direction")]
    assert len(layers) == 3
    for name in layers:
        for member in range(2):
            layer = copy.deepcopy(network.get_submodule(name))
            layer.load_state_dict(
                {k: {**state.params, **state.buffers}[f"{name}.{k}"][member] for k in layer.state_dict()}
            )
            used = layer_weight(layer)
            assert abs(np.linalg.svd(used, compute_uv=False)[0] - 0.7) < 0.02
    assert not torch.equal(state.params[f"{layers[0]}.weight"][0], state.params[f"{layers[0]}.weight"][1])


def test_SpectralNorm_lives_with_batch_norm_and_with_layers_of_zeros():
    both = Recipe(SpectralNorm(), BatchNorm()).rewrite(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    assert sum(isinstance(m, nn.BatchNorm1d) for m in both.modules()) == 1
    assert sum(type(m).__name__ == "SpectralLinear" for m in both.modules()) == 2
    assert torch.isfinite(both(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)))).all()
    zero = nn.Linear(3, 2)
    nn.init.zeros_(zero.weight)
    assert torch.equal(SpectralNorm().rewrite(zero)(torch.ones(1, 3)), zero(torch.ones(1, 3)))
    with pytest.raises(RecipeError):
        SpectralNorm(limit=0.0)
