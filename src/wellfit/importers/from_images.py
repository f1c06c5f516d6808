"""Augmentation of pictures in Keras's words: the settings of ImageDataGenerator, and layers such as RandomFlip."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from wellfit.errors import UsageError
from wellfit.importers.imported import Gathered
from wellfit.knobs import shortened
from wellfit.regularizer import Regularizer
from wellfit.regularizers import Brightness, Flip, Rotation, Shear, Shift, Zoom

AUGMENTATIONS = {
    "rotation_range": "rotation by up to so many degrees",
    "width_shift_range": "a shift sideways",
    "height_shift_range": "a shift up and down",
    "brightness_range": "a change of brightness",
    "shear_range": "a shear",
    "zoom_range": "a zoom",
    "channel_shift_range": "a shift of colors",
    "horizontal_flip": "a mirror image",
    "vertical_flip": "an image upside down",
    "preprocessing_function": "a function of its own",
}
"""What changes pictures at random, or may: keras.src.legacy.preprocessing.image.ImageDataGenerator."""

PREPARATIONS = (
    "featurewise_center", "samplewise_center", "featurewise_std_normalization", "samplewise_std_normalization",
    "zca_whitening", "zca_epsilon", "rescale", "data_format", "validation_split", "interpolation_order", "dtype",
    "fill_mode", "cval",
)  # fmt: skip
"""What prepares pictures, or says how holes are filled: no regularization."""

_FILLS = {"nearest": "edge", "reflect": "reflect", "constant": "constant"}
"""Keras's words for what stands beyond the borders, with ours."""


def from_image_settings(settings: Mapping[str, Any]) -> Gathered:
    """Read a dictionary such as ``{"rotation_range": 20, "horizontal_flip": True}``.

    Raises:
        UsageError: a name is none of ImageDataGenerator's.
        RecipeError: a range is out of the range of ours.
    """
    for name in settings:
        if name not in AUGMENTATIONS and name not in PREPARATIONS:
            near = difflib.get_close_matches(str(name), [*AUGMENTATIONS, *PREPARATIONS], 2)
            raise UsageError(
                f"ImageDataGenerator has no setting {shortened(name)}.",
                fix=f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(AUGMENTATIONS)}.",
                code="WF-A82",
            )
    on = {name: value for name, value in settings.items() if name in AUGMENTATIONS and not _off(value)}
    gathered, understood = Gathered(), set()
    for part, names, notes in _parts(on, _fill(settings, gathered)):
        gathered.add([part], ", ".join(names))
        gathered.notes += notes
        understood |= set(names)
    gathered.not_understood += [
        f"{name}={shortened(value)}: {AUGMENTATIONS[name]}; no augmentation of wellfit is the same."
        for name, value in on.items()
        if name not in understood
    ]
    return gathered


def _fill(settings: Mapping[str, Any], gathered: Gathered) -> str:
    """What comes in beyond the borders; Keras repeats the edge where nothing is said."""
    mode = settings.get("fill_mode", "nearest")
    other = mode not in _FILLS or (mode == "constant" and not _off(settings.get("cval", 0.0)))
    if other:
        gathered.notes.append(f"fill_mode={shortened(mode)} with this cval has no word here: the edge is repeated.")
    return "edge" if other else _FILLS[mode]


def _parts(on: Mapping[str, Any], fill: str) -> list[tuple[Regularizer, tuple[str, ...], list[str]]]:
    """The parts of some settings, each with the settings that it came from, and notes."""
    found: list[tuple[Regularizer, tuple[str, ...], list[str]]] = []
    if _number(on.get("rotation_range")):
        found.append((Rotation(float(on["rotation_range"]), fill=fill), ("rotation_range",), []))
    shifts = {n: on[n] for n in ("width_shift_range", "height_shift_range") if _number(on.get(n)) and 0 < on[n] < 1}
    if len(set(shifts.values())) == 1:  # two amounts would be two shifts, and a recipe holds one
        axis = "both" if len(shifts) == 2 else "horizontal" if "width_shift_range" in shifts else "vertical"
        found.append((Shift(float(next(iter(shifts.values()))), axis, fill=fill), tuple(shifts), []))
    if _number(on.get("shear_range")):
        # its matrix is [[1, -sin], [0, cos]] on (x, y): rows move sideways by the sine of the angle per pixel
        factor = math.sin(math.radians(float(on["shear_range"])))
        told = "shear_range also stretches the height by the cosine of its angle, which Shear does not."
        found.append((Shear(factor, fill=fill), ("shear_range",), [told]))
    share = _about_one(on.get("zoom_range"))
    if share:
        told = "zoom_range draws height and width apart, Zoom one factor for both."
        found.append((Zoom(share, fill=fill), ("zoom_range",), [told]))
    flips = tuple(n for n in ("horizontal_flip", "vertical_flip") if on.get(n) is True)
    if flips:
        axis = "both" if len(flips) == 2 else flips[0].partition("_")[0]
        found.append((Flip(0.5, axis, fill=fill), flips, []))
    share = _about_one(on.get("brightness_range")) if not _number(on.get("brightness_range")) else None
    if share:
        found.append((Brightness(share), ("brightness_range",), []))
    return found


def image_layer(layer: Any) -> tuple[Regularizer | None, list[str]]:
    """The part that a layer such as RandomFlip is, and why it is none where it is none."""
    name, config = type(layer).__name__, layer.get_config()
    fill = _FILLS.get(config.get("fill_mode", "reflect"), "")
    part = _layer_part(name, config, fill) if fill and not config.get("fill_value") else None
    return part, [] if part else [f"{name} changes pictures at random; no augmentation of wellfit is the same."]


def _layer_part(name: str, config: Mapping[str, Any], fill: str) -> Regularizer | None:
    if name == "RandomFlip":
        return Flip(0.5, {"horizontal_and_vertical": "both"}.get(config["mode"], config["mode"]), fill=fill)
    if name == "RandomRotation":
        turn = _about_zero(config["factor"])  # a share of a whole turn
        return Rotation(360.0 * turn, fill=fill) if turn else None
    if name == "RandomTranslation":
        down, right = _about_zero(config["height_factor"]), _about_zero(config["width_factor"])
        axis = "both" if down == right else "horizontal" if not down else "vertical" if not right else ""
        share = (down or right) if axis and None not in (down, right) else None
        return Shift(share, axis, fill=fill) if share else None
    if name == "RandomZoom":
        share = _about_zero(config["height_factor"]) if config.get("width_factor") is None else None
        return Zoom(share, fill=fill) if share else None
    return None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _about_one(value: Any) -> float | None:
    """The share of a range [1 - share, 1 + share], which a number stands for, too; None for any other range."""
    if _number(value):
        return float(value)
    pair = list(value) if isinstance(value, list | tuple) and len(value) == 2 else [1.0, 2.0]
    low, high = float(pair[0]), float(pair[1])
    return round(high - 1.0, 12) if math.isclose(low + high, 2.0, abs_tol=1e-9) and high > 1 else None


def _about_zero(value: Any) -> float | None:
    """The limit of a range [-limit, limit], which a number stands for, too; None for any other range."""
    if _number(value):
        return float(value)
    low, high = (float(v) for v in value)
    return high if math.isclose(low, -high, abs_tol=1e-9) else None


def _off(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, int | float) and value == 0)
