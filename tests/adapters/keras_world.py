"""A Keras model with the weights of the bare loop's network, its fit, and the bare loop over the same rows."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import torch
from loops import CLASSES, INPUTS, Net, batches, held_out, make
from torch import nn
from torch.testing import assert_close

from wellfit.keras import RecipeCallback

STEPS, ROWS, SEED = 4, 16, 7
RATE = 0.0625
"""A sum of powers of 2: Keras keeps learning rates as float32."""
PAIRS = {"first": "first", "second": "second", "head": "head"}


class Exact(keras.layers.Dense):
    """A dense layer in float64: Keras's own product of matrices on torch is one of float32, whatever the floatx."""

    def call(self, inputs, training=None):
        return self.activation(torch.addmm(self.bias.value, inputs, self.kernel.value))


def keras_model(optimizer="SGD", loss=None, within=False):
    """The network of the bare loop, layer for layer, with its weights; ``within``: activations belong to layers."""
    if within:
        layers = [Exact(8, "relu", name="first"), Exact(8, "tanh", name="second")]
    else:
        layers = [Exact(8, name="first"), keras.layers.ReLU(name="relu"),
                  Exact(8, name="second"), keras.layers.Activation("tanh", name="tanh")]  # fmt: skip
    model = keras.Sequential([keras.Input((INPUTS,)), *layers, Exact(CLASSES, name="head")])
    peer = make(Net)
    for name in PAIRS:
        layer = getattr(peer, name)
        model.get_layer(name).set_weights([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])
    rules = {
        "SGD": lambda: keras.optimizers.SGD(RATE), "momentum": lambda: keras.optimizers.SGD(RATE, momentum=0.9),
        # an epsilon that is lost beside the root of the second moment: the two add it in different places
        "Adam": lambda: keras.optimizers.Adam(RATE, epsilon=1e-30),
        "RMSprop": lambda: keras.optimizers.RMSprop(RATE / 8, rho=0.99, epsilon=1e-30),
        "Adagrad": lambda: keras.optimizers.Adagrad(RATE, initial_accumulator_value=0.0, epsilon=1e-30),
    }  # fmt: skip
    rule = rules[optimizer]() if isinstance(optimizer, str) else optimizer
    model.compile(rule, loss or keras.losses.CategoricalCrossentropy(from_logits=True))
    return model


def arrays(pairs):
    x, y = (torch.cat(each) for each in zip(*pairs, strict=True))
    return x.numpy(), keras.utils.to_categorical(y.numpy(), CLASSES)


def fit(recipe, optimizer="SGD", epochs=3, *, model=None, **options):
    model = model or keras_model(optimizer)
    callback = RecipeCallback(recipe, seed=SEED, **options)
    history = model.fit(
        *arrays(batches(STEPS, ROWS)), batch_size=ROWS, epochs=epochs, shuffle=False, verbose=0, callbacks=[callback],
        validation_data=arrays([held_out()]),
    )  # fmt: skip
    return model, callback, history.history


class Slashed(nn.Module):
    """The bare loop's network with Keras's names for its weights, by which they have draws of their own."""

    def __init__(self):
        super().__init__()
        net = make(Net)
        for name in PAIRS:
            self.register_parameter(f"{name}/kernel", getattr(net, name).weight)
            self.register_parameter(f"{name}/bias", getattr(net, name).bias)
        self.relu, self.tanh = net.relu, net.tanh

    def forward(self, x):
        h = self.relu(self.layer("first", x))
        return self.layer("head", self.tanh(self.layer("second", h)))

    def layer(self, name, x):
        return nn.functional.linear(x, getattr(self, f"{name}/kernel"), getattr(self, f"{name}/bias"))


def bare(recipe, optimizer="SGD", epochs=3, closure=False, model=None):
    model, criterion, losses = model or make(Net), nn.CrossEntropyLoss(), []
    rules = {
        "SGD": lambda p: torch.optim.SGD(p, RATE), "momentum": lambda p: torch.optim.SGD(p, RATE, momentum=0.9),
        "Adam": lambda p: torch.optim.Adam(p, RATE, eps=1e-30),
        "RMSprop": lambda p: torch.optim.RMSprop(p, RATE / 8, alpha=0.99, eps=1e-30),
        "Adagrad": lambda p: torch.optim.Adagrad(p, RATE, eps=1e-30),
    }  # fmt: skip
    rule = rules[optimizer](model.parameters())
    with recipe.attach(model, rule, seed=SEED, epoch_steps=STEPS, closure=closure) as run:
        for _ in range(epochs):
            model.train()
            for x, y in batches(STEPS, ROWS):
                xb, yb = run.batch(x, y)

                def compute(xb=xb, yb=yb):
                    rule.zero_grad()
                    loss = run.loss(criterion, model(xb), yb)
                    loss.backward()
                    return loss

                if closure:
                    rule.step(compute)
                else:
                    compute()
                    rule.step()
            model.eval()
            x, y = held_out()
            with torch.no_grad():
                losses.append(criterion(model(x), y).item())
            if run.epoch_end(val_loss=losses[-1]):
                break
    return model, losses, run


def same(model, peer, atol=1e-10):
    for name in PAIRS:
        kernel, bias = model.get_layer(name).get_weights()
        layer = getattr(peer, name)
        assert_close(torch.as_tensor(kernel.T.copy()), layer.weight.detach(), rtol=0, atol=atol, msg=name)
        assert_close(torch.as_tensor(bias), layer.bias.detach(), rtol=0, atol=atol, msg=name)
    assert not torch.equal(peer.head.weight, make(Net).head.weight)
