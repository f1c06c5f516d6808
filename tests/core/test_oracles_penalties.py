"""Penalties, decay, groups, gates and anchors, each against scikit-learn, Keras, torch, NumPy or hand."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sklearn.linear_model
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_fit import fit_linear
from torch import nn
from torch.testing import assert_close
from worlds import linear_problem, now_at

from wellfit import (
    EMA,
    L0,
    L1,
    L2,
    L2SP,
    ElasticNet,
    GroupLasso,
    LInfinity,
    Lp,
    Mixout,
    Nuclear,
    Orthogonal,
    Recipe,
    WeightDecay,
    where,
)
from wellfit.errors import RecipeError
from wellfit.knobs import Knob
from wellfit.regularizers.structured import block_soft_threshold
from wellfit.testing import ContractBroken, behavior, stacks
from wellfit.testing.outcome import draw_sample, slope, small_network
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.step import Batch, Trainer

ROWS = {r["name"]: r for r in json.loads((Path(__file__).parents[1] / "data" / "oracles.json").read_text())}


class Form:
    """A class with other static fields, for the contracts, which build parts with knobs alone."""

    def __init__(self, cls, **statics):
        self.cls, self.fixed, self.__name__ = cls, statics, f"{cls.__name__}{statics}"

    def __call__(self, **knobs):
        return self.cls(**knobs, **self.fixed)

    def __getattr__(self, name):
        return getattr(self.cls, name)


FORMS = [
    Form(L1, form="loss"), Form(ElasticNet, form="loss"), Form(ElasticNet, half=False), Form(Nuclear, form="loss"),
    Form(WeightDecay, form="coupled"), Form(GroupLasso, by="input"), Form(L0, by="unit"), Form(L0, by="input"),
]  # fmt: skip
ON_CLASSES = (
    behavior.check_neutral, behavior.check_purity, behavior.check_knob_forms, behavior.check_dtype_and_device,
    behavior.check_penalty_gradient, behavior.check_strength, stacks.check_stack_training,
)  # fmt: skip


@pytest.mark.parametrize("check", ON_CLASSES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
def test_every_form_keeps_the_contracts(form, check):
    check(form)


@pytest.mark.parametrize(
    ("cls", "field", "bad"),
    [(L1, "form", "subgradient"), (ElasticNet, "form", 3), (ElasticNet, "half", "no"), (WeightDecay, "form", "adamw"),
     (GroupLasso, "by", "row"), (Nuclear, "form", ""), (L0, "by", None)],
)  # fmt: skip
def test_an_unknown_form_is_refused_with_what_is_allowed(cls, field, bad):
    with pytest.raises(RecipeError, match=rf"{cls.__name__}\.{field} is .* allowed"):
        cls(**{field: bad})


def test_a_closed_form_that_leaves_a_weight_out_is_caught(monkeypatch):
    monkeypatch.setattr(L2, "penalty_gradient", lambda self, params, now: {})
    with pytest.raises(ContractBroken, match="closed form"):
        behavior.check_penalty_gradient(L2)


# L1


def test_oracle_L1_after_sgd_and_after_adam_is_the_lasso():
    """The proximal step is taken in the optimizer's metric: both end at the lasso's solution, zeros and all.

    Lasso, SGD and Adam alike: (1.85711625, -1.31485123, 0.78050305, 0, 0, 0); the subgradient in the loss ends 2e-3
    (SGD) and 2e-4 (Adam) away, with no zero at all.
    """
    x, y = linear_problem()
    lasso = sklearn.linear_model.Lasso(alpha=0.4 / 2, fit_intercept=False, tol=1e-14).fit(x, y).coef_
    for optimizer, steps, rate in ((SGD(), 200, 0.2), (Adam(), 800, 0.03)):
        ours = fit_linear(L1(0.4), x, y, steps, rate, optimizer)
        assert np.abs(ours - lasso).max() < 1e-8, f"{optimizer}: {ours} beside {lasso}"
        assert ((ours == 0) == (lasso == 0)).all()
        assert (ours == 0).sum() == 3


def test_oracle_L1_in_the_loss_has_no_zeros_but_the_same_price():
    x, y = linear_problem()
    lasso = sklearn.linear_model.Lasso(alpha=0.4 / 2, fit_intercept=False, tol=1e-14).fit(x, y).coef_
    ours = fit_linear(L1(0.4, form="loss"), x, y, 200, 0.05)
    assert (ours != 0).all()
    assert 1e-6 < np.abs(ours - lasso).max() < 0.05
    w = torch.tensor([[2.5, -1.2, 0.0]], dtype=torch.float64)
    part = L1(0.1, form="loss")
    assert_close(part.penalty({"w": w}, now_at()), w.abs().sum() * 0.1)
    assert part.penalty_gradient({"w": w}, now_at())["w"].tolist() == [[0.1, -0.1, 0.0]], "the subgradient at 0 is 0"
    assert part.project({"w": w}, now_at("w"))["w"] is w


def test_L1_in_the_loss_reaches_biases_where_it_is_told_to():
    sample = draw_sample(1)
    everywhere = where(L1(0.1, form="loss"), "*")
    expected = 0.1 * sum(w.abs().sum() for w in sample.params.values())
    assert_close(everywhere.penalty(everywhere.select(sample.params), now_at()), expected)


def test_oracle_row_keras_l1_at_the_start():
    """A Dense(64) on 784 inputs: the penalty of fresh Glorot weights, by Keras and by us."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    row = ROWS["keras.l1_init_penalty"]
    facts = row["inputs"]
    draw = keras.initializers.GlorotUniform(seed=3)((facts["fan_in"], facts["units"])).detach().double()
    ours = float(L1(facts["l1"], form="loss").penalty({"w": draw}, now_at()))
    assert abs(ours - row["expected"]) <= row["tol"]
    assert abs(ours - float(keras.regularizers.L1(facts["l1"])(draw))) < 1e-4


