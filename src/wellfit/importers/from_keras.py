"""Keras 3: a model's regularizers, constraints and layers, its optimizer's decay and clipping, its loss."""

from __future__ import annotations

from typing import Any

from wellfit.errors import UsageError
from wellfit.importers.imported import Gathered, Placed, escaped, spread
from wellfit.importers.keras_objects import ACTIVITY, DENSE, constraint, layer_part, penalty, unread
from wellfit.regularizer import Regularizer
from wellfit.regularizers import EMA, ClipNorm, ClipValue, LabelSmoothing, WeightDecay
from wellfit.translator import TOOLS, translate
from wellfit.wrappers import where

BIASES = frozenset({"bias", "beta", "gamma"})
"""Weights that Keras keeps apart and a recipe leaves alone unless ``where`` names them."""

LAYERS_STAY = (
    "The layers themselves stay in a Keras model: attach the recipe to a network without them, or they act twice."
)
SITES = "Sites are named by Keras's layers there: dropout acts on what leaves the layer of that name."


def from_keras(thing: Any) -> Gathered:
    """Read a regularizer, a constraint, a layer, a model or an optimizer.

    Raises:
        UsageError: it is none of these.
    """
    gathered = Gathered()
    kinds = {cls.__name__ for cls in type(thing).__mro__}
    if "Optimizer" in kinds or "BaseOptimizer" in kinds:
        _optimizer(thing, gathered)
    elif "Layer" in kinds:
        _model(thing, gathered)
    elif "Regularizer" in kinds:
        _add(penalty(thing), thing, gathered)
    elif "Constraint" in kinds:
        _add(constraint(thing), thing, gathered)
    else:
        raise UsageError(
            f"nothing is known of how keras's {type(thing).__name__} regularizes.",
            fix="Give a model, a layer, a regularizer, a constraint or an optimizer.",
            code="WF-A81",
        )
    return gathered


def _add(parts: list[Regularizer] | None, thing: Any, gathered: Gathered) -> None:
    if parts is None:
        gathered.not_understood.append(unread(thing))
    else:
        gathered.add(parts, type(thing).__name__)


def _model(model: Any, gathered: Gathered) -> None:
    layers = [each for each in _leaves(model) if each is not None]
    found: list[Placed] = []
    kernels: set[str] = set()
    for layer in layers:
        kernels |= {path for n in _weights(layer) if n not in BIASES for path in _paths(layer, n)}
        found += _of_weights(layer, gathered)
        found += _of_layer(layer, layers, gathered)
    found = _freed(found, gathered)
    kinds = {type(placed.part) for placed in found}
    gathered.add(spread(found, dict.fromkeys(kinds, frozenset(kernels))), type(model).__name__)
    if getattr(model, "compiled", False):
        if model.optimizer is not None:
            _optimizer(model.optimizer, gathered)
        _loss(model.loss, gathered)


def _freed(found: list[Placed], gathered: Gathered) -> list[Placed]:
    """What acts on hidden values in one strength is freed of layers' names, which another network does not have."""
    free: list[Placed] = []
    for placed in found:
        kind = type(placed.part)
        alike = [p for p in found if type(p.part) is kind]
        if kind.site_kinds and all(p.part == placed.part for p in alike):
            places = ", ".join(name for p in alike for name in p.patterns)
            gathered.notes.append(f"{kind.__name__}: on what leaves {places} in Keras, on every hidden layer here.")
            free.append(Placed(placed.part, ()))
        else:
            gathered.notes += [SITES] if kind.site_kinds else []
            free.append(placed)
    return free


def _leaves(model: Any) -> list[Any]:
    """The layers that hold no others; a wrapper around one counts with what it wraps."""
    return [each for each in model._flatten_layers() if each is model or not getattr(each, "layers", None)]


def _weights(layer: Any) -> list[str]:
    """Names of the weights that a layer may regularize, those of embeddings among them."""
    suffix = "_regularizer"
    return [n.removesuffix(suffix) for n in vars(layer) if n.endswith(suffix) and n.removesuffix(suffix) != "activity"]


def _paths(layer: Any, weight: str) -> tuple[str, str]:
    """Patterns of a weight's path, with the model's name before it or without."""
    own = f"{escaped(layer.name)}/{weight}"
    return own, f"*/{own}"


