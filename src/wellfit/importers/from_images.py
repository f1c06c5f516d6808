"""The settings of Keras's ImageDataGenerator: each is known by name, and the recipe will hold what comes later."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from wellfit.errors import UsageError
from wellfit.importers.imported import Gathered
from wellfit.knobs import shortened

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


def from_image_settings(settings: Mapping[str, Any]) -> Gathered:
    """Read a dictionary such as ``{"rotation_range": 20, "horizontal_flip": True}``.

    Raises:
        UsageError: a name is none of ImageDataGenerator's.
    """
    gathered = Gathered()
    for name, value in settings.items():
        if name not in AUGMENTATIONS and name not in PREPARATIONS:
            near = difflib.get_close_matches(str(name), [*AUGMENTATIONS, *PREPARATIONS], 2)
            raise UsageError(
                f"ImageDataGenerator has no setting {shortened(name)}.",
                fix=f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(AUGMENTATIONS)}.",
                code="WF-A82",
            )
        if name in AUGMENTATIONS and not _off(value):
            gathered.not_understood.append(
                f"{name}={shortened(value)}: {AUGMENTATIONS[name]}; wellfit has no augmentation of pictures yet."
            )
    return gathered


def _off(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, int | float) and value == 0)
