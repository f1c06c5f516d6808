"""Dropouts, depth and connections, each against torch, Keras, SciPy, NumPy or hand."""

from __future__ import annotations

import copy
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close
from worlds import HIDDEN, now_at

import wellfit
from wellfit import (
    EMA,
    AlphaDropout,
    BatchNorm,
    DropBlock,
    DropConnect,
    Dropout,
    EmbeddingDropout,
    GaussianDropout,
    LayerDrop,
    LockedDropout,
    ManifoldMixup,
    Recipe,
    RowDropout,
    ShakeDrop,
    ShakeShake,
    SkipConnection,
    SpatialDropout,
    StochasticDepth,
    TokenDropout,
    VariationalDropout,
    ramp,
    schedule,
)
from wellfit.draws import Now, member_key
from wellfit.errors import RecipeError, UsageError
from wellfit.models.mlp import MLP, Shape
from wellfit.regularizers.connections import Skip
from wellfit.regularizers.variational import negative_divergence
from wellfit.sites import Branch, Marker, Site, acting, find_sites
from wellfit.stacking import stack
from wellfit.target import Target
from wellfit.testing.outcome import stack_trees
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.predictors import MCDropout
from wellfit.training.step import Batch, Trainer

ROWS = {r["name"]: r for r in json.loads((Path(__file__).parents[1] / "data" / "oracles.json").read_text())}
WORDS = Site("words", "embedding")
BRANCHES = Site("0.branches", "branches")


def branch(index, total=4):
    return Site(f"blocks.{index}.branch", "branch", index, total)


def act(part, h, site=HIDDEN, step=0, params=None):
    return part.activation(h, site, params or {}, now_at(step=step))


def ones(*shape):
    return torch.ones(*shape, dtype=torch.float64)


def share_is(kept, p, draws):
    """Whether a share of ``draws`` independent draws fits a probability, within five standard errors."""
    return abs(float(kept) - p) < 5 * math.sqrt(p * (1 - p) / draws)


# Values and channels


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_oracle_Dropout_is_distributed_as_that_of_torch(p):
    h = torch.linspace(-2, 3, 7, dtype=torch.float64).repeat(30_000, 1)
    ours, theirs = act(Dropout(p), h), nn.functional.dropout(h, p)
    for j in range(7):
        assert_close(ours[:, j].unique(), theirs[:, j].unique())
    assert share_is((ours != 0).double().mean(), 1 - p, h.numel())
    together = (ours[:, 0] != 0) & (ours[:, 1] != 0)
    assert share_is(together.double().mean(), (1 - p) ** 2, len(h))


@pytest.mark.parametrize("p", [0.25, 0.6, 1.0])
def test_oracle_SpatialDropout(p):
    h = torch.arange(1.0, 13.0, dtype=torch.float64).view(1, 1, 3, 4).repeat(300, 40, 1, 1)
    ours, theirs = act(SpatialDropout(p), h), nn.Dropout2d(p)(h)
    for out in (ours, theirs):  # the same values, whole channels at a time
        kept = (out != 0).flatten(2)
        assert bool((kept.all(-1) | ~kept.any(-1)).all())
        assert p == 1 or torch.allclose(out[kept.all(-1)], h[0, 0] / (1 - p))
        assert p == 1 or share_is(kept.all(-1).double().mean(), 1 - p, 12_000)
    units = torch.randn(50, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(act(SpatialDropout(p), units), act(Dropout(p), units))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_oracle_GaussianDropout(p, monkeypatch):
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    h = torch.linspace(-2.0, 2.0, 5).repeat(60_000, 1)
    layer = keras.layers.GaussianDropout(p, seed=3)
    theirs = torch.from_numpy(keras.ops.convert_to_numpy(layer(h.numpy(), training=True)))
    ours = act(GaussianDropout(p), h)
    for j in (0, 1, 3, 4):
        assert scipy.stats.ks_2samp(ours[:, j].numpy(), theirs[:, j].numpy()).pvalue > 1e-3
        assert abs(ours[:, j].std() / (abs(h[0, j]) * math.sqrt(p / (1 - p))) - 1) < 0.02
    assert torch.equal(ours[:, 2], h[:, 2]), "zero stays zero"


def test_oracle_GaussianDropout_rows_of_the_sources():
    alpha = ROWS["dropout.gaussian_equiv"]["expected"]["alpha"]
    row = ROWS["dropout.gaussian_std"]
    assert alpha == row["inputs"]["alpha"]
    out = act(GaussianDropout(0.5), torch.tensor(row["inputs"]["x"], dtype=torch.float64).repeat(200_000, 1))
    assert_close(out.std(0), torch.tensor(row["expected"], dtype=torch.float64), rtol=0.01, atol=0)
    with pytest.raises(RecipeError, match=r"0 to 0\.99"):
        GaussianDropout(1.0)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.7])
