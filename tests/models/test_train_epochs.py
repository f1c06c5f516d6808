"""``train_epochs`` against the pure step by hand, and what it keeps, refuses and leaves alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from wellfit import (
    EMA,
    SMOTE,
    BatchNorm,
    DataError,
    Distillation,
    Dropout,
    EarlyStopping,
    Mixup,
    Recipe,
    RecipeError,
    ReduceOnPlateau,
    TrainingError,
    WeightDecay,
)
from wellfit.models.mlp import MLP, Shape
from wellfit.target import Target
from wellfit.training.cohort import Member, Rows, start
from wellfit.training.epochs import train_epochs
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Batch, Trainer

SHAPE = Shape(inputs=5, outputs=3, width=8, depth=2)


def make():
    return MLP(SHAPE).double()


def problem(rows=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 5, generator=generator, dtype=torch.float64)
    labels = (x[:, 0] > 0).long() + (x[:, 1] + torch.randn(rows, generator=generator) > 0).long()
    return Batch(x, Target(nn.functional.one_hot(labels, 3).double(), torch.ones(rows).double(), classes=True))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(Dropout(0.2), Mixup(0.3), WeightDecay(0.1), EarlyStopping(3.0), ReduceOnPlateau(1.0)),
        Recipe(Dropout(0.2), EMA(0.9), BatchNorm()),
    ],
)
def test_it_is_a_population_of_one(recipe):
    """The same rows in the same order, the same draws, the same best: what stacks and what does not train alike."""
    rows, valid = problem(48), problem(32, 1)
    both = Rows(
        torch.cat([rows.x, valid.x]),
        Target(torch.cat([rows.target.values, valid.target.values]), torch.ones(80).double(), classes=True),
        ((torch.arange(48), torch.arange(48, 80)),),
    )

    def build():
        return recipe.rewrite(make())

    trainer = Trainer(build(), Adam())
    cohort = start(trainer, build, [Member(recipe, 0.05, seed=3)], both)
    network = build()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.copy_(cohort.state.params[name][0])
    plain = Recipe(*(p for p in recipe if p.name != "BatchNorm"))  # the network has its norms already
    end = Population(trainer, both).train(cohort, Course(12 * 3, batch=16, evaluate_every=3, mode="eager"))
    trained = train_epochs(network, plain, rows, valid, epochs=12, batch=16, rate=0.05, seed=3)
    losses = [float(h[2][0]) for h in end.history]
    assert [v for _, v in trained.losses] == pytest.approx(losses[: len(trained.losses)], abs=1e-9)
    assert trained.best == int(end.best.step[0]) // 3
    for name, weight in trained.network.state_dict().items():
        assert_close(weight, end.best.weights[name][0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("mode", ["eager", "traced", "compiled"])
@pytest.mark.parametrize("recipe", [Recipe(), Recipe(EMA(0.9)), Recipe(Dropout(0.2), EMA(0.9))], ids=str)
def test_the_network_that_comes_back_is_the_best_one_and_not_the_last(recipe, mode):
    """A compiled step writes over the weights that it trains, an average among them."""
    rows, valid = problem(48), problem(32, 1)
    trained = train_epochs(make(), recipe, rows, valid, epochs=30, batch=16, rate=0.05, seed=3, mode=mode)
    assert trained.best < len(trained.losses), "the last epoch is not the best"
    with torch.no_grad():
        loss = valid.target.row_losses(trained.network(valid.x)).mean()
    assert float(loss) == pytest.approx(trained.losses[trained.best - 1][1], abs=1e-9)


def test_it_hands_over_the_best_and_not_the_last():
    rows, valid = problem(24), problem(200, 1)
    trained = train_epochs(make(), Recipe(), rows, valid, epochs=60, batch=8, rate=0.05)
    least = min(v for _, v in trained.losses)
    assert trained.losses[trained.best - 1][1] == least < 0.8 * trained.losses[-1][1]
    with torch.no_grad():
        assert float(valid.target.loss(trained.network(valid.x))) == pytest.approx(least)
    assert not trained.stopped
    assert not trained.network.training


def test_the_recipe_stops_it_and_the_network_given_is_left_alone():
    rows, valid = problem(24), problem(200, 1)
    network = make()
    before = {n: w.clone() for n, w in network.state_dict().items()}
    trained = train_epochs(network, Recipe(EarlyStopping(4.0)), rows, valid, epochs=300, batch=8, rate=0.05)
    assert trained.stopped
    assert len(trained.losses) < 300
    assert all(torch.equal(w, before[n]) for n, w in network.state_dict().items())


def test_tied_weights_come_back_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False)
            self.other.weight = self.one.weight
            self.head = nn.Linear(5, 3)

        def forward(self, x):
            return self.head(torch.tanh(self.other(torch.tanh(self.one(x)))))

    trained = train_epochs(Tied().double(), Recipe(), problem(32), problem(32, 1), epochs=3, batch=8, rate=0.05)
    assert trained.network.other.weight is trained.network.one.weight
    with torch.no_grad():
        loss = float(problem(32, 1).target.loss(trained.network(problem(32, 1).x)))
    assert loss == pytest.approx(trained.losses[trained.best - 1][1])


def test_what_it_cannot_do_is_refused():
    rows, valid = problem(16), problem(8, 1)
    with pytest.raises(DataError, match="WF-A61"):
        train_epochs(make(), Recipe(), rows, valid, epochs=1, batch=17)
    with pytest.raises(DataError, match="WF-A61"):
        train_epochs(make(), Recipe(), rows, Batch(valid.x[:0], valid.target.take(torch.arange(0))), epochs=1, batch=8)
    with pytest.raises(RecipeError, match="SMOTE"):
        train_epochs(make(), Recipe(SMOTE()), rows, valid, epochs=1, batch=8)
    with pytest.raises(TrainingError, match="WF003"):
        train_epochs(make(), Recipe(), rows, valid, epochs=2, batch=8, rate=1e200, optimizer=SGD())


def test_a_student_learns_what_its_teacher_says_and_not_the_labels():
    rows, teacher = problem(), make().eval()
    part = Recipe(Distillation(1.0, temperature=1.0))
    trained = train_epochs(make(), part, rows, rows, epochs=150, batch=32, rate=0.02, resources={"teacher": teacher})
    assert min(first for first, _ in trained.losses) < 0.02
    with pytest.raises(RecipeError, match="teacher"):
        train_epochs(make(), part, rows, rows, epochs=1)


def test_a_compiler_that_fails_is_told_and_the_training_is_the_same(monkeypatch):
    def fails(*_arguments):
        raise RuntimeError("no compiler")

    monkeypatch.setattr("wellfit.training.lone.compiled", fails)
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    rows = Batch(x, Target(3 * x, torch.ones(40, dtype=torch.float64), classes=False))
    first = nn.Linear(1, 1).double()
    plain, fallen = (
        train_epochs(first, Recipe(WeightDecay(0.1)), rows, rows, epochs=3, batch=20, rate=0.1, mode=mode)
        for mode in ("eager", "compiled")
    )
    assert plain.note == ""
    assert "run uncompiled" in fallen.note
    assert_close(fallen.network.weight, plain.network.weight, rtol=0, atol=1e-12)
