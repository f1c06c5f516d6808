"""What Keras's fit cannot honor of a recipe is refused by name, with the way out."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest
from loops import batches

import wellfit as wf
from wellfit import Recipe

keras = pytest.importorskip("keras")
from keras_world import ROWS, STEPS, arrays, fit, keras_model  # noqa: E402

from wellfit.keras import RecipeCallback  # noqa: E402


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(wf.BatchNorm()), "BatchNorm.*BatchNormalization"),
        (Recipe(wf.L0(1e-2)), "L0.*recipe.attach"),
        (Recipe(wf.SMOTE()), "SMOTE.*before you call fit"),
    ],
)
def test_what_a_callback_cannot_do_is_refused_at_construction(recipe, words):
    with pytest.raises(wf.RecipeError, match=f"WF-A30.*{words}"):
        RecipeCallback(recipe)


def test_what_the_compiled_model_stands_against_is_refused_by_name():
    decaying = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))
    cases = [
        (
            Recipe(wf.RDrop(1.0), wf.Dropout(0.1)),
            keras_model(loss="categorical_crossentropy"),
            "RDrop.*from_logits=True",
        ),
        (Recipe(wf.CosineSchedule(3.0)), keras_model(decaying), "CosineSchedule.*LearningRateSchedule"),
        (Recipe(wf.L1(1e-3)), keras_model(keras.optimizers.Lion(0.01)), "L1.*Lion"),
        (
            Recipe(),
            keras_model(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)),
            "gradient_accumulation_steps",
        ),
        (Recipe(), keras_model(keras.optimizers.SGD(0.1, use_ema=True)), "use_ema"),
    ]
    for recipe, model, words in cases:
        before = model.get_weights()
        with pytest.raises(wf.WellfitError, match=words):
            fit(recipe, model=model)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


def test_labels_as_whole_numbers_cannot_be_mixed():
    model = keras_model(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = arrays(batches(STEPS, ROWS))
    with pytest.raises(wf.RecipeError, match=r"Mixup.*to_categorical"):
        model.fit(x, y.argmax(1), verbose=0, callbacks=[RecipeCallback(Recipe(wf.Mixup(0.4)))])