def test_oracle_AlphaDropout(p):
    """torch's two values for each entry, and mean 0 and variance 1 kept under SELU."""
    h = nn.functional.selu(torch.randn(400, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    ours, theirs = act(AlphaDropout(p), h), nn.functional.alpha_dropout(h, p, training=True)
    floors = [out[out == out.mode().values.mode().values] for out in (ours, theirs)]
    assert_close(floors[0][0], floors[1][0], rtol=1e-9, atol=0)
    both = (ours != floors[0][0]) & (theirs != floors[1][0])
    assert_close(ours[both], theirs[both], rtol=1e-9, atol=1e-12)
    assert share_is((ours == floors[0][0]).double().mean(), p, h.numel())
    standard = (h - h.mean()) / h.std()
    out = act(AlphaDropout(p), standard)
    assert abs(out.mean()) < 0.02
    assert abs(out.var() - 1) < 0.03
    assert torch.equal(act(AlphaDropout(1.0), h), torch.zeros_like(h))


# Maps


def _blocks_by_hand(corners, side, shape):
    kept = np.ones(shape)
    for b, c, y, x in np.argwhere(corners):
        kept[b, c, y : y + side, x : x + side] = 0
    return kept


@pytest.mark.parametrize(("side", "shape"), [(3, (40, 5, 9, 7)), (1, (40, 5, 6, 6)), (4, (40, 5, 4, 6))])
def test_oracle_DropBlock(side, shape):
    h, p = ones(*shape), 0.2
    out = act(DropBlock(p, side), h)
    corners = tuple(length - side + 1 for length in shape[2:])
    gamma = p / side**2 * math.prod(shape[2:]) / math.prod(corners)
    drawn = now_at().chance(gamma, (*shape[:2], *corners), "hidden").numpy()
    kept = _blocks_by_hand(drawn, side, shape)
    assert_close(out.numpy(), kept * kept.size / kept.sum(), rtol=1e-6, atol=0)
    assert abs(float(out.mean()) - 1) < 1e-6
    assert 0.5 * p < 1 - kept.mean() < 1.2 * p


def test_oracle_DropBlock_edges():
    h = torch.randn(300, 8, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = (act(DropBlock(0.3, 7), h) != 0).flatten(2)
    assert bool((whole.all(-1) | ~whole.any(-1)).all()), "a map smaller than a block goes as a whole"
    assert share_is(whole.all(-1).double().mean(), 0.7, 2400)
    assert torch.equal(act(DropBlock(1.0), h), torch.zeros_like(h))
    assert act(DropBlock(0.5), h[:0]).shape == (0, 8, 2, 2)
    units = act(DropBlock(0.3), ones(500, 40))
    assert share_is((units != 0).double().mean(), 0.7, 20_000)
    for size in (0, 2.5, math.inf, math.nan, True, "3"):
        with pytest.raises(RecipeError, match="whole number from 1"):
            DropBlock(0.1, size=size)


@pytest.mark.parametrize("shape", [(2000, 3, 4, 6), (2000, 4, 6)])
def test_oracle_RowDropout(shape):
    out = act(RowDropout(0.8), ones(*shape))
    rows, columns = shape[-2:]
    lost = 0.8 * (1 / (2 * rows) + 1 / (2 * columns))
    missing = out == 0 if out.ndim == 3 else (out == 0)[:, 0]
    if out.ndim == 4:
        assert bool(((out == 0) == (out == 0)[:, :1]).all()), "all channels lose the same"
    as_row = missing.all(-1).sum(-1)
    as_column = missing.all(-2).sum(-1)
    assert sorted((as_row + as_column).unique().tolist()) == [0, 1]
    assert torch.equal(missing.sum((-1, -2)), as_row * columns + as_column * rows), "nothing else is missing"
    assert share_is(as_row.double().mean(), 0.4, 2000)
    assert share_is(as_column.double().mean(), 0.4, 2000)
    places = missing.all(-1).double().mean(0)
    assert all(share_is(place, 0.4 / rows, 2000) for place in places)
    assert_close(out[out != 0].unique(), torch.tensor([1 / (1 - lost)], dtype=torch.float64))


def test_oracle_RowDropout_without_a_map_loses_one_unit():
    out = act(RowDropout(1.0), ones(100, 5))
    assert ((out == 0).sum(1) == 1).all()
    assert_close(out.sum(1), torch.full((100,), 5.0, dtype=torch.float64))
    assert torch.equal(act(RowDropout(1.0), ones(9, 1)), torch.zeros(9, 1, dtype=torch.float64))


# Sequences


def test_oracle_LockedDropout():
    h = ones(400, 7, 30)
    out = act(LockedDropout(0.4), h)
    assert torch.equal(out, out[:, :1].expand_as(out)), "one mask for all positions"
    assert share_is((out[:, 0] != 0).double().mean(), 0.6, 12_000)
    assert_close(out.unique(), torch.tensor([0.0, 1 / 0.6], dtype=torch.float64))
    assert not torch.equal(out[0], out[1]), "rows have their own masks"
    assert torch.equal(act(LockedDropout(0.4), h[:, 0]), act(Dropout(0.4), h[:, 0]))


def test_oracle_TokenDropout():
    out = act(TokenDropout(0.3), ones(300, 40, 5), WORDS)
    assert torch.equal(out, out[..., :1].expand_as(out)), "whole positions"
    assert share_is((out[..., 0] != 0).double().mean(), 0.7, 12_000)
    assert_close(out.unique(), torch.tensor([0.0, 1 / 0.7], dtype=torch.float64))


def test_oracle_EmbeddingDropout_is_dropping_rows_of_the_table():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(4000, 6, generator=generator)
    ids = torch.randint(4000, (200, 90), generator=generator)
    counts = torch.zeros(4000)
    for step in range(8):
        out = act(EmbeddingDropout(0.3), table[ids], WORDS, step)
        gone = torch.zeros(4000, dtype=torch.bool)
        gone[ids[(out == 0).all(-1)]] = True
        by_table = nn.functional.embedding(ids, torch.where(gone[:, None], 0.0, table / 0.7))
        assert_close(out, by_table)
        seen = ids.unique()
        assert share_is(gone[seen].double().mean(), 0.3, len(seen))
        counts += gone
    spread = scipy.stats.chisquare(
        np.bincount(counts[ids.unique()].int().numpy(), minlength=9),
        scipy.stats.binom.pmf(range(9), 8, 0.3) * len(ids.unique()),
    )
    assert spread.pvalue > 1e-3, "steps draw anew for each word"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_EmbeddingDropout_knows_a_word_in_every_precision_and_in_a_stack(dtype):
    words = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(dtype)
    h = words[torch.tensor([[0, 1, 2, 0, 1, 2]] * 5)]
    out = act(EmbeddingDropout(0.5), h, WORDS)
    assert torch.equal(out[:, :3], out[:, 3:])
    assert torch.equal(out, out[:1].expand_as(out))

    def one(key, h):
        return EmbeddingDropout(0.5).activation(h, WORDS, {}, Now(key, torch.tensor(0), torch.tensor(0.0), {}))

    keys = torch.stack([member_key(seed) for seed in range(40)])
    stacked = torch.func.vmap(one)(keys, h.expand(40, *h.shape))
    assert torch.equal(stacked[7], one(keys[7], h))
    kept = (stacked[:, 0, :3] != 0).any(-1)
    assert len(kept.unique(dim=0)) > 3, "members draw for themselves"


def test_EmbeddingDropout_of_a_table_drops_categories():
    """The categories of an MLP are words: one that is dropped is missing in every row that has it."""
    torch.manual_seed(0)
    network = MLP(Shape(inputs=40, outputs=2, embeddings=((0, 40, 5),)))
    (site,) = [s for s in find_sites(network).values() if s.kind == "embedding"]
    categories = torch.arange(200) % 40
    seen = {}

    def keep(h, site):
        seen[site.name] = act(EmbeddingDropout(0.5), h, site)
        return seen[site.name]

    with acting(network, keep, [site]):
        network(nn.functional.one_hot(categories, 40).float())
    gone = (seen[site.name] == 0).all(-1)
    assert torch.equal(gone[:40].repeat(5), gone)
    assert 5 < int(gone[:40].sum()) < 35
    assert_close(seen[site.name][~gone], (2.0 * network.embed.tables[0].detach())[categories][~gone])


# Learned noise


@pytest.mark.parametrize("name", [n for n in ROWS if n.startswith("dropout.variational_negkl")])
def test_oracle_VariationalDropout_divergence_as_published(name):
    row = ROWS[name]
    log_alpha = torch.tensor(row["inputs"]["alpha"], dtype=torch.float64).log()
    assert abs(float(negative_divergence(log_alpha)) - row["expected"]) <= row["tol"]


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.5, 1.0, 3.0, 20.0])
def test_oracle_VariationalDropout_divergence_is_that_integral(alpha):
    """-KL = 1/2 log(alpha) - E log|1 + sqrt(alpha) e| + c, with c such that it vanishes at infinity."""

    def integral(a):
        def density(z):
            return math.log(abs(z)) * scipy.stats.norm.pdf(z, 1, math.sqrt(a)) if z else 0.0

        wide = 12 * math.sqrt(a)
        parts = [scipy.integrate.quad(density, lo, hi, limit=400)[0] for lo, hi in ((1 - wide, 0), (0, 1 + wide))]
        return 0.5 * math.log(a) - sum(parts)

    exact = integral(alpha) - integral(1e6)
    ours = float(negative_divergence(torch.tensor(alpha, dtype=torch.float64).log()))
    assert abs(ours - exact) < 0.012


def test_oracle_VariationalDropout():
    """The noise is GaussianDropout's with alpha = p / (1 - p); what is learned multiplies alpha."""
    h = torch.randn(40, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    name = VariationalDropout.extra("hidden")
    ours = act(VariationalDropout(0.25), h, params={name: torch.zeros((), dtype=torch.float64)})
    assert_close(ours, act(GaussianDropout(0.2), h))
    ours = act(VariationalDropout(0.25), h, params={name: torch.tensor(4.0, dtype=torch.float64).log()})
    assert_close(ours, act(GaussianDropout(0.5), h))


def test_VariationalDropout_learns_noise_where_it_costs_nothing_and_quiet_where_it_does():
    """A unit that the answer needs and one it does not: alpha falls at the one and rises at the other."""

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.needed, self.idle = Marker("hidden"), Marker("hidden")
            self.weight = nn.Parameter(torch.tensor([[1.0, 0.0]]))

        def forward(self, x):
            return torch.cat([self.needed(x[:, :1]), self.idle(x[:, 1:])], 1) @ self.weight.T

    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    trainer = Trainer(Two(), Adam())
    state = trainer.start(Two(), Recipe(VariationalDropout(0.25, strength=0.05)))
    assert sorted(n for n in state.params if n.startswith("extra.")) == [
        "extra.VariationalDropout.idle", "extra.VariationalDropout.needed",
    ]  # fmt: skip
    batch = Batch(x, Target(x[:, :1], torch.ones(64), classes=False))
    for step in range(150):
        rates = {n: torch.tensor(0.0 if n == "weight" else 0.03) for n in state.params}
        state, _ = trainer.step(state, batch, Now.at(step, rates=rates))
    assert float(state.params["extra.VariationalDropout.needed"]) < -0.5
    assert float(state.params["extra.VariationalDropout.idle"]) > 0.5
    assert list(state.deployed()) == ["weight"], "what it learned is not handed over"


# Depth


@pytest.mark.parametrize("p", [0.3, 0.8])
def test_oracle_StochasticDepth(p):
    for index in range(4):
        out = act(StochasticDepth(p), ones(20_000, 2, 2), branch(index))
        rate = p * (index + 1) / 4
        assert_close(out.unique(), torch.tensor([0.0, 1 / (1 - rate)], dtype=torch.float64))
        assert torch.equal(out, out[:, :1, :1].expand_as(out)), "whole rows"
        assert share_is((out[:, 0, 0] != 0).double().mean(), 1 - rate, 20_000)


def test_oracle_LayerDrop():
    outs = torch.stack([act(LayerDrop(0.3), ones(5, 3), branch(i % 4), step=i) for i in range(3000)])
    assert torch.equal(outs, outs[:, :1, :1].expand_as(outs)), "a batch goes or stays as a whole"
    assert_close(outs.unique(), torch.tensor([0.0, 1 / 0.7], dtype=torch.float64))
    assert share_is((outs[:, 0, 0] != 0).double().mean(), 0.7, 3000)


@pytest.mark.parametrize("n", [2, 3])
def test_oracle_ShakeShake(n):
    """Shares uniform on the simplex: with two branches U(0, 1), with n the first is Beta(1, n - 1)."""
    h = torch.randn(n, 4000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    out, back = torch.func.vjp(lambda h: act(ShakeShake(), h, BRANCHES), h)
    forward, backward = (out / h)[..., 0] / n, back(torch.ones_like(h))[0][..., 0] / n
    for shares in (forward, backward):
        assert_close(shares.sum(0), ones(4000))
        for one in shares:
            assert scipy.stats.kstest(one.numpy(), scipy.stats.beta(1, n - 1).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(forward[0], backward[0])[0, 1]) < 5 / math.sqrt(4000), "backward shares are others"
    half = act(ShakeShake(0.5), h, BRANCHES)
    assert_close(half, 0.5 * (out + h))


def test_oracle_ShakeDrop():
    h, p = ones(40_000, 2), 0.6
    out, back = torch.func.vjp(lambda h: act(ShakeDrop(p), h, branch(2)), h)
    keep = 1 - p * 3 / 4
    forward, backward = out[:, 0] * keep, back(torch.ones_like(h))[0][:, 0] * keep
    kept = (forward - 1).abs() < 1e-9
    assert torch.equal(kept, (backward - 1).abs() < 1e-9)
    assert share_is(kept.double().mean(), keep, len(h))
    assert scipy.stats.kstest(forward[~kept].numpy(), scipy.stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert scipy.stats.kstest(backward[~kept].numpy(), scipy.stats.uniform(0, 1).cdf).pvalue > 1e-3
    assert abs(float(out.mean()) - 1) < 5 * float(out.std()) / math.sqrt(len(h)), "evaluation needs nothing"


class Residual(nn.Module):
    """Blocks around layers that count the rows they compute."""

    def __init__(self, norm=False):
        super().__init__()
        self.blocks = nn.ModuleList(Branch(nn.Sequential(*self.layers(norm))) for _ in range(3))
        self.head = nn.Linear(4, 2)
        self.computed = 0
        for block in self.blocks:
            block.layers[0].register_forward_pre_hook(self._count)

    def layers(self, norm):
        return [nn.Linear(4, 4), nn.BatchNorm1d(4) if norm else nn.ReLU(), nn.Linear(4, 4)]

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)

    def _count(self, _module, args):
        self.computed += len(args[0])


def _train(recipe, *, skips, norm=False, steps=6, key_seed=0):
    torch.manual_seed(0)
    network = Residual(norm).double()
    trainer = Trainer(network, SGD(), skips=skips)
    state = trainer.start(network, recipe)
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        x = torch.randn(40, 4, dtype=torch.float64, generator=generator)
        target = Target(torch.eye(2, dtype=torch.float64)[(x[:, 0] > 0).long()], ones(40), classes=True)
        rates = {n: torch.tensor(0.3, dtype=torch.float64) for n in state.params}
        state, _ = trainer.step(state, Batch(x, target), Now.at(step, key_seed, rates=rates))
    return state.params, network.computed


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(StochasticDepth(0.9)),
        Recipe(LayerDrop(0.5)),
        Recipe(StochasticDepth(0.5), LayerDrop(0.3)),
        Recipe(schedule(StochasticDepth(1.0), ramp(0.001))),
    ],
    ids=repr,
)
def test_outside_a_stack_what_is_dropped_is_not_computed(recipe):
    """The same weights to the last bits, for fewer rows."""
    slow, all_rows = _train(recipe, skips=False)
    fast, some_rows = _train(recipe, skips=True)
    assert all_rows == 6 * 3 * 40
    if isinstance(recipe.parts[0], StochasticDepth | LayerDrop):
        assert some_rows < 0.75 * all_rows
    for name, weight in slow.items():
        assert_close(fast[name], weight, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("recipe", "norm"),
    [
        (Recipe(StochasticDepth(0.9)), True),
        (Recipe(StochasticDepth(0.9), ShakeDrop(0.5)), False),
        (Recipe(StochasticDepth(0.9), wellfit.where(Dropout(0.5), "blocks.*.layers.1.in")), False),
    ],
    ids=["rows see one another", "another part needs the values", "a part acts inside"],
)
def test_where_skipping_would_change_the_result_all_is_computed(recipe, norm):
    slow, _ = _train(recipe, skips=False, norm=norm)
    fast, rows = _train(recipe, skips=True, norm=norm)
    assert rows == 6 * 3 * 40
    for name, weight in slow.items():
        assert torch.equal(fast[name], weight)


def test_a_branch_is_itself_again_after_training():
    _train(Recipe(StochasticDepth(1.0)), skips=True)
    network = Residual().double()
    x = ones(3, 4)
    added = network.blocks[0].layers(x)
    assert torch.equal(network.blocks[0](x), added)
    assert network.blocks[0].kept is None
    assert [s.kind for s in find_sites(network).values()].count("branch") == 3


# Sites of every kind in one stack


class Everywhere(nn.Module):
    """A small network with a site of each kind: words, a branch, two branches, a map."""

    def __init__(self):
        super().__init__()
        self.words, self.branch, self.branches = Marker("embedding"), Marker("branch"), Marker("branches")
        self.hidden, self.map = Marker("hidden"), Marker("hidden")
        self.table, self.mix, self.conv = nn.Linear(1, 6), nn.Linear(6, 6), nn.Conv2d(1, 2, 2)
        self.head = nn.Linear(2 * 4 * 5, 3)

    def forward(self, x):
        h = self.words(self.table(x.unsqueeze(-1)))
        h = h + self.branch(torch.tanh(self.mix(h)))
        h = h + self.branches(torch.stack([h.cos(), h.sin()], 0).flatten(1, 2)).mean(0).view(h.shape)
        return self.head(self.map(torch.tanh(self.conv(self.hidden(h).unsqueeze(1)))).flatten(1))


@pytest.mark.parametrize(
    "part",
    [
        EmbeddingDropout(0.4), TokenDropout(0.4), LockedDropout(0.4), StochasticDepth(0.5), LayerDrop(0.5), ShakeDrop(),
        ShakeShake(), SpatialDropout(), RowDropout(), DropBlock(0.2, size=2), AlphaDropout(), GaussianDropout(),
        VariationalDropout(), DropConnect(0.3),
    ],
    ids=lambda p: type(p).__name__,
)  # fmt: skip
def test_training_in_a_stack_is_training_alone_at_every_kind_of_site(part):
    torch.manual_seed(0)
    network = Everywhere().double()
    trainer = Trainer(network, SGD())
    recipes = [Recipe(part), Recipe(part.neutral()), Recipe(part)]
    alone = [trainer.start(network, r) for r in recipes]
    plain = trainer.start(network, Recipe())
    together = stack_trees([trainer.start(network, r) for r in stack_of(recipes)])
    keys = torch.stack([member_key(seed) for seed in range(3)])
    x = torch.randn(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    batch = Batch(x, Target(torch.eye(3, dtype=torch.float64)[torch.arange(8) % 3], ones(8), classes=True))
    rates = {n: torch.tensor(0.1, dtype=torch.float64) for n in alone[0].params}
    for step in range(4):
        alone = [trainer.step(s, batch, Now.at(step, seed, rates=rates))[0] for seed, s in enumerate(alone)]
        plain = trainer.step(plain, batch, Now.at(step, rates=rates))[0]

        def one(state, key, step=step):
            now = Now(key, torch.tensor(step), torch.tensor(0.0), rates, moment=step)
            return trainer.step(state, batch, now)[0]

        together = torch.func.vmap(one)(together, keys)
    for name, weight in together.params.items():
        for seed in range(3):
            assert_close(weight[seed], alone[seed].params[name], rtol=0, atol=1e-10)
    moved = max(float((alone[0].params[n] - w).abs().max()) for n, w in plain.params.items())
    assert moved > 1e-4, "it acts in this network"
    for name, weight in plain.params.items():
        assert_close(alone[1].params[name], weight, rtol=0, atol=1e-14)


def stack_of(recipes):
    stack(recipes, ones(1))  # raises where they do not stack
    return recipes


# Connections


def test_oracle_DropConnect():
    w, x = torch.linspace(-1, 1, 12, dtype=torch.float64).view(3, 4), torch.linspace(0, 2, 4, dtype=torch.float64)
    used = torch.stack([DropConnect(0.3).weights({"w": w}, now_at(step=s))["w"] for s in range(4000)])
    kept = used != 0
    assert_close(used[kept], (w / 0.7).expand_as(used)[kept])
    assert share_is(kept[:, w != 0].double().mean(), 0.7, used.numel())
    outputs = used @ x
    variance = 0.3 / 0.7 * (w**2 @ x**2)
    assert ((outputs.mean(0) - w @ x).abs() < 5 * (variance / 4000).sqrt()).all()
    assert_close(outputs.var(0), variance, rtol=0.12, atol=0)
    slope = torch.func.grad(lambda w: DropConnect(0.3).weights({"w": w}, now_at())["w"].sum())(w)
    assert torch.equal(slope != 0, used[0] != 0)
    assert torch.equal(DropConnect(1.0).weights({"w": w}, now_at())["w"], torch.zeros_like(w))


def test_oracle_SkipConnection():
    """h + gate * x by hand, in the function and in the gradient of the gate."""
    plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    network = SkipConnection(0.5).rewrite(plain)
    assert [n for n, _ in network.named_parameters() if n not in dict(plain.named_parameters())] == [
        "2.gate", "2.layer.weight", "2.layer.bias",
    ]  # fmt: skip
    x = torch.randn(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = plain[1](plain[0](x))
    assert_close(network(x), plain[4](plain[3](plain[2](h) + 0.5 * h)))
    network(x).sum().backward()
    by_hand = torch.autograd.grad(plain[4](plain[3](plain[2](h) + (g := ones(1).requires_grad_()) * 0.5 * h)).sum(), g)
    assert_close(2.0 * by_hand[0][0], network[2].gate.grad)
    closed = SkipConnection(0.0).rewrite(plain)
    assert torch.equal(closed(x), plain(x)), "at 0 the first outputs are the old ones"


def test_SkipConnection_leaves_attention_alone_and_says_where_it_finds_nothing():
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(4, 2), "layer": nn.Linear(4, 4)})
    found = SkipConnection().rewrite(model)
    assert [n for n, m in found.named_modules() if isinstance(m, Skip)] == ["layer"]
    for model in (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), nn.Linear(3, 3)):
        with pytest.raises(RecipeError, match="as many units as it takes"):
            SkipConnection().rewrite(model)
    both = Recipe(BatchNorm(), SkipConnection()).rewrite(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)))
    assert both(torch.randn(6, 4)).shape == (6, 1)
    with pytest.raises(RecipeError, match="-1 to 1"):
        SkipConnection(gate=2.0)


