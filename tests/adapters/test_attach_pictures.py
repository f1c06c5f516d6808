"""Pictures in a loop of one's own: what black and white are is said once, and every part that needs them knows."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from wellfit import Brightness, RandomErasing, Recipe, Rotation
from wellfit.errors import RecipeError, UsageError
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.lone import Lone
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch

ENDS = ((-2.0,), (3.0,))
RECIPE = Recipe(RandomErasing(1.0, fill="constant"), Rotation(30.0, fill="constant"))


def _network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()


def _pictures(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def test_black_is_as_said():
    model, (x, y) = _network(), _pictures()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recipe(RandomErasing(1.0, fill="constant")).attach(model, optimizer, pixels=ENDS) as run:
        seen, _ = run.batch(x, y)
    assert float(seen.min()) == -2.0


@pytest.mark.parametrize("ends", [None, ENDS])
def test_the_loop_trains_as_the_functional_step_with_the_same_ends(ends):
    model, (x, y) = _network(), _pictures()
    lone = Lone(_network(), RECIPE, SGD(), rate=0.1, seed=4, pixels=ends)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with RECIPE.attach(model, optimizer, seed=4, pixels=ends) as run:
        for _ in range(3):
            optimizer.zero_grad()
            shown, target = run.batch(x, y)
            run.loss(nn.CrossEntropyLoss(), model(shown), target).backward()
            optimizer.step()
            lone.step(x, Target(nn.functional.one_hot(y, 3).double(), torch.ones(6, dtype=torch.float64), classes=True))
    assert_close(dict(model.named_parameters()), lone.weights(), rtol=0, atol=1e-10)


def test_epochs_take_the_ends_too():
    x, y = _pictures()
    rows = Batch(x, Target(nn.functional.one_hot(y, 3).double(), torch.ones(6, dtype=torch.float64), classes=True))
    told, silent = (
        train_epochs(_network(), RECIPE, rows, rows, epochs=2, batch=6, rate=0.1, pixels=ends) for ends in (ENDS, None)
    )
    assert not torch.equal(told.network[1].weight, silent.network[1].weight)


SILENT = [(0.0, 1.0), ((0.0,),), ((1.0,), (0.0,)), ((0.0,), (float("nan"),)), ((0.0,), (1.0, 1.0))]


@pytest.mark.parametrize("said", SILENT)
def test_ends_that_say_nothing_are_refused(said):
    model = _network()
    with pytest.raises(UsageError, match="does not say what black and white are") as caught:
        Recipe(RandomErasing(1.0)).attach(model, torch.optim.SGD(model.parameters(), lr=0.1), pixels=said)
    assert caught.value.code == "WF-A45"


def test_one_value_holds_for_all_channels_and_another_number_of_them_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 3)).double()
    x = torch.rand(6, 3, 8, 8, dtype=torch.float64)
    recipe = Recipe(Brightness(0.5), Rotation(30.0, fill="constant"))
    seen = []
    for ends in (ENDS, ((-2.0,) * 3, (3.0,) * 3)):
        with recipe.attach(model, torch.optim.SGD(model.parameters(), lr=0.1), pixels=ends) as run:
            seen.append(run.batch(x, torch.zeros(6, dtype=torch.int64))[0])
    assert_close(*seen, rtol=0, atol=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with (
        pytest.raises(RecipeError, match="2 channels, and these pictures have 3"),
        recipe.attach(model, optimizer, pixels=((0.0,) * 2, (1.0,) * 2)) as run,
    ):
        run.batch(x, torch.zeros(6, dtype=torch.int64))
