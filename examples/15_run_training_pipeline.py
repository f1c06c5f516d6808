"""A whole training pipeline: Adam, decay, clipping, a rate that falls on plateaus, early stopping, best weights kept.

A pipeline often seen decays twice: ``weight_decay`` in Adam, and the sum of all squares in the loss, biases and the
scales of norms included. Here decay is one part of the recipe, decoupled from Adam and on weights only. Two of them at
once are an error of the lint.
"""

import warnings

import torch
from sklearn.datasets import load_digits

from wellfit import L2, ClipNorm, Dropout, EarlyStopping, Recipe, RecipeWarning, ReduceOnPlateau, WeightDecay
from wellfit.models.mlp import MLP, Shape
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.step import Batch

RECIPE = Recipe(
    WeightDecay(0.05),
    Dropout(0.2),
    ClipNorm(1.0),
    ReduceOnPlateau(patience=3),
    EarlyStopping(patience=10, min_delta=0.001),
)


def batch(x, labels):
    values = torch.nn.functional.one_hot(torch.as_tensor(labels), 10).float()
    return Batch(torch.as_tensor(x).float() / 16.0, Target(values, torch.ones(len(values)), classes=True))


def twice():
    """What the lint says of L2 in the loss beside decay in the optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecipeWarning)
        both = Recipe(L2(0.01), WeightDecay(1e-4))
    return [finding for finding in both.lint() if finding.level == "error"]


def last_gain(losses, least):
    """The last epoch whose validation loss came down by more than ``least``: what patience counts from."""
    best, epoch = float("inf"), 0
    for number, (_, loss) in enumerate(losses, start=1):
        if loss < best - least:
            best, epoch = loss, number
    return epoch


def main():
    torch.manual_seed(0)
    x, labels = load_digits(return_X_y=True)
    labels[:300:5] = (labels[:300:5] + 1) % 10  # every fifth label to train on is wrong
    train, valid, test = batch(x[:300], labels[:300]), batch(x[300:600], labels[300:600]), batch(x[600:], labels[600:])
    network = MLP(Shape(inputs=64, outputs=10, width=64, depth=2))
    for name, recipe in (("plain", Recipe()), ("pipeline", RECIPE)):
        trained = train_epochs(network, recipe, train, valid, epochs=100, batch=50, rate=3e-3)
        with torch.no_grad():
            outputs = trained.network(test.x)
        right = (outputs.argmax(1) == test.target.values.argmax(1)).float().mean()
        ends = f"epochs {len(trained.losses)}, best {trained.best}, stopped {trained.stopped}"
        worst = trained.losses[-1][1] / trained.losses[trained.best - 1][1]
        print(f"{name:9} {ends}; last validation loss {worst:.2f} times the best")
        print(f"{'':9} test: loss {float(test.target.loss(outputs)):.3f}, accuracy {right:.3f}")
    print(f"patience counts from epoch {last_gain(trained.losses, 0.001)}, the last that gained 0.001 and more")
    print(f"rate at the end: {float(trained.recipe['ReduceOnPlateau'].scale):.0e} of the first")
    for finding in twice():
        print(f"{finding.code} {finding.level}: {finding.sentence}")


if __name__ == "__main__":
    main()
