"""The Keras callback: a fit by Keras is the bare torch loop with the recipe attached, in float64."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest
import torch
from loops import CLASSES, batches, held_out
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe, where

keras = pytest.importorskip("keras")
from keras_world import PAIRS, RATE, ROWS, SEED, STEPS, Exact, Slashed, arrays, bare, fit, keras_model, same  # noqa: E402

from wellfit.keras import RecipeCallback  # noqa: E402

MOVED = ("CosineSchedule", "many")
"""Recipes whose rates are none, so that weights agree to float32's precision of the rate; so do Keras's metrics."""


@pytest.fixture(autouse=True)
def _float64():
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # once any layer was made, Keras keeps to the policy of then
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)


MANY = Recipe(
    wf.Dropout(0.2), wf.Mixup(0.4), wf.InputNoise(0.1), wf.WeightDecay(0.1), wf.MaxNorm(1.5), wf.EMA(0.9),
    wf.L1(1e-3), wf.ClipNorm(0.5), wf.LabelSmoothing(0.05), wf.WarmUp(1.0, 0.1), silence=["WF-L03"],
)  # fmt: skip
RECIPES = {
    "L1": Recipe(wf.L1(1e-2)),
    "L2": Recipe(wf.L2(1e-2)),
    "GroupLasso": Recipe(wf.GroupLasso(1e-2)),
    "Orthogonal": Recipe(wf.Orthogonal(1e-2)),
    "WeightDecay": Recipe(wf.WeightDecay(0.5)),
    "MaxNorm": Recipe(wf.MaxNorm(0.5)),
    "MaxNorm of inputs": Recipe(wf.MaxNorm(0.5, by="input")),
    "Dropout": Recipe(wf.Dropout(0.3)),
    "mixing": Recipe(wf.Mixup(0.4), wf.LabelSmoothing(0.1), silence=["WF-L03"]),
    "Freeze": Recipe(where(wf.Freeze(0.3), "first*")),
    "CosineSchedule": Recipe(wf.CosineSchedule(3.0)),
    "EMA": Recipe(wf.EMA(0.9)),
    "Lookahead": Recipe(wf.Lookahead(0.5, steps=3)),
    "RDrop": Recipe(wf.RDrop(1.0), wf.Dropout(0.3)),
    "adversarial": Recipe(wf.AdversarialTraining(0.5, 0.1)),
    "virtual adversarial": Recipe(wf.VirtualAdversarial(1.0, 0.5)),
    "many": MANY,
}


@pytest.mark.parametrize("case", RECIPES)
def test_a_fit_is_the_bare_loop(case):
    peer, losses, run = bare(RECIPES[case])
    model, callback, history = fit(RECIPES[case])
    same(model, peer, atol=1e-7 if case in MOVED else 1e-10)
    assert_close(history["val_loss"], losses, rtol=0, atol=1e-6)
    assert (callback.run.best_epoch, callback.run.step) == (run.best_epoch, run.step)


PROXIMAL = ("L1", "GroupLasso", "WeightDecay", "Freeze")
METRICS = [(case, rule) for case in PROXIMAL for rule in ("Adam", "RMSprop", "Adagrad", "momentum")]


@pytest.mark.parametrize(("case", "rule"), [*METRICS, ("many", "Adam"), ("many", "RMSprop"), ("many", "Adagrad")])
def test_in_the_metric_of_other_optimizers(case, rule):
    """Momentum is another one under rates that change: Keras gathers rate * gradient, torch gathers gradients."""
    same(fit(RECIPES[case], rule)[0], bare(RECIPES[case], rule)[0], atol=1e-6 if case in MOVED else 1e-9)


@pytest.mark.parametrize("part", [wf.DropConnect(0.2), wf.WeightNoise(0.05), wf.Mixout(0.5), wf.GradientNoise(0.1)])
def test_weights_that_draw_by_name(part):
    peer = bare(Recipe(part), model=Slashed())[0]
    model = fit(Recipe(part))[0]
    for name in PAIRS:
        wanted = getattr(peer, f"{name}/kernel").detach()
        assert_close(torch.as_tensor(model.get_layer(name).get_weights()[0].T.copy()), wanted, rtol=0, atol=1e-10)


def test_dropout_behind_activations_that_belong_to_layers():
    model, callback, _ = fit(Recipe(wf.Dropout(0.3)), model=keras_model(within=True))
    assert callback.run.reached == ("first", "second")
    plain = fit(Recipe(), model=keras_model(within=True))[0]
    assert not np.array_equal(model.get_weights()[0], plain.get_weights()[0])
    _, callback, _ = fit(Recipe(wf.Dropout(0.3)), after=["relu", Exact])
    assert callback.run.reached == ("relu", "first", "second", "head")
    with pytest.raises(wf.UsageError, match=r"WF-A03.*nothere"):
        fit(Recipe(wf.Dropout(0.3)), after=["nothere"])


@pytest.mark.parametrize("recipe", [Recipe(wf.SAM(0.1)), Recipe(wf.SAM(0.1), wf.Dropout(0.3), wf.ClipNorm(0.3))])
def test_sam_takes_the_gradient_twice(recipe):
    same(fit(recipe)[0], bare(recipe, closure=True)[0])


def test_each_recipe_does_something():
    plain = fit(Recipe())[0].get_weights()
    for case, recipe in RECIPES.items():
        assert any(not np.array_equal(a, b) for a, b in zip(fit(recipe)[0].get_weights(), plain, strict=True)), case


def test_the_stop_is_that_of_the_bare_loop_and_leaves_the_best_weights():
    recipe = Recipe(wf.EarlyStopping(patience=2.0, min_delta=0.0), wf.Dropout(0.2), wf.EMA(0.8))
    peer, losses, run = bare(recipe, "Adam", epochs=40)
    model, callback, history = fit(recipe, "Adam", epochs=40)
    assert run.stopped and run.best_epoch < len(losses) < 40
    assert callback.run.stopped and len(history["val_loss"]) == len(losses)
    same(model, peer, atol=1e-8)
    x, y = arrays([held_out()])
    assert_close(model.evaluate(x, y, verbose=0), min(losses), rtol=0, atol=1e-6)


def test_penalties_and_constraints_are_those_of_kerass_own_objects():
    """An oracle that no line of wellfit is in: kernel_regularizer and kernel_constraint on the layers."""
    ours, _, _ = fit(Recipe(wf.L2(1e-2), wf.MaxNorm(0.7)), "SGD", epochs=4)
    theirs = keras_model("SGD")
    for name in PAIRS:
        kernel = theirs.get_layer(name).kernel
        kernel.regularizer = keras.regularizers.L2(1e-2)
        kernel.constraint = keras.constraints.MaxNorm(0.7, axis=0)
    theirs.fit(*arrays(batches(STEPS, ROWS)), batch_size=ROWS, epochs=4, shuffle=False, verbose=0)
    x, y = arrays([held_out()])
    assert ours.evaluate(x, y, verbose=0) > 0
    last = fit(Recipe(wf.L2(1e-2), wf.MaxNorm(0.7)), "SGD", epochs=4, monitor="nothing of that name")[0]
    for a, b in zip(last.get_weights(), theirs.get_weights(), strict=True):
        assert_close(torch.as_tensor(a), torch.as_tensor(b), rtol=0, atol=1e-5)  # Keras divides by norm + 1e-7


def test_weight_decay_is_that_of_kerass_adamw():
    theirs = keras.optimizers.AdamW(RATE, weight_decay=0.3)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    decayed = fit(Recipe(), model=keras_model(theirs))[0]
    ours = fit(Recipe(wf.WeightDecay(0.3)), model=keras_model(keras.optimizers.Adam(RATE)))[0]
    for a, b in zip(ours.get_weights(), decayed.get_weights(), strict=True):
        assert_close(torch.as_tensor(a), torch.as_tensor(b), rtol=0, atol=1e-10)


def test_units_of_filters_and_categories_are_bounded():
    model = keras.Sequential([
        keras.Input((6,), dtype="int32"), keras.layers.Embedding(9, 4), keras.layers.Conv1D(5, 3, activation="relu"),
        keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(CLASSES),
    ])  # fmt: skip
    model.compile(keras.optimizers.SGD(0.5), keras.losses.CategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).integers(9, size=(32, 6))
    y = keras.utils.to_categorical(x[:, 0] % CLASSES, CLASSES)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[RecipeCallback(Recipe(wf.UnitNorm()))])
    table, filters, _, head, _ = model.get_weights()
    assert_close(np.linalg.norm(table, axis=1), np.ones(9), rtol=0, atol=1e-9)
    assert_close(np.linalg.norm(filters.reshape(-1, 5), axis=0), np.ones(5), rtol=0, atol=1e-9)
    assert_close(np.linalg.norm(head, axis=0), np.ones(CLASSES), rtol=0, atol=1e-9)


def test_batch_norm_and_recurrent_layers_train_under_an_average():
    model = keras.Sequential([
        keras.Input((6, 2)), keras.layers.GRU(5), keras.layers.BatchNormalization(), keras.layers.Dropout(0.2),
        keras.layers.Dense(CLASSES),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(32, 6, 2))
    y = keras.utils.to_categorical((x.sum((1, 2)) > 0).astype(int), CLASSES)
    before = model.evaluate(x, y, verbose=0)
    recipe = Recipe(wf.EMA(0.5), wf.L2(1e-4), wf.MaxNorm(2.0))
    model.fit(x, y, epochs=15, verbose=0, callbacks=[RecipeCallback(recipe)])
    assert model.evaluate(x, y, verbose=0) < 0.7 * before


def test_no_trace_is_left_and_a_model_can_be_fitted_and_saved_again(tmp_path):
    model, _, _ = fit(MANY)
    for layer in model._flatten_layers():
        assert not layer._forward_hooks and not layer._forward_pre_hooks
    assert {"train_step", "_compute_loss"}.isdisjoint(vars(model)) and "apply" not in vars(model.optimizer)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"Exact": Exact})
    x, y = arrays([held_out()])
    assert_close(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=0, atol=1e-12)
    fit(MANY, model=model)


class _Broken(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyError("mine")


def test_a_fit_that_breaks_off_does_not_stand_in_the_way_of_the_next():
    model, callback = keras_model(), RecipeCallback(Recipe(wf.Dropout(0.2), wf.L2(1e-2)), seed=SEED)
    x, y = arrays(batches(STEPS, ROWS))
    with pytest.raises(KeyError):
        model.fit(x, y, verbose=0, callbacks=[callback, _Broken()])
    model.fit(x, y, batch_size=ROWS, verbose=0, callbacks=[callback])
    assert callback.run.step == STEPS and "train_step" not in vars(model)


def test_a_fit_after_one_that_broke_off_is_free_of_its_recipe():
    """Ctrl-C in a notebook, and then the cell once more with a callback made anew, or without any."""
    x, y = arrays(batches(STEPS, ROWS))
    for again in ([], [RecipeCallback(Recipe(), seed=SEED)]):
        model, plain = keras_model(), keras_model()
        weights = [w.copy() for w in model.get_weights()]
        with pytest.raises(KeyError):
            model.fit(x, y, verbose=0, callbacks=[RecipeCallback(Recipe(wf.Dropout(0.5), wf.L2(0.5))), _Broken()])
        model.set_weights(weights)
        model.fit(x, y, batch_size=ROWS, verbose=0, shuffle=False, callbacks=again)
        plain.fit(x, y, batch_size=ROWS, verbose=0, shuffle=False)
        for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_loop_of_ones_own_over_train_on_batch_trains_as_fit_does():
    """Keras's list of callbacks around train_on_batch is how its guides write a training loop."""
    recipe, (x, y) = Recipe(wf.MaxNorm(0.1), wf.L2(1e-2)), arrays(batches(STEPS, ROWS))
    model, callback = keras_model(), RecipeCallback(recipe, seed=SEED)
    around = keras.callbacks.CallbackList([callback], model=model, epochs=2, steps=STEPS)
    around.on_train_begin()
    for epoch in range(2):
        for start in range(0, len(x), ROWS):
            model.train_on_batch(x[start : start + ROWS], y[start : start + ROWS])
        around.on_epoch_end(epoch)
    around.on_train_end()
    fitted, same_run, _ = fit(recipe, epochs=2)
    assert callback.run.step == same_run.run.step == 2 * STEPS
    for mine, other in zip(model.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)
    assert not {"train_step", "_compute_loss", "fit"} & set(vars(model))


def test_an_error_within_a_step_leaves_no_trace():
    model, (x, y) = keras_model(), arrays(batches(STEPS, ROWS))
    with pytest.raises(ValueError):
        model.fit(x[:, :-1], y, verbose=0, callbacks=[RecipeCallback(Recipe(wf.Dropout(0.5)))])
    assert not {"train_step", "_compute_loss", "fit"} & set(vars(model))
    assert not any(len(layer._forward_hooks) for layer in model._flatten_layers())


def test_categories_shrink_in_adams_metric():
    """A table of categories, whose axes stand in Keras as in torch, beside a kernel, whose axes do not."""
    model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(9, 4), keras.layers.Flatten(),
                              keras.layers.Dense(2)])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y = np.arange(24).reshape(8, 3) % 7, np.zeros((8, 2))
    model.fit(x, y, epochs=3, verbose=0, callbacks=[RecipeCallback(Recipe(wf.L1(0.5)))])
    table = model.layers[0].get_weights()[0]
    assert (table[:7] == 0).mean() > 0.2, "the categories that come up shrink to exact zeros"
