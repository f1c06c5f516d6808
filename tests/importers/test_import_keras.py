"""Importing from Keras: penalties, constraints, decay and layers come to the same numbers as Keras's own."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pytest
import torch
from keras import constraints, layers, regularizers
from torch.testing import assert_close
from worlds import now_at

import wellfit
from wellfit import (
    EMA,
    L2,
    ActivityPenalty,
    BatchNorm,
    ClipNorm,
    ClipValue,
    Dropout,
    LabelSmoothing,
    Recipe,
    WeightDecay,
    where,
)
from wellfit.errors import UsageError
from wellfit.recipe import leaf_of


def tensors(model) -> dict[str, torch.Tensor]:
    return {v.path: torch.tensor(np.asarray(v.value.detach())).double() for v in model.trainable_variables}


def penalty_value(recipe: Recipe, params: dict[str, torch.Tensor]) -> float:
    """What all penalties of the recipe cost, those that are proximal steps too."""
    total = 0.0
    for part in recipe:
        inner = leaf_of(part)
        if "form" in inner.statics() and type(inner) is not WeightDecay:
            inner = inner.replace(form="loss")
        total += float(inner.penalty(part.select(params), now_at()))
    return total


def dense(name: str, **more):
    return layers.Dense(4, name=name, **more)


REGULARIZED = {
    "the same on all": ([regularizers.L2(0.02)] * 3, 1),
    "one of three": ([None, regularizers.L1(0.03), None], 1),
    "all different": ([regularizers.L2(0.02), regularizers.L1(0.03), regularizers.L1L2(0.01, 0.05)], 3),
    "none": ([None, regularizers.L1L2(0.0, 0.0), None], 0),
}


@pytest.mark.parametrize("case", REGULARIZED)
def test_oracle_penalties_cost_what_keras_adds_to_the_loss(case):
    held, count = REGULARIZED[case]
    model = keras.Sequential([keras.Input((3,)), *(dense(f"d{i}", kernel_regularizer=r) for i, r in enumerate(held))])
    found = wellfit.import_recipe(model)
    assert len(found.recipe) == count and found.not_understood == ()
    expected = float(sum(model.losses)) if model.losses else 0.0
    assert penalty_value(found.recipe, tensors(model)) == pytest.approx(expected, rel=1e-5)
    assert (count == 1 and case == "the same on all") == any(type(p) is L2 for p in found.recipe)


def test_oracle_biases_and_names_that_end_alike():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, dense("my_d", bias_regularizer="l2")(dense("d", kernel_regularizer="l2")(inputs)))
    for variable in model.trainable_variables:
        variable.assign(np.full(variable.shape, 0.5))
    found = wellfit.import_recipe(model)
    assert penalty_value(found.recipe, tensors(model)) == pytest.approx(float(sum(model.losses)), rel=1e-5)


@pytest.mark.parametrize(
    ("held", "shape"),
    [
        (constraints.MaxNorm(0.7), (5, 3)),
        (constraints.UnitNorm(), (5, 3)),
        (constraints.MinMaxNorm(0.5, 0.8, rate=0.6), (5, 3)),
        (constraints.NonNeg(), (5, 3)),
        (constraints.MaxNorm(0.7, axis=1), (5, 3)),
    ],
    ids=lambda v: v.__class__.__name__,
)
def test_oracle_constraints_project_as_keras_does(held, shape):
    """Keras's kernels are (inputs, units), ours (units, inputs)."""
    w = np.random.default_rng(0).normal(size=shape)
    (part,) = wellfit.import_recipe(held).recipe
    found = part.project({"w": torch.from_numpy(w.T.copy())}, now_at())["w"]
    expected = held(torch.from_numpy(w.astype(np.float32)))
    assert_close(found.T, torch.as_tensor(expected).double().cpu(), rtol=1e-5, atol=1e-6)


