"""Penalties beside a loss that the user writes: Keras's regularizers, the textbook's half, wellfit's own leaves."""

from __future__ import annotations

from wellfit.translator.records import Amount, Decay, Form, Setting, Tool
from wellfit.translator.shapes import Absolute, Apart, Mixed, Square

OWN_LOSS = {"reduction": ("mean", "sum"), "half_loss": ("False", "True")}
"""What has to be known of a loss that the user writes: summed over a batch? a squared error with 1/2?"""


def own_scale(setting: Setting) -> float:
    """The user's loss as a multiple of the canonical one."""
    rows = setting["batch"] if setting.word("reduction") == "sum" else 1.0
    return rows * (0.5 if setting.word("half_loss") == "True" else 1.0)


_KERAS = "keras.io, Layer weight regularizers"
_RATE = Amount(above=True)
_NONE = Amount(0.0)


def _keras(name: str, objective: str, shape: Absolute | Square | Apart, default: float) -> Tool:
    return Tool(
        name=f"keras.{name}",
        objective=f"your loss + {objective}, no 1/2",
        source=_KERAS,
        call=f"kernel_regularizer=keras.regularizers.{name}({{}})",
        numbers={parameter: Amount(default) for parameter in shape.finds},
        choices=OWN_LOSS,
        form=Form(shape, own_scale),
        as_target=("A layer's bias is free unless it has a bias_regularizer.",),
    )


_CANONICAL = Tool(
    name="canonical",
    objective="mean loss + L1 * sum(|w|) + L2 * sum(w ** 2), squared error without 1/2",
    source="the form that wellfit translates through",
    call="{}",
    numbers={"L1": _NONE, "L2": _NONE},
    form=Form(Apart("L1", "L2")),
)

_TEXTBOOK = Tool(
    name="textbook.half",
    objective="your loss + lambda / 2 * sum(w ** 2)",
    source="Goodfellow, Bengio & Courville, Deep Learning, section 7.1.1, MIT Press, 2016",
    call="{}",
    numbers={"lambda": _NONE},
    choices=OWN_LOSS,
    form=Form(Square("lambda", 0.5), own_scale),
    aliases=("textbook",),
)


def _leaf(name: str, objective: str, shape: Absolute | Square | Mixed, numbers: dict[str, Amount]) -> Tool:
    return Tool(
        name=f"wellfit.{name}",
        objective=f"mean loss + {objective}, squared error without 1/2",
        source=f"wellfit explain {name}",
        call=f"wellfit.{name}({{}})",
        numbers=numbers,
        form=Form(shape),
        as_target=_WEIGHTS_ONLY,
    )


_WEIGHTS_ONLY = ("It acts on weights of two dimensions and more; wellfit.where reaches biases.",)

_WEIGHT_DECAY = Tool(
    name="wellfit.WeightDecay",
    objective="w <- w * (1 - lr * strength), before the optimizer's update",
    source="wellfit explain WeightDecay",
    call="wellfit.WeightDecay({})",
    numbers={"strength": Amount(0.01), "lr": _RATE},
    decay=Decay("strength"),
    rate="",
    no_form="WeightDecay is decoupled: it shrinks weights beside the objective and is no term of it",
    as_target=_WEIGHTS_ONLY,
)

_RECIPE = Tool(
    name="wellfit.Recipe",
    objective="mean loss + l1 * sum(|w|) + l2 * sum(w ** 2), squared error without 1/2; decay as WeightDecay",
    source="wellfit explain L1, L2, ElasticNet, WeightDecay",
    call="wellfit.Recipe({})",
    numbers={"l1": _NONE, "l2": _NONE, "decay": _NONE, "lr": _RATE},
    form=Form(Apart("l1", "l2")),
    decay=Decay("decay"),
    as_target=_WEIGHTS_ONLY,
    aliases=("wellfit",),
)

WITH_OWN_LOSS = (
    _CANONICAL,
    _TEXTBOOK,
    _keras("L1", "l1 * sum(|w|)", Absolute("l1"), 0.01),
    _keras("L2", "l2 * sum(w ** 2)", Square("l2"), 0.01),
    _keras("L1L2", "l1 * sum(|w|) + l2 * sum(w ** 2)", Apart("l1", "l2"), 0.0),
    _leaf("L1", "strength * sum(|w|)", Absolute("strength"), {"strength": Amount(1e-4)}),
    _leaf("L2", "strength * sum(w ** 2)", Square("strength"), {"strength": Amount(1e-4)}),
    _leaf(
        "ElasticNet",
        "strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w ** 2))",
        Mixed("strength", "l1_ratio"),
        {"strength": Amount(1e-4), "l1_ratio": Amount(0.5, high=1.0)},
    ),
    _WEIGHT_DECAY,
    _RECIPE,
)