# At prediction


def _linear_after_dropout(part):
    torch.manual_seed(0)
    network = nn.Sequential(Marker("hidden"), nn.Linear(6, 2)).double()
    trainer = Trainer(network, SGD())
    return trainer, trainer.start(network, Recipe(part))


@pytest.mark.parametrize(("part", "p"), [(Dropout(0.4), 0.4), (GaussianDropout(0.2), 0.2)])
def test_oracle_MCDropout_of_a_linear_layer(part, p):
    """Mean W x + b, variance p / (1 - p) * W**2 x**2."""
    trainer, state = _linear_after_dropout(part)
    x = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    spread = MCDropout(passes=1500).predict(trainer, state, x)
    weight, bias = state.params["1.weight"], state.params["1.bias"]
    variance = p / (1 - p) * (x**2 @ (weight**2).T)
    assert ((spread.mean - (x @ weight.T + bias)).abs() < 5 * (variance / 1500).sqrt()).all()
    assert_close(spread.std**2, variance, rtol=0.2, atol=0)
    assert torch.equal(*(MCDropout(passes=5).predict(trainer, state, x).mean for _ in range(2)))


def test_MCDropout_averages_what_it_is_told_to():
    trainer, state = _linear_after_dropout(schedule(Dropout(0.5), ramp(10)))
    x = ones(3, 6)
    passes = list(MCDropout(passes=20, seed=3).outputs(trainer, state, x))
    shares = torch.softmax(torch.stack(passes), -1)
    spread = MCDropout(passes=20, seed=3).predict(trainer, state, x, lambda out: torch.softmax(out, -1))
    assert_close(spread.mean, shares.mean(0))
    assert_close(spread.std, shares.std(0))
    assert float(spread.std.min()) > 0, "a schedule stands at its end"