# Elastic net, Lp, LInfinity


@pytest.mark.parametrize("half", [True, False])
def test_oracle_ElasticNet_with_and_without_its_half(half):
    """scikit-learn counts 1/2 in both terms; without ours the L2 price doubles: (strength, l1_ratio) are translated."""
    x, y = linear_problem()
    ours = fit_linear(ElasticNet(0.6, 0.3, half=half), x, y, 200, 0.2)
    l1, l2 = 0.6 * 0.3, 0.6 * 0.7 * (0.5 if half else 1.0)
    alpha = l1 / 2 + l2
    peer = sklearn.linear_model.ElasticNet(alpha=alpha, l1_ratio=l1 / 2 / alpha, fit_intercept=False, tol=1e-14)
    assert np.abs(ours - peer.fit(x, y).coef_).max() < 1e-8


def test_oracle_rows_of_elastic_nets_without_half():
    row = ROWS["enet.nohalf"]
    w = torch.tensor([row["inputs"]["w"]], dtype=torch.float64)
    part = ElasticNet(row["inputs"]["alpha"], row["inputs"]["l1_ratio"], form="loss", half=False)
    assert abs(float(part.penalty({"w": w}, now_at())) - row["expected"]) <= row["tol"]
    plain = [r for name, r in ROWS.items() if name.startswith("mixratio.plain")]
    assert len(plain) == 5
    for row in plain:
        # twelve ones and two more, so that |w| sums to 15 and w ** 2 to 20
        ones = np.ones(12)
        x, y = np.roots([2, -6, 9 - 8])  # x + y = 3, x ** 2 + y ** 2 = 8
        w = torch.tensor([[*ones, x, y]])
        part = ElasticNet(1.0, row["inputs"]["r"], form="loss", half=False)
        assert abs(float(part.penalty({"w": w}, now_at())) - row["expected"]) <= row["tol"]


