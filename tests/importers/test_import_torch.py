"""Importing from torch: the imported recipe does what the optimizer's decay and the module's layers did."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import wellfit
from wellfit import L2, BatchNorm, Dropout, LayerNorm, Recipe, SpatialDropout, WeightDecay, where
from wellfit.draws import Now
from wellfit.errors import UsageError
from wellfit.sites import find_sites
from wellfit.target import Target
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.step import Batch, Trainer


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(20, 3, generator=draw).double(), torch.randn(20, 1, generator=draw).double()


def by_torch(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 12) -> dict[str, torch.Tensor]:
    x, y = rows()
    for _ in range(steps):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
    return {n: p.detach() for n, p in model.named_parameters()}


def by_recipe(model: nn.Module, recipe: Recipe, optimizer, rate: float, steps: int = 12) -> dict[str, torch.Tensor]:
    x, y = rows()
    trainer = Trainer(model, optimizer)
    state = trainer.start(model, recipe)
    rates = {n: torch.tensor(rate, dtype=torch.float64) for n in state.params}
    for step in range(steps):
        now = Now.at(step, rates=rates)
        state, _ = trainer.step(state, Batch(x, Target(y, torch.ones(20).double(), classes=False)), now)
    return state.params


OPTIMIZERS = {
    "SGD": (lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.3), SGD()),
    "momentum": (lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.3), SGD(0.9)),
    "Adam": (lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.3), Adam()),
    "AdamW": (lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.3), Adam()),
    "decoupled": (lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.3, decoupled_weight_decay=True), Adam()),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("groups", ["all", "matrices", "one"])
def test_oracle_the_recipe_takes_the_same_steps_as_the_optimizer(name, groups):
    make, own = OPTIMIZERS[name]
    model = network()
    given = {
        "all": lambda m: list(m.parameters()),
        "matrices": lambda m: [
            {"params": [p for p in m.parameters() if p.ndim > 1]},
            {"params": [p for p in m.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ],
        "one": lambda m: [{"params": [m[0].weight]}, {"params": [m[0].bias, *m[2].parameters()], "weight_decay": 0.0}],
    }[groups]
    before = copy.deepcopy(model)
    optimizer = make(given(model))
    found = wellfit.import_recipe(model, optimizer)
    assert found.not_understood == ()
    expected = by_torch(model, optimizer)
    assert_close(by_recipe(before, found.recipe, own, 0.05), expected, rtol=0, atol=1e-13)
    plain = by_recipe(before, Recipe(), own, 0.05)
    assert max((plain[n] - w).abs().max() for n, w in expected.items()) > 1e-3


def test_a_group_without_names_is_told():
    model = network()
    optimizer = torch.optim.SGD(
        [{"params": [model[0].weight], "weight_decay": 0.1}, {"params": [model[2].weight]}], 0.1
    )
    found = wellfit.import_recipe(optimizer)
    assert found.recipe == Recipe()
    assert re.search(r"SGD group 0.*give the model too", found.not_understood[0])


def test_an_optimizer_that_nobody_knows_is_told():
    class Own(torch.optim.SGD):
        pass

    found = wellfit.import_recipe(Own(network().parameters(), lr=0.1, weight_decay=0.1))
    assert found.recipe == Recipe() and "Own weight_decay" in found.not_understood[0]


def test_dropout_is_put_where_it_was():
    """In the model the dropout of one layer; by the imported recipe the same sites, with the same moments."""
    model = nn.Sequential(
        nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2), nn.Dropout(0.3)
    )
    found = wellfit.import_recipe(model)
    assert found.recipe == Recipe(where(Dropout(0.4), "1"))
    assert [s.name for s in find_sites(model).values() if found.recipe.acts_on(s)] == ["1"]
    assert found.not_understood == (
        "6: Dropout(p=0.3, inplace=False) follows no site of this model, such as an activation.",
    )
    assert any("act twice" in note for note in found.notes)


def test_dropout_everywhere_needs_no_place_and_norms_are_read():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=0.2), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(), nn.LayerNorm(4)
    )
    found = wellfit.import_recipe(model)
    assert found.recipe == Recipe(SpatialDropout(0.2), BatchNorm(momentum=0.2), LayerNorm())
    different = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Dropout(0.1), nn.Linear(2, 2), nn.ReLU(), nn.Dropout(0.5))
    assert wellfit.import_recipe(different).recipe == Recipe(where(Dropout(0.1), "1"), where(Dropout(0.5), "4"))


def test_what_regularizes_inside_a_layer_is_named():
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    found = wellfit.import_recipe(nn.ModuleList([nn.LSTM(2, 2, 2, dropout=0.1), normed]))
    assert len(found.not_understood) == 2
    assert "dropout=0.1 inside LSTM" in found.not_understood[0] and "WeightNorm" in found.not_understood[1]


def test_penalties_of_one_kind_add_up_and_contradictions_are_told():
    model = network()
    first, other = (torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=w) for w in (0.2, 0.4))
    assert wellfit.import_recipe(first, other).recipe == Recipe(where(L2(0.1 + 0.2), "*"))
    first, other = (torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=w) for w in (0.2, 0.4))
    found = wellfit.import_recipe(first, other)
    assert found.recipe == Recipe(where(WeightDecay(0.2), "*"))
    assert "beside" in found.not_understood[0]


@pytest.mark.parametrize("thing", [3, "L2", None, object()])
def test_what_is_not_known_is_refused(thing):
    with pytest.raises(UsageError, match="WF-A81"):
        wellfit.import_recipe(thing)
    with pytest.raises(UsageError, match="nothing to import"):
        wellfit.import_recipe()