def test_MCDropout_reads_running_statistics_and_learned_noise():
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(VariationalDropout(0.5)))
    spread = MCDropout(passes=10).predict(trainer, state, ones(1, 3))
    assert bool(torch.isfinite(spread.std).all())
    assert float(spread.std.max()) > 0
    assert not network.training
    assert torch.equal(state.buffers["1.running_mean"], torch.zeros(4, dtype=torch.float64))


def test_MCDropout_refuses_what_makes_no_sense():
    for passes in (1, 2.0, True):
        with pytest.raises(UsageError, match="whole number from 2"):
            MCDropout(passes=passes)
    for part in (wellfit.L2(), ManifoldMixup()):
        trainer, state = _linear_after_dropout(part)
        with pytest.raises(RecipeError, match="no part of the recipe"):
            MCDropout().predict(trainer, state, ones(2, 6))


# All of them

MEAN_KEPT = (
    Dropout, SpatialDropout, GaussianDropout, RowDropout, LockedDropout, TokenDropout, StochasticDepth, LayerDrop,
    ShakeDrop,
)  # fmt: skip


@pytest.mark.parametrize("cls", MEAN_KEPT, ids=lambda c: c.__name__)
@settings(max_examples=6, deadline=None)
@given(share=st.floats(0.05, 0.6))
def test_the_mean_stays(cls, share):
    """Over steps; what is dropped together counts once."""
    h = torch.linspace(0.5, 1.5, 6, dtype=torch.float64).view(1, 2, 3).repeat(60, 1, 1)
    outs = torch.stack([act(cls(share), h, branch(1, 2), step) for step in range(150)]).mean(1)
    error = outs.std(0) / math.sqrt(150)
    assert ((outs.mean(0) - h[0]).abs() < 5.5 * error + 1e-9).all()


