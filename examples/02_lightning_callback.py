"""A recipe in Lightning: one callback. The module is written as ever, and knows nothing of wellfit.

The callback mixes batches before training_step sees them, lets weights decay, bounds them after each step, validates
with averaged weights, stops, and leaves the weights of the best epoch. A checkpoint of the Trainer holds its state.
"""

import logging
import warnings

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from wellfit import EMA, Dropout, EarlyStopping, MaxNorm, Mixup, Recipe, WeightDecay
from wellfit.lightning import RecipeCallback

RECIPE = Recipe(Dropout(0.2), Mixup(0.4), WeightDecay(0.5), MaxNorm(2.0), EMA(0.98), EarlyStopping(15))


class Digits(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
        )  # fmt: skip

    def training_step(self, batch, number):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def validation_step(self, batch, number):
        x, y = batch
        self.log("val_loss", nn.functional.cross_entropy(self.net(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


def digits():
    """150 digits to train on, of which every fifth has a wrong label; 300 to stop by, 600 to judge by."""
    x, y = (torch.as_tensor(a) for a in load_digits(return_X_y=True))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order].float() / 16.0, y[order].long()
    y[:150:5] = (y[:150:5] + 1) % 10
    return TensorDataset(x[:150], y[:150]), TensorDataset(x[150:450], y[150:450]), (x[450:1050], y[450:1050])


def train(recipe, epochs=50):
    torch.manual_seed(0)
    train_rows, valid_rows, (test_x, test_y) = digits()
    module, callback = Digits(), RecipeCallback(recipe)
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[callback],  # <- the recipe
    )  # fmt: skip
    trainer.fit(module, DataLoader(train_rows, 30, shuffle=True), DataLoader(valid_rows, 300))
    run = callback.run
    print(f"{run.epoch} epochs, best was {run.best_epoch}: validation loss {run.best_loss:.3f}")
    module.eval()
    with torch.no_grad():  # the module holds the weights of its best epoch
        return (module.net(test_x).argmax(1) == test_y).float().mean().item()


def main():
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    for name, recipe in (("without", Recipe()), ("with", RECIPE)):
        print(f"{name:8} accuracy on clean held out digits {train(recipe):.3f}\n")


if __name__ == "__main__":
    main()