def _of_weights(layer: Any, gathered: Gathered) -> list[Placed]:
    """Regularizers and constraints of a layer's weights."""
    found = []
    for weight in _weights(layer):
        held, bound = (getattr(layer, f"{weight}_{what}", None) for what in ("regularizer", "constraint"))
        read = penalty(held) if held is not None else []
        if read is None:
            gathered.not_understood.append(f"{layer.name}, {weight}_regularizer: {unread(held)}")
        bounds = constraint(bound, _kernel(layer, weight)) if bound is not None and weight not in BIASES else []
        if bounds is None or (bound is not None and weight in BIASES):
            gathered.not_understood.append(f"{layer.name}, {weight}_constraint: {unread(bound)}")
        found += [Placed(part, _paths(layer, weight)) for part in [*(read or []), *(bounds or [])]]
    return found


def _kernel(layer: Any, weight: str) -> tuple[int, bool]:
    """The axes of a kernel, and whether it is an embedding's; a layer without weights yet is taken for a dense one."""
    held = next((w for w in layer.weights if w.path.endswith(f"/{weight}")), None)
    return (len(held.shape) if held is not None else DENSE[0]), weight == "embeddings"


def _of_layer(layer: Any, layers: list[Any], gathered: Gathered) -> list[Placed]:
    """What a layer is, and what it does to its own values."""
    found = []
    held = getattr(layer, "activity_regularizer", None)
    if held is not None:
        parts = penalty(held, of=ACTIVITY)
        if parts is None:
            gathered.not_understood.append(f"{layer.name}, activity_regularizer: {unread(held)}")
        found += [Placed(each, (escaped(layer.name),)) for each in parts or []]
    part, lost = layer_part(layer)
    if part is not None:
        place = () if {"rewrite", "batch"} & part.stages else (escaped(_before(layer, layers)),)
        found.append(Placed(part, place))
        gathered.notes.append(LAYERS_STAY)
    gathered.not_understood += [f"{layer.name}: {sentence}" for sentence in lost]
    return found


def _before(layer: Any, layers: list[Any]) -> str:
    """The layer whose values enter this one, or this one where there is none."""
    place = layers.index(layer)
    return layers[place - 1].name if place else layer.name


def _optimizer(optimizer: Any, gathered: Gathered) -> None:
    settings, name = optimizer.get_config(), type(optimizer).__name__
    decay = settings.get("weight_decay")
    if decay:
        tool = name if f"keras.{name}" in TOOLS else "AdamW"  # every Keras optimizer decays decoupled, as AdamW
        rates = {"lr": 1.0}  # the same on both sides, so that any tells the same strength
        given = {"weight_decay": float(decay), **rates}
        found = translate(f"keras.{tool}", "wellfit.WeightDecay", given, rates).values["strength"]
        gathered.add([where(WeightDecay(float(found)), "*")], f"{name} weight_decay")
        gathered.notes.append("Keras's decay reaches biases too, and so does this: take where() away to spare them.")
    if settings.get("global_clipnorm"):
        gathered.add([ClipNorm(float(settings["global_clipnorm"]))], f"{name} global_clipnorm")
    if settings.get("clipnorm"):
        told = (
            f"{name} clipnorm={settings['clipnorm']:g}: it clips each weight's gradient by itself; ClipNorm clips all"
        )
        gathered.not_understood.append(f"{told} together (global_clipnorm).")
    if settings.get("clipvalue"):
        gathered.add([ClipValue(float(settings["clipvalue"]))], f"{name} clipvalue")
    if settings.get("use_ema"):
        gathered.add([EMA(float(settings["ema_momentum"]))], f"{name} use_ema")
        gathered.notes.append("EMA begins with a shorter average than ema_momentum and rises to it; Keras's does not.")


def _loss(loss: Any, gathered: Gathered) -> None:
    settings = loss.get_config() if hasattr(loss, "get_config") else {}
    share = settings.get("label_smoothing")
    if share:
        gathered.add([LabelSmoothing(float(share))], f"{type(loss).__name__} label_smoothing")
    if settings.get("reduction") == "sum":
        gathered.notes.append("The loss is a sum over the batch: divide the strengths by the rows of a batch.")