def test_a_norm_over_a_part_of_a_filter_is_not_taken_for_a_unit_s():
    over = {"all": [0, 1, 2], "rows": 0}
    found = {}
    for name, axis in over.items():
        layer = layers.Conv2D(3, 2, kernel_constraint=constraints.MaxNorm(1.0, axis=axis))
        layer.build((None, 5, 5, 2))
        found[name] = wellfit.import_recipe(layer)
    assert len(found["all"].recipe) == 1 and found["all"].not_understood == ()
    assert len(found["rows"].recipe) == 0 and "MaxNorm" in found["rows"].not_understood[0]


@pytest.mark.parametrize("name", ["AdamW", "Adam", "SGD", "RMSprop"])
def test_oracle_decay_shrinks_as_keras_does(name):
    """With gradients of 0 the decay alone moves weights."""
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.1, weight_decay=0.3)
    variable = keras.Variable(np.full((2, 2), 2.0))
    optimizer.apply([torch.zeros(2, 2)], [variable])
    (part,) = wellfit.import_recipe(optimizer).recipe
    rates = {"w": torch.tensor(0.1, dtype=torch.float64)}
    found = part.shrink({"w": torch.full((2, 2), 2.0, dtype=torch.float64)}, now_at(rates, 0, 0.1))["w"]
    assert_close(found, variable.value.detach().double().cpu(), rtol=1e-6, atol=0)
    assert part == where(WeightDecay(0.3), "*")


def test_layers_optimizer_and_loss_come_into_one_recipe():
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(4, activation="relu", kernel_regularizer="l2", activity_regularizer=regularizers.L1(0.02)),
            layers.Dropout(0.3),
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(3),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(global_clipnorm=1.5, use_ema=True, ema_momentum=0.95),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    )
    found = wellfit.import_recipe(model)
    assert found.not_understood == ()
    assert {leaf_of(p) for p in found.recipe} == {
        L2(0.01), ActivityPenalty(0.02, 1.0), Dropout(0.3), BatchNorm(momentum=0.1, eps=1e-3), ClipNorm(1.5),
        EMA(0.95), LabelSmoothing(0.1),
    }  # fmt: skip


def test_gradients_clipped_one_by_one_are_read():
    assert wellfit.import_recipe(keras.optimizers.SGD(clipvalue=0.5)).recipe == Recipe(ClipValue(0.5))


def test_dropouts_of_different_strength_keep_their_places():
    model = keras.Sequential(
        [keras.Input((8,)), dense("a"), layers.Dropout(0.1), dense("b"), layers.Dropout(0.5), dense("c")]
    )
    assert wellfit.import_recipe(model).recipe == Recipe(where(Dropout(0.1), "a"), where(Dropout(0.5), "b"))


def test_what_has_no_place_in_a_recipe_is_named():
    model = keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.LSTM(3, recurrent_dropout=0.2, kernel_regularizer=regularizers.OrthogonalRegularizer()),
            layers.Dropout(0.2, noise_shape=(None, 1)),
        ]
    )
    model.compile(optimizer=keras.optimizers.SGD(clipnorm=1.0), loss="mse")
    found = wellfit.import_recipe(model)
    assert found.recipe == Recipe()
    told = " | ".join(found.not_understood)
    for word in ("recurrent_dropout=0.2", "OrthogonalRegularizer", "noise_shape", "clipnorm=1"):
        assert word in told


