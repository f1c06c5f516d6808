"""The sources' networks stack: three trained as one are three trained alone, in float64, and populations take them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wellfit import (
    EMA,
    L2,
    SAM,
    ActivityPenalty,
    DropConnect,
    Dropout,
    EmbeddingDropout,
    LockedDropout,
    Mixup,
    Recipe,
    RegularizedCNN,
    RegularizedLSTM,
    RegularizedTransformer,
    SpatialDropout,
    StochasticDepth,
    TemporalActivityPenalty,
    WeightDecay,
    where,
)
from wellfit.draws import Now, member_key
from wellfit.target import Target
from wellfit.testing.outcome import stack_trees
from wellfit.training.cohort import Member, Rows, seeded, start
from wellfit.training.optimizers import Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Batch, State, Trainer

ROWS, CLASSES, MEMBERS, STEPS = 6, 3, 3, 5


def cnn():
    return RegularizedCNN(CLASSES, channels=2, widths=(4, 6), grid=2, hidden=8).double()


def transformer():
    return RegularizedTransformer(20, CLASSES, width=8, heads=2).double()


def lstm():
    return RegularizedLSTM(4, CLASSES, width=6, depth=2).double()


def cnn_recipe(s):
    places = where(SpatialDropout(0.1 * s), "first.*|second.*"), where(Dropout(0.2 * s), "dense.*")
    return Recipe(*places, L2(1e-3 * s), Mixup(0.4), SAM(0.01 * s), EMA(0.9))


def transformer_recipe(s):
    return Recipe(Dropout(0.1 * s), EmbeddingDropout(0.1), StochasticDepth(0.1 * s), WeightDecay(0.01 * s), SAM(0.01))


def lstm_recipe(s):
    recurrent = where(DropConnect(0.2 * s), "layers.*.recurrent.weight")
    return Recipe(LockedDropout(0.1 * s), recurrent, ActivityPenalty(1e-3 * s), TemporalActivityPenalty(1e-3))


def pictures(generator, rows=ROWS):
    return torch.randn(rows, 2, 7, 9, generator=generator, dtype=torch.float64)


def texts(generator, rows=ROWS):
    return torch.randint(0, 20, (rows, 7), generator=generator)


def sequences(generator, rows=ROWS):
    return torch.randn(rows, 5, 4, generator=generator, dtype=torch.float64)


WORLDS = [
    pytest.param(cnn, cnn_recipe, pictures, id="cnn"),
    pytest.param(transformer, transformer_recipe, texts, id="transformer"),
    pytest.param(lstm, lstm_recipe, sequences, id="lstm"),
]


def batch_of(inputs, seed, rows=ROWS):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (rows,), generator=generator)
    values = nn.functional.one_hot(labels, CLASSES).double()
    return Batch(inputs(generator, rows), Target(values, torch.ones(rows, dtype=torch.float64), classes=True))


def step_of(trainer, state, batch, key, step):
    rates = dict.fromkeys(state.params, torch.tensor(0.01, dtype=torch.float64))
    return trainer.step(state, batch, Now(key, torch.tensor(step), torch.tensor(0.0), rates, moment=step))[0]


@pytest.mark.parametrize("make, recipe, inputs", WORLDS)
def test_a_stack_of_three_is_three_alone(make, recipe, inputs):
    trainer = Trainer(make(), Adam(eps=1e-4))
    first = [trainer.start(seeded(make, i), recipe(1 + i)) for i in range(MEMBERS)]
    batches = [[batch_of(inputs, 10 * i + step) for step in range(STEPS)] for i in range(MEMBERS)]
    keys = torch.stack([member_key(i) for i in range(MEMBERS)])
    stacked = stack_trees(first)
    for step in range(STEPS):
        together = stack_trees([own[step] for own in batches])
        stacked = torch.func.vmap(lambda s, b, k, step=step: step_of(trainer, s, b, k, step))(stacked, together, keys)
    handed = torch.func.vmap(State.deployed)(stacked)
    for i, state in enumerate(first):
        begin = state.deployed()
        for step in range(STEPS):
            state = step_of(trainer, state, batches[i][step], keys[i], step)
        for name, weight in state.deployed().items():
            torch.testing.assert_close(handed[name][i], weight, rtol=0, atol=1e-12)
        assert max(float((w - begin[n]).abs().max()) for n, w in state.params.items() if n in begin) > 1e-3


@pytest.mark.parametrize("make, recipe, inputs", WORLDS)
def test_populations_train_them(make, recipe, inputs):
    data = batch_of(inputs, 5, rows=24)
    rows = Rows(data.x, data.target, ((torch.arange(16), torch.arange(16, 24)),))
    members = [Member(recipe(s), 1e-2, seed=i) for i, s in enumerate((0.5, 1.0))]
    trainer = Trainer(make(), Adam())
    course = Course(8, batch=8, evaluate_every=4, mode="traced")
    cohort = Population(trainer, rows).train(start(trainer, make, members, rows), course)
    assert cohort.best.outputs.shape == (2, 8, CLASSES)
    for i in range(2):  # what is kept is what was judged
        weights = {n: w[i] for n, w in cohort.best.weights.items()}
        outputs = trainer.predict(weights, data.x[16:])
        torch.testing.assert_close(outputs, cohort.best.outputs[i], rtol=0, atol=1e-10)
        torch.testing.assert_close(data.target.take(torch.arange(16, 24)).loss(outputs), cohort.best.loss[i])
