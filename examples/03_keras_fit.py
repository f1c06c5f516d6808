"""A recipe in Keras 3 on the torch backend: one callback. The model is built, compiled and fitted as ever.

Nothing is put on the layers: penalties, decay and bounds act around Keras's own optimizer, dropout behind activations,
mixing on batches, averages at validation. Mixed labels are shares of classes, so that labels are one-hot here.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # before keras is imported

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

from wellfit import EMA, Dropout, EarlyStopping, MaxNorm, Mixup, Recipe, WeightDecay
from wellfit.keras import RecipeCallback

RECIPE = Recipe(Dropout(0.2), Mixup(0.4), WeightDecay(0.5), MaxNorm(2.0), EMA(0.98), EarlyStopping(15))


def digits():
    """150 digits to train on, of which every fifth has a wrong label; 300 to stop by, 600 to judge by."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16.0).astype("float32"), y[order]
    y[:150:5] = (y[:150:5] + 1) % 10
    y = keras.utils.to_categorical(y, 10)
    return (x[:150], y[:150]), (x[150:450], y[150:450]), (x[450:1050], y[450:1050])


def train(recipe, epochs=40):
    keras.utils.set_random_seed(0)
    train_rows, valid_rows, test_rows = digits()
    model = keras.Sequential([
        keras.Input((64,)), layers.Dense(128, activation="relu"), layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(3e-3), "categorical_crossentropy", metrics=["accuracy"])
    callback = RecipeCallback(recipe)  # <- the recipe
    model.fit(
        *train_rows, batch_size=30, epochs=epochs, validation_data=valid_rows, verbose=0, callbacks=[callback]
    )  # fmt: skip
    run = callback.run
    print(f"acts behind {', '.join(run.reached) or 'no layer'}", end="; ")
    print(f"{run.epoch} epochs, best was {run.best_epoch}: validation loss {run.best_loss:.3f}")
    return model.evaluate(*test_rows, verbose=0)[1]  # the model holds the weights of its best epoch


def main():
    for name, recipe in (("without", Recipe()), ("with", RECIPE)):
        print(f"{name:8} accuracy on clean held out digits {train(recipe):.3f}\n")


if __name__ == "__main__":
    main()