@pytest.mark.parametrize("power", [1.0, 1.3, 2.0, 3.7])
def test_oracle_Lp(power):
    w = draw_sample(2).params["head.weight"]
    assert_close(Lp(0.3, power).penalty({"w": w}, now_at()), 0.3 * torch.linalg.vector_norm(w, power) ** power)


def test_oracle_Lp_between_its_neighbors():
    w = {"w": draw_sample(2).params["head.weight"]}
    one, two = L1(0.3, form="loss"), L2(0.3)
    assert_close(Lp(0.3, 1.0).penalty_gradient(w, now_at()), one.penalty_gradient(w, now_at()))
    assert_close(Lp(0.3, 2.0).penalty_gradient(w, now_at()), two.penalty_gradient(w, now_at()))
    zero = {"w": torch.zeros(1, 3)}
    for power in (1.0, 1.5, 3.0):
        assert torch.equal(Lp(1.0, power).penalty_gradient(zero, now_at())["w"], zero["w"])
    with pytest.raises(RecipeError):
        Lp(0.3, 0.5)


def test_oracle_LInfinity():
    """The limit of p-norms; ties share; a layer without weights costs nothing."""
    params = {"a": draw_sample(2).params["head.weight"], "b": torch.zeros(0, 4, dtype=torch.float64)}
    w = params["a"].numpy()
    assert_close(LInfinity(2.0).penalty(params, now_at()).item(), 2.0 * np.linalg.norm(w.ravel(), np.inf))
    high = np.linalg.norm(w.ravel(), 200)
    assert abs(high - np.abs(w).max()) < 0.05
    tied = {"w": torch.tensor([[2.0, -2.0, 1.0]], requires_grad=True)}
    LInfinity(1.0).penalty(tied, now_at()).backward()
    assert_close(LInfinity(1.0).penalty_gradient(tied, now_at())["w"], tied["w"].grad)


# Weight decay


def _trained_by_torch(network, make, steps=25):
    peer = copy.deepcopy(network)
    weights = [p for p in peer.parameters() if p.ndim > 1]
    biases = [p for p in peer.parameters() if p.ndim == 1]
    optimizer = make([{"params": weights}, {"params": biases, "weight_decay": 0.0}])
    for step in range(steps):
        sample = draw_sample(step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(peer(sample.x), sample.target.values).backward()
        optimizer.step()
    return dict(peer.named_parameters())


@pytest.mark.parametrize(
    ("ours", "make"),
    [
        (SGD(0.9), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=0.3)),
        (Adam(), lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.3)),
    ],
    ids=["SGD", "Adam"],
)
def test_oracle_WeightDecay_coupled(ours, make):
    network = small_network("classification").double()
    trainer = Trainer(copy.deepcopy(network), ours)
    state = trainer.start(network, Recipe(WeightDecay(0.3, form="coupled")))
    for step in range(25):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step, 0.02))
    for name, weight in _trained_by_torch(network, make).items():
        assert_close(state.params[name], weight.detach(), rtol=0, atol=1e-11)


def test_oracle_WeightDecay_fully_decoupled():
    """The share is the same at every rate but 0; AdamW with lr * weight_decay = share is the same training."""
    w = {"w": torch.tensor([[2.0, -4.0]])}
    for rate, left in ((0.0, 1.0), (1e-3, 0.75), (10.0, 0.75)):
        assert_close(WeightDecay(0.25, form="fully_decoupled").shrink(w, now_at("w", rate=rate))["w"], w["w"] * left)
    network = small_network("classification").double()
    trainer = Trainer(copy.deepcopy(network), Adam())
    state = trainer.start(network, Recipe(WeightDecay(0.006, form="fully_decoupled")))
    for step in range(25):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step, 0.02))
    theirs = _trained_by_torch(network, lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.3))
    for name, weight in theirs.items():
        assert_close(state.params[name], weight.detach(), rtol=0, atol=1e-11)


