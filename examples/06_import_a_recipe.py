"""Other tools' regularization as one recipe: scikit-learn, torch, Keras; what is not understood is said.

A strength means another thing in each tool: Ridge's alpha stands beside a sum over rows, Lasso's beside half a mean,
C divides. Imported, they stand beside the mean loss, and a linear network under the recipe finds the same weights.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from torch import nn

from wellfit import Recipe, UsageError, import_recipe
from wellfit.draws import Now
from wellfit.target import Target
from wellfit.training.optimizers import Adam
from wellfit.training.step import Batch, Trainer


def linear_network(recipe: Recipe, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The weights of a linear network without a bias after 1000 steps under the recipe."""
    trainer = Trainer(nn.Linear(x.shape[1], 1, bias=False).double(), Adam())
    state = trainer.start(trainer.network, recipe)
    rows = Batch(torch.from_numpy(x), Target(torch.from_numpy(y)[:, None], torch.ones(len(y)).double(), classes=False))
    for step in range(1000):
        rates = {"weight": torch.tensor(0.02 * 0.993**step, dtype=torch.float64)}
        state, _ = trainer.step(state, rows, Now.at(step, rates=rates))
    return state.params["weight"].numpy()[0]


def show(name, found):
    print(f"{name}: {found.recipe}")
    for sentence in found.not_understood:
        print(f"  not understood: {sentence}")


def main():
    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    for model in (Ridge(alpha=200.0), Lasso(alpha=0.05), ElasticNet(alpha=0.1, l1_ratio=0.3)):
        found = import_recipe(model, n=len(x))
        difference = np.abs(linear_network(found.recipe, x, y) - model.fit(x, y).coef_).max()
        print(f"{model}: {found.recipe}, largest difference of weights {difference:.0e}")
    try:
        import_recipe(LogisticRegression(l1_ratio=1.0, solver="lbfgs"), n=len(x))
    except UsageError as refused:
        print(f"LogisticRegression: {refused}")

    network = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.LSTM(32, 8, 2, dropout=0.1))
    show("torch", import_recipe(network, torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05)))
    show("pictures", import_recipe({"rotation_range": 20, "horizontal_flip": True}))
    try:
        import keras
    except ImportError:
        return print("Keras is not here: pip install 'wellfit[keras]'")
    dense = keras.layers.Dense(32, activation="relu", kernel_regularizer=keras.regularizers.L1L2(1e-4, 1e-3))
    model = keras.Sequential([keras.Input((10,)), dense, keras.layers.Dropout(0.3), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(global_clipnorm=1.0), "mse")
    show("Keras", import_recipe(model))


if __name__ == "__main__":
    main()
