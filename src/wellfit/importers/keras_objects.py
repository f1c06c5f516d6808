"""What one Keras object is in a recipe: a regularizer, a constraint, a layer. Read by class name and configuration."""

from __future__ import annotations

from typing import Any

from wellfit.importers.from_images import image_layer
from wellfit.knobs import shortened
from wellfit.regularizer import Regularizer
from wellfit.regularizers import (
    ActivationNoise,
    ActivityPenalty,
    AlphaDropout,
    BatchNorm,
    Dropout,
    GaussianDropout,
    GroupNorm,
    LayerNorm,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    SpatialDropout,
    UnitNorm,
)
from wellfit.translator import translate

WEIGHTS, ACTIVITY = "weights", "activity"
DENSE = (2, False)
"""A kernel's axes, and whether it is an embedding's: Keras's kernels are (..., inputs, units)."""

SHIFTING = (
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomCrop", "RandomContrast", "RandomShear",
    "RandomBrightness", "RandomHeight", "RandomWidth", "RandomErasing", "RandAugment", "AugMix", "MixUp", "CutMix",
    "RandomColorJitter", "RandomSaturation", "RandomHue", "RandomGaussianBlur", "RandomElasticTransform",
)  # fmt: skip
"""Layers that change pictures at random."""


def penalty(held: Any, of: str = WEIGHTS) -> list[Regularizer] | None:
    """An L1, L2 or L1L2 of Keras, through the translator, on weights or on a layer's values; None for any other."""
    name = type(held).__name__
    if name not in ("L1", "L2", "L1L2"):
        return None
    # seven digits: Keras keeps strengths as float32
    config = {k: float(f"{float(v):.7g}") for k, v in held.get_config().items() if k in ("l1", "l2")}
    if of == ACTIVITY:
        both = sum(config.values())
        return [ActivityPenalty(both, config.get("l1", 0.0) / both)] if both else []
    return list(translate(f"keras.{name}", "wellfit", config).recipe)


def constraint(held: Any, kernel: tuple[int, bool] = DENSE) -> list[Regularizer] | None:
    """A constraint of Keras that a projection keeps: its norms have to leave one for each unit."""
    name, config = type(held).__name__, held.get_config()
    if name == "NonNeg":
        return [NonNegative()]
    by = _by(config.get("axis", 0), *kernel)
    if by is None:
        return None
    if name == "MaxNorm":
        return [MaxNorm(float(config["max_value"]), by=by)]
    if name == "UnitNorm":
        return [UnitNorm(by=by)]
    if name == "MinMaxNorm":
        return [MinMaxNorm(float(config["min_value"]), float(config["max_value"]), float(config["rate"]), by=by)]
    return None


def _by(axis: Any, axes: int, embedding: bool) -> str | None:
    """Which norms stay where these axes are summed over, in torch's order of axes; None where it has no word."""
    summed = {int(a) % axes for a in (axis if isinstance(axis, list | tuple) else [axis])}
    if embedding:  # (categories, dimensions) in both
        return {frozenset({1}): "unit", frozenset({0}): "input"}.get(frozenset(summed))
    every = set(range(axes))
    return "unit" if summed == every - {axes - 1} else "input" if summed == every - {axes - 2} else None


def layer_part(layer: Any) -> tuple[Regularizer | None, list[str]]:
    """The regularizer that a layer is, and sentences on what else regularizes in it."""
    name, lost = type(layer).__name__, []
    rate = float(getattr(layer, "rate", 0.0) or 0.0)
    if name in SHIFTING:
        return image_layer(layer)
    for inside in ("dropout", "recurrent_dropout"):
        share = getattr(layer, inside, 0.0)
        if isinstance(share, int | float) and share and not isinstance(share, bool):
            lost.append(f"{inside}={share:g} inside {name}, where no site is.")
    if name == "SpectralNormalization":
        lost.append("SpectralNormalization wraps one layer; SpectralNorm would rewrite the whole network.")
    if getattr(layer, "noise_shape", None) is not None:
        return None, [*lost, f"{name} with noise_shape={shortened(layer.noise_shape)}."]
    return _plain_layer(name, layer, rate), lost


def _plain_layer(name: str, layer: Any, rate: float) -> Regularizer | None:
    dropouts = {
        "Dropout": Dropout, "GaussianDropout": GaussianDropout, "AlphaDropout": AlphaDropout,
        "SpatialDropout1D": SpatialDropout, "SpatialDropout2D": SpatialDropout, "SpatialDropout3D": SpatialDropout,
    }  # fmt: skip
    if name in dropouts:
        return dropouts[name](p=rate) if rate else None
    if name == "GaussianNoise":
        return ActivationNoise(float(layer.stddev), place="hidden") if layer.stddev else None
    if name == "BatchNormalization":
        return BatchNorm(momentum=round(1.0 - float(layer.momentum), 12), eps=float(layer.epsilon))
    if name == "LayerNormalization":
        return LayerNorm(eps=float(layer.epsilon))
    if name == "GroupNormalization":
        return GroupNorm(groups=int(layer.groups), eps=float(layer.epsilon))
    return None


def unread(held: Any) -> str:
    try:
        told = f" with {shortened(held.get_config())}"
    except NotImplementedError:  # somebody's own class need not have it
        told = ""
    return f"{type(held).__name__}{told} is not understood."