def test_a_fully_decoupled_share_over_one_is_refused():
    with pytest.raises(RecipeError, match="fully decoupled"):
        WeightDecay(1.5, form="fully_decoupled")


def test_the_fully_decoupled_form_keeps_the_contracts_where_its_strength_is_a_share():
    form = Form(WeightDecay, form="fully_decoupled")
    form.knobs = lambda: {"strength": Knob(1e-4, 1e-1, log=True, neutral=0.0)}
    for check in ON_CLASSES:
        check(form)


# Groups


def test_oracle_row_of_the_block_step():
    row = ROWS["prox.group_l2"]
    x = torch.tensor([row["inputs"]["x"]], dtype=torch.float64)
    assert_close(block_soft_threshold(x, row["inputs"]["t"], "unit")[0].tolist(), row["expected"])


def test_oracle_GroupLasso_is_the_multi_task_lasso():
    """Columns as groups: with SGD and with Adam the solution of scikit-learn, whole columns exactly zero."""
    x, y = linear_problem()
    y = np.stack([y, 0.5 * y + 0.3 * x[:, 1]], 1)
    peer = sklearn.linear_model.MultiTaskLasso(alpha=0.5, fit_intercept=False, tol=1e-14, max_iter=10**5)
    theirs = peer.fit(x, y).coef_
    for optimizer, steps, rate in ((SGD(), 300, 0.2), (Adam(), 900, 0.03)):
        ours = fit_linear(GroupLasso(0.5 / np.sqrt(2), by="input"), x, y, steps, rate, optimizer)
        assert np.abs(ours - theirs).max() < 1e-7, f"{optimizer}: {ours} beside {theirs}"
        assert ((ours == 0) == (theirs == 0)).all()
        assert (ours == 0).sum() == 6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(-2, 1), st.floats(0, 6), st.sampled_from(["unit", "input"]))
def test_the_block_step_minimizes_in_the_metric_of_the_steps(seed, size, decades, by):
    """v = 0, or (w - v) / steps = v / ||v||: the condition of the least, for each group."""
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(4, 7, dtype=torch.float64, generator=generator)
    steps = 10 ** (size - decades * torch.rand(4, 7, dtype=torch.float64, generator=generator))
    v = block_soft_threshold(w, steps, by)
    if by == "input":
        w, steps, v = w.T, steps.T, v.T
    for row, pace, found in zip(w, steps, v, strict=True):
        norm = found.norm()
        if norm == 0:
            assert (row / pace).norm() <= 1 + 1e-9
        else:
            assert_close((row - found) / pace, found / norm, rtol=1e-6, atol=1e-9)


def test_the_block_step_of_zeros_and_of_convolutions():
    assert torch.equal(block_soft_threshold(torch.zeros(2, 3), torch.tensor(0.5), "unit"), torch.zeros(2, 3))
    assert torch.equal(block_soft_threshold(torch.zeros(2, 3), torch.full((2, 3), 0.5), "unit"), torch.zeros(2, 3))
    w = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    out = GroupLasso(0.1).project({"w": w}, now_at("w", rate=1.0))["w"]
    step = 0.1 * np.sqrt(27)
    norm = np.linalg.norm(w.reshape(4, -1).numpy(), axis=1)
    assert_close(out.reshape(4, -1).numpy(), w.reshape(4, -1).numpy() * np.maximum(1 - step / norm, 0)[:, None])
    bias = GroupLasso(0.3).project({"b": torch.tensor([1.0, -0.1])}, now_at("b", rate=1.0))["b"]
    assert_close(bias, torch.tensor([0.7, 0.0]))  # of a bias each number is a group


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 3, 3)])
def test_oracle_Orthogonal(shape):
    """Keras's orthogonal regularizer is another measure; NumPy's is this one. At an orthogonal matrix nothing pulls."""
    w = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    m = w.flatten(1).numpy()
    gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    assert_close(Orthogonal(0.7).penalty({"w": w}, now_at()).item(), 0.7 * ((gram - np.eye(len(gram))) ** 2).sum())
    q = nn.init.orthogonal_(torch.empty(shape, dtype=torch.float64), generator=torch.Generator().manual_seed(1))
    assert Orthogonal(1.0).penalty({"w": q}, now_at()) < 1e-24
    assert Orthogonal(1.0).penalty_gradient({"w": q}, now_at())["w"].abs().max() < 1e-12
    assert Orthogonal(1.0).penalty_gradient({"b": torch.ones(3)}, now_at()) == {}


