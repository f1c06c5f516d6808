"""Ends of epochs: stopping, best weights, plateaus, averages, against the engine's own epochs."""

from __future__ import annotations

import math

import pytest
import torch
from loops import CLASSES, RATE, Net, held_out, loop, make, optimizer_for, values
from torch import nn
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe, UsageError
from wellfit.draws import member_key
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.optimizers import Adam
from wellfit.training.order import epoch_rows
from wellfit.training.step import Batch

ROWS, SIZE, SEED = 48, 8, 3
STEPS = ROWS // SIZE


def _rows(rows, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 5, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (rows,), generator=generator)


def _engine_batch(x, y):
    return Batch(x, Target(nn.functional.one_hot(y, CLASSES).double(), torch.ones(len(x)).double(), classes=True))


def _attached(recipe, epochs, norm):
    """A person's loop over epochs; rows come in the engine's order, everything else is theirs."""
    (x, y), (val_x, val_y) = _rows(ROWS, 0), _rows(40, 1)
    model = make(Net, norm=norm)
    optimizer = optimizer_for(model, "Adam")
    criterion = nn.CrossEntropyLoss()
    key, losses = member_key(SEED).unsqueeze(0), []
    with recipe.attach(model, optimizer, seed=SEED, epoch_steps=STEPS, allow=["WF-L40"]) as run:
        for epoch in range(epochs):
            model.train()
            for rows in epoch_rows([torch.arange(ROWS)], key, epoch, SIZE, STEPS)[:, 0]:
                xb, yb = run.batch(x[rows], y[rows])
                optimizer.zero_grad()
                run.loss(criterion, model(xb), yb).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                losses.append(criterion(model(val_x), val_y).item())
            if run.epoch_end(val_loss=losses[-1]):
                break
    return model, losses, run


RECIPES = {
    "stopping": Recipe(wf.EarlyStopping(patience=3.0)),
    "plateau": Recipe(wf.ReduceOnPlateau(patience=1.0, factor=0.3), wf.Dropout(0.2)),
    "average": Recipe(wf.EMA(0.9), wf.EarlyStopping(patience=3.0)),
    "average of epochs": Recipe(wf.SWA(2.0), wf.Mixup(0.3)),
    "slow": Recipe(wf.Lookahead(0.5, steps=4), wf.CosineSchedule(6.0)),
    "nothing": Recipe(),
}


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("case", RECIPES)
def test_epochs_are_those_of_the_engine(case, norm):
    """Losses, stop, best epoch and handed over weights; batch norm takes its statistics anew under averages."""
    recipe, network = RECIPES[case], make(Net, norm=norm)
    rows, valid = _engine_batch(*_rows(ROWS, 0)), _engine_batch(*_rows(40, 1))
    engine = train_epochs(
        network, recipe, rows, valid, epochs=10, batch=SIZE, rate=RATE, seed=SEED, optimizer=Adam()
    )  # fmt: skip
    model, losses, run = _attached(recipe, 10, norm)
    assert_close(losses, [v for _, v in engine.losses], rtol=0, atol=1e-9)
    assert (run.best_epoch, run.stopped) == (engine.best, engine.stopped)
    assert run.best_loss == min(losses) and run.epoch == len(losses)
    for (n, w), other in zip(values(model).items(), values(engine.network).values(), strict=True):
        if w.is_floating_point():
            assert_close(w, other, rtol=0, atol=1e-9, msg=n)
    if case in ("stopping", "average"):
        assert run.stopped and len(losses) < 10 and run.best_epoch < len(losses)


def test_the_stop_restores_the_best_weights_inside_of_the_block():
    model = make()
    optimizer = optimizer_for(model, "SGD")
    seen = []
    with Recipe(wf.EarlyStopping(patience=2.0)).attach(model, optimizer) as run:
        for loss in (1.0, 0.5, 0.6, 0.7):
            loop(model, optimizer, run, count=2)
            seen.append(values(model))
            stopped = run.epoch_end(val_loss=torch.tensor(loss))
        assert stopped and run.best_epoch == 2
        assert_close(values(model), seen[1], rtol=0, atol=0)
    assert_close(values(model), seen[1], rtol=0, atol=0)
    assert not torch.equal(seen[3]["head.weight"], seen[1]["head.weight"])


def test_nan_is_never_the_best():
    model = make()
    optimizer = optimizer_for(model, "SGD")
    with Recipe(wf.EarlyStopping(patience=9.0)).attach(model, optimizer) as run:
        for loss in (math.nan, 2.0, math.nan):
            loop(model, optimizer, run, count=1)
            run.epoch_end(val_loss=loss)
        assert (run.best_epoch, run.best_loss) == (2, 2.0)


def test_evaluation_computes_with_the_average_and_training_does_not():
    model = make()
    optimizer = optimizer_for(model, "SGD")
    x, _ = held_out()
    with Recipe(wf.EMA(0.9)).attach(model, optimizer) as run:
        loop(model, optimizer, run)
        raw, averaged = values(model), run.weights()
        assert_close(model.train()(x), torch.func.functional_call(model, raw, x), rtol=0, atol=0)
        evaluated = model.eval()(x)
        assert_close(values(model), raw, rtol=0, atol=0)
    assert_close(evaluated, model(x), rtol=0, atol=0)
    assert_close(values(model), averaged, rtol=0, atol=0)
    assert not torch.equal(raw["head.weight"], averaged["head.weight"])


def test_after_an_error_the_weights_are_as_trained():
    model = make()
    optimizer = optimizer_for(model, "SGD")
    with pytest.raises(KeyError), Recipe(wf.EMA(0.9)).attach(model, optimizer) as run:
        loop(model, optimizer, run)
        raw = values(model)
        raise KeyError
    assert_close(values(model), raw, rtol=0, atol=0)


def test_what_waits_for_a_loss_says_so():
    model = make()
    optimizer = optimizer_for(model, "SGD")
    for part in (wf.EarlyStopping(), wf.ReduceOnPlateau()):
        with pytest.raises(UsageError, match=r"WF-A16.*val_loss"), Recipe(part).attach(model, optimizer) as run:
            run.epoch_end()
    with Recipe(wf.EMA(0.9)).attach(model, optimizer) as run:
        assert run.epoch_end() is False and run.best_epoch == 0


def test_lengths_of_epochs_are_learned_where_only_their_ends_are_told():
    """A stage that acts at the end of an epoch counts whole ones, whatever their steps."""
    model = make()
    optimizer = optimizer_for(model, "SGD")
    with Recipe(wf.SWA(2.0)).attach(model, optimizer) as run:
        kept = []
        for _ in range(4):
            loop(model, optimizer, run, count=3)
            kept.append(values(model)["head.weight"])
            run.epoch_end()
        assert_close(run.weights()["head.weight"], torch.stack(kept[1:]).mean(0), rtol=0, atol=1e-12)
