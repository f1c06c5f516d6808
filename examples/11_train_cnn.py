"""A convolutional network on pictures, plain and with a recipe: dropout of channels and of units, and weight decay.

The recipe is no part of the network: the same network trains without it. Two places of dropout are told apart by the
names of the network's sites. The lint says that the first of them stands before a batch norm; it is left there to show
that, and so that the layers are those that textbooks give.
"""

import warnings

import torch
from sklearn.datasets import load_digits

from wellfit import Dropout, Recipe, RecipeWarning, RegularizedCNN, SpatialDropout, WeightDecay, where
from wellfit.sites import find_sites
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.step import Batch

warnings.simplefilter("ignore", RecipeWarning)  # what it would say is printed below
RECIPE = Recipe(
    where(SpatialDropout(0.25), "first.hidden"),
    where(Dropout(0.5), "dense.hidden"),
    WeightDecay(0.05),
)


def batch(x, labels):
    values = torch.nn.functional.one_hot(torch.as_tensor(labels), 10).float()
    return Batch(torch.as_tensor(x).float(), Target(values, torch.ones(len(values)), classes=True))


def pictures():
    """Digits as gray pictures: 150 to train on, of which every fifth has a wrong label, and 600 clean ones."""
    x, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0)).numpy()[:750]
    x, labels = x[order].reshape(-1, 1, 8, 8) / 16.0, labels[order]
    labels[:150:5] = (labels[:150:5] + 1) % 10
    return batch(x[:150], labels[:150]), batch(x[150:], labels[150:])


def main():
    torch.manual_seed(0)
    network = RegularizedCNN(10, channels=1, widths=(16, 32), grid=2, hidden=64)
    print("sites:", ", ".join(s.name for s in find_sites(network).values() if s.kind == "hidden"))
    for finding in RECIPE.lint(network):
        print(f"{finding.code}: {finding.sentence}")
    train, valid = pictures()
    for name, recipe in (("plain", Recipe()), ("recipe", RECIPE)):
        trained = train_epochs(network, recipe, train, valid, epochs=40, batch=50, rate=5e-3)
        with torch.no_grad():
            right = (trained.network(valid.x).argmax(1) == valid.target.values.argmax(1)).float().mean()
        best, last = trained.losses[trained.best - 1][1], trained.losses[-1][1]
        print(f"{name:8} held out: loss {best:.3f} at best, {last:.3f} at last, accuracy {right:.3f}")
    for size in (8, 11, 32):
        print(f"pictures of {size} by {size}:", tuple(trained.network(torch.zeros(2, 1, size, size)).shape))


if __name__ == "__main__":
    main()