def test_oracle_Nuclear():
    """Against NumPy's singular values: the price, and the step that lowers each by rate * strength."""
    w = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    values = np.linalg.svd(w.numpy(), compute_uv=False)
    assert_close(Nuclear(0.7, form="loss").penalty({"w": w}, now_at()).item(), 0.7 * values.sum())
    assert_close(Nuclear(0.7, form="loss").penalty({"w": w}, now_at()).item(), 0.7 * np.linalg.norm(w.numpy(), "nuc"))
    step = (values[1] + values[2]) / 2
    moved = Nuclear(step / 0.1).project({"w": w}, now_at("w"))["w"].numpy()
    assert_close(np.linalg.svd(moved, compute_uv=False), np.maximum(values - step, 0.0), rtol=0, atol=1e-12)
    assert np.linalg.matrix_rank(moved, tol=1e-10) == 2


# Gates


def test_oracle_L0_gates_are_hard_concrete():
    """Shares of gates at exactly 0 and 1 are those of SciPy's logistic distribution; the penalty counts what is on."""
    part, n = L0(1e-3), 40_000
    for a in (-1.0, 0.5, 2.0):
        params = {"w": torch.ones(1, n, dtype=torch.float64), "extra.L0.w": torch.full((1, n), a, dtype=torch.float64)}
        z = part.weights(params, now_at(step=5).of("L0"))["w"][0].numpy()
        low, high, b = -0.1, 1.1, 2 / 3
        for edge, share in ((0.0, (z == 0).mean()), (1.0, (z < 1).mean())):
            exact = scipy.stats.logistic.cdf(b * np.log((edge - low) / (high - edge)) - a)
            assert abs(share - exact) < 5 * np.sqrt(exact * (1 - exact) / n)
        costs = float(part.penalty(params, now_at())) / 1e-3
        assert abs((z > 0).mean() - costs / n) < 5 / np.sqrt(n), (
            "the penalty is the expected number of weights that are on"
        )


def test_oracle_L0_hands_over_exact_zeros_and_trains_its_gates():
    network, sample = small_network("classification").double(), draw_sample(3)
    trainer = Trainer(network, Adam())
    state = trainer.start(network, Recipe(L0(2.0)))
    names = [n for n in state.params if n.startswith("extra.L0.")]
    assert names and all(state.params[n].shape == state.params[n[9:]].shape for n in names)
    for step in range(150):
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step, 0.1))
    deployed = state.deployed()
    assert not any(n.startswith("extra") for n in deployed)
    assert all((deployed[n[9:]] == 0).all() for n in names), "at this price everything is switched off"
    cheap = trainer.start(network, Recipe(L0(1e-6)))
    for step in range(20):
        cheap, _ = trainer.step(cheap, Batch(sample.x, sample.target), now_at(cheap.params, step, 0.01))
    assert all((cheap.deployed()[n[9:]] != 0).all() for n in names)


def test_L0_keeps_its_zeros_beside_a_moving_average():
    network, sample = small_network("classification").double(), draw_sample(3)
    trainer = Trainer(network, Adam())
    state = trainer.start(network, Recipe(EMA(0.9), L0(2.0)))
    for step in range(150):
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step, 0.1))
    assert all((w == 0).all() for n, w in state.deployed().items() if w.ndim > 1)


