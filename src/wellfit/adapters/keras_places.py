"""Where in a Keras model a recipe may act: behind activations, whether they are layers or belong to one."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Any

from wellfit.adapters.places import Places
from wellfit.errors import UsageError
from wellfit.sites import Site

ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU")
OUTPUT_ONLY = ("linear", "softmax", "log_softmax")
"""Activations that no hidden layer has; a network's last layer has no place behind it either way."""


def find_places(model: Any, after: Sequence[type | str] | None) -> Places:
    """The places of a model: sites are named by layers.

    Args:
        model: built, of Keras.
        after: types of layers, or patterns of their names, behind which values are hidden ones; by default behind
            activations, but not behind the layers that the model's outputs come from.

    Raises:
        UsageError: no layer answers to a rule in ``after``.
    """
    layers = [each for each in model._flatten_layers(include_self=False) if not getattr(each, "layers", None)]
    if after is None:
        last = {t._keras_history.operation.name for t in _outputs(model)}
        hidden = [each.name for each in layers if _activates(each) and each.name not in last]
    else:
        hidden = list(dict.fromkeys(name for rule in after for name in _ruled(model, layers, rule)))
    looked_up = [each.name for each in layers if type(each).__name__ == "Embedding" and each.name not in hidden]
    sites = [Site(n, "hidden", i, len(hidden)) for i, n in enumerate(hidden)]
    sites += [Site(n, "embedding", i, len(looked_up)) for i, n in enumerate(looked_up)]
    return Places(tuple(sites), (), ())


def _outputs(model: Any) -> list[Any]:
    """The symbolic outputs, of a model that has them: a subclassed one does not."""
    found = getattr(model, "outputs", None) or []
    return [t for t in found if hasattr(t, "_keras_history")]


def _activates(layer: Any) -> bool:
    activation = getattr(layer, "activation", None)
    named = getattr(activation, "__name__", "linear") if activation is not None else "linear"
    if type(layer).__name__ in ACTIVATIONS:
        return activation is None or named not in OUTPUT_ONLY
    recurrent = hasattr(layer, "cell") or hasattr(layer, "recurrent_activation")
    return named not in OUTPUT_ONLY and not recurrent


def _ruled(model: Any, layers: Sequence[Any], rule: type | str) -> list[str]:
    text = isinstance(rule, str)
    hit = [x.name for x in layers if (fnmatch.fnmatchcase(x.name, rule) if text else isinstance(x, rule))]
    if not hit:
        raise UsageError(
            f"no layer of {model.name} answers to {rule if text else rule.__name__!r} in after=.",
            fix=f"Give types of its layers, or patterns of their names: {', '.join(x.name for x in layers[:8])}.",
            code="WF-A03",
        )
    return hit
