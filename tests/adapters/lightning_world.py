"""A LightningModule around the bare loop's network, its fit, and the bare loop over the same rows."""

from __future__ import annotations

import lightning.pytorch as pl
import torch
from loops import Net, batches, held_out, make, optimizer_for, values
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from wellfit.lightning import RecipeCallback, loss

STEPS, ROWS, SEED = 4, 16, 7


class Task(pl.LightningModule):
    """What people write: a network inside, a loss in training_step."""

    def __init__(self, kind="momentum", norm=False, by_wellfit=False, manual=False):
        super().__init__()
        self.net, self.kind, self.by_wellfit = make(Net, norm=norm), kind, by_wellfit
        self.automatic_optimization = not manual
        self.seen = []

    def training_step(self, batch, batch_idx):
        x, y = batch
        criterion = nn.CrossEntropyLoss()
        found = loss(self, criterion, self.net(x), y) if self.by_wellfit else criterion(self.net(x), y)
        if self.automatic_optimization:
            return found
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(found)
        optimizer.step()
        return None

    def validation_step(self, batch, batch_idx):
        x, y = batch
        found = nn.functional.cross_entropy(self.net(x), y)
        self.seen.append(found.item())
        self.log("val_loss", found)

    def configure_optimizers(self):
        return optimizer_for(self.net, self.kind)


def loader():
    rows = list(batches(STEPS, ROWS))
    return DataLoader(TensorDataset(torch.cat([x for x, _ in rows]), torch.cat([y for _, y in rows])), batch_size=ROWS)


def valid():
    return DataLoader(TensorDataset(*held_out()), batch_size=40)


def trainer_of(callback, epochs=3, **options):
    options = {"enable_checkpointing": False, **options}
    return pl.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=callback if isinstance(callback, list) else [callback],
        logger=False, enable_progress_bar=False, enable_model_summary=False, **options,
    )  # fmt: skip


def fit(recipe, task=None, epochs=3, *, trainer=None, **options):
    task = task or Task()
    callback = RecipeCallback(recipe, seed=SEED, **options)
    trainer_of(callback, epochs, **(trainer or {})).fit(task, loader(), valid())
    return task, callback


def bare(recipe, kind="momentum", epochs=3, *, norm=False, closure=False, accumulate=1):
    """The loop of a person, with the recipe attached, over the same rows in the same order."""
    model, criterion, losses = make(Net, norm=norm), nn.CrossEntropyLoss(), []
    optimizer = optimizer_for(model, kind)
    steps = STEPS // accumulate
    with recipe.attach(model, optimizer, seed=SEED, epoch_steps=steps, closure=closure) as run:
        for _ in range(epochs):
            model.train()
            for number, (x, y) in enumerate(loader()):
                xb, yb = run.batch(x, y)

                def compute(xb=xb, yb=yb):
                    if closure:
                        optimizer.zero_grad()
                    found = run.loss(criterion, model(xb), yb) / accumulate
                    found.backward()
                    return found

                if closure:
                    optimizer.step(compute)
                    continue
                compute()
                if (number + 1) % accumulate == 0:
                    optimizer.step()
                    optimizer.zero_grad()
            model.eval()
            with torch.no_grad():
                losses.append(criterion(model(held_out()[0]), held_out()[1]).item())
            if run.epoch_end(val_loss=losses[-1]):
                break
    return model, losses, run


def same(task, model, atol=1e-10):
    for name, wanted in values(model).items():
        assert_close(values(task.net)[name], wanted, rtol=0, atol=atol, msg=name)
    assert not torch.equal(task.net.head.weight, make(Net).head.weight)