def test_L0_by_unit_has_a_gate_for_each_row():
    w = {"w": torch.ones(4, 3), "c": torch.ones(2, 5, 3, 3)}
    assert {n: tuple(g.shape) for n, g in L0(by="unit").extend(w, []).items()} == {
        "extra.L0.w": (4, 1), "extra.L0.c": (2, 1, 1, 1),
    }  # fmt: skip
    gates = {"extra.L0.w": torch.tensor([[9.0], [-9.0], [9.0], [-9.0]])}
    kept = L0(by="unit").deploy({"w": w["w"], **gates})["w"]
    assert kept.sum(1).tolist() == [3.0, 0.0, 3.0, 0.0]
    assert_close(L0(1.0, by="unit").penalty({"w": w["w"], **gates}, now_at()).item(), 6.0, rtol=0, atol=0.01)


# Anchors


def test_oracle_L2SP_is_ridge_toward_the_start():
    """With w = origin + d it is ridge on d: scikit-learn's on what the origin leaves over."""
    x, y = linear_problem()
    origin = np.array([1.0, -1.0, 0.5, 0.3, 0.0, -0.2])
    ours = fit_linear(L2SP(0.07), x, y, 250, 0.2, start=torch.from_numpy(origin)[None])
    ridge = sklearn.linear_model.Ridge(alpha=60 * 0.07, fit_intercept=False).fit(x, y - x @ origin)
    assert np.abs(ours - origin - ridge.coef_).max() < 1e-10


def test_L2SP_starts_without_a_pull_and_leaves_other_layers_to_others():
    sample = draw_sample(4)
    part = where(L2SP(0.1), "head.*").start({n: w for n, w in sample.params.items() if n.startswith("head")})
    assert part.penalty(part.select(sample.params), now_at()) == 0
    moved = {n: w + 1 for n, w in sample.params.items()}
    count = sum(w.numel() for n, w in sample.params.items() if n.startswith("head"))
    assert_close(part.penalty(part.select(moved), now_at()).item(), 0.1 * count)


def test_oracle_Mixout():
    """The formula of the paper, with the mask read off; mean w, and only two values for each weight."""
    w = torch.linspace(-1, 1, 50_000, dtype=torch.float64).view(100, 500)
    origin = torch.cos(torch.arange(50_000, dtype=torch.float64)).view(100, 500)
    for p in (0.2, 0.7):
        used = Mixout(p).start({"w": origin}).weights({"w": w}, now_at().of("Mixout"))["w"]
        back = (used - origin).abs() < 1e-12
        paper = ((~back) * w + back * origin - p * origin) / (1 - p)
        assert_close(used, paper)
        assert abs(back.double().mean() - p) < 5 * np.sqrt(p * (1 - p) / w.numel())
        spread = ((w - origin) ** 2).mean() * p / (1 - p) / w.numel()
        assert abs((used - w).mean()) < 5 * spread.sqrt()
    for p in (1.0, torch.tensor(1.0)):
        all_back = Mixout(p).start({"w": origin}).weights({"w": w}, now_at().of("Mixout"))["w"]
        assert_close(all_back, origin, rtol=0, atol=1e-15)


def test_mixout_is_for_the_forward_pass_only():
    network, sample = small_network("classification").double(), draw_sample(5)
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(Mixout(0.9)))
    frozen = now_at(state.params, 0, 0.0)
    later, loss = trainer.step(state, Batch(sample.x, sample.target), frozen)
    assert all(torch.equal(later.params[n], state.params[n]) for n in state.params)
    origin = {n: w * 0 for n, w in state.params.items()}
    with_zero = Recipe(Mixout(0.9)).start(origin)
    _, other = trainer.step(state._replace(recipe=with_zero), Batch(sample.x, sample.target), frozen)
    assert not torch.equal(loss, other), "toward zero the pass is another one"
    assert slope(network, sample, state.params).keys() == state.params.keys()
