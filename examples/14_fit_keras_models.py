"""The usual Keras models, in Keras 3 on the torch backend: L1, L2, both, dropout, batch norm, and pictures moved about.

Three things are other than in older texts. ``input_shape`` is a ``keras.Input``; ImageDataGenerator and fit_generator
are gone, layers that augment take their place; and EarlyStopping gives back its last weights unless it is told to
restore the best. A Keras l1 or l2 counts like ours, strength for strength: the sum of |w| or w ** 2, without a half.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # before keras is imported

import keras
import numpy as np
from keras import layers, regularizers
from sklearn.datasets import load_digits

from wellfit import L1, L2, Recipe
from wellfit.draws import Now

PENALTIES = {  # Keras's, and the same as a recipe
    "l1": (regularizers.L1(0.01), Recipe(L1(0.01, form="loss"))),
    "l2": (regularizers.L2(0.01), Recipe(L2(0.01))),
    "l1 and l2": (regularizers.L1L2(0.01, 0.01), Recipe(L1(0.01, form="loss"), L2(0.01), silence=["WF-L04"])),
}
MOVES = [layers.RandomRotation(20 / 360), layers.RandomTranslation(0.2, 0.2)]  # no flip: a mirrored digit is none


def pictures():
    """Digits as 28 by 28 pictures, each pixel three by three times in a frame of two: 500 to train on, 500 held out."""
    x, labels = load_digits(return_X_y=True)
    x = np.pad(np.kron(x.reshape(-1, 8, 8) / 16.0, np.ones((3, 3))), ((0, 0), (2, 2), (2, 2)))
    return x.reshape(-1, 784)[:1000].astype("float32"), labels[:1000]


def network(penalty=None, between=(), before=()):
    """784 inputs, 64 hidden units, 10 classes; ``before`` acts on pictures, ``between`` on hidden values."""
    moved = [layers.Reshape((28, 28, 1)), *before, layers.Flatten()] if before else []
    hidden = layers.Dense(64, activation="relu", kernel_regularizer=penalty)
    out = layers.Dense(10, activation="softmax", kernel_regularizer=penalty)
    model = keras.Sequential([keras.Input((784,)), *moved, hidden, *between, out])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fitted(model, x, labels, epochs=10):
    """The accuracy on the rows held out of the epoch whose weights are kept."""
    stop = keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)
    facts = {"validation_data": (x[500:], labels[500:]), "callbacks": [stop], "verbose": 0, "batch_size": 50}
    return model.fit(x[:500], labels[:500], epochs=epochs, **facts).history["val_accuracy"][stop.best_epoch]


def main():
    keras.utils.set_random_seed(0)
    x, labels = pictures()
    for name, (penalty, recipe) in PENALTIES.items():
        model = network(penalty)
        kernels = {str(i): w.value.detach() for i, w in enumerate(model.weights) if w.name == "kernel"}
        theirs, ours = float(sum(model.losses).detach()), float(recipe.penalty(kernels, Now.at(0)))
        print(f"{name:12} penalty at first: Keras {theirs:.4f}, wellfit {ours:.4f}", end="; ")
        print(f"accuracy {fitted(model, x, labels):.3f}")
    others = {
        "dropout": network(between=[layers.Dropout(0.5)]),
        "batch norm": network(between=[layers.BatchNormalization()]),
        "l2, dropout": network(regularizers.L2(0.01), between=[layers.Dropout(0.5)]),
    }
    for name, model in others.items():
        print(f"{name:12} accuracy {fitted(model, x, labels):.3f}")
    print(f"moved about  accuracy {fitted(network(before=MOVES), x, labels, epochs=4):.3f} after 4 epochs of 10")


if __name__ == "__main__":
    main()
