"""What a compiled Keras model and a recipe must agree in: backend, optimizer, loss, targets; refused by name."""

from __future__ import annotations

from typing import Any

from wellfit.errors import RecipeError, UsageError
from wellfit.recipe import Recipe

REASONS = {
    "resample": (
        "makes training rows anew, and a callback only sees batches.",
        "Resample the rows before you call fit, and take it out of the recipe.",
    ),
    "rewrite": (
        "changes the structure of a torch network, and Keras's layers are others.",
        "Write the layer into the model (BatchNormalization, LayerNormalization), and take it out of the recipe.",
    ),
    "extend": (
        "trains tensors of its own, and Keras's optimizer holds the model's only.",
        "Train in a loop of your own with recipe.attach, or take it out.",
    ),
}
"""By stage: why ``fit`` cannot honor it, and the way out."""

FIXES = {
    "WF-A13": "Let the last layer have a unit for each class.",
    "WF-A16": "Give fit validation_data, or say RecipeCallback(recipe, monitor=...).",
    "WF-A23": "Compile the model with another optimizer.",
    "WF-A24": "Give fit data with a length, or steps_per_epoch.",
    "WF-A25": "Say where hidden values are: RecipeCallback(recipe, after=['dense*']).",
}
"""Ways out of what ``attach`` refuses, for people who write no loop."""


def check_model(model: Any) -> None:
    """Refuse a model that is not trained step by step by one plain optimizer of the torch backend.

    Raises:
        UsageError: it names what stands against it.
    """
    import keras

    optimizer = model.optimizer
    if keras.backend.backend() != "torch":
        raise _against(
            f"keras runs on {keras.backend.backend()}; recipes act on torch's tensors",
            "Set KERAS_BACKEND=torch before keras is imported.",
        )
    if type(optimizer).__name__ == "LossScaleOptimizer":
        raise _against("the losses are scaled (mixed_float16)", "Use the mixed_bfloat16 policy, or float32.")
    if model.jit_compile:
        raise _against("the model is compiled with jit_compile=True", "Leave it out: eager is the default on torch.")
    if getattr(optimizer, "gradient_accumulation_steps", None):
        raise _against("the optimizer accumulates gradients", "Leave gradient_accumulation_steps out.")
    if getattr(optimizer, "use_ema", False):
        raise _against("the optimizer averages weights itself", "Leave use_ema out, and take EMA into the recipe.")


def _against(what: str, fix: str) -> UsageError:
    return UsageError(f"{what}, under which fit would not train as the recipe says.", fix=fix, code="WF-A31")


def check_loss(model: Any, recipe: Recipe) -> None:
    """Refuse parts that read outputs as logits where the model's outputs are probabilities.

    Raises:
        RecipeError: it names the part, and the way out.
    """
    for part in recipe.active():
        if "objective" in part.stages and _crosses(model.loss) and not getattr(model.loss, "from_logits", False):
            raise RecipeError(
                f"{part.name} reads the model's outputs as logits, and its loss takes probabilities.",
                fix="Leave softmax out of the last layer, and compile(loss=CategoricalCrossentropy(from_logits=True)).",
                code="WF-A30",
            )
        if "rate" in part.stages and not _settable(model.optimizer):
            raise RecipeError(
                f"{part.name} sets the learning rate, and the optimizer has a LearningRateSchedule.",
                fix="Give the optimizer a number: learning_rate=1e-3.", code="WF-A30",
            )  # fmt: skip


def check_targets(model: Any, recipe: Recipe, weight: Any) -> None:
    """Refuse changed targets that the model's loss cannot read.

    Raises:
        RecipeError: the loss takes whole numbers, or rows have weights.
    """
    names = ", ".join(p.name for p in recipe if "batch" in p.stages)
    if "sparse" in _name(model.loss).lower():
        raise RecipeError(
            f"{names} gives shares of classes, and {_name(model.loss)} takes whole numbers.",
            fix="Give fit keras.utils.to_categorical(y), and compile(loss='categorical_crossentropy').", code="WF-A30",
        )  # fmt: skip
    if weight is not None:
        raise RecipeError(
            f"{names} changes targets, and rows have weights in this fit.",
            fix="Leave sample_weight and class_weight out, or the part.", code="WF-A30",
        )  # fmt: skip


def _name(loss: Any) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)


def _crosses(loss: Any) -> bool:
    return "crossentropy" in _name(loss).lower().replace("_", "")


def _settable(optimizer: Any) -> bool:
    """Whether the learning rate is a number that can be set, not a schedule."""
    return hasattr(optimizer._learning_rate, "assign")
