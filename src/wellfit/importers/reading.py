"""Which importer reads a thing: found by the classes it is made of, so that no framework is imported for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.errors import UsageError
from wellfit.importers.from_images import from_image_settings
from wellfit.importers.imported import Gathered, Imported
from wellfit.knobs import shortened


def import_recipe(*things: Any, n: int | None = None, batch: int | None = None) -> Imported:
    """Read the regularization of other tools' objects as one recipe.

    Read are: Keras regularizers, layers, models and optimizers; scikit-learn estimators, pipelines and searches; torch
    modules and optimizers (both together, where parameter groups decay differently); and dictionaries of what Keras's
    ImageDataGenerator takes. Strengths are translated, see ``wellfit.translate``: the recipe's objective has the same
    minimum, beside a loss that is the mean over rows, with squared errors without 1/2.

    Args:
        things: what to read; their parts go into one recipe.
        n: training rows; estimators whose loss is a sum need it.
        batch: rows of a step, where that matters and the thing does not say it.

    Returns:
        ``Imported``: the ``recipe``, what was ``not_understood``, and ``notes``.

    Raises:
        UsageError: nothing is known of a thing, a fact is missing, or the thing itself cannot be: a penalty that its
            solver does not have, say.

    Example:
        >>> from sklearn.linear_model import Lasso
        >>> import_recipe(Lasso(alpha=0.5)).recipe
        Recipe(L1(strength=1.0, form='proximal'))
    """
    if not things:
        raise UsageError("there is nothing to import.", fix="Give a model, an optimizer, ...", code="WF-A81")
    gathered = Gathered()
    modules = [t for t in things if _is_module(t)]
    for thing in things:
        gathered.join(_read(thing, {"n": n, "batch": batch}, modules))
    return gathered.imported()


def _read(thing: Any, facts: dict[str, float | None], modules: list[Any]) -> Gathered:
    libraries = _libraries(thing)
    if isinstance(thing, Mapping):
        return from_image_settings(thing)
    if "keras" in libraries:
        from wellfit.importers.from_keras import from_keras

        return from_keras(thing)
    if "sklearn" in libraries:
        from wellfit.importers.from_sklearn import from_sklearn

        return from_sklearn(thing, facts)
    if "torch" in libraries:
        from wellfit.importers.from_torch import from_torch

        return from_torch(thing, modules)
    raise UsageError(
        f"nothing is known of how {shortened(thing)} regularizes.",
        fix="Give a Keras, scikit-learn or torch object, or a dictionary of ImageDataGenerator's settings.",
        code="WF-A81",
    )


def _is_module(thing: Any) -> bool:
    return "torch" in _libraries(thing) and "keras" not in _libraries(thing) and hasattr(thing, "named_parameters")


def _libraries(thing: Any) -> set[str]:
    return {cls.__module__.partition(".")[0] for cls in type(thing).__mro__}