@pytest.mark.parametrize("cls", [*MEAN_KEPT, DropBlock, AlphaDropout, EmbeddingDropout], ids=lambda c: c.__name__)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_edges(cls, dtype):
    for shape in ((0, 3), (1, 3), (2, 0, 3), (1, 2, 1, 1)):
        out = act(cls(), torch.ones(shape, dtype=dtype), branch(0))
        assert out.shape == shape
        assert out.dtype == dtype
    most = cls.knobs()["p"].maximum
    out = act(cls(most), torch.full((4, 3), 2.0, dtype=dtype), branch(3))
    assert bool(torch.isfinite(out).all())
    if most == 1.0 and cls is not RowDropout:
        assert torch.equal(out, torch.zeros(4, 3, dtype=dtype)), "at p = 1 all is zero, and nothing is NaN"
    broken = torch.tensor([[math.nan, 1.0, 2.0]], dtype=dtype)
    assert torch.equal(act(cls(0.0), broken, branch(0)).isnan(), broken.isnan()), "NaN stays where it was"


def test_MCDropout_runs_averaged_weights_with_statistics_that_fit_them():
    """Without noise every pass is the network that would be handed over: torch's update_bn on the average."""
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()
    trainer = Trainer(copy.deepcopy(network), SGD())
    state = trainer.start(network, Recipe(Dropout(0.0), EMA(0.9)))
    for step in range(10):
        x = torch.randn(16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(step)) * 3.0
        target = Target(nn.functional.one_hot(torch.arange(16) % 2).double(), ones(16), classes=True)
        now = Now.at(step, rates=dict.fromkeys(state.params, torch.tensor(0.5, dtype=torch.float64)))
        state, _ = trainer.step(state, Batch(x, target), now)
    rows = torch.randn(4, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(99))
    peer = copy.deepcopy(network)
    peer.load_state_dict(state.deployed())
    torch.optim.swa_utils.update_bn(list(rows), peer)
    spread = MCDropout(passes=2).predict(trainer, state, rows[0], rows=rows)
    assert_close(spread.mean, peer.eval()(rows[0]).detach(), rtol=0, atol=1e-10)
    with pytest.raises(UsageError, match="rows="):
        MCDropout(passes=2).predict(trainer, state, rows[0])