def test_the_generator_of_pictures_is_a_recipe():
    found = wellfit.import_recipe({
        "rotation_range": 20, "width_shift_range": 0.2, "height_shift_range": 0.2, "horizontal_flip": True,
        "zoom_range": [0.85, 1.15], "brightness_range": (0.8, 1.2), "rescale": 2, "vertical_flip": False,
    })  # fmt: skip
    edge = {"fill": "edge"}
    assert found.recipe == Recipe(
        wellfit.Rotation(20.0, **edge), wellfit.Shift(0.2, **edge), wellfit.Zoom(0.15, **edge),
        wellfit.Flip(0.5, **edge), wellfit.Brightness(0.2),
    )  # fmt: skip
    assert found.not_understood == ()
    assert any("height and width apart" in note for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"width_shift_range": 0.1}, "Shift(share=0.1, axis='horizontal', fill='edge'"),
        ({"height_shift_range": 0.1, "fill_mode": "reflect"}, "Shift(share=0.1, axis='vertical', fill='reflect'"),
        ({"vertical_flip": True, "fill_mode": "constant"}, "Flip(p=0.5, axis='vertical', fill='constant'"),
        ({"zoom_range": 0.3}, "Zoom(share=0.3, fill='edge'"),
    ],
)
def test_one_setting_is_one_part(settings, part):
    found = wellfit.import_recipe(settings)
    assert part in str(found.recipe)
    assert found.not_understood == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"width_shift_range": 3},  # pixels
        {"width_shift_range": 0.1, "height_shift_range": 0.2},  # two amounts
        {"zoom_range": [0.5, 1.2]},
        {"brightness_range": [0.5, 1.0]},
        {"channel_shift_range": 10.0},
        {"preprocessing_function": str},
    ],
)
def test_what_has_no_equal_is_named(settings):
    found = wellfit.import_recipe(settings)
    assert found.recipe == Recipe()
    assert [sentence.partition("=")[0] for sentence in found.not_understood] == list(settings)


@pytest.mark.parametrize("degrees", [4.0, 12.0])
def test_oracle_shear_moves_what_keras_moves(degrees):
    """Rows move sideways by the sine of the angle: a standing bar in Keras's own transform, and in ours."""
    from keras.src.legacy.preprocessing.image import apply_affine_transform

    from wellfit.regularizers.affine import sheared
    from wellfit.regularizers.warping import warp

    part = wellfit.import_recipe({"shear_range": degrees}).recipe["Shear"]
    assert part.axis == "horizontal"
    x = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    x[..., 18:23] = 1.0
    axes = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    theirs = apply_affine_transform(x[0].permute(1, 2, 0).numpy().copy(), shear=degrees, **axes)[..., 0]
    ours = warp(x, sheared(torch.tensor([-part.factor]), 0.0).matrix(), "edge")[0, 0].numpy()
    middles = [(picture * np.arange(41)).sum(1) / picture.sum(1) for picture in (theirs, ours)]
    assert np.abs(np.diff(middles[0])).max() > 0.5 * part.factor
    assert np.allclose(middles[0], middles[1], atol=0.1)


def test_settings_and_layers_that_are_unknown():
    with pytest.raises(UsageError, match="rotation_range"):
        wellfit.import_recipe({"rotation_rang": 20})
    shown = [keras.Input((8, 8, 1)), layers.RandomFlip("horizontal"), layers.RandomRotation(0.05)]
    shown += [layers.RandomZoom(0.2), layers.RandomTranslation(0.1, 0.1)]
    found = wellfit.import_recipe(keras.Sequential([*shown, layers.RandomBrightness(0.2), layers.Flatten()]))
    names = {part.name for part in found.recipe}
    assert {"Flip", "Rotation", "Zoom", "Shift"} == names
    assert found.recipe["Rotation"].degrees == pytest.approx(18.0)
    assert "RandomBrightness" in found.not_understood[0]



class OfOnesOwn(regularizers.Regularizer):
    def __call__(self, x):
        return 0.0 * x.sum()


def test_a_regularizer_of_ones_own_is_named_where_it_tells_nothing_of_itself():
    layer = layers.Dense(2, kernel_regularizer=OfOnesOwn())
    for thing in (OfOnesOwn(), keras.Sequential([keras.Input((3,)), layer])):
        found = wellfit.import_recipe(thing)
        assert found.recipe == Recipe()
        assert "OfOnesOwn is not understood" in found.not_understood[0]
