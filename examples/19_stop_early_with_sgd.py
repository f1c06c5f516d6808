"""SGDClassifier's early stopping: it stops by the count, and hands over its last weights, not its best.

Cut off after 1, 2, 3, ... epochs the same classifier shows all that it passed on its way. What it hands over are the
weights after its last epoch, five epochs without progress behind its best. wellfit's training stops by the same rule
and keeps the best weights, whether or not anything stops it.
"""

import warnings

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler
from torch import nn

from wellfit import EarlyStopping, Recipe
from wellfit.target import Target
from wellfit.training.epochs import train_epochs
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch

FACTS = {"loss": "log_loss", "early_stopping": True, "validation_fraction": 0.1, "n_iter_no_change": 5}
SEED = 3


def data():
    """Standardized inputs and labels, and the rows that SGDClassifier holds out of them: it draws them like this."""
    x, y = load_breast_cancer(return_X_y=True)
    _, held = next(StratifiedShuffleSplit(test_size=0.1, random_state=SEED).split(x, y))
    return StandardScaler().fit_transform(x), y, held


def passed(x, y, epochs):
    """The classifier after each of so many epochs."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    return [SGDClassifier(**FACTS, random_state=SEED, max_iter=n + 1).fit(x, y) for n in range(epochs)]


def batch(x, y):
    values = nn.functional.one_hot(torch.as_tensor(y).long(), 2).double()
    return Batch(torch.as_tensor(x), Target(values, torch.ones(len(values)).double(), classes=True))


def main():
    x, y, held = data()
    found = SGDClassifier(**FACTS, random_state=SEED).fit(x, y)
    stations = passed(x, y, found.n_iter_)
    scores = [station.score(x[held], y[held]) for station in stations]
    print("accuracy on its held-out rows, epoch by epoch:", " ".join(f"{score:.3f}" for score in scores))
    best = int(np.argmax(scores))
    print(f"best in epoch {best + 1}; stopped after {found.n_iter_}; handed over: {found.score(x[held], y[held]):.3f}")
    print("its weights are those of the last epoch:", np.array_equal(found.coef_, stations[-1].coef_))
    print("its weights are those of the best epoch:", np.array_equal(found.coef_, stations[best].coef_))
    rest = np.setdiff1d(np.arange(len(x)), held)
    torch.manual_seed(0)
    facts = {"epochs": 200, "batch": 4, "rate": 0.2, "optimizer": SGD()}
    start = nn.Linear(30, 2).double()
    recipe = Recipe(EarlyStopping(5, min_delta=1e-3))
    trained = train_epochs(start, recipe, batch(x[rest], y[rest]), batch(x[held], y[held]), **facts)
    told = ", ".join(f"{valid:.4f}" for _, valid in trained.losses[-6:])
    print(f"wellfit: stopped {trained.stopped} after {len(trained.losses)} epochs; validation losses end with {told}")
    judged = batch(x[held], y[held])
    loss = judged.target.loss(trained.network(judged.x)).item()
    print(f"wellfit: handed over {loss:.4f}, that of epoch {trained.best}")


if __name__ == "__main__":
    main()
